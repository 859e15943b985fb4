"""Module 12: wrong solutions that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

DROPPED = "        return x * Tensor(kept / np.asarray(1 - self.p, dtype))\n"
SORTED = 'kept[np.argsort(sizes, kind="stable")[: round(amount * sizes.size)]] = False'
LENGTHS = "        lengths = np.linalg.norm(weight, axis=1)\n"
DIMS = "dims = tuple(d for d in range(x.ndim) if axis is None or d != axis % x.ndim)"
STEPS = "    steps = np.rint(x / along(scale, axis, x.ndim)) + along(zero_point, axis, x.ndim)\n"
CLIPPED = (
    "    return Quantized(np.clip(steps, -128, 127).astype(np.int8), scale, zero_point, axis)\n"
)
TOTAL = (
    "    total = np.zeros((len(x), len(weight)), np.int32)\n"
    "    for start in range(0, x.shape[1], EXACT):\n"
    "        piece = np.s_[:, start : start + EXACT]\n"
    "        total += (x[piece].astype(np.float32) @ weight[piece].astype(np.float32).T)"
    ".astype(np.int32)\n"
    "    return total\n"
)
OUTPUT = (
    "        output = integer_product(values, self.weight.data).astype(np.float32)\n"
    "        output *= scale * self.scale.data\n"
)
DIVERGENCE = "        divergence = (softmax(teacher) * difference).sum(dim=1).mean()\n"
BETTER = "        better = float(value) < self.best - self.min_delta\n"

WRONG: dict[str, dict[str, Wrong]] = {
    "12_compression": {
        "dropout active in evaluation": Wrong(
            "        if not self.training or self.p == 0:\n",
            "        if self.p == 0:\n",
            "test_dropout_in_evaluation",
            "model(x): largest difference",
        ),
        "dropout not rescaled": Wrong(
            DROPPED,
            "        return x * Tensor(kept.astype(dtype))\n",
            "test_dropout_in_training",
            "found: largest difference",
        ),
        "dropout rescaled by p": Wrong(
            DROPPED,
            "        return x * Tensor(kept / np.asarray(self.p, dtype))\n",
            "test_dropout_in_training",
            "found: largest difference",
        ),
        "p is what is kept": Wrong(
            ">= self.p\n",
            "< self.p\n",
            "test_dropout_in_training",
            "of the numbers, expected 10%",
        ),
        "one draw for a row": Wrong(
            "kept = engine.generator.random(x.shape, np.float32)",
            "kept = engine.generator.random((*x.shape[:-1], 1), np.float32)",
            "test_dropout_in_training",
            "whole rows were dropped",
        ),
        "one mask for ever": Wrong(
            "        kept = engine.generator.random(x.shape, np.float32) >= self.p\n",
            "        kept = np.random.default_rng(0).random(x.shape, np.float32) >= self.p\n",
            "test_dropout_in_training",
            "the same numbers were dropped in two calls",
        ),
        "a generator of its own": Wrong(
            "kept = engine.generator.random(x.shape, np.float32)",
            "kept = np.random.default_rng().random(x.shape, np.float32)",
            "test_dropout_repeats_and_walks_back",
            "masks[1]: got",
        ),
        "gradients are cut": Wrong(
            DROPPED,
            "        return Tensor(x.data * (kept / np.asarray(1 - self.p, dtype)))\n",
            "test_dropout_repeats_and_walks_back",
            "",
        ),
        "biases are penalised": Wrong(
            "[parameter for parameter in model.parameters() if parameter.ndim > 1]",
            "model.parameters()",
            "test_penalties",
            "found: largest difference",
        ),
        "half the squares": Wrong(
            "        return (weight * weight).sum()\n",
            "        return (weight * weight).sum() / 2\n",
            "test_penalties",
            "found: largest difference",
        ),
        "the root of the squares": Wrong(
            "        return (weight * weight).sum()\n",
            "        return (weight * weight).sum().sqrt()\n",
            "test_penalties",
            "found: largest difference",
        ),
        "means, not sums": Wrong(
            "        return weight.abs().sum()\n",
            "        return weight.abs().mean()\n",
            "test_penalties",
            "found: largest difference",
        ),
        "smoothed over the other classes": Wrong(
            "    wanted[np.arange(len(targets)), targets] += 1 - smoothing\n",
            "    wanted[np.arange(len(targets)), targets] = 1 - smoothing\n",
            "test_label_smoothing",
            "found: largest difference",
        ),
        "stops one too late": Wrong(
            "        return self.waited >= self.patience\n",
            "        return self.waited > self.patience\n",
            "test_early_stopping",
            "said: got",
        ),
        "the count is never set back": Wrong(
            "        self.waited = 0 if better else self.waited + 1\n",
            "        self.waited += not better\n",
            "test_early_stopping",
            "said: got",
        ),
        "an equal value is better": Wrong(
            BETTER,
            "        better = float(value) <= self.best - self.min_delta\n",
            "test_early_stopping",
            "said: got",
        ),
        "nan is the best": Wrong(
            BETTER,
            "        better = not float(value) >= self.best - self.min_delta\n",
            "test_early_stopping",
            "said: got",
        ),
        "the last weights instead of the best": Wrong(
            "            self._state = None if model is None else model.state_dict()\n",
            "        self._state = None if model is None else model.state_dict()\n",
            "test_early_stopping",
            "model.weight: largest difference",
        ),
        "pruning by sign": Wrong(
            "[np.abs(w.data, dtype=np.float32).ravel() for w in weights.values()]",
            "[w.data.ravel() for w in weights.values()]",
            "test_magnitude_pruning",
            "layer.weight: largest difference",
        ),
        "the largest are pruned": Wrong(
            SORTED,
            'kept[np.argsort(-sizes, kind="stable")[: round(amount * sizes.size)]] = False',
            "test_magnitude_pruning",
            "layer.weight: largest difference",
        ),
        "each layer for itself": Wrong(
            "    " + SORTED + "\n",
            "    start = 0\n"
            "    for w in weights.values():\n"
            "        order = np.argsort(sizes[start : start + w.size])\n"
            "        kept[start + order[: round(amount * w.size)]] = False\n"
            "        start += w.size\n",
            "test_magnitude_pruning",
            "layer.weight: largest difference",
        ),
        "a threshold takes all that are equal": Wrong(
            "    " + SORTED + "\n",
            "    kept = sizes > np.sort(sizes)[max(round(amount * sizes.size) - 1, 0)]\n"
            "    kept |= amount == 0\n",
            "test_magnitude_pruning",
            "int((check.array(even.weight) == 0).sum()): got 20, expected 6",
        ),
        "biases are pruned": Wrong(
            "    found = [(name, t) for name, t in model.named_tensors() if t.ndim > 1]\n",
            "    found = list(model.named_tensors())\n",
            "test_magnitude_pruning",
            "",
        ),
        "masks but no zeros": Wrong(
            "    apply_masks(model, masks)\n    return masks\n",
            "    return masks\n",
            "test_magnitude_pruning",
            "layer.weight: largest difference",
        ),
        "pruned weights learn again": Wrong(
            "        self.optimizer.step()\n        apply_masks(self.model, self.masks)\n",
            "        apply_masks(self.model, self.masks)\n        self.optimizer.step()\n",
            "test_pruned_weights_stay_zero",
            "int((after[~kept] != 0).sum()): got",
        ),
        "the optimizer does nothing": Wrong(
            "        self.optimizer.step()\n        apply_masks(self.model, self.masks)\n",
            "        apply_masks(self.model, self.masks)\n",
            "test_pruned_weights_stay_zero",
            "the weights that were kept should go on learning",
        ),
        "zeros cost nothing": Wrong(
            "        return sum(array.nbytes for array in arrays)\n",
            "        return sum(np.count_nonzero(a) * a.itemsize for a in arrays)\n",
            "test_size_and_sparsity",
            "got 12, expected 48",
        ),
        "four bytes for every number": Wrong(
            "        return sum(array.nbytes for array in arrays)\n",
            "        return sum(4 * array.size for array in arrays)\n",
            "test_quantized_linear",
            "int(tt.model_size(layer)): got",
        ),
        "parameters alone have a size": Wrong(
            "    arrays = [tensor.data for _, tensor in model.named_tensors()]\n",
            "    arrays = [parameter.data for parameter in model.parameters()]\n",
            "test_size_and_sparsity",
            "expected 88",
        ),
        "the share of what is not zero": Wrong(
            "    return sum(int((w == 0).sum())",
            "    return sum(int((w != 0).sum())",
            "test_magnitude_pruning",
            "tt.sparsity(model): largest difference",
        ),
        "neurons by the sum of their weights": Wrong(
            LENGTHS,
            "        lengths = weight.sum(axis=1)\n",
            "test_structured_pruning",
            "small(x): largest difference",
        ),
        "neurons by columns": Wrong(
            LENGTHS,
            "        lengths = np.resize(np.linalg.norm(weight, axis=0), len(weight))\n",
            "test_structured_pruning",
            "small(x): largest difference",
        ),
        "columns that do not follow": Wrong(
            "weight if places is None else weight[:, places]",
            "weight if places is None else weight[:, : len(places)]",
            "test_structured_pruning",
            "small(x): largest difference",
        ),
        "biases that do not follow": Wrong(
            "            smaller.bias.data = bias[rows].copy()\n",
            "            smaller.bias.data = bias[: len(smaller.weight)].copy()\n",
            "test_structured_pruning",
            "small(x): largest difference",
        ),
        "answers are pruned": Wrong(
            "        places = None if layer is last else ",
            "        places = ",
            "test_structured_pruning",
            "",
        ),
        "zeros instead of fewer neurons": Wrong(
            "        rows = slice(None) if places is None else places\n",
            "        keep = places\n"
            "        places, rows = None, slice(None)\n"
            "        if keep is not None:\n"
            "            columns = columns * np.isin(np.arange(len(weight)), keep)[:, None]\n",
            "test_structured_pruning",
            "expected [(4, 7), (3, 4), (4, 3)]",
        ),
        "no neuron is left": Wrong(
            "min(round(amount * len(weight)), len(weight) - 1)",
            "round(amount * len(weight))",
            "test_structured_pruning",
            "",
        ),
        "scale of the wrong axis": Wrong(
            DIMS,
            "dims = tuple(d for d in range(x.ndim) if axis is None or d == axis % x.ndim)",
            "test_calibration",
            "",
        ),
        "one scale although there is an axis": Wrong(
            DIMS,
            "dims = tuple(range(x.ndim))",
            "test_calibration",
            "scale: got shape (), expected (4,)",
        ),
        "127 steps up to the lowest": Wrong(
            "np.maximum(-low, high) / 127 if symmetric",
            "high / 127 if symmetric",
            "test_calibration",
            "scale: largest difference",
        ),
        "a range without 0": Wrong(
            "    low, high = np.minimum(x.min(axis=dims), 0), np.maximum(x.max(axis=dims), 0)\n",
            "    low, high = x.min(axis=dims), x.max(axis=dims)\n",
            "test_calibration",
            "scale: largest difference",
        ),
        "256 steps": Wrong(
            "if symmetric else (high - low) / 255",
            "if symmetric else (high - low) / 256",
            "test_calibration",
            "scale: largest difference",
        ),
        "zero point before rounding": Wrong(
            STEPS,
            "    steps = np.rint(x / along(scale, axis, x.ndim) + along(zero_point, axis, x.ndim))\n",
            "test_quantization",
            "",
        ),
        "half away from zero": Wrong(
            STEPS,
            "    steps = x / along(scale, axis, x.ndim)\n"
            "    steps = np.trunc(steps + np.copysign(0.5, steps)) + along(zero_point, axis, x.ndim)\n",
            "test_quantization",
            "",
        ),
        "cut off instead of rounded": Wrong(
            STEPS,
            "    steps = np.trunc(x / along(scale, axis, x.ndim)) + along(zero_point, axis, x.ndim)\n",
            "test_quantization",
            "found.values: largest difference",
        ),
        "cast before it is clipped": Wrong(
            CLIPPED,
            "    return Quantized(steps.astype(np.int64).astype(np.int8), scale, zero_point, axis)\n",
            "test_quantization",
            "",
        ),
        "the zero point is forgotten": Wrong(
            STEPS,
            "    steps = np.rint(x / along(scale, axis, x.ndim))\n",
            "test_quantization",
            "",
        ),
        "dequantized in int8": Wrong(
            "    steps = quantized.values.astype(np.float32) - along(quantized.zero_point, *place)\n",
            "    steps = quantized.values - along(quantized.zero_point, *place)\n",
            "test_dequantization",
            "",
        ),
        "products in int8": Wrong(
            TOTAL,
            "    return (x @ weight.T).astype(np.int32)\n",
            "test_products_of_integers",
            "check.array(found).astype(np.int64): largest difference",
        ),
        "sums in int16": Wrong(
            TOTAL,
            "    return np.matmul(x, weight.T, dtype=np.int16).astype(np.int32)\n",
            "test_products_of_integers",
            "check.array(found).astype(np.int64): largest difference",
        ),
        "sums in float32": Wrong(
            TOTAL,
            "    return (x.astype(np.float32) @ weight.astype(np.float32).T).astype(np.int32)\n",
            "test_products_of_integers",
            "check.array(found).astype(np.int64): largest difference",
        ),
        "multiplied as floats": Wrong(
            OUTPUT,
            "        inputs = values.astype(np.float32) * scale\n"
            "        weights = self.weight.data * self.scale.data.reshape(-1, 1)\n"
            "        output = (inputs @ weights.T).astype(np.float32)\n",
            "test_quantized_linear",
            "largest difference",
        ),
        "inputs are not quantized": Wrong(
            OUTPUT,
            "        output = rows @ (self.weight.data * self.scale.data.reshape(-1, 1)).T\n",
            "test_quantized_linear",
            "found: largest difference",
        ),
        "one scale for all weights": Wrong(
            "axis=0 if per_channel else None)",
            "axis=None)",
            "test_quantized_linear",
            "found: largest difference",
        ),
        "one scale for the batch": Wrong(
            "    largest = np.maximum(x.max(axis=1), -x.min(axis=1))\n",
            "    largest = np.full(len(x), np.abs(x).max())\n",
            "test_rows_do_not_depend_on_their_neighbours",
            "largest difference",
        ),
        "the bias is forgotten": Wrong(
            "            output += self.bias.data\n",
            "            pass\n",
            "test_quantized_linear",
            "found: largest difference",
        ),
        "weights stay float": Wrong(
            "        self.weight, self.scale = Tensor(quantized.values), Tensor(quantized.scale)\n",
            "        self.weight = Tensor(quantized.values.astype(np.float32))\n"
            "        self.scale = Tensor(quantized.scale)\n"
            "        self.forward = lambda x: layer(x)\n",
            "test_quantized_linear",
            "",
        ),
        "samples are ignored": Wrong(
            "        scale = None if x is None else calibrate(x)[0]\n",
            "        scale = None\n",
            "test_quantized_models",
            "calibrated on small samples, large inputs are clipped",
        ),
        "calibrated on the inputs of the first layer": Wrong(
            "            x = None if x is None else layer(x)\n",
            "            x = None if x is None else np.zeros((1, 1), np.float32)\n",
            "test_quantized_models",
            "answers are off by",
        ),
        "the model stays in evaluation": Wrong(
            "    with evaluating(model):\n        for layer in model.layers:\n",
            "    model.eval()\n    if True:\n        for layer in model.layers:\n",
            "test_quantized_models",
            "the model should be in training mode as before",
        ),
        "KL the other way": Wrong(
            DIVERGENCE,
            "        own = softmax(student_logits / self.temperature)\n"
            "        divergence = (own * difference * -1).sum(dim=1).mean()\n",
            "test_distillation",
            "loss: largest difference",
        ),
        "without T squared": Wrong(
            "(self.alpha * self.temperature**2)",
            "(self.alpha)",
            "test_distillation",
            "loss: largest difference",
        ),
        "a mean over classes too": Wrong(
            DIVERGENCE,
            "        divergence = (softmax(teacher) * difference).mean()\n",
            "test_distillation",
            "loss: largest difference",
        ),
        "alpha and its rest in turn": Wrong(
            "hard * (1 - self.alpha)",
            "hard * self.alpha",
            "test_distillation",
            "loss: largest difference",
        ),
        "the teacher learns": Wrong(
            "        teacher = Tensor(teacher_logits) / self.temperature\n",
            "        teacher = teacher_logits / self.temperature\n",
            "test_distillation",
            "the teacher's numbers are constants",
        ),
        "labels at the temperature": Wrong(
            "        hard = cross_entropy(student_logits, targets)\n",
            "        hard = cross_entropy(student_logits / self.temperature, targets)\n",
            "test_distillation",
            "loss: largest difference",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "12_compression": {
        "dropout with where, in float64": Unusual(
            (
                (
                    "        kept = engine.generator.random(x.shape, np.float32) >= self.p\n",
                    "        kept = engine.generator.uniform(size=x.shape) < 1 - self.p\n",
                ),
                (
                    DROPPED,
                    "        return where(kept, x / (1 - self.p), 0.0)\n",
                ),
                (
                    "from tinytorch.core.tensor import Tensor, engine\n",
                    "from tinytorch.core.tensor import Tensor, engine, where\n",
                ),
            )
        ),
        "smoothing of an identity matrix": Unusual(
            (
                (
                    "    wanted = np.full((len(targets), num_classes), smoothing / num_classes, np.float32)\n"
                    "    wanted[np.arange(len(targets)), targets] += 1 - smoothing\n"
                    "    return Tensor(wanted)\n",
                    "    wanted = np.eye(num_classes)[targets] * (1 - smoothing) + smoothing / num_classes\n"
                    "    return Tensor(wanted, dtype=np.float32)\n",
                ),
            )
        ),
        "pruning by partition": Unusual(
            (
                (
                    "    " + SORTED + "\n",
                    "    count = round(amount * sizes.size)\n"
                    "    if count:\n"
                    "        kept[np.argpartition(sizes, count - 1)[:count]] = False\n",
                ),
            )
        ),
        "neurons by squares, one by one": Unusual(
            (
                (
                    LENGTHS,
                    "        lengths = np.array([sum(float(w) ** 2 for w in row) for row in weight])\n",
                ),
            )
        ),
        "the range by a sort": Unusual(
            (
                (
                    "    low, high = np.minimum(x.min(axis=dims), 0), np.maximum(x.max(axis=dims), 0)\n",
                    "    low = np.percentile(x, 0, axis=dims).clip(max=0).astype(np.float32)\n"
                    "    high = np.percentile(x, 100, axis=dims).clip(min=0).astype(np.float32)\n",
                ),
            )
        ),
        "products in int32": Unusual(
            ((TOTAL, "    return np.matmul(x, weight.T, dtype=np.int32)\n"),)
        ),
        "products by einsum": Unusual(
            (
                (
                    TOTAL,
                    "    return np.einsum('nk,mk->nm', x, weight, dtype=np.int32, casting='unsafe')\n",
                ),
            )
        ),
        "products in float64, which is exact too": Unusual(
            (
                (
                    TOTAL,
                    "    return (x.astype(float) @ weight.T.astype(float)).astype(np.int32)\n",
                ),
            )
        ),
        "scaled in float64": Unusual(
            (
                (
                    OUTPUT,
                    "        output = integer_product(values, self.weight.data) * np.float64(1) * scale\n"
                    "        output = (output * self.scale.data).astype(np.float32)\n",
                ),
            )
        ),
        "divergence as a cross-entropy of soft targets": Unusual(
            (
                (
                    DIVERGENCE,
                    "        p, logs = softmax(teacher), log_softmax(student_logits / self.temperature)\n"
                    "        divergence = (p * log_softmax(teacher)).sum(dim=1).mean()\n"
                    "        divergence = divergence - (p * logs).sum(dim=1).mean()\n",
                ),
            )
        ),
        "the best weights in a deep copy": Unusual(
            (
                (
                    "            self._state = None if model is None else model.state_dict()\n",
                    "            import copy\n\n"
                    "            self._state = None if model is None else copy.deepcopy(model)\n",
                ),
                (
                    "        model.load_state_dict(self._state)\n",
                    "        model.load_state_dict(self._state.state_dict())\n",
                ),
            )
        ),
    },
}
