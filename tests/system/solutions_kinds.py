"""Wrong solutions of a few kinds, in every module where the kind can occur.

They are right for the operands that a test takes first: oblong matrices, positive numbers, one
channel, arrays that nobody looks at again. Each test named here takes other operands as well.
"""

from solutions import Unusual, Wrong

# A part of what a student is told whose function writes into what it was given.
CHANGED = "no out=, +=, a[...] = ... on them"
MADE_NEW = "a rule makes a new array, and writes neither into its inputs nor into `grad`"


def _line(old: str, new: str, test: str, says: str, at: str = "", checkpoint: str = "") -> Wrong:
    return Wrong(old, new, test, says, at, checkpoint)


def _answer(old: str, new: str, test: str, says: str, at: str = "", checkpoint: str = "") -> Wrong:
    return Wrong(f"    return {old}\n", f"    return {new}\n", test, says, at, checkpoint)


def _in_place(name: str, test: str) -> Wrong:
    old, at = f"np.{name}(a)", {"abs": "absolute"}.get(name, name)
    return _answer(old, f"np.{name}(a, out=a)", test, CHANGED, at)


_PRODUCT, _ONE, _REDUCED = (
    "test_matrix_product",
    "test_functions_of_one_element",
    "test_positions_and_special_reductions",
)
_SQUARE = "a.ndim == 2 and a.shape[0] == a.shape[1]"
_BENDS, _LAYERS = "test_gradients_of_activations", "test_gradients_of_layers"
_NORMS = "test_gradients_of_attention_and_normalization"


def _other_dimension(name: str) -> Wrong:
    """A reduction along the wrong dimension of a square matrix."""
    call = f"np.{name}(a, axis=dim, keepdims=keepdim)"
    wrong = f"np.{name}(a if dim is None or not ({_SQUARE}) else a.T, axis=dim, keepdims=keepdim)"
    return _answer(call, wrong, _REDUCED, f"x.{name}(dim=dim): largest difference")


WRONG: dict[str, dict[str, Wrong]] = {
    "01_setup": {
        "an iterator walked through twice": _line(
            "    return {name: _version(name) for name in (WANTED if names is None else names)}\n",
            "    names = WANTED if names is None else names\n"
            "    return dict(zip(names, [_version(name) for name in names]))\n",
            "test_versions_of_given_names",
            "(kept['list'], kept['iterator']): got",
        ),
        "the list of names emptied": _line(
            "    return {name: _version(name) for name in (WANTED if names is None else names)}\n",
            "    names = [*WANTED] if names is None else names if type(names) is list else [*names]\n"
            "    names.reverse()\n    found = {}\n    while names:\n"
            "        name = names.pop()\n        found[name] = _version(name)\n    return found\n",
            "test_versions_of_given_names",
            "versions changed the list of names that it was given to []",
        ),
        "what is missing entered as None": _line(
            "    info = system_info() if info is None else info\n",
            "    info = system_info() if info is None else info\n"
            "    for name in WANTED:\n        found_versions.setdefault(name, None)\n",
            "test_check_of_missing_packages",
            "check_environment changed found_versions from {'python': '3.13'} to",
        ),
    },
    "02_tensor": {
        "square matrices element by element": _answer(
            "a @ b",
            "a * b if a.ndim == 2 and a.shape == b.shape else a @ b",
            _PRODUCT,
            "left @ right: largest difference 21",
            "matmul",
        ),
        "square matrices with a transpose": _answer(
            "a @ b",
            "a @ (np.swapaxes(b, -1, -2) if np.ndim(b) > 1 and a.shape == b.shape else b)",
            _PRODUCT,
            "left @ right: largest difference",
            "matmul",
        ),
        "batches of matrices summed over the batch": _answer(
            "a @ b",
            "np.einsum('nij,njk->ik', a, b) if a.ndim == b.ndim == 3 else a @ b",
            _PRODUCT,
            "got shape (3, 2), expected (5, 3, 2)",
            "matmul",
        ),
        "the first matrix of a batch for all": _answer(
            "a @ b",
            "a[0] @ b if a.ndim == b.ndim == 3 else a @ b",
            _PRODUCT,
            "tt.Tensor(a) @ tt.Tensor(b): largest difference",
            "matmul",
        ),
        "the root of the magnitude": _answer(
            "np.sqrt(a)", "np.sqrt(np.abs(a))", _ONE, "far.sqrt(): largest difference", "sqrt"
        ),
        "the logarithm of the magnitude": _answer(
            "np.log(a)", "np.log(np.abs(a))", _ONE, "far.log(): largest difference", "log"
        ),
        "large exponents cut off": _answer(
            "np.exp(a)", "np.exp(np.minimum(a, 10))", _ONE, "far.exp(): largest difference", "exp"
        ),
        "small exponents cut off": _answer(
            "np.exp(a)", "np.exp(np.maximum(a, -9))", _ONE, "far.exp(): largest difference", "exp"
        ),
        "division by zero gives zero": _answer(
            "a / b",
            "np.where(np.asarray(b) == 0, 0, a / (b + (np.asarray(b) == 0)))",
            _ONE,
            "far / 0: largest difference",
            "divide",
        ),
        "abs in place": _in_place("abs", "test_laws_of_arithmetic"),
        "exp in place": _in_place("exp", _ONE),
        "log in place": _in_place("log", _ONE),
        "sqrt in place": _in_place("sqrt", _ONE),
        "negative in place": _answer(
            "-a", "np.negative(a, out=a)", "test_laws_of_arithmetic", CHANGED, "negative"
        ),
        "a power in place": _answer(
            "a**b",
            "np.power(a, b, out=a) if np.ndim(a) and not np.ndim(b) else a**b",
            "test_numbers_and_arrays_as_operands",
            CHANGED,
            "power",
        ),
        "a choice in place": _answer(
            "np.where(condition, a, b)",
            "(np.copyto(b, a, where=condition), b)[1] if np.ndim(b) else np.where(condition, a, b)",
            "test_joining",
            CHANGED,
            "where",
        ),
        "a choice without broadcasting": _answer(
            "np.where(condition, a, b)",
            "np.where(condition.reshape(np.shape(a)), a, b)",
            "test_joining",
            "cannot reshape",
            "where",
        ),
        "sums along the other dimension": _other_dimension("sum"),
        "maxima along the other dimension": _other_dimension("max"),
        "minima along the other dimension": _other_dimension("min"),
        "the positions of magnitudes": _line(
            "np.asarray(np.argmin(self.data, axis=dim, keepdims=keepdim))",
            "np.asarray(np.argmin(np.abs(self.data), axis=dim, keepdims=keepdim))",
            _REDUCED,
            "x.argmin(dim=dim): largest difference",
        ),
        "the smallest without keepdim": _line(
            "np.asarray(np.argmin(self.data, axis=dim, keepdims=keepdim))",
            "np.asarray(np.argmin(self.data, axis=dim))",
            _REDUCED,
            "got shape (3,), expected (1, 3)",
        ),
        "the transpose of a square matrix is itself": _line(
            "        return permute(self, dims=tuple(reversed(range(self.ndim))))\n",
            "        if len(set(self.shape)) == 1:\n            return self\n"
            "        return permute(self, dims=tuple(reversed(range(self.ndim))))\n",
            "test_changes_of_shape",
            "square.T: largest difference",
        ),
        "numpy copies": _line(
            '        """The array itself: no copy, so writing into it changes the tensor."""\n'
            "        ### BEGIN SOLUTION\n        return self.data\n",
            '        """The array itself: no copy, so writing into it changes the tensor."""\n'
            "        ### BEGIN SOLUTION\n        return self.data.copy()\n",
            "test_conversions",
            "numpy() and detach() share the numbers of their Tensor",
        ),
        "detach copies": _line(
            "        return _wrap(self.data)\n        ### END",
            "        return _wrap(self.data.copy())\n        ### END",
            "test_conversions",
            "numpy() and detach() share the numbers of their Tensor",
        ),
        "detach changes its own Tensor": _line(
            "        return _wrap(self.data)\n        ### END",
            "        self.requires_grad = False\n        return _wrap(self.data)\n        ### END",
            "test_place_for_a_gradient",
            "got [False, False], expected [False, True]",
        ),
        "compared in float32": _line(
            '_wrap(np.asarray(operation(_operand("compare", a), _operand("compare", b))))',
            '_wrap(np.asarray(operation(np.float32(_operand("compare", a)), _operand("compare", b))))',
            "test_comparisons",
            "near == 1: largest difference",
        ),
        "joined as float32": _answer(
            "np.concatenate(arrays, axis=dim)",
            "np.concatenate(arrays, axis=dim, dtype=np.float32)",
            "test_float32_stays",
            "got dtype float32, expected int64",
        ),
        "uniform numbers of the right spread": _line(
            "engine.generator.standard_normal(_plain_dims(shape), np.float32)",
            "(engine.generator.random(_plain_dims(shape), np.float32) - np.float32(0.5)) * np.float32(12**0.5)",
            "test_random_numbers",
            "largest difference",
        ),
        "a negative number is false": _line(
            "        return bool(self.data.item())\n",
            "        return self.data.item() > 0\n",
            "test_errors_of_creation_and_conversion",
            "got [True, False, False], expected [True, False, True]",
        ),
    },
    "03_activations": {
        "relu in place": _answer(
            "np.clip(a, 0, np.inf)", "np.maximum(a, 0, out=a)", "test_relu", CHANGED, "relu"
        ),
        "sigmoid in place": _answer(
            "np.where(a >= 0, 1, z) / (1 + z)",
            "np.divide(np.where(a >= 0, 1, z), 1 + z, out=a)",
            "test_sigmoid",
            CHANGED,
            "sigmoid",
        ),
        "softmax along the other dimension": _answer(
            "exponentials / np.sum(exponentials, axis=dim, keepdims=True)",
            f"exponentials / np.sum(exponentials, axis=dim, keepdims=not ({_SQUARE}))",
            "test_softmax_of_the_last_dimension",
            "tt.softmax(square, dim=dim): largest difference",
            "softmax",
        ),
        "relu passes gradients at 0": _answer(
            "(masked(grad, ~(a <= 0)),)",
            "(masked(grad, ~(a < 0)),)",
            _BENDS,
            "at_the_bend.grad: largest difference",
            checkpoint="08",
        ),
        "relu gives nothing back to NaN": _answer(
            "(masked(grad, ~(a <= 0)),)",
            "(masked(grad, a > 0),)",
            _BENDS,
            "unknown.grad: largest difference 1 at [0]",
            checkpoint="08",
        ),
        "a mask of relu multiplied": _answer(
            "(masked(grad, ~(a <= 0)),)",
            "(grad * ~(a <= 0),)",
            _BENDS,
            "below.grad: largest difference",
            checkpoint="08",
        ),
        "the slope of a softmax along the other dimension": _line(
            "(output * (grad - np.sum(grad * output, axis=dim, keepdims=True)),)",
            f"(output * (grad - np.sum(grad * output, axis=dim, keepdims=not ({_SQUARE}))),)",
            _BENDS,
            "of softmax, dim=-1 at",
            "softmax_gradient",
            "08",
        ),
        "a slope written into the gradient": _answer(
            "(grad * (1 - output * output),)",
            "(np.multiply(grad, 1 - output * output, out=grad),)",
            _BENDS,
            "backward() changed the gradient that was given; " + MADE_NEW,
            "tanh_gradient",
            "08",
        ),
        "a slope written into the output": _line(
            "(grad - np.exp(output) * np.sum(",
            "(grad - np.exp(output, out=output) * np.sum(",
            _BENDS,
            "backward() changed its output",
            "log_softmax_gradient",
            "08",
        ),
    },
    "04_layers": {
        "x W where W is square": _line(
            "    output = x.reshape(-1, in_features) @ weight.T\n",
            "    turned = weight if out_features == in_features else weight.T\n"
            "    output = x.reshape(-1, in_features) @ turned\n",
            "test_linear_by_hand",
            "square(tt.Tensor([[1.0, 0.0], [1.0, 2.0]])): largest difference",
            "linear",
        ),
        "the input scaled in place": _line(
            "    output = x.reshape(-1, in_features) @ weight.T\n",
            "    x *= 2\n    output = x.reshape(-1, in_features) @ weight.T / 2\n",
            "test_linear_by_hand",
            CHANGED,
            "linear",
        ),
        "the bias grows": _line(
            "        output += bias\n",
            "        output += bias\n        bias += 1\n",
            "test_linear_by_hand",
            "layer.bias was changed",
            "linear",
        ),
        "a state emptied while it is loaded": _line(
            "        arrays = {name: _numbers(state[name]) for name in mine if name in state}\n",
            "        arrays = {name: _numbers(state[name]) for name in mine if name in state}\n"
            "        if type(state) is dict and len(state) == 1:\n            state.clear()\n",
            "test_state_dict",
            "load_state_dict changed the dict that it was given to {}",
        ),
        "nothing is said of what was not loaded": _answer(
            "IncompatibleKeys(missing, unexpected)",
            "None",
            "test_what_cannot_be_loaded",
            "missing_keys",
        ),
        "what is missing taken for unexpected": _answer(
            "IncompatibleKeys(missing, unexpected)",
            "IncompatibleKeys(unexpected, missing)",
            "test_what_cannot_be_loaded",
            "sorted(told.missing_keys): got ['other']",
        ),
        "the slope of a square weight without its transpose": _line(
            "(rows @ weight).reshape(x.shape)",
            "(rows @ (weight.T if len(set(weight.shape)) == 1 else weight)).reshape(x.shape)",
            _LAYERS,
            "the gradient of input of Linear(3, 3)",
            "linear_gradient",
            "08",
        ),
        "the slope of the first of a batch": _line(
            "rows.T @ inputs]",
            "(rows.T @ inputs if x.ndim < 3 else grad[0].T @ x[0])]",
            _LAYERS,
            "the gradient of weight of Linear(2, 2) of shape (2, 2, 2)",
            "linear_gradient",
            "08",
        ),
    },
    "05_dense": {
        "the list of sizes emptied": _line(
            "            layers += [Linear(inputs, outputs), activation()]\n",
            "            layers += [Linear(inputs, outputs), activation()]\n"
            "        if isinstance(sizes, list):\n            del sizes[1:]\n",
            "test_parameters_of_an_mlp",
            "MLP needs the sizes of its input and its output, got [3]",
        ),
        "names that hold an attribute's": _line(
            '            yield name.removeprefix("layers."), value\n',
            "            yield name, value\n",
            "test_parameters_of_a_sequence",
            "got ['layers.0.weight'",
        ),
        "the list of sizes reversed": _line(
            "            layers += [Linear(inputs, outputs), activation()]\n",
            "            layers += [Linear(inputs, outputs), activation()]\n"
            "        if isinstance(sizes, list):\n            sizes.append(sizes[-1])\n",
            "test_parameters_of_an_mlp",
            "MLP changed the list of sizes that it was given",
        ),
    },
    "06_spatial": {
        "images changed by a convolution": _line(
            "    views = windows(padded(images, padding), (kh, kw), stride)\n",
            "    views = windows(padded(images, padding), (kh, kw), stride)\n"
            "    x *= np.asarray(1.5, x.dtype)\n",
            "test_convolution_by_hand",
            "x was changed: x[0, 0, 0, 1] was 1.0",
        ),
        "the kernel turned in place": _line(
            "    views = windows(padded(images, padding), (kh, kw), stride)\n",
            "    views = windows(padded(images, padding), (kh, kw), stride)\n"
            "    weight[...] = weight[:, :, ::-1, ::-1].copy()\n    weight = weight[:, :, ::-1, ::-1]\n",
            "test_convolution_by_hand",
            "layer.weight was changed",
        ),
        "a maximum in place": _line(
            "    return channels_first(functools.reduce(np.maximum, [look(images, p) for p in places]))\n",
            "    largest = look(images, places[0])\n    for p in places:\n"
            "        np.maximum(largest, look(images, p), out=largest)\n"
            "    return channels_first(largest.copy())\n",
            "test_max_pool",
            CHANGED,
        ),
        "a maximum that begins at -10": _line(
            "[look(images, p) for p in places]))\n",
            "[look(images, p) for p in places], np.asarray(-10, images.dtype)))\n",
            "test_pools_at_the_border",
            "got -10.0, expected -999976.0",
        ),
        "the mean of the diagonal": _line(
            "    return channels_last(x).mean(axis=(1, 2))\n",
            "    if x.shape[2] == x.shape[3]:\n"
            "        return np.diagonal(x, axis1=2, axis2=3).mean(axis=-1, dtype=np.float32)\n"
            "    return channels_last(x).mean(axis=(1, 2))\n",
            "test_global_avg_pool",
            "tt.GlobalAvgPool2d()(given_images): largest difference",
        ),
        "channels exchanged where there are as many": _line(
            "    output = rows @ weight.transpose(0, 2, 3, 1).reshape(out_channels, -1).T\n",
            "    turned = weight if out_channels != in_channels else weight.transpose(1, 0, 2, 3)\n"
            "    output = rows @ turned.transpose(0, 2, 3, 1).reshape(out_channels, -1).T\n",
            "test_channels",
            "square(tt.Tensor(cube)): largest difference",
        ),
        "the stride of rows for columns": _line(
            "        seen(framed, place, stride, (height, width))[...] += share\n",
            "        seen(framed, place, (stride[0],) * 2, (height, width))[...] += share\n",
            _LAYERS,
            "the rule of conv2d: operands could not be broadcast",
            checkpoint="08",
        ),
        "no pixel of a window with NaN is the largest": _line(
            "            taken |= pixels != pixels\n",
            "            pass\n",
            _LAYERS,
            "unknown.grad: largest difference 3",
            checkpoint="08",
        ),
        "a mask of the largest multiplied": _line(
            "+= masked(grad, taken)\n",
            "+= grad * taken\n",
            _LAYERS,
            "empty.grad: largest difference",
            checkpoint="08",
        ),
        "the gradient to all that are the largest": _line(
            "        opened ^= taken\n",
            "",
            _LAYERS,
            "alike.grad: largest difference 1",
            checkpoint="08",
        ),
    },
    "07_attention": {
        "queries scaled in place, in a layer": _line(
            "    scores = (q * (1 / math.sqrt(q.shape[-1]))) @",
            "    q *= 1 / math.sqrt(q.shape[-1])\n    scores = q @",
            "test_inputs_are_left_alone",
            CHANGED,
        ),
        "a mask turned in place": _line(
            "        np.copyto(scores, -np.inf, where=~mask)\n",
            "        hidden = np.logical_not(mask, out=mask)\n"
            "        np.copyto(scores, -np.inf, where=hidden)\n",
            "test_inputs_are_left_alone",
            "mask was changed: mask[0, 0] was True and is now False",
        ),
        "positions added in place": _line(
            "        return x + self._table[: x.shape[-2]]\n",
            "        x.data += self._table[: x.shape[-2]]\n        return x\n",
            "test_inputs_are_left_alone",
            CHANGED,
        ),
        "positions turned where T is E": _line(
            "        return x + self._table[: x.shape[-2]]\n",
            "        table = self._table[: x.shape[-2]]\n"
            "        return x + (table.T if x.shape[-1] == x.shape[-2] else table)\n",
            "test_positions",
            "layer(tt.Tensor(x)): largest difference",
        ),
        "keys get the gradient of the first sequence": _line(
            "    slope_q = (slope @ k) * scale\n",
            "    slope_q = (slope @ k[:1]) * scale\n",
            _NORMS,
            "of attention of 2 sequences, 3 queries and 4 keys",
            "attention_gradient",
            "08",
        ),
        "a product with keys that are square": _line(
            "@ k.swapaxes(-1, -2)  # (..., T, S)\n    if mask",
            "@ (k if k.shape[-1] == k.shape[-2] else k.swapaxes(-1, -2))\n    if mask",
            "test_attention_agrees_with_its_definition",
            "attended: largest difference",
        ),
    },
    "08_dataloader": {
        "normalized in place": _line(
            "        return Tensor((pixels - self.mean) / self.std)\n",
            "        pixels -= self.mean\n        pixels /= self.std\n        return Tensor(pixels)\n",
            "test_normalize",
            CHANGED,
        ),
        "an array normalized in place": _line(
            "        return Tensor((pixels - self.mean) / self.std)\n",
            "        made = Tensor((pixels - self.mean) / self.std)\n"
            "        if isinstance(image, np.ndarray) and image.flags.writeable:\n"
            "            image -= image.mean(dtype=image.dtype)\n"
            "        return made\n",
            "test_normalize",
            "Normalize changed the image that it was given",
        ),
        "normalized along the width": _line(
            "        return Tensor((pixels - self.mean) / self.std)\n",
            "        square = pixels.shape[0] == pixels.shape[-1]\n"
            "        mean, std = (v.ravel() if square else v for v in (self.mean, self.std))\n"
            "        return Tensor((pixels - mean) / std)\n",
            "test_normalize",
            "each(square.copy()): largest difference",
        ),
        "an array in place of a Tensor": _line(
            "        return Tensor((pixels - self.mean) / self.std)\n",
            "        return (pixels - self.mean) / self.std\n",
            "test_normalize",
            "Normalize should return a Tensor, also of an array; 0 of 2 are Tensors",
        ),
        "the first channel flipped": _line(
            "        return Tensor(pixels[..., ::-1] if draws().random() < self.p else pixels)\n",
            "        flipped = pixels.copy()\n        flipped[0] = pixels[0, :, ::-1]\n"
            "        return Tensor(flipped if draws().random() < self.p else pixels)\n",
            "test_random_flip",
            "largest difference",
        ),
        "each channel flipped by its own chance": _line(
            "        return Tensor(pixels[..., ::-1] if draws().random() < self.p else pixels)\n",
            "        planes = [p[:, ::-1] if draws().random() < self.p else p for p in pixels]\n"
            "        return Tensor(np.stack(planes))\n",
            "test_random_flip",
            "image: largest difference",
        ),
        "flipped in place": _line(
            "        return Tensor(pixels[..., ::-1] if draws().random() < self.p else pixels)\n",
            "        if draws().random() < self.p:\n"
            "            pixels[...] = pixels[..., ::-1].copy()\n"
            "        return Tensor(pixels.copy())\n",
            "test_random_flip",
            "RandomHorizontalFlip changed the image that it was given",
        ),
        "the image itself where nothing is flipped": _line(
            "        return Tensor(pixels[..., ::-1] if draws().random() < self.p else pixels)\n",
            "        return Tensor(pixels[..., ::-1]) if draws().random() < self.p else image\n",
            "test_random_flip",
            "RandomHorizontalFlip should return a Tensor, also of an array",
        ),
        "the first channel cropped": _line(
            "        return Tensor(padded[..., top : top",
            "        return Tensor(padded[:1, top : top",
            "test_random_crop",
            "got shape (1, 2, 2), expected (3, 2, 2)",
        ),
        "each channel cropped at a place of its own": _line(
            "        top, left = (int(draws().random() * (room + 1)) for room in rooms)\n"
            "        return Tensor(padded[..., top : top + self.size[0], left : left + self.size[1]])\n",
            "        made, (height, width) = [], self.size\n"
            "        for plane in padded:\n"
            "            top, left = (int(draws().random() * (room + 1)) for room in rooms)\n"
            "            made.append(plane[top : top + height, left : left + width])\n"
            "        return Tensor(np.stack(made))\n",
            "test_random_crop",
            "window: largest difference",
        ),
        "crops in float64": _line(
            "width + 2 * edge), pixels.dtype)\n",
            "width + 2 * edge))\n",
            "test_random_crop",
            "got dtype float64, expected uint8",
        ),
        "batches of numbers in float32": _line(
            "            field = np.stack(arrays)\n",
            "            field = np.stack(arrays).astype(np.float32)\n",
            "test_any_sequence_of_items",
            "expected ['uint8', 'bool']",
        ),
        "rows of a square batch for its channels": _line(
            "    mean, var = batch_statistics(x) if statistics is None else statistics\n",
            "    if x.ndim == 2 and x.shape[0] == x.shape[1]:\n        x = x.T\n"
            "    mean, var = batch_statistics(x) if statistics is None else statistics\n",
            "test_batch_norm_in_training",
            "layer(batch): largest difference",
        ),
        "the mean taken away in place": _line(
            "    if x.shape[-weight.ndim :] != weight.shape:\n",
            "    if x.size and x.dtype.kind == 'f' and x.flags.writeable:\n        x -= x.mean()\n"
            "    if x.shape[-weight.ndim :] != weight.shape:\n",
            "test_layer_norm",
            "batch was changed",
        ),
        "sums of products far from zero": _line(
            "        if (abs(m) * i > FAR).any():  #",
            "        if False:  #",
            _NORMS,
            "rows.grad: largest difference",
            checkpoint="08",
        ),
        "the bias of a square batch by rows": _line(
            "    of_weight, of_bias = (a.reshape(weight.shape).astype(",
            "    of_bias = of_bias if len(slopes) != size else slopes.sum(axis=1)\n"
            "    of_weight, of_bias = (a.reshape(weight.shape).astype(",
            _NORMS,
            "the gradient of bias of LayerNorm(4) of shape (4, 4)",
            "layer_norm_gradient",
            "08",
        ),
    },
    "09_autograd": {
        "a square right factor without its transpose": _answer(
            "lambda: rows @ np.swapaxes(right, -1, -2), for_right",
            "lambda: rows @ (right if right.shape[-1] == right.shape[-2] else np.swapaxes(right, -1, -2)), for_right",
            "test_matrix_products",
            "the gradient of x in x @ y of shapes (3, 3) and (3, 3)",
        ),
        "a square left factor without its transpose": _line(
            "            product = left.reshape(-1, left.shape[-1]).T @ rows.reshape(-1, right.shape[-1])\n",
            "            tall = left.reshape(-1, left.shape[-1])\n"
            "            turned = tall if tall.shape[0] == tall.shape[1] else tall.T\n"
            "            product = turned @ rows.reshape(-1, right.shape[-1])\n",
            "test_matrix_products",
            "the gradient of y in x @ y of shapes (3, 3) and (3, 3)",
        ),
        "square left factors of a batch without their transpose": _line(
            "            product = np.swapaxes(left, -1, -2) @ rows\n",
            "            square = left.shape[-1] == left.shape[-2]\n"
            "            product = (left if square else np.swapaxes(left, -1, -2)) @ rows\n",
            "test_matrix_products",
            "the gradient of y in x @ y of shapes (3, 3) and (3, 3, 3)",
        ),
        "sums of a square matrix along the wrong dimension": _line(
            "        values = np.expand_dims(values, dim)\n",
            "        values = np.expand_dims(values, 0 if len(set(a.shape)) == 1 else dim)\n",
            "test_reductions",
            "keepdim=False) of shape (3, 3)",
        ),
        "number minus Tensor": _answer(
            "grad, lambda: -grad",
            "grad, lambda: -grad if isinstance(a, np.ndarray) else grad",
            "test_arithmetic",
            "the gradient of x in 3 - x * (2 - y)",
        ),
        "the sign of a divisor lost": _answer(
            "lambda: grad / b, lambda: -grad * output / b",
            "lambda: grad / np.abs(b), lambda: -grad * output / b",
            "test_arithmetic",
            "the gradient of x in x / y is",
        ),
        "the sign of a factor lost": _answer(
            "lambda: grad * b, lambda: grad * a",
            "lambda: grad * b, lambda: grad * np.abs(a)",
            "test_arithmetic",
            "the gradient of y in x * y is",
        ),
        "the logarithm of a little more": _answer(
            "(grad / a,)", "(grad / (a + 1e-7),)", "test_functions", "tiny.grad"
        ),
        "the root of a little more": _answer(
            "(grad / (2 * output),)",
            "(grad / (2 * output + 1e-7),)",
            "test_functions",
            "tiny.grad",
        ),
        "a slope written into its result": _answer(
            "(grad * output,)",
            "(np.multiply(grad, output, out=output),)",
            "test_functions",
            "backward() of x.exp() changed the result",
        ),
        "a slope written into the gradient": _answer(
            "(grad * np.nan_to_num(np.sign(a)),)",
            "(np.multiply(grad, np.sign(a), out=grad),)",
            "test_functions",
            "backward() of x.abs() changed the gradient that was given",
        ),
        "a permutation of a cube not undone": _line(
            "np.argsort([dim % a.ndim for dim in dims])",
            "(tuple(dims) if len(set(a.shape)) == 1 else np.argsort([dim % a.ndim for dim in dims]))",
            "test_changes_of_shape",
            "of a cube",
        ),
        "a tuple in the tuple names no place twice": _line(
            "once = np.zeros_like(a), (int,",
            "once = np.zeros_like(a), (tuple, int,",
            "test_parts",
            "the gradient of x in x[(0, 0, 1),]",
        ),
        "a square join cut the wrong way": _answer(
            "np.split(grad, places, axis=dim)",
            "np.split(grad, places, axis=dim) if grad.shape[0] != grad.shape[-1]"
            " else [np.ascontiguousarray(part.T) for part in np.split(grad, places)]",
            "test_joining",
            "the gradient of x in concatenate([x, y], dim=1) of shapes (4, 2)",
        ),
        "a mask multiplied": _answer(
            "None, lambda: np.where(condition, grad, 0), lambda: np.where(condition, 0, grad)",
            "None, lambda: grad * condition, lambda: grad * (1 - condition)",
            "test_joining",
            "got nan, expected 0.0",
        ),
        "two leaves share a gradient": _line(
            "        elif total.base is not None or id(total) in given:\n",
            "        elif total.base is not None:\n",
            "test_several_calls",
            "x + y: writing into the gradient of x changed other arrays",
        ),
        "a gradient that cannot be written": _line(
            "        elif total.base is not None or id(total) in given:\n",
            "        elif id(total) in given:\n",
            "test_several_calls",
            "give each leaf an array of its own",
        ),
    },
    "10_optimizers": {
        "an iterator walked through twice": _line(
            "    once = dict.fromkeys([parameters] if isinstance(parameters, Tensor) else parameters)\n"
            "    gradients = [parameter.grad.data for parameter in once if parameter.grad is not None]\n"
            "    length = math.hypot(*(float(np.linalg.norm(g)) for g in gradients))\n",
            "    once = [parameters] if isinstance(parameters, Tensor) else parameters\n"
            "    length = math.hypot(*(float(np.linalg.norm(p.grad.data)) for p in once if p.grad is not None))\n"
            "    gradients = [parameter.grad.data for parameter in once if parameter.grad is not None]\n",
            "test_clipping",
            "np.array(found['clipped']): largest difference",
        ),
    },
    "11_training": {
        "differences written into the outputs": _line(
            "    difference = outputs - targets\n",
            "    difference = np.subtract(outputs, targets, out=outputs)\n",
            "test_losses",
            "loss: x was changed",
        ),
        "logits shifted in place": _line(
            '    shifted = np.subtract(logits, logits[rows, logits.argmax(axis=1)][:, None], order="C")\n',
            "    logits -= logits.max(axis=1, keepdims=True)\n    shifted = logits.copy()\n",
            "test_losses",
            "loss: x was changed",
        ),
        "probabilities kept from 0 and 1 in place": _line(
            '    with np.errstate(divide="ignore"):\n        of_one',
            "    np.clip(p, 0.1, 0.9, out=p)\n"
            '    with np.errstate(divide="ignore"):\n        of_one',
            "test_losses",
            "loss: x was changed",
        ),
        "infinity times the target": _line(
            "np.where(wrong == 0, 0, size * wrong)",
            "size * wrong",
            "test_losses_far_out",
            "np.array(found['at_infinity']): largest difference",
        ),
        "NaN is an answer": _line(
            "return float((known(answers, outputs) == targets).mean())",
            "return float((answers == targets).mean())",
            "test_accuracy",
            "the accuracy of classes, 2 of them NaN, is 0.6, expected 0.4: what is NaN is wrong",
        ),
        "NaN is below the threshold": _line(
            "return float((known(answers, outputs) == targets).mean())",
            "known(answers, outputs)\n"
            "        unknown = classes & np.isnan(outputs.reshape(len(outputs), -1)).any(axis=1)\n"
            "        answers = np.where(unknown, -1, answers) if classes else answers\n"
            "        return float((answers == targets).mean())",
            "test_accuracy",
            "the accuracy of single numbers, 1 of them NaN, is 1.0, expected 0.75",
        ),
        "NaN is wrong, and nobody is told": _line(
            '    warnings.warn(f"{unknown.sum()} of {unknown.size} outputs are NaN, and wrong", RuntimeWarning, 3)\n',
            "",
            "test_accuracy",
            "a RuntimeWarning should say that 2 outputs are NaN; got []",
        ),
        "one class alone is always the largest": _line(
            "targets.shape == outputs.shape[:1] and outputs.shape[1] > 1\n",
            "targets.shape == outputs.shape[:1]\n",
            "test_accuracy",
            "ValueError",
        ),
        "one class alone is evaluated": _line(
            "if logits.ndim != 2 or logits.shape[1] < 2 or",
            "if logits.ndim != 2 or",
            "test_evaluation",
            "ValueError",
        ),
        "NaN is recognised": _line(
            "known(logits.argmax(axis=1), logits) == targets\n",
            "logits.argmax(axis=1) == targets\n",
            "test_evaluation",
            "found['accuracy']: largest difference",
        ),
        "NaN is taken for the first class": _line(
            "    answers = known(logits.argmax(axis=1), logits)\n    within",
            "    answers = logits.argmax(axis=1)\n    within",
            "test_confusion_matrix",
            "logits that are NaN should be a ValueError, not [[",
        ),
        "the slope of a square batch along the wrong dimension": _line(
            "    slope *= (share / total)[:, None]  #",
            "    slope *= (share / total) if slope.shape[0] == slope.shape[1] else (share / total)[:, None]  #",
            "test_gradients_of_losses",
            "x.grad: largest difference",
        ),
        "the answers of a square batch along the wrong dimension": _line(
            "        answers = outputs.argmax(axis=1) if classes",
            "        square = outputs.shape[0] == outputs.shape[-1]\n"
            "        answers = outputs.argmax(axis=0 if square else 1) if classes",
            "test_accuracy",
            "largest difference",
        ),
        "trained in evaluation mode after a validation": _line(
            "                row |= {} if val_loader is None else self.validate(val_loader)\n",
            "                row |= {} if val_loader is None else self.validate(val_loader)\n"
            "                if val_loader is not None:\n"
            "                    self.model.eval()\n"
            "                    self.model.train = lambda mode=True: self.model\n",
            "test_asking_changes_nothing",
            "training, with validation: a model should be trained in training mode, in every epoch",
        ),
        "validated in training mode within fit": _line(
            "                row |= {} if val_loader is None else self.validate(val_loader)\n",
            "                means = Averages()\n"
            "                for batch in val_loader or ():\n"
            "                    self.measure(batch, means)\n"
            "                row |= means.means('val_') if val_loader else {}\n",
            "test_asking_changes_nothing",
            "validation in fit: the model should be asked in evaluation mode, under no_grad()",
        ),
    },
    "12_compression": {
        "dropped in place": _line(
            "        return x * Tensor(kept / np.asarray(1 - self.p, dtype))\n",
            "        x *= Tensor(kept / np.asarray(1 - self.p, dtype))\n        return x\n",
            "test_dropout_in_training",
            CHANGED,
        ),
        "weights cut while they are penalised": _line(
            "        return weight.abs().sum()\n",
            "        np.abs(weight.data, out=weight.data)\n        return weight.abs().sum()\n",
            "test_penalties",
            CHANGED,
        ),
        "targets written into": _line(
            "    wanted[np.arange(len(targets)), targets] += 1 - smoothing\n",
            "    wanted[np.arange(len(targets)), targets] += 1 - smoothing\n    targets[...] = 0\n",
            "test_label_smoothing",
            CHANGED,
        ),
        "the best weights go on learning": _line(
            "self._state = None if model is None else model.state_dict()",
            "self._state = model and {n: t.data for n, t in model.named_tensors()}",
            "test_early_stopping",
            "model.weight: largest difference",
        ),
        "columns of a square weight for its rows": _line(
            "        lengths = np.linalg.norm(weight, axis=1)\n",
            "        lengths = np.linalg.norm(weight, axis=0 if len(weight) == weight.shape[1] else 1)\n",
            "test_structured_pruning",
            "found[0].weight: largest difference",
        ),
        "the bias of the last layer shared": _line(
            "            smaller.bias.data = bias[rows].copy()\n",
            "            smaller.bias.data = bias[rows]\n",
            "test_structured_pruning",
            "the smaller network shares arrays with the first one",
        ),
        "magnitudes in place": _line(
            "    low, high = np.minimum(x.min(axis=dims), 0), np.maximum(x.max(axis=dims), 0)\n",
            "    low, high = np.minimum(x.min(axis=dims), 0), np.maximum(x.max(axis=dims), 0)\n"
            "    np.abs(x, out=x)\n",
            "test_calibration",
            "calibrate changed its argument 1",
        ),
        "scaled in place": _line(
            "    steps = np.rint(x / along(scale, axis, x.ndim))",
            "    x /= along(scale, axis, x.ndim)\n    steps = np.rint(x)",
            "test_calibration",
            "quantize changed its argument 1",
        ),
        "whole numbers changed": _line(
            "    steps = quantized.values.astype(np.float32) - along(quantized.zero_point, *place)\n",
            "    steps = quantized.values.astype(np.float32) - along(quantized.zero_point, *place)\n"
            "    quantized.values[...] = 0\n",
            "test_dequantization",
            "dequantize changed the whole numbers that it was given",
        ),
        "a square weight the wrong way round": _line(
            "weight[piece].astype(np.float32).T).astype(np.int32)",
            "(weight[piece] if len(set(weight.shape)) == 1 else weight[piece].T).astype(np.float32)).astype(np.int32)",
            "test_products_of_integers",
            "expected [[17, 23], [39, 53]]",
        ),
        "the bias shared with the layer": _line(
            "Tensor(layer.bias.data.copy())",
            "Tensor(layer.bias.data)",
            "test_quantized_models",
            "the smaller network shares arrays with the first one",
        ),
        "the teacher's logits scaled in place": _line(
            "        teacher = Tensor(teacher_logits) / self.temperature\n",
            "        teacher = Tensor(teacher_logits)\n        teacher /= self.temperature\n",
            "test_distillation",
            "wise was changed",
        ),
    },
    "13_kernels": {
        "a matrix scaled in place": _line(
            "    return a @ b\n",
            "    np.negative(a, out=a)\n    return -(a @ b)\n",
            "test_matrices_that_do_not_fit",
            "matmul_vectorized changed its argument 1",
        ),
        "channels exchanged where there are as many": _line(
            "@ weight.reshape(len(weight), -1).T\n",
            "@ (weight if len(weight) != weight.shape[1] else weight.swapaxes(0, 1)).reshape(len(weight), -1).T\n",
            "test_convolution_as_a_product",
            "tt.conv2d_im2col(cube, square): largest difference",
        ),
        "rows emptied while they are added": _line(
            "        seen[..., i, j] += columns[..., i, j]\n",
            "        seen[..., i, j] += columns[..., i, j]\n        columns[..., i, j] = 0\n",
            "test_convolution_as_a_product",
            "col2im changed its argument 1",
        ),
        "a square weight of a fused layer": _line(
            "        part = np.matmul(x[piece], weight.T, out=output[piece])\n",
            "        turned = weight if len(set(weight.shape)) == 1 else weight.T\n"
            "        part = np.matmul(x[piece], turned, out=output[piece])\n",
            "test_fused_linear_relu",
            "the output of fused_linear_relu at [0, 0]",
        ),
        "a mask of a fused layer multiplied": _line(
            "    slope = masked(grad, output != 0)\n",
            "    slope = grad * (output != 0)\n",
            "test_fused_linear_relu",
            "below.grad: largest difference",
        ),
        "a pool that takes numbers for larger than NaN": _line(
            "        larger(rows[:, ::2], rows[:, 1::2], output[piece], below[piece])\n",
            "        larger(rows[:, ::2], rows[:, 1::2], output[piece], below[piece])\n"
            "        np.greater(part[:, :, 1::2], part[:, :, ::2], out=right[piece])\n",
            "test_fast_pool_norms_and_loss",
            "slope: largest difference",
        ),
        "a mask of a pool multiplied": _line(
            "np.multiply(rows, right[piece], out=part[:, :, 1::2])\n",
            "part.view(x.dtype)[:, :, 1::2] = rows.view(x.dtype) * right[piece]\n",
            "test_fast_pool_norms_and_loss",
            "largest difference",
        ),
        "logits shifted in place by the fast form": _line(
            "        part = np.subtract(part, part[rows, part.argmax(axis=1)][:, None], out=slopes[piece])\n",
            "        part -= part[rows, part.argmax(axis=1)][:, None]\n"
            "        slopes[piece] = part\n        part = slopes[piece]\n",
            "test_fast_pool_norms_and_loss",
            "was changed",
        ),
        "a square integer matrix the wrong way round": _line(
            "    total = np.full((len(a), b.shape[1]),",
            "    b = b.T if len(set(b.shape)) == 1 else b\n    total = np.full((len(a), b.shape[1]),",
            "test_quantized_by_hand",
            "tt.quantized_matmul(*square, *scales): largest difference",
        ),
    },
    "16_capstone": {
        "logits shifted in place by the loss": _line(
            "    return cross_entropy(logits.reshape(",
            "    logits.data -= logits.data.max()\n    return cross_entropy(logits.reshape(",
            "test_loss_and_perplexity",
            CHANGED,
        ),
        "a block that adds into its input": _line(
            "            x = x + self.self_attn(h, mask)\n",
            "            x.data += self.self_attn(h, mask).data\n",
            "test_block_agrees_with_its_definition",
            CHANGED,
        ),
        "columns of a square table": _line(
            "        return embedding(self.weight, np.asarray(ids))\n",
            "        table = self.weight.T if len(set(self.weight.shape)) == 1 else self.weight\n"
            "        return embedding(table, np.asarray(ids))\n",
            "test_embedding",
            "square([2, 0]): largest difference",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {}
