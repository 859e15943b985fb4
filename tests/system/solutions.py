"""Solutions of students: wrong ones that a checkpoint must refuse, unusual ones it must accept.

Each is a list of replacements in the reference source. A wrong one names the test that refuses it,
a part of what the student is told, and (unless the message says enough) the function it points to.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    old: str
    new: str
    test: str
    says: str
    at: str = ""  # the function on whose line the student is led; "" where a line would not help
    checkpoint: str = ""  # the one that refuses it, if that is not the module's own


@dataclass(frozen=True)
class Unusual:
    """Replacements, one after the other; each text stands once in the source."""

    edits: tuple[tuple[str, str], ...]


def changed(source: str, *edits: tuple[str, str]) -> str:
    for old, new in edits:
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the source"
        source = source.replace(old, new)
    return source


WRONG: dict[str, dict[str, Wrong]] = {
    "01_setup": {
        "names in alphabetical order": Wrong(
            "    return {name: _version(name) for name in (WANTED if names is None else names)}\n",
            "    return {name: _version(name) for name in sorted(WANTED if names is None else names)}\n",
            "test_versions_of_given_names",
            "list(found): got",
        ),
        "nothing found is taken for nothing said": Wrong(
            "    found_versions = versions() if found_versions is None else found_versions\n",
            "    found_versions = found_versions or versions()\n",
            "test_check_of_missing_packages",
            "broken(nothing): got []",
        ),
        "versions compared as text": Wrong(
            "return found is not None and version_key(found) >= version_key(wanted)",
            "return found is not None and found >= wanted",
            "test_versions_are_compared_as_numbers",
            "broken(tt.check_environment(dict.fromkeys(GOOD, found), LARGE)): got",
            "is_at_least",
        ),
        "zeros at the end count": Wrong(
            "    while numbers and numbers[-1] == 0:\n        numbers.pop()\n",
            "",
            "test_versions_are_compared_as_numbers",
            "expected []",
            "version_key",
        ),
        "release candidate counts as release": Wrong(
            "return tuple(numbers), 0 if match[2] else 1",
            "return tuple(numbers), 1",
            "test_versions_that_are_not_numbers_alone",
            "got [], expected ['numpy']",
            "version_key",
        ),
        "version that cannot be read": Wrong(
            "    try:\n        return found is not None and version_key(found) >= version_key(wanted)\n"
            "    except ValueError:\n        return False\n",
            "    return found is not None and version_key(found) >= version_key(wanted)\n",
            "test_versions_that_are_not_numbers_alone",
            "ValueError: a version begins with a number, got 'unknown'",
            "version_key",
        ),
        "missing package raises": Wrong(
            "    except importlib.metadata.PackageNotFoundError:\n        return None\n",
            "    finally:\n        pass\n",
            "test_versions_of_given_names",
            "PackageNotFoundError",
            "_version",
        ),
        "all processors of the machine": Wrong(
            "processors = len(os.sched_getaffinity(0))",
            "processors = len(os.sched_getaffinity(0)) + 1",
            "test_system_info_counts_usable_processors",
            "info()['cpu_count']: got",
            "system_info",
        ),
        "host name in the report": Wrong(
            '"byte_order": sys.byteorder,',
            '"byte_order": sys.byteorder,\n        "host": platform.node(),',
            "test_system_info_has_its_keys",
            "'host'",
            "system_info",
        ),
        "remedy where all is well": Wrong(
            '"remedy": "" if ok else remedy,',
            '"remedy": remedy,',
            "test_check_of_a_good_machine",
            "got [{'name': 'python'",
        ),
        "default names come back only": Wrong(
            "for name in (WANTED if names is None else names)",
            "for name in WANTED",
            "test_versions_of_given_names",
            "expected {'no-such-package-anywhere': None",
            "versions",
        ),
    },
    "02_tensor": {
        "item is rounded": Wrong(
            "        return self.data.item()\n        ### END",
            "        v = self.data.item()\n"
            "        return round(v, 4) if isinstance(v, float) else v\n"
            "        ### END",
            "test_conversions",
            "got 0.1, expected 0.10000000149011612",
        ),
        "nearly equal is equal": Wrong(
            "compare(np.equal, self, other) if",
            "compare(np.isclose, self, other) if",
            "test_comparisons",
            "near == 1: largest difference",
        ),
        "ones of one dtype": Wrong(
            "    return _wrap(np.ones(_plain_dims(shape), dtype))\n",
            "    return _wrap(np.ones(_plain_dims(shape), np.float32))\n",
            "test_making_tensors",
            "got dtype float32, expected int64",
        ),
        "where by multiplication": Wrong(
            "    return np.where(condition, a, b)\n",
            "    return condition * a + (1 - condition) * b\n",
            "test_joining",
            "got nan, expected 0.0",
        ),
        "positions without keepdim": Wrong(
            "        return _wrap(np.asarray(np.argmax(self.data, axis=dim, keepdims=keepdim)))\n",
            "        return _wrap(np.asarray(np.argmax(self.data, axis=dim)))\n",
            "test_positions_and_special_reductions",
            "got shape (2,), expected (2, 1)",
        ),
        "division by a little more": Wrong(
            "    return a / b\n",
            "    return a / (b + 1e-8)\n",
            "test_functions_of_one_element",
            "1 / tiny: largest difference",
        ),
        "logarithm of a little more": Wrong(
            "    return np.log(a)\n",
            "    return np.log(a + 1e-7)\n",
            "test_functions_of_one_element",
            "tiny.log(): largest difference",
        ),
        "powers without a sign": Wrong(
            "    return a**b\n",
            "    return np.abs(a)**b\n",
            "test_functions_of_one_element",
            "below ** 3: largest difference",
        ),
        "the dtype of a Tensor is forgotten": Wrong(
            "            data = data.data\n        given",
            "            data = data.data.tolist()\n        given",
            "test_dtypes",
            "got dtype float32, expected float64",
        ),
        "subtraction adds": Wrong(
            "    return a - b\n",
            "    return a + b\n",
            "test_arithmetic_agrees_with_numpy",
            "x - y: largest difference 2: got 1.0, expected -1.0",
            "subtract",
        ),
        "right operand first": Wrong(
            "return subtract(other, self)",
            "return subtract(self, other)",
            "test_numbers_and_arrays_as_operands",
            "3 - x: largest difference",
        ),
        "operand changed in place": Wrong(
            "    return a + b\n",
            "    if np.shape(a) == np.shape(b):\n        a += b\n        return a\n    return a + b\n",
            "test_laws_of_arithmetic",
            "x was changed: x was",
            "add",
        ),
        "floor division": Wrong(
            "    return a / b\n",
            "    return a // b\n",
            "test_numbers_and_arrays_as_operands",
            "x / 4: largest difference",
            "divide",
        ),
        "dot for matmul": Wrong(
            "    return a @ b\n",
            "    return np.dot(a, b)\n",
            "test_matrix_product",
            "got shape (5, 3, 5, 2), expected (5, 3, 2)",
            "matmul",
        ),
        "element by element for matmul": Wrong(
            "    return a @ b\n",
            "    return a * b\n",
            "test_matrix_product",
            "left @ right: largest difference",
            "matmul",
        ),
        "float64 everywhere": Wrong(
            "            array = array.astype(np.float32)\n",
            "            pass\n",
            "test_dtypes",
            "tt.Tensor([1.0, 2.0]): got dtype float64, expected float32",
            "Tensor.__init__",
        ),
        "arrays made float32": Wrong(
            "elif array.dtype == np.float64 and not given:",
            "elif array.dtype == np.float64:",
            "test_dtypes",
            "got dtype float32, expected float64",
            "Tensor.__init__",
        ),
        "ints made float32": Wrong(
            "        if dtype is not None:\n",
            "        if not given and array.dtype.kind == 'i':\n            array = array.astype('f')\n"
            "        if dtype is not None:\n",
            "test_dtypes",
            "got dtype float32, expected int64",
            "Tensor.__init__",
        ),
        "mean over all elements": Wrong(
            "total / (self.size // total.size if total.size else 1)",
            "total / self.size",
            "test_reductions_agree_with_numpy",
            "x.mean(dim=dim, keepdim=keep): largest difference",
        ),
        "keepdim ignored": Wrong(
            "    return np.sum(a, axis=dim, keepdims=keepdim)\n",
            "    return np.sum(a, axis=dim)\n",
            "test_reductions_agree_with_numpy",
            "got shape (), expected (1,)",
            "reduce_sum",
        ),
        "dim ignored": Wrong(
            "    return np.max(a, axis=dim, keepdims=keepdim)\n",
            "    return np.max(a, keepdims=keepdim)\n",
            "test_reductions_agree_with_numpy",
            "x.max(dim=dim, keepdim=keep): got shape",
            "reduce_max",
        ),
        "smallest for largest": Wrong(
            "    return np.max(a, axis=dim, keepdims=keepdim)\n",
            "    return np.min(a, axis=dim, keepdims=keepdim)\n",
            "test_reductions_agree_with_numpy",
            "x.max(dim=dim, keepdim=keep): largest difference",
            "reduce_max",
        ),
        "last of equal elements": Wrong(
            "np.argmax(self.data, axis=dim, keepdims=keepdim)",
            "self.data.shape[dim] - 1 - np.argmax(np.flip(self.data, dim), axis=dim)"
            " if dim is not None else np.argmax(self.data)",
            "test_positions_and_special_reductions",
            "x.argmax(dim=1): largest difference 1 at [0]: got 2, expected 1",
        ),
        "permute reshapes": Wrong(
            "    return a.transpose(dims)\n",
            "    return a.reshape([a.shape[d] for d in dims])\n",
            "test_changes_of_shape",
            "x.permute(2, 0, 1): largest difference",
            "permute",
        ),
        "reshape in the order of Fortran": Wrong(
            "    return a.reshape(shape)\n",
            "    return a.reshape(shape, order='F')\n",
            "test_changes_of_shape",
            "x.reshape(4, 6): largest difference",
            "reshape",
        ),
        "transpose always swaps the last two": Wrong(
            "dims[dim0], dims[dim1] = dims[dim1], dims[dim0]",
            "dims[-2], dims[-1] = dims[-1], dims[-2]",
            "test_changes_of_shape",
            "x.transpose(0, 2): got shape (2, 4, 3), expected (4, 3, 2)",
        ),
        "stack concatenates": Wrong(
            "    return concatenate(rows, dim=place)\n",
            "    return concatenate(list(tensors))\n",
            "test_joining",
            "tt.stack([x, y], dim=dim): got shape (4, 3), expected (2, 2, 3)",
            "stack",
        ),
        "concatenate always along 0": Wrong(
            "    return join(*tensors, dim=dim)\n",
            "    return join(*tensors)\n",
            "test_joining",
            "tt.concatenate([x, y, x], dim=-1): got shape (6, 3), expected (2, 9)",
            "concatenate",
        ),
        "where the other way round": Wrong(
            "    return np.where(condition, a, b)\n",
            "    return np.where(condition, b, a)\n",
            "test_joining",
            "tt.where(x > 2, x, y): largest difference",
            "where",
        ),
        "uniform for normal": Wrong(
            "engine.generator.standard_normal(_plain_dims(shape), np.float32)",
            "engine.generator.random(_plain_dims(shape), np.float32)",
            "test_random_numbers",
            "float(first.mean()): largest difference",
        ),
        "every draw the same": Wrong(
            "    return _wrap(np.asarray(engine.generator.standard_normal(_plain_dims(shape), "
            "np.float32)))\n",
            "    generator = np.random.default_rng(0)\n"
            "    return _wrap(np.asarray(generator.standard_normal(_plain_dims(shape), "
            "np.float32)))\n",
            "test_random_numbers",
            "two draws after each other must differ",
        ),
        "seed ignored": Wrong(
            "engine.generator = np.random.default_rng(seed)",
            "engine.generator = np.random.default_rng()",
            "test_random_numbers",
            "tt.randn(100, 100): largest difference",
        ),
        "arange with its stop": Wrong(
            "    array = np.arange(*bounds)\n",
            "    array = np.append(np.arange(*bounds), bounds[min(1, len(bounds) - 1)])\n",
            "test_making_tensors",
            "tt.arange(5): got shape (6,), expected (5,)",
            "arange",
        ),
        "empty sum is not a number": Wrong(
            "    return np.sum(a, axis=dim, keepdims=keepdim)\n",
            "    if a.size == 0:\n        return np.array(np.nan, a.dtype)\n"
            "    return np.sum(a, axis=dim, keepdims=keepdim)\n",
            "test_positions_and_special_reductions",
            "tt.Tensor([]).sum(): largest difference inf: got nan, expected 0.0",
            "reduce_sum",
        ),
        "item of many": Wrong(
            "        return self.data.item()\n",
            "        return float(self.data.ravel()[0])\n",
            "test_conversions",
            "tt.Tensor(3).item(): got 3.0, expected 3",
            "Tensor.item",
        ),
        "comparison gives one truth value": Wrong(
            "    return _wrap(np.asarray(operation(_operand(",
            "    return bool(np.all(operation(_operand(",
            "test_comparisons",
            "compare returned an object of type bool, expected a Tensor",
        ),
        "message without shapes": Wrong(
            'raise ValueError(f"{name} of shapes {shapes}: {error}") from None',
            'raise ValueError("wrong shapes") from None',
            "test_shapes_that_do_not_fit",
            "the message of ValueError should name (2, 3); it is: 'wrong shapes'",
        ),
        "gradient kept by detach": Wrong(
            "        return _wrap(self.data)\n",
            "        return self\n",
            "test_place_for_a_gradient",
            "got [True, True], expected [False, True]",
            "Tensor.detach",
        ),
        "digits are read by the farthest mean": Wrong(
            "np.argmin(self.data, axis=dim, keepdims=keepdim)",
            "np.argmax(self.data, axis=dim, keepdims=keepdim)",
            "test_reads_handwritten_digits",
            "of 360 digits correctly, expected 88 %",
        ),
    },
    "03_activations": {
        "leaky relu as a maximum": Wrong(
            "    return np.where(a > 0, a, negative_slope * a)\n",
            "    return np.maximum(a, negative_slope * a)\n",
            "test_leaky_relu",
            "tt.LeakyReLU(2.0)(x): largest difference",
        ),
        "softmax along the wrong dimension": Wrong(
            "    exponentials = np.exp(a - np.max(a, axis=dim, keepdims=True))\n"
            "    return exponentials / np.sum(exponentials, axis=dim, keepdims=True)\n",
            "    exponentials = np.exp(a - np.max(a, axis=0, keepdims=True))\n"
            "    return exponentials / np.sum(exponentials, axis=0, keepdims=True)\n",
            "test_softmax_of_the_last_dimension",
            "tt.softmax(x): largest difference",
            "softmax",
        ),
        "softmax without the maximum": Wrong(
            "    exponentials = np.exp(a - np.max(a, axis=dim, keepdims=True))\n",
            "    exponentials = np.exp(a)\n",
            "test_extremes_of_a_row",
            "overflow encountered in exp",
            "softmax",
        ),
        "softmax without the maximum, warnings silenced": Wrong(
            "    exponentials = np.exp(a - np.max(a, axis=dim, keepdims=True))\n"
            "    return exponentials / np.sum(exponentials, axis=dim, keepdims=True)\n",
            "    with np.errstate(all='ignore'):\n        exponentials = np.exp(a)\n"
            "        return exponentials / np.sum(exponentials, axis=dim, keepdims=True)\n",
            "test_extremes_of_a_row",
            "tt.softmax(x): largest difference inf at [0, 0]: got nan, expected 0.5",
            "softmax",
        ),
        "softmax with the maximum of all": Wrong(
            "    exponentials = np.exp(a - np.max(a, axis=dim, keepdims=True))\n",
            "    exponentials = np.exp(a - np.max(a))\n",
            "test_extremes_of_a_row",
            "tt.softmax(x): largest difference inf at [2, 0]: got nan",
            "softmax",
        ),
        "softmax that does not sum to 1": Wrong(
            "    return exponentials / np.sum(exponentials, axis=dim, keepdims=True)\n",
            "    return exponentials\n",
            "test_softmax",
            "tt.softmax(x, dim=dim): largest difference",
        ),
        "log of softmax": Wrong(
            "    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))\n",
            "    with np.errstate(all='ignore'):\n        e = np.exp(shifted)\n"
            "        return np.log(e / np.sum(e, axis=dim, keepdims=True))\n",
            "test_extremes_of_a_row",
            "tt.log_softmax(x): largest difference inf at [0, 2]: got -inf",
            "log_softmax",
        ),
        "sigmoid that overflows": Wrong(
            "    z = np.exp(-np.abs(a))\n    return np.where(a >= 0, 1, z) / (1 + z)\n",
            "    return 1 / (1 + np.exp(-a))\n",
            "test_extremes_of_one_element",
            "overflow encountered in exp",
            "sigmoid",
        ),
        "sigmoid that is cut": Wrong(
            "    z = np.exp(-np.abs(a))\n    return np.where(a >= 0, 1, z) / (1 + z)\n",
            "    return 1 / (1 + np.exp(-np.clip(a, -15, 15)))\n",
            "test_extremes_of_one_element",
            "tt.sigmoid(x): largest difference",
            "sigmoid",
        ),
        "sigmoid upside down": Wrong(
            "np.where(a >= 0, 1, z)",
            "np.where(a >= 0, z, 1)",
            "test_sigmoid",
            "tt.sigmoid(x): largest difference",
            "sigmoid",
        ),
        "relu that changes its input": Wrong(
            "    return np.clip(a, 0, np.inf)\n",
            "    return np.clip(a, 0, np.inf, out=a)\n",
            "test_inputs_are_left_alone",
            "relu changed its input to [[0.0, 0.0, 0.5], [3.0, 0.0, 0.0]]",
        ),
        "relu as magnitude": Wrong(
            "    return np.clip(a, 0, np.inf)\n",
            "    return np.abs(a)\n",
            "test_relu",
            "tt.relu(x): largest difference",
        ),
        "gelu by tanh": Wrong(
            "    probability = 0.5 * (1 + erf(a / math.sqrt(2)))\n",
            "    probability = 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)))\n",
            "test_gelu",
            "tt.gelu(x): largest difference 0.0004",
            "gelu",
        ),
        "gelu by sigmoid": Wrong(
            "    probability = 0.5 * (1 + erf(a / math.sqrt(2)))\n",
            "    probability = 0.5 * (1 + np.tanh(0.851 * a))\n",
            "test_gelu",
            "tt.gelu(x): largest difference",
            "gelu",
        ),
        "float64 leaks out": Wrong(
            "        return tanh(x)\n",
            "        return Tensor(np.tanh(x.data.astype(np.float64)))\n",
            "test_float32_stays",
            "these should be float32 and are not: Tanh",
        ),
        "float64 is made float32": Wrong(
            "    return np.tanh(a)\n",
            "    return np.tanh(a.astype(np.float32))\n",
            "test_float32_stays",
            "got dtype float32, expected float64",
            "tanh",
        ),
        "slope ignored": Wrong(
            "return leaky_relu(x, negative_slope=self.negative_slope)",
            "return leaky_relu(x)",
            "test_leaky_relu",
            "weak(x): largest difference",
            "LeakyReLU.__call__",
        ),
        "slope shared by all": Wrong(
            "        self.negative_slope = negative_slope\n",
            "        LeakyReLU.negative_slope = negative_slope\n",
            "test_leaky_relu",
            "weak(x): largest difference",
        ),
        "dim ignored by the object": Wrong(
            "return softmax(x, dim=self.dim)",
            "return softmax(x)",
            "test_softmax_of_the_last_dimension",
            "columns(x): largest difference",
            "Softmax.__call__",
        ),
    },
    "04_layers": {
        "buffers further down are forgotten": Wrong(
            "        return {name: tensor.data.copy() for name, tensor in self.named_tensors()}\n",
            "        return {name: tensor.data.copy() for name, tensor in self.named_tensors() if isinstance(tensor, Parameter) or '.' not in name}\n",
            "test_state_dict",
            "expected 'inner.seen'",
        ),
        "dimensions counted from the wrong end": Wrong(
            "        start = self.start_dim % x.ndim\n",
            "        start = abs(self.start_dim)\n",
            "test_flatten",
            "tt.Flatten(start_dim=-1)(tt.Tensor(images)): got shape",
        ),
        "a state that is taken over as it is": Wrong(
            '            np.copyto(mine[name].data, array, casting="same_kind")\n',
            "            mine[name].data = array.astype(mine[name].dtype, copy=False)\n",
            "test_state_dict",
            "loaded: largest difference",
        ),
        "bias left out": Wrong(
            "        return linear(x, self.weight, self.bias)\n",
            "        return linear(x, self.weight)\n",
            "test_linear_by_hand",
            "layer(x): largest difference 20 at [0, 1]: got 0.0, expected 20.0",
            "Linear.forward",
        ),
        "weight transposed": Wrong(
            "        self.weight = Parameter(he_normal(out_features, in_features))\n",
            "        self.weight = Parameter(he_normal(in_features, out_features))\n",
            "test_shapes_of_parameters",
            "layer.weight: got shape (5, 3), expected (3, 5)",
        ),
        "bias of shape (1, out)": Wrong(
            "Parameter(zeros(out_features)) if bias",
            "Parameter(zeros(1, out_features)) if bias",
            "test_shapes_of_parameters",
            "layer.bias: got shape (1, 3), expected (3,)",
        ),
        "bias where there should be none": Wrong(
            "Parameter(zeros(out_features)) if bias else None",
            "Parameter(zeros(out_features))",
            "test_linear_without_bias",
            "Linear(3, 2, bias=False).bias must be None",
        ),
        "float64 leaks out": Wrong(
            "        self.weight = Parameter(he_normal(out_features, in_features))\n",
            "        self.weight = Parameter(np.random.randn(out_features, in_features)"
            " / math.sqrt(in_features))\n",
            "test_shapes_of_parameters",
            "parameter: got dtype float64, expected float32",
        ),
        "parameters shared by all instances": Wrong(
            "        self.weight = Parameter(he_normal(out_features, in_features))\n",
            "        key = (out_features, in_features)\n"
            "        Linear.made = getattr(Linear, 'made', {})\n"
            "        self.weight = Linear.made.setdefault(key, Parameter(he_normal(*key)))\n",
            "test_instances_are_their_own",
            "two layers must not begin alike",
        ),
        "a default made once": Wrong(
            "    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:\n",
            "    def __init__(self, in_features, out_features, bias=True, start={}) -> None:\n"
            "        self.shared = start.setdefault(out_features, Parameter(zeros(out_features)))\n",
            "test_linear_without_bias",
            "len(list(layer.parameters())): got 2, expected 1",
        ),
        "lists are not looked into": Wrong(
            "    if isinstance(value, list | tuple):\n"
            "        for index, element in enumerate(value):\n"
            '            yield from held(f"{name}.{index}", element)\n'
            "    elif isinstance(value, dict):\n",
            "    if isinstance(value, dict):\n",
            "test_parameters_at_any_depth",
            "got ['first.bias', 'first.weight'], expected ['blocks.0.weight'",
        ),
        "only the first level": Wrong(
            '                    visit(f"{name}.{inner}" if name else inner, value)\n',
            "                    found.append((inner, value))\n",
            "test_parameters_at_any_depth",
            "expected ['blocks.0.weight', 'blocks.1.inner.bias'",
            "Module.named_modules",
        ),
        "names without their path": Wrong(
            '                    visit(f"{name}.{inner}" if name else inner, value)\n',
            "                    visit(inner, value)\n",
            "test_parameters_at_any_depth",
            "'inner.bias'",
        ),
        "shared ones counted twice": Wrong(
            "                    found.setdefault(id(value), ",
            "                    found.setdefault((name, inner), ",
            "test_shared_parameters_count_once",
            "len(list(module.parameters())): got 4, expected 3",
            "Module.parameters",
        ),
        "state is not copied": Wrong(
            "return {name: tensor.data.copy() for",
            "return {name: tensor.data for",
            "test_state_dict",
            "kept: largest difference 4",
        ),
        "unknown names are passed over": Wrong(
            '            problems += [f"unexpected: {name}" for name in unexpected]\n',
            "",
            "test_what_cannot_be_loaded",
            "nothing was raised, expected RuntimeError",
        ),
        "missing names are passed over": Wrong(
            '            problems += [f"missing: {name}" for name in missing]\n',
            "",
            "test_what_cannot_be_loaded",
            "nothing was raised, expected RuntimeError",
        ),
        "another shape is broadcast": Wrong(
            "            if array.shape != mine[name].shape:\n",
            "            if array.size > mine[name].size:\n",
            "test_what_cannot_be_loaded",
            "nothing was raised, expected RuntimeError",
        ),
        "half is loaded before it fails": Wrong(
            "        for name, array in arrays.items():\n"
            "            if array.shape != mine[name].shape:\n",
            "        for name, array in arrays.items():\n"
            "            if array.shape == mine[name].shape:\n"
            "                np.copyto(mine[name].data, array, casting='same_kind')\n"
            "            if array.shape != mine[name].shape:\n",
            "test_what_cannot_be_loaded",
            "value: largest difference",
        ),
        "strict always": Wrong(
            "        if strict:\n",
            "        if True:\n",
            "test_what_cannot_be_loaded",
            "RuntimeError: cannot load into Module",
            "Module.load_state_dict",
        ),
        "eval does not reach children": Wrong(
            "        for _, module in self.named_modules():\n            module.training = mode\n",
            "        self.training = mode\n",
            "test_train_and_eval",
            "got [False, True, True, True, True], expected [False, False,",
        ),
        "training for all modules at once": Wrong(
            "        for _, module in self.named_modules():\n            module.training = mode\n",
            "        Module.training = mode\n",
            "test_train_and_eval",
            "tt.Linear(1, 1).training: got False, expected True",
        ),
        "all weights alike": Wrong(
            "    return randn(out_features, in_features) * math.sqrt(2 / in_features)\n",
            "    return zeros(out_features, in_features) + 1 / math.sqrt(in_features)\n",
            "test_size_of_initial_weights",
            "spread by 0.000 / sqrt(in_features), expected 0.5 to 2",
        ),
        "weights too large": Wrong(
            "    return randn(out_features, in_features) * math.sqrt(2 / in_features)\n",
            "    return randn(out_features, in_features)\n",
            "test_size_of_initial_weights",
            "expected 0.5 to 2",
        ),
        "weights all positive": Wrong(
            "    return randn(out_features, in_features) * math.sqrt(2 / in_features)\n",
            "    return abs(randn(out_features, in_features)) * math.sqrt(2 / in_features)\n",
            "test_size_of_initial_weights",
            "the weights should lie around 0",
        ),
        "numbers that no seed repeats": Wrong(
            "    return randn(out_features, in_features) * math.sqrt(2 / in_features)\n",
            "    draws = np.random.default_rng().standard_normal((out_features, in_features))\n"
            "    return Tensor(draws.astype(np.float32)) * math.sqrt(2 / in_features)\n",
            "test_instances_are_their_own",
            "tt.Linear(3, 4).weight: largest difference",
        ),
        "wrong size hidden by reshape": Wrong(
            "    if x.shape[-1:] != (in_features,):\n"
            '        raise ValueError(f"the last dimension must be {in_features}, in_features of the layer")\n'
            "    output = x.reshape(-1, in_features) @ weight.T\n"
            "    if bias is not None:\n        output += bias\n",
            "    output = x.reshape(-1, in_features) @ weight.T\n"
            "    if bias is not None:\n        output += bias\n"
            "    if x.ndim == 2:\n        return output\n",
            "test_sizes_that_do_not_fit",
            "nothing was raised, expected ValueError",
        ),
        "the batch is flattened too": Wrong(
            "        start = self.start_dim % x.ndim\n",
            "        start = 0\n",
            "test_flatten",
            "got shape (48,), expected (2, 24)",
            "Flatten.forward",
        ),
        "columns first": Wrong(
            "        start = self.start_dim % x.ndim\n",
            "        start = self.start_dim % x.ndim\n        if x.ndim == 4:\n"
            "            x = x.permute(0, 2, 3, 1)\n",
            "test_flatten",
            "largest difference",
            "Flatten.forward",
        ),
        "weights all zero": Wrong(
            "    return randn(out_features, in_features) * math.sqrt(2 / in_features)\n",
            "    return zeros(out_features, in_features)\n",
            "test_size_of_initial_weights",
            "spread by 0.000 / sqrt(in_features), expected 0.5 to 2",
        ),
        "results are clipped": Wrong(
            "    return output.reshape(*x.shape[:-1], out_features)\n",
            "    return np.clip(output, -30, 30).reshape(*x.shape[:-1], out_features)\n",
            "test_linear_is_linear",
            "largest difference",
            "Linear.forward",
        ),
        "the rest of a batch is dropped": Wrong(
            "    output = x.reshape(-1, in_features) @ weight.T\n",
            "    rows = x.reshape(-1, in_features)\n"
            "    output = np.zeros((len(rows), out_features), weight.dtype)\n"
            "    for i in range(0, len(rows) - 1, 2):\n"
            "        output[i : i + 2] = rows[i : i + 2] @ weight.T\n",
            "test_a_batch_is_its_rows",
            "largest difference",
            "Linear.forward",
        ),
        "dicts are not looked into": Wrong(
            "    elif isinstance(value, dict):\n",
            "    elif isinstance(value, frozenset):\n",
            "test_parameters_at_any_depth",
            "sorted(names): got ['pair.0.weight', 'pair.1.0'], expected ['heads.a.weight',",
        ),
        "in alphabetical order": Wrong(
            "        return [(name, t) for name, t in self.named_tensors() if isinstance(t, Parameter)]\n",
            "        return [(n, t) for n, t in sorted(self.named_tensors(), key=lambda pair: pair[0])\n"
            "                if isinstance(t, Parameter)]\n",
            "test_parameters_at_any_depth",
            "expected ['first.weight', 'first.bias', 'blocks.0.weight',",
        ),
        "a circle without end": Wrong(
            "            if id(module) in seen:\n                return\n",
            "",
            "test_modules_in_circles",
            "RecursionError: maximum recursion depth exceeded",
        ),
        "buffers are forgotten": Wrong(
            "tensor.data.copy() for name, tensor in self.named_tensors()}",
            "tensor.data.copy() for name, tensor in self.named_parameters()}",
            "test_state_dict",
            "sorted(state): got ['layer.bias', 'layer.weight'], expected",
        ),
        "buffers are learned": Wrong(
            "for name, t in self.named_tensors() if isinstance(t, Parameter)]",
            "for name, t in self.named_tensors()]",
            "test_state_dict",
            "len(list(counting.parameters())): got 3, expected 2",
        ),
        "the message names no shapes": Wrong(
            'problems.append(f"{name} has shape {array.shape}, expected {mine[name].shape}")',
            'problems.append(f"{name} has another shape")',
            "test_what_cannot_be_loaded",
            "the message of RuntimeError should name (1, 3)",
        ),
        "not strict about shapes either": Wrong(
            "            if array.shape != mine[name].shape:\n",
            "            if strict and array.shape != mine[name].shape:\n",
            "test_what_cannot_be_loaded",
            "nothing was raised, expected RuntimeError",
        ),
        "matmul is dot": Wrong(
            "Dense = Linear  # the name that other frameworks use\n",
            "Dense = Linear\n\n\n@primitive\ndef matmul(a, b):\n    return np.dot(a, b)\n",
            "test_matmul",
            "got shape (5, 3, 5, 2), expected (5, 3, 2)",
        ),
    },
    "05_dense": {
        "a summary ends the training": Wrong(
            "    costs = list(layer_costs(model, input_shape))\n",
            "    model.eval()\n    costs = list(layer_costs(model, input_shape))\n",
            "test_summary_leaves_no_trace",
            "model.training: got False",
        ),
        "activation after the last layer": Wrong(
            "        super().__init__(*layers[:-1])\n",
            "        super().__init__(*layers)\n",
            "test_no_activation_after_the_last_layer",
            "model(tt.Tensor([[1.0, 2.0]])): largest difference 9 at [0, 0]: got 0.0, expected -9.0",
        ),
        "no activation at all": Wrong(
            "            layers += [Linear(inputs, outputs), activation()]\n"
            "        super().__init__(*layers[:-1])\n",
            "            layers += [Linear(inputs, outputs)]\n        super().__init__(*layers)\n",
            "test_mlp_is_composition",
            "model(x): largest difference",
            "Sequential.forward",
        ),
        "activation ignored": Wrong(
            "            layers += [Linear(inputs, outputs), activation()]\n",
            "            layers += [Linear(inputs, outputs), ReLU()]\n",
            "test_activation_of_an_mlp",
            "model(tt.Tensor(a)): largest difference",
        ),
        "the first layer twice": Wrong(
            "        for layer in self.layers:\n",
            "        for layer in self.layers[:1] + self.layers:\n",
            "test_sequential_is_composition",
            "ValueError: linear of shapes (5, 4) and (4, 3) and (4,)",
        ),
        "the last layer left out": Wrong(
            "        for layer in self.layers:\n",
            "        for layer in self.layers[:-1]:\n",
            "test_sequential_is_composition",
            "straight(x): got shape (5, 4), expected (5, 2)",
            "Sequential.forward",
        ),
        "layers in reverse": Wrong(
            "        self.layers = list(layers)\n",
            "        self.layers = list(reversed(layers))\n",
            "test_sequential_is_composition",
            "the last dimension must be 4",
        ),
        "parameters hidden": Wrong(
            "        self.layers = list(layers)\n",
            "        self._kept = list(layers)\n\n    @property\n    def layers(self):\n"
            "        return self._kept\n\n    def hidden(self):\n        ...\n",
            "test_parameters_of_a_sequence",
            "shapes: got [], expected [(2, 3), (2,), (2, 2), (2,)]",
        ),
        "one layer for all places": Wrong(
            "            layers += [Linear(inputs, outputs), activation()]\n",
            "            made = [layer for layer in layers if isinstance(layer, Linear)"
            " and layer.weight.shape == (outputs, inputs)]\n"
            "            layers += [*(made or [Linear(inputs, outputs)]), activation()]\n",
            "test_parameters_of_an_mlp",
            "shapes: got",
        ),
        "anything may be a layer": Wrong(
            "            if not callable(layer):\n",
            "            if layer is None:\n",
            "test_what_is_no_layer",
            "nothing was raised, expected TypeError",
        ),
        "one size is enough": Wrong(
            "        if len(sizes) < 2:\n",
            "        if len(sizes) < 1:\n",
            "test_sizes_that_make_no_network",
            "nothing was raised, expected ValueError",
        ),
        "biases are not counted": Wrong(
            "    return output.size * (for_each + len(biases))\n",
            "    return output.size * for_each\n",
            "test_summary_of_an_mlp",
            "401408",
            "summary",
        ),
        "multiplications alone are counted": Wrong(
            "    for_each = sum(2 * weight.size // weight.shape[0] for weight in weights)\n",
            "    for_each = sum(weight.size // weight.shape[0] for weight in weights)\n",
            "test_summary_of_an_mlp",
            "200960, 803840, 200960]",
            "summary",
        ),
        "shared parameters counted twice": Wrong(
            "    held = model.parameters()\n",
            "    held = [p for layer in model.layers if isinstance(layer, Module) for p in layer.parameters()]\n",
            "test_summary_of_other_networks",
            "got ['total', 60, 240], expected ['total', 44, 176]",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "01_setup": {
        "platform's own answers": Unusual(
            (
                (
                    '"pointer_bits": sys.maxsize.bit_length() + 1,',
                    '"pointer_bits": int(platform.architecture()[0][:2]),',
                ),
                ('"python": platform.python_version(),', '"python": sys.version.split()[0],'),
            )
        ),
        "versions in a loop": Unusual(
            (
                (
                    "    return {name: _version(name) for name in (WANTED if names is None else names)}\n",
                    "    found = {}\n    if names is None:\n        names = list(WANTED)\n"
                    "    for name in names:\n        found[name] = _version(name)\n    return found\n",
                ),
            )
        ),
        "versions padded with zeros": Unusual(
            (
                (
                    "    while numbers and numbers[-1] == 0:\n        numbers.pop()\n",
                    "    numbers += [0] * (6 - len(numbers))\n",
                ),
            )
        ),
    },
    "02_tensor": {
        "loops for addition": Unusual(
            (
                (
                    "    return a + b\n",
                    "    a, b = np.broadcast_arrays(a, b)\n"
                    "    result = np.empty(a.shape, np.result_type(a, b))\n"
                    "    for index in np.ndindex(a.shape):\n"
                    "        result[index] = a[index] + b[index]\n    return result\n",
                ),
            )
        ),
        "einsum for matmul": Unusual(
            (
                (
                    "    return a @ b\n",
                    "    if a.ndim == 1 or b.ndim == 1:\n        return np.matmul(a, b)\n"
                    "    if a.shape[-1] != b.shape[-2]:\n        raise ValueError('inner sizes differ')\n"
                    "    return np.einsum('...ij,...jk->...ik', a, b)\n",
                ),
            )
        ),
        "subtraction by addition": Unusual((("    return a - b\n", "    return a + (-b)\n"),)),
        "square root by power": Unusual((("    return np.sqrt(a)\n", "    return a**0.5\n"),)),
        "sum of float64 sums": Unusual(
            (
                (
                    "    return np.sum(a, axis=dim, keepdims=keepdim)\n",
                    "    total = np.sum(a, axis=dim, keepdims=keepdim, dtype=np.float64)\n"
                    "    return np.asarray(total).astype(a.dtype)\n",
                ),
            )
        ),
        "arrays copied": Unusual(
            (("        self.data = array\n", "        self.data = np.array(array)\n"),)
        ),
        "mean by NumPy": Unusual(
            (
                (
                    "        total = self.sum(dim=dim, keepdim=keepdim)\n"
                    "        return total / (self.size // total.size if total.size else 1)\n",
                    "        mean = np.mean(self.data, axis=dim, keepdims=keepdim)\n"
                    "        return Tensor(np.asarray(mean).astype(np.float32))\n",
                ),
            )
        ),
        "stack by NumPy": Unusual(
            (
                (
                    "    return concatenate(rows, dim=place)\n",
                    "    return Tensor(np.stack([t.data for t in tensors], axis=dim))\n",
                ),
            )
        ),
        "stack by insertion of None": Unusual(
            (
                (
                    "    rows = [t.reshape((*t.shape[:place], 1, *t.shape[place:])) for t in tensors]\n",
                    "    rows = [t[(slice(None),) * place + (None,)] for t in tensors]\n",
                ),
            )
        ),
        "legacy random numbers": Unusual(
            (
                (
                    "        self.generator = np.random.default_rng()\n",
                    "        self.generator = np.random.RandomState()\n",
                ),
                (
                    "engine.generator.standard_normal(_plain_dims(shape), np.float32)",
                    "engine.generator.standard_normal(_plain_dims(shape)), np.float32",
                ),
                (
                    "engine.generator.random(_plain_dims(shape), np.float32)",
                    "engine.generator.random_sample(_plain_dims(shape)), np.float32",
                ),
                (
                    "    engine.generator = np.random.default_rng(seed)\n",
                    "    engine.generator = np.random.RandomState(seed)\n",
                ),
            )
        ),
        "its own repr": Unusual(
            (
                (
                    'return f"Tensor({numbers}, dtype={self.dtype}{flag})"',
                    'return f"<tinytorch Tensor {self.data.tolist()} of {self.dtype}{flag}>"',
                ),
            )
        ),
        "arange from a list": Unusual(
            (
                (
                    "    array = np.arange(*bounds)\n",
                    "    array = np.array(np.arange(*bounds).tolist())\n",
                ),
            )
        ),
    },
    "03_activations": {
        "an overflow that is silenced when the module is imported": Unusual(
            (
                (
                    "import numpy as np\n\nfrom tinytorch",
                    "import numpy as np\n\nnp.seterr(over='ignore')\n\nfrom tinytorch",
                ),
                (
                    "    z = np.exp(-np.abs(a))\n    return np.where(a >= 0, 1, z) / (1 + z)\n",
                    "    return 1 / (1 + np.exp(-a))\n",
                ),
            )
        ),
        "softmax in a loop over rows": Unusual(
            (
                (
                    "    exponentials = np.exp(a - np.max(a, axis=dim, keepdims=True))\n"
                    "    return exponentials / np.sum(exponentials, axis=dim, keepdims=True)\n",
                    "    result = np.empty(a.shape, a.dtype if a.dtype.kind == 'f' else np.float32)\n"
                    "    rows, results = np.moveaxis(a, dim, -1), np.moveaxis(result, dim, -1)\n"
                    "    for index in np.ndindex(rows.shape[:-1]):\n"
                    "        e = np.exp(rows[index] - rows[index].max())\n"
                    "        results[index] = e / e.sum()\n    return result\n",
                ),
            )
        ),
        "sigmoid by tanh": Unusual(
            (
                (
                    "    z = np.exp(-np.abs(a))\n    return np.where(a >= 0, 1, z) / (1 + z)\n",
                    "    return 0.5 * (1 + np.tanh(0.5 * a))\n",
                ),
            )
        ),
        "relu by a mask": Unusual(
            (("    return np.clip(a, 0, np.inf)\n", "    return a * (a > 0)\n"),)
        ),
        "relu by a maximum": Unusual(
            (("    return np.clip(a, 0, np.inf)\n", "    return np.maximum(a, 0)\n"),)
        ),
        "computed in float64 inside": Unusual(
            (("    return np.tanh(a)\n", "    return np.tanh(a.astype(np.float64))\n"),)
        ),
        "relu by choosing": Unusual(
            (("    return np.clip(a, 0, np.inf)\n", "    return np.where(a > 0, a, 0)\n"),)
        ),
        "gelu by Python's erf": Unusual(
            (
                (
                    "    return np.sign(a) * (1 - polynomial * np.exp(-x * x))\n",
                    "    return np.vectorize(math.erf, otypes=[a.dtype])(a)\n",
                ),
            )
        ),
        "objects as closures": Unusual(
            (
                (
                    'class Tanh:\n    """`Tanh()(x)` is `tanh(x)`."""\n\n'
                    "    def __call__(self, x: Tensor) -> Tensor:\n        ### BEGIN SOLUTION\n"
                    "        return tanh(x)\n        ### END SOLUTION\n",
                    "def Tanh():\n    return lambda x: tanh(x)\n",
                ),
                (
                    'class GELU:\n    """`GELU()(x)` is `gelu(x)`."""\n\n'
                    "    def __call__(self, x: Tensor) -> Tensor:\n        ### BEGIN SOLUTION\n"
                    "        return gelu(x)\n        ### END SOLUTION\n",
                    "def GELU():\n    return gelu\n",
                ),
            )
        ),
        "composed of tensor operations": Unusual(
            (
                (
                    '@primitive\n@np.errstate(invalid="ignore")  # infinity gives NaN where it must, '
                    "in silence\ndef softmax(a, dim=-1):\n",
                    "def softmax(x, dim=-1):\n    e = (x - x.max(dim=dim, keepdim=True)).exp()\n"
                    "    return e / e.sum(dim=dim, keepdim=True)\n\n\n"
                    "@primitive\ndef fused_softmax(a, dim=-1):\n",
                ),
                ("@softmax.gradient\n", "@fused_softmax.gradient\n"),
            )
        ),
    },
    "04_layers": {
        "composed of tensor operations": Unusual(
            (
                (
                    "        return linear(x, self.weight, self.bias)\n",
                    "        if x.shape[-1] != self.weight.shape[1]:\n"
                    "            raise ValueError(f'{x.shape} does not end with {self.weight.shape[1]}')\n"
                    "        return x @ self.weight.T + self.bias\n",
                ),
            )
        ),
        "row by row": Unusual(
            (
                (
                    "    output = x.reshape(-1, in_features) @ weight.T\n",
                    "    rows = [weight @ row for row in x.reshape(-1, in_features)]\n"
                    "    output = np.array(rows, weight.dtype).reshape(-1, out_features)\n",
                ),
            )
        ),
        "Xavier uniform": Unusual((("Parameter(he_normal(out_", "Parameter(xavier_uniform(out_"),)),
        "PyTorch's own beginning": Unusual(
            (
                (
                    "    return randn(out_features, in_features) * math.sqrt(2 / in_features)\n",
                    "    return (rand(out_features, in_features) * 2 - 1) / math.sqrt(in_features)\n",
                ),
                (
                    "Parameter(zeros(out_features)) if bias",
                    "Parameter((rand(out_features) * 2 - 1) / math.sqrt(in_features)) if bias",
                ),
            )
        ),
        "He uniform": Unusual(
            (
                (
                    "    return randn(out_features, in_features) * math.sqrt(2 / in_features)\n",
                    "    limit = math.sqrt(6 / in_features)\n"
                    "    return rand(out_features, in_features) * (2 * limit) - limit\n",
                ),
            )
        ),
        "generators instead of lists": Unusual(
            (
                (
                    "        return [(name, t) for name, t in self.named_tensors() if isinstance(t, Parameter)]\n",
                    "        return ((n, t) for n, t in self.named_tensors() if isinstance(t, Parameter))\n",
                ),
                (
                    "        return [parameter for _, parameter in self.named_parameters()]\n",
                    "        for _, parameter in self.named_parameters():\n"
                    "            yield parameter\n",
                ),
            )
        ),
        "loading makes new arrays": Unusual(
            (
                (
                    '            np.copyto(mine[name].data, array, casting="same_kind")\n',
                    "            mine[name].data = np.array(array, mine[name].dtype)\n",
                ),
            )
        ),
        "a KeyError that names the key": Unusual(
            (
                (
                    'raise RuntimeError(f"cannot load into {type(self).__name__}: '
                    "{'; '.join(problems)}\")",
                    "raise KeyError(', '.join(problems))",
                ),
            )
        ),
        "flattened with -1": Unusual(
            (
                (
                    "        return x.reshape(*x.shape[:start], math.prod(x.shape[start:]))\n",
                    "        if x.size:\n            return x.reshape(*x.shape[:start], -1)\n"
                    "        return zeros(*x.shape[:start], math.prod(x.shape[start:]))\n",
                ),
            )
        ),
        "registered when set": Unusual(
            (
                (
                    "    training = True\n\n    def __call__",
                    "    training = True\n\n"
                    "    def __setattr__(self, name, value):\n"
                    "        kept = self.__dict__.setdefault('_kept', {})\n"
                    "        kept[name] = list(held(name, value))\n"
                    "        object.__setattr__(self, name, value)\n\n"
                    "    def __call__",
                ),
                (
                    "        for name, value in vars(self).items():\n"
                    '            if not name.startswith("_"):\n'
                    "                yield from held(name, value)\n",
                    "        for entries in vars(self).get('_kept', {}).values():\n"
                    "            yield from entries\n",
                ),
            )
        ),
        "depth first, in the order of definition": Unusual(
            (
                (
                    "        for name, module in self.named_modules():\n"
                    "            for inner, value in module.held_by_me():\n"
                    "                if isinstance(value, Tensor):\n"
                    "                    found.setdefault(id(value), "
                    '(f"{name}.{inner}" if name else inner, value))\n'
                    "        return list(found.values())\n",
                    "        waiting = [('', self)]\n"
                    "        while waiting:\n"
                    "            name, value = waiting.pop()\n"
                    "            if id(value) in found:\n"
                    "                continue\n"
                    "            found[id(value)] = (name.lstrip('.'), value)\n"
                    "            if isinstance(value, Module):\n"
                    "                inner = [(f'{name}.{n}', v) for n, v in value.held_by_me()]\n"
                    "                waiting += reversed(inner)\n"
                    "        return [pair for pair in found.values() if isinstance(pair[1], Tensor)]\n",
                ),
            )
        ),
        "errors in PyTorch's words": Unusual(
            (
                (
                    'f"{name} has shape {array.shape}, expected {mine[name].shape}"',
                    "f'size mismatch for {name}: copying a param with shape {array.shape} from"
                    " checkpoint, the shape in current model is {mine[name].shape}.'",
                ),
            )
        ),
    },
    "05_dense": {
        "composed by reduce": Unusual(
            (
                (
                    "        for layer in self.layers:\n            x = layer(x)\n        return x\n",
                    "        import functools\n\n"
                    "        return functools.reduce(lambda value, layer: layer(value), self.layers, x)\n",
                ),
            )
        ),
        "names as in PyTorch": Unusual(
            (
                (
                    "        self.layers = list(layers)\n",
                    "        self._layers = list(layers)\n"
                    "        for place, layer in enumerate(layers):\n"
                    "            if isinstance(layer, Module):\n"
                    "                setattr(self, str(place), layer)\n\n"
                    "    @property\n    def layers(self):\n        return self._layers\n",
                ),
            )
        ),
        "an MLP with a network inside": Unusual(
            (
                (
                    "class MLP(Sequential):\n",
                    "class MLP(Module):\n"
                    "    layers = property(lambda self: self.network.layers)\n\n"
                    "    def forward(self, x):\n        return self.network(x)\n\n",
                ),
                (
                    "        super().__init__(*layers[:-1])\n",
                    "        self.network = Sequential(*layers[:-1])\n",
                ),
                (
                    "    for layer in model.layers if isinstance(model, Sequential) else [model]:\n",
                    "    for layer in getattr(model, 'layers', [model]):\n",
                ),
            )
        ),
        "numbers without commas": Unusual(
            (
                (
                    '        rows.append((name, str(shape), f"{parameters:,}", f"{size:,}", f"{flops:,}"))\n',
                    "        rows.append((name, str(shape), str(parameters), str(size), str(flops)))\n",
                ),
            )
        ),
        "a rule below the head": Unusual(
            (
                (
                    '    return "\\n".join(lines)\n',
                    "    return '\\n'.join([lines[0], '-' * len(lines[0]), *lines[1:]])\n",
                ),
            )
        ),
    },
}
