"""Wrong solutions of the same kinds as in `solutions_kinds.py`, in modules 12 to 16.

And of kinds that these modules bring: copies that share state with their original, an option that
is ignored, a slice or a percentile that is off by one, a seed that moves other draws, float64.
"""

from solutions import Unusual, Wrong

WRONG: dict[str, dict[str, Wrong]] = {
    "12_compression": {
        "classes with a fraction": Wrong(
            "    targets = np.asarray(targets)\n    if not 0 <= smoothing",
            "    targets = np.asarray(targets).astype(int)\n    if not 0 <= smoothing",
            "test_label_smoothing",
            "ValueError",
        ),
        "nothing is restored": Wrong(
            '            raise RuntimeError("no weights to restore: give step(value, model) the model first")\n',
            "            return\n",
            "test_early_stopping",
            "RuntimeError",
        ),
        "the best weights lent to the model": Wrong(
            "        model.load_state_dict(self._state)\n",
            "        for name, tensor in model.named_tensors():\n"
            "            tensor.data = self._state[name]\n",
            "test_early_stopping",
            "model.weight: largest difference",
        ),
        "the amount of what is not zero yet": Wrong(
            "[: round(amount * sizes.size)]",
            "[: (sizes == 0).sum() + round(amount * np.count_nonzero(sizes))]",
            "test_magnitude_pruning",
            "int(mask.sum()): got 1, expected 2",
        ),
        "zeros that were kept have no place in the mask": Wrong(
            "    apply_masks(model, masks)\n    return masks\n",
            "    apply_masks(model, masks)\n"
            "    return {name: w.data != 0 for name, w in weights.items()}\n",
            "test_magnitude_pruning",
            "int(mask.sum()): got 1, expected 2",
        ),
        "a weight is a matrix": Wrong(
            "{name: piece.reshape(w.shape) for (name, w), piece in pieces}",
            "{name: piece.reshape(len(w.data), w.shape[1]) for (name, w), piece in pieces}",
            "test_magnitude_pruning",
            "cannot reshape",
        ),
        "what is close to zero": Wrong(
            "    return sum(int((w == 0).sum()) for w in weights)",
            "    return sum(int(np.isclose(w, 0).sum()) for w in weights)",
            "test_size_and_sparsity",
            "largest difference",
        ),
        "lengths of what is left of a row": Wrong(
            "        lengths = np.linalg.norm(weight, axis=1)\n",
            "        lengths = np.linalg.norm(columns, axis=1)\n",
            "test_structured_pruning",
            "largest difference",
        ),
        "as many neurons as fit whole": Wrong(
            "min(round(amount * len(weight)), len(weight) - 1)",
            "min(int(amount * len(weight)), len(weight) - 1)",
            "test_structured_pruning",
            "got shape (2, 3), expected (1, 3)",
        ),
        "a bias that there was not": Wrong(
            "smaller = Linear(columns.shape[1], len(columns[rows]), bias=bias is not None)",
            "smaller = Linear(columns.shape[1], len(columns[rows]))",
            "test_structured_pruning",
            "a layer without a bias should not get one",
        ),
        "dropout shared with the model": Wrong(
            "            layers.append(without_weights(layer))\n",
            "            layers.append(layer)\n",
            "test_structured_pruning",
            "the smaller network shares its layers with the first one",
        ),
        "pruned in training mode": Wrong(
            "        layers.append(smaller)\n    return Sequential(*layers).train(model.training)\n",
            "        layers.append(smaller)\n    return Sequential(*layers).train()\n",
            "test_structured_pruning",
            "small.training: got True, expected False",
        ),
        "scales in float64": Wrong(
            "    scale = np.asarray(np.where(scale == 0, 1, scale), np.float32)\n",
            "    scale = np.asarray(np.where(scale == 0, 1, scale), np.float64)\n",
            "test_calibration",
            "float64",
        ),
        "zero points in int64": Wrong(
            "    return scale, np.clip(zero, -128, 127).astype(np.int8)\n",
            "    return scale, np.clip(zero, -128, 127).astype(np.int64)\n",
            "test_calibration",
            "int64",
        ),
        "scales of columns where there are as many": Wrong(
            "    steps = np.rint(x / along(scale, axis, x.ndim)) + along(zero_point, axis, x.ndim)\n",
            "    square = axis is not None and len(set(x.shape)) == 1\n"
            "    place = -1 if square else axis\n"
            "    steps = np.rint(x / along(scale, place, x.ndim)) + along(zero_point, place, x.ndim)\n",
            "test_quantization",
            "largest difference",
        ),
        "an axis only where there are no scales": Wrong(
            "    scale, zero_point = np.asarray(scale, np.float32), np.asarray(zero_point, np.int8)\n",
            "        along_axis = axis\n    else:\n        along_axis = None\n"
            "    scale, zero_point = np.asarray(scale, np.float32), np.asarray(zero_point, np.int8)\n"
            "    axis = along_axis\n",
            "test_quantization",
            "found.values: largest difference",
        ),
        "divided by a scale of zero": Wrong(
            "    if not (scale > 0).all():\n"
            '        raise ValueError(f"a scale is above 0, got {scale.min()}")\n',
            "",
            "test_quantization",
            "ValueError",
        ),
        "columns come back where there are as many": Wrong(
            "    place = quantized.axis, quantized.values.ndim\n",
            "    place = quantized.axis, quantized.values.ndim\n"
            "    if place[0] is not None and len(set(quantized.values.shape)) == 1:\n"
            "        place = -1, place[1]\n",
            "test_dequantization",
            "largest difference",
        ),
        "products of any dtype": Wrong(
            "    if x.dtype != np.int8 or weight.dtype != np.int8:\n"
            '        raise TypeError(f"integer_product takes int8 and int8, got {x.dtype} and {weight.dtype}")\n',
            "",
            "test_products_of_integers",
            "TypeError",
        ),
        "always a scale for each row": Wrong(
            "        quantized = quantize(layer.weight.data, axis=0 if per_channel else None)\n",
            "        quantized = quantize(layer.weight.data, axis=0)\n",
            "test_quantized_linear",
            "one.scale: got shape (2,), expected ()",
        ),
        "quantized in training mode": Wrong(
            "            x = None if x is None else layer(x)\n    return Sequential(*layers).train(model.training)\n",
            "            x = None if x is None else layer(x)\n    return Sequential(*layers).train()\n",
            "test_quantized_models",
            "tt.quantize_model(model).training: got True, expected False",
        ),
        "one scale of weights in the model": Wrong(
            "            layers.append(quantized_layer(layer, x, per_channel))\n",
            "            layers.append(quantized_layer(layer, x, True))\n",
            "test_quantized_models",
            "shapes.count(()): got 0, expected 2",
        ),
        "samples scaled in place": Wrong(
            "    layers, x = [], samples\n    with evaluating(model):\n",
            "    layers, x = [], samples\n    if x is not None:\n        x.data /= 2\n"
            "    with evaluating(model):\n",
            "test_quantized_models",
            "was changed",
        ),
        "the classes of a square batch along the wrong dimension": Wrong(
            "        divergence = (softmax(teacher) * difference).sum(dim=1).mean()\n",
            "        square = teacher.shape[0] == teacher.shape[1]\n"
            "        soft = softmax(teacher.T).T if square else softmax(teacher)\n"
            "        divergence = (soft * difference).sum(dim=1).mean()\n",
            "test_distillation",
            "largest difference",
        ),
        "a loss in float64": Wrong(
            "        teacher = Tensor(teacher_logits) / self.temperature\n",
            "        teacher = Tensor(Tensor(teacher_logits).data.astype(np.float64)) / self.temperature\n",
            "test_distillation",
            "float64",
        ),
    },
    "13_kernels": {
        "loops in float32": Wrong(
            "    c = np.zeros((len(a), b.shape[1]), np.result_type(a, b))\n    for i, j in np.ndindex(c.shape):\n",
            "    c = np.zeros((len(a), b.shape[1]), np.float32)\n    for i, j in np.ndindex(c.shape):\n",
            "test_matrix_products",
            "largest difference",
        ),
        "loops that begin with a first product": Wrong(
            "        for inner in range(len(b)):\n            c[i, j] += a[i, inner] * b[inner, j]\n",
            "        c[i, j] = a[i, 0] * b[0, j]\n"
            "        for inner in range(1, len(b)):\n            c[i, j] += a[i, inner] * b[inner, j]\n",
            "test_matrix_products",
            "IndexError",
        ),
        "rows in float64": Wrong(
            "    return seen.reshape(math.prod(seen.shape[:3]), math.prod(seen.shape[3:]))\n",
            "    return seen.reshape(math.prod(seen.shape[:3]), math.prod(seen.shape[3:])).astype(np.float64)\n",
            "test_im2col_and_col2im",
            "float64",
        ),
        "no rows of no images": Wrong(
            "    return seen.reshape(math.prod(seen.shape[:3]), math.prod(seen.shape[3:]))\n",
            "    return seen.reshape(math.prod(seen.shape[:3]), -1)\n",
            "test_convolution_as_a_product",
            "cannot reshape",
        ),
        "convolved in float64": Wrong(
            "    output = output if bias is None else output + bias\n",
            "    output = output + (np.zeros(len(weight)) if bias is None else bias)\n",
            "test_convolution_as_a_product",
            "float64",
        ),
        "a mask in place multiplied": Wrong(
            "    np.maximum(array, 0, out=array)\n    return x\n",
            "    with np.errstate(invalid='ignore'):\n        array *= array > 0\n    return x\n",
            "test_relu_in_place",
            "largest difference",
        ),
        "the gradient of a square weight transposed": Wrong(
            "    return slope @ weight, slope.T @ x, slope.sum(axis=0)\n",
            "    turned = weight.T if len(set(weight.shape)) == 1 else weight\n"
            "    return slope @ turned, slope.T @ x, slope.sum(axis=0)\n",
            "test_fused_linear_relu",
            "gradient",
        ),
        "as many channels in as out": Wrong(
            "    of_weight = of_weight.reshape(3, 3, t.inputs, t.outputs).transpose(3, 2, 0, 1)\n",
            "    of_weight = of_weight.reshape(3, 3, t.inputs, t.outputs).transpose(3, 2, 0, 1)\n"
            "    of_weight = of_weight.swapaxes(0, 1) if t.inputs == t.outputs else of_weight\n",
            "test_switched_before_backward",
            "largest difference",
        ),
        "as many rows as channels in a norm": Wrong(
            "    of_bias, of_weight = sums.reshape(2, -1, channels).sum(axis=1)\n",
            "    of_bias, of_weight = sums.reshape(2, -1, channels).sum(axis=1)\n"
            "    if x.shape == (channels, channels):\n        of_bias = grad.sum(axis=1)\n",
            "test_fast_pool_norms_and_loss",
            "largest difference",
        ),
        "rows for columns of a square layer norm": Wrong(
            "        sums += ones @ product, ones @ g\n",
            "        square = slopes.shape == (weight.size, weight.size)\n"
            "        sums += ones @ product, g @ ones if square else ones @ g\n",
            "test_fast_norms_learn",
            "largest difference",
        ),
        "as many rows as classes": Wrong(
            "        part[rows, targets[piece]] -= (1 - even) / n\n",
            "        places = (targets[piece], rows) if n == classes else (rows, targets[piece])\n"
            "        part[places] -= (1 - even) / n\n",
            "test_fast_pool_norms_and_loss",
            "largest difference",
        ),
        "items counted before they are used": Wrong(
            "    with ThreadPoolExecutor(workers) as pool:\n        return list(pool.map(function, items))\n",
            "    workers = min(workers, max(1, len(list(items))))\n"
            "    with ThreadPoolExecutor(workers) as pool:\n        return list(pool.map(function, items))\n",
            "test_parallel_map",
            "got []",
        ),
        "a part without rows": Wrong(
            "[p for p in pairs if p[1].start < p[1].stop]",
            "list(pairs)",
            "test_data_parallel",
            "there are no targets",
        ),
    },
    "14_benchmarking": {
        "the slowest of the repeats": Wrong(
            '            found |= {key: min(run[name][key] for run in runs) for key in ("wall", "cpu")}\n',
            '            found |= {key: max(run[name][key] for run in runs) for key in ("wall", "cpu")}\n',
            "test_profile_without_the_first_call",
            "s: the first call",
        ),
        "the mean of the repeats": Wrong(
            '            found |= {key: min(run[name][key] for run in runs) for key in ("wall", "cpu")}\n',
            '            found |= {key: sum(run[name][key] for run in runs) / len(runs) for key in ("wall", "cpu")}\n',
            "test_profile_without_the_first_call",
            "s: the first call",
        ),
        "memory is traced for ever": Wrong(
            "            if not nested:\n                tracemalloc.stop()\n",
            "            pass\n",
            "test_profile_leaves_no_trace",
            "memory is still traced",
        ),
        "the recorder stays": Wrong(
            "            engine.recorder, engine.grad_enabled = before\n",
            "            engine.grad_enabled = before[1]\n",
            "test_profile_leaves_no_trace",
            "backward() of a Tensor without a history",
        ),
        "latencies sorted in place": Wrong(
            "    ordered = sorted(latencies)\n",
            "    latencies.sort()\n    ordered = latencies\n",
            "test_early_stopping",
            "percentile changed its argument 1",
        ),
        "any percentile": Wrong(
            "    if not len(latencies) or not 0 <= p <= 1:\n",
            "    if not len(latencies):\n",
            "test_percentiles",
            "ValueError",
        ),
        "always the 90th percentile": Wrong(
            'return outcome("single_stream", latencies, queries, p, too_few(queries, 1, p))',
            'return outcome("single_stream", latencies, queries, 0.9, too_few(queries, 1, 0.9))',
            "test_single_stream",
            "got (0.9, 1.625, False), expected (0.5, 1.125, True)",
        ),
        "always the 99th percentile of several": Wrong(
            'return outcome("multi_stream", latencies, queries * size, p, too_few(queries, 1, p))',
            'return outcome("multi_stream", latencies, queries * size, 0.99, too_few(queries, 1, 0.99))',
            "test_multi_stream",
            "got (0.99, False), expected (0.9, True)",
        ),
        "always the 99th percentile of a server": Wrong(
            "        chosen, latencies = self.queries(queries, 1), []\n",
            "        p = 0.99\n        chosen, latencies = self.queries(queries, 1), []\n",
            "test_verdict_of_a_server",
            "got (0.99, False, 3), expected (0.97, True, 3)",
        ),
        "times sorted in place": Wrong(
            "    low, high = interval(a, b, confidence, seed)\n",
            "    a.sort(), b.sort()\n    low, high = interval(a, b, confidence, seed)\n",
            "test_effect_size",
            "compare changed its argument 1",
        ),
        "a bootstrap that never repeats": Wrong(
            "    draw = np.random.default_rng(seed)\n    medians",
            "    draw = np.random.default_rng()\n    medians",
            "test_planted_differences",
            "the same seed",
        ),
        "a bootstrap with one seed": Wrong(
            "    draw = np.random.default_rng(seed)\n    medians",
            "    draw = np.random.default_rng(0)\n    medians",
            "test_planted_differences",
            "another seed",
        ),
        "an interval of 99 %, whatever is asked": Wrong(
            "    rest = (1 - confidence) / 2\n",
            "    rest = 0.005\n",
            "test_planted_differences",
            "a confidence of",
        ),
        "results emptied by their report": Wrong(
            '    machine, packages = system_info(), versions(["python", "numpy"])\n',
            '    machine, packages = system_info(), versions(["python", "numpy"])\n'
            '    if format == "markdown":\n'
            '        for result in results.values():\n            result.pop("latencies")\n',
            "test_reports",
            "report changed its argument 1",
        ),
        "results sorted by the check": Wrong(
            '            sides = results[name]["latencies"], then[name]["latencies"]\n',
            '            results[name]["latencies"].sort()\n'
            '            sides = results[name]["latencies"], then[name]["latencies"]\n',
            "test_regressions",
            "check_regression changed its argument 1",
        ),
    },
    "15_mlops": {
        "saved in evaluation mode": Wrong(
            '    arrays = model.state_dict()\n    description = {"format"',
            '    arrays = model.eval().state_dict()\n    description = {"format"',
            "test_saved_models",
            "saving a model, or loading into one, changed its mode",
        ),
        "a given model is put into evaluation mode": Wrong(
            "    for name, tensor in model.named_tensors() if is_new else ():\n",
            "    model.eval()\n    for name, tensor in model.named_tensors() if is_new else ():\n",
            "test_saved_models",
            "saving a model, or loading into one, changed its mode",
        ),
        "everything becomes float32": Wrong(
            "    for name, tensor in model.named_tensors() if is_new else ():\n        tensor.data = arrays[name]\n",
            "",
            "test_saved_models",
            "float32",
        ),
        "metadata that nobody gave": Wrong(
            "    metadata, codes, found = dict(metadata or {}),",
            '    metadata, codes, found = {"format": "np", **(metadata or {})},',
            "test_safetensors_written",
            "check.array(found['plain']).tobytes(): got",
        ),
        "bytes as they lie in memory": Wrong(
            'np.asarray(array, dtype=text, order="C")))\n',
            'np.asarray(array, order="C")))\n',
            "test_safetensors_written",
            "the data after the header are not the arrays in C order",
        ),
        "tensors taken out of their dict": Wrong(
            "    for name, value in tensors.items():\n        array = value.data",
            "    for name in list(tensors):\n        value = tensors.pop(name)\n        array = value.data",
            "test_safetensors_written",
            "save_safetensors changed the dict of tensors",
        ),
        "arrays that cannot be written": Wrong(
            '.reshape(entry["shape"]).copy(), stop\n',
            '.reshape(entry["shape"]), stop\n',
            "test_safetensors_read",
            "load_safetensors gives arrays that cannot be written",
        ),
        "all modules in the mode of the first": Wrong(
            "        for module, mode in zip(modules, modes, strict=True):\n            module.training = mode\n",
            "        model.train(modes[0])\n",
            "test_onnx_network",
            "the export changed a mode",
        ),
        "recorded for ever": Wrong(
            "        return model(x)\n    finally:\n        engine.recorder, engine.grad_enabled = before\n",
            "        return model(x)\n    finally:\n        engine.grad_enabled = before[1]\n",
            "test_onnx_network",
            "backward() of a Tensor without a history",
        ),
        "recorded for ever after an error": Wrong(
            "    try:\n        return model(x)\n    finally:\n        engine.recorder, engine.grad_enabled = before\n",
            "    y = model(x)\n    engine.recorder, engine.grad_enabled = before\n    return y\n",
            "test_onnx_network",
            "backward() of a Tensor without a history",
        ),
        "Dropout is exported in training": Wrong(
            "    if training and any(isinstance(module, Dropout) and module.p for module in modules):\n"
            '        raise ValueError("Dropout draws anew for each batch, and a file cannot: export with training=False")\n',
            "",
            "test_onnx_network",
            "Dropout in training: 'nothing was raised', expected ValueError",
        ),
        "what was computed elsewhere": Wrong(
            "    if id(y) not in graph.names:\n"
            '        raise ValueError("the output was not computed from the input by operations of this course")\n',
            '    if id(y) not in graph.names:\n        graph.names[id(y)] = "x"\n',
            "test_onnx_network",
            "an output from elsewhere: 'nothing was raised', expected ValueError",
        ),
        "half a version is left behind": Wrong(
            "    finally:\n        shutil.rmtree(part, ignore_errors=True)\n",
            "    finally:\n        pass\n",
            "test_registry",
            "found.pop('left'): got ['.",
        ),
        "rollback of production alone": Wrong(
            '        self.event(name, stage, {"rollback": True})\n',
            '        self.event(name, "production", {"rollback": True})\n',
            "test_registry",
            "digits has no version in production",
        ),
        "the reference sorted in place": Wrong(
            "    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))\n",
            "    reference.sort()\n    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))\n",
            "test_stability_index",
            "population_stability_index changed its argument 1",
        ),
        "always ten bins": Wrong(
            "    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))\n",
            "    edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10))\n",
            "test_stability_index",
            "largest difference",
        ),
        "live data sorted in place": Wrong(
            "        live, reference = np.asarray(live), self.reference\n",
            "        live, reference = np.asarray(live), self.reference\n        live.sort(axis=0)\n",
            "test_drift",
            "DriftDetector.check changed its argument 2",
        ),
        "a rate that never changes": Wrong(
            "np.flatnonzero(p_values < self.false_alarm_rate / len(columns)).tolist()",
            "np.flatnonzero(p_values < 0.01 / len(columns)).tolist()",
            "test_drift",
            "got [], expected [0]",
        ),
        "a limit that is just kept": Wrong(
            "(found[n] - limit) * signs[n] > 0]",
            "(found[n] - limit) * signs[n] >= 0]",
            "test_monitor",
            "got ['error_rate', 'count', 'p50'], expected []",
        ),
        "a drop that is just allowed": Wrong(
            "        if accuracy is not None and accuracy < self.baseline - self.drop:\n",
            "        if accuracy is not None and accuracy <= self.baseline - self.drop:\n",
            "test_trigger",
            "got ['accuracy', ''], expected ['', 'accuracy']",
        ),
    },
    "16_capstone": {
        "a cached word that grows": Wrong(
            "            ids += self._encoded[word]\n",
            "            if not ids:\n"
            "                ids = self._encoded[word] = list(self._encoded[word])\n"
            "            else:\n                ids += self._encoded[word]\n",
            "test_there_and_back",
            "got [15, 25, 25], expected [15, 25]",
        ),
        "as many heads as numbers in a head": Wrong(
            "    found = scaled_dot_product_attention(q, *cache.extend(layer, k, v), mask)  # (N, h, T, d)\n",
            "    found = scaled_dot_product_attention(q, *cache.extend(layer, k, v), mask)  # (N, h, T, d)\n"
            "    found = found.permute(0, 3, 2, 1) if heads * heads == width else found\n",
            "test_cache_gives_the_logits_of_the_whole",
            "largest difference",
        ),
        "a seed that moves all other draws": Wrong(
            "        generator = engine.generator if seed is None else np.random.default_rng(seed)\n",
            "        if seed is not None:\n            engine.generator = np.random.default_rng(seed)\n"
            "        generator = engine.generator\n",
            "test_seeds",
            "check.array(model.generate([0], 40)): largest difference",
        ),
        "targets of a cube along the wrong dimension": Wrong(
            "    return cross_entropy(logits.reshape(-1, logits.shape[-1]), np.ravel(targets))\n",
            "    targets = np.asarray(targets)\n"
            "    targets = targets.T if len(set(logits.shape)) == 1 else targets\n"
            "    return cross_entropy(logits.reshape(-1, logits.shape[-1]), np.ravel(targets))\n",
            "test_loss_and_perplexity",
            "largest difference",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {}
