"""Solutions of module 09: wrong ones that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

WRONG: dict[str, dict[str, Wrong]] = {
    "09_autograd": {
        "a check of nothing is content": Wrong(
            '        raise ValueError(f"gradcheck needs a floating Tensor among its inputs, got {inputs!r}")\n',
            "        return True\n",
            "test_gradcheck",
            "nothing was raised, expected ValueError",
        ),
        "dimensions without their sign": Wrong(
            "    return np.split(grad, places, axis=dim)\n",
            "    return np.split(grad, places, axis=abs(dim))\n",
            "test_joining",
            "IndexError: tuple index out of range",
        ),
        "every equal maximum gets all": Wrong(
            "    share = found / found.sum(axis=dim, keepdims=True)\n    return (share * spread",
            "    share = found\n    return (share * spread",
            "test_reductions",
            "equal.grad.sum(): largest difference 2",
        ),
        "a slope where there is none": Wrong(
            "    return (grad * np.nan_to_num(np.sign(a)),)\n",
            "    return (np.where(a >= 0, grad, -grad),)\n",
            "test_functions",
            "x.grad: largest difference 1 at [2]",
        ),
        "enable_grad swallows exceptions": Wrong(
            "    before, engine.grad_enabled = engine.grad_enabled, True\n"
            "    try:\n"
            "        yield\n"
            "    finally:\n"
            "        engine.grad_enabled = before\n",
            "    before, engine.grad_enabled = engine.grad_enabled, True\n"
            "    try:\n"
            "        yield\n"
            "    except Exception:\n"
            "        pass\n"
            "    finally:\n"
            "        engine.grad_enabled = before\n",
            "test_switching_off_and_on",
            "raise",  # in isolation the block itself says so
        ),
        "broadcasting is not undone": Wrong(
            "    return slope.sum(axis=(*range(extra), *stretched)).reshape(shape)\n",
            "    return slope\n",
            "test_broadcasting",
            "the gradient of y in x + y of shapes (2, 3) and (3,) has shape (2, 3), expected (3,)",
        ),
        "stretched dimensions are not summed": Wrong(
            "    return slope.sum(axis=(*range(extra), *stretched)).reshape(shape)\n",
            "    return slope.sum(axis=tuple(range(extra)))\n",
            "test_broadcasting",
            "the gradient of x in x + y of shapes (2, 1) and (1, 3) has shape (2, 3), expected (2, 1)",
        ),
        "mean instead of sum": Wrong(
            "    return slope.sum(axis=(*range(extra), *stretched)).reshape(shape)\n",
            "    return slope.mean(axis=(*range(extra), *stretched)).reshape(shape)\n",
            "test_broadcasting",
            "the gradient of y in x + y of shapes (2, 3) and (3,) is",
        ),
        "the last use overwrites the others": Wrong(
            "totals[operand] = totals[operand] + slope if operand in totals else slope",
            "totals[operand] = slope",
            "test_several_uses",
            "x.grad: largest difference 2 at [0]: got 1.0, expected 3.0",
        ),
        "the last call overwrites the others": Wrong(
            "            total = leaf.grad.data + total\n",
            "            total = np.copy(total)\n",
            "test_several_calls",
            "x.grad: largest difference",
        ),
        "one array for two gradients": Wrong(
            "            total = leaf.grad.data + total\n"
            "        elif total.base is not None or id(total) in given:\n"
            "            total = np.copy(total)\n",
            "            leaf.grad.data += total\n            continue\n",
            "test_several_calls",
            "y.grad: largest difference",
        ),
        "ways are walked in the order of discovery": Wrong(
            "    for number in sorted(found, reverse=True):\n",
            "    for number in list(found):\n",
            "test_several_uses",
            "x.grad: largest difference",
        ),
        "from the beginning to the end": Wrong(
            "    for number in sorted(found, reverse=True):\n",
            "    for number in sorted(found):\n",
            "test_gradients_by_hand",
            "a.grad: got None, expected an array",
        ),
        "by recursion": Wrong(
            "    found: dict[int, Tensor] = {}\n    waiting = [root]\n    while waiting:\n"
            "        tensor = waiting.pop()\n        operation = tensor._node\n"
            "        if operation is None:\n            continue\n",
            "    found: dict[int, Tensor] = {}\n\n    def visit(tensor):\n"
            "        for t in tensor._node[3] if tensor._node else ():\n"
            "            if isinstance(t, Tensor):\n                visit(t)\n\n    visit(root)\n"
            "    waiting = [root]\n    while waiting:\n"
            "        tensor = waiting.pop()\n        operation = tensor._node\n"
            "        if operation is None:\n            continue\n",
            "test_a_long_chain",
            "RecursionError: maximum recursion depth exceeded",
        ),
        "the tape is never freed": Wrong(
            "        tensor._node = WALKED\n",
            "",
            "test_memory_of_a_training_loop",
            "each step of a training loop leaves",
        ),
        "a list of all operations": Wrong(
            "    totals, found = {root: gradient}, history(root, since)\n",
            "    totals, found = {root: gradient}, history(root, since)\n"
            "    engine.implementations.setdefault('tape', []).append(dict(found))\n",
            "test_memory_of_a_training_loop",
            "each step of a training loop leaves",
        ),
        "a second walk does nothing": Wrong(
            "        tensor._node = WALKED\n",
            "        tensor._node = None\n",
            "test_what_backward_refuses",
            "nothing was raised, expected RuntimeError",
        ),
        "ones where a gradient is needed": Wrong(
            "    if gradient is None and output.size != 1:\n",
            "    if gradient is None and output.size < 0:\n",
            "test_a_gradient_that_is_given",
            "nothing was raised, expected RuntimeError",
        ),
        "a given gradient is broadcast": Wrong(
            "    if start.shape != output.shape:\n",
            "    if start.size == 1:\n        start = np.broadcast_to(start, output.shape)\n"
            "    if start.shape != output.shape:\n",
            "test_a_gradient_that_is_given",
            "nothing was raised, expected RuntimeError",
        ),
        "a given gradient is ignored": Wrong(
            "start = np.ones_like(output.data) if gradient is None else Tensor(gradient, output.dtype).data",
            "start = np.ones_like(output.data)",
            "test_a_gradient_that_is_given",
            "x.grad: largest difference",
        ),
        "every result keeps its gradient": Wrong(
            "        grad = totals.pop(tensor, None)\n",
            "        grad = totals.pop(tensor, None)\n"
            "        tensor.grad = None if grad is None else Tensor(grad)\n",
            "test_who_gets_a_gradient",
            "kept: got [True, False, False], expected [True, True, True]",
        ),
        "gradients as wide as the widest": Wrong(
            "unbroadcast(slope, array.shape).astype(array.dtype, copy=False)",
            "unbroadcast(slope, array.shape)",
            "test_float32_stays",
            "x.grad: got dtype float64, expected float32",
        ),
        "subtraction without the sign": Wrong(
            "    return grad, lambda: -grad\n",
            "    return grad, grad\n",
            "test_arithmetic",
            "the gradient of y in x - y is",
        ),
        "a product of its own factor": Wrong(
            "    return lambda: grad * b, lambda: grad * a\n",
            "    return lambda: grad * a, lambda: grad * b\n",
            "test_arithmetic",
            "the gradient of x in x * y is",
        ),
        "a quotient without the square": Wrong(
            "    return lambda: grad / b, lambda: -grad * output / b\n",
            "    return lambda: grad / b, lambda: -grad * a / b\n",
            "test_arithmetic",
            "the gradient of y in x / y is",
        ),
        "a power without its exponent": Wrong(
            "    return lambda: grad * b * a ** (b - (b != 0)), for_exponent\n",
            "    return lambda: grad * a ** (b - (b != 0)), for_exponent\n",
            "test_arithmetic",
            "the gradient of x in x ** 2 - y ** 3 + y ** -1 is",
        ),
        "zero to the power of minus one": Wrong(
            "    return lambda: grad * b * a ** (b - (b != 0)), for_exponent\n",
            "    return lambda: grad * b * a ** (b - 1.0), for_exponent\n",
            "test_arithmetic",
            "x.grad: largest difference",
        ),
        "a matrix of a batch not transposed": Wrong(
            "    return lambda: rows @ np.swapaxes(right, -1, -2), for_right\n",
            "    return lambda: rows @ right.T, for_right\n",
            "test_matrix_products",
            "the rule of matmul",
        ),
        "a sum not spread along its dimension": Wrong(
            "    return (spread(grad, a, dim, keepdim),)\n",
            "    return (np.broadcast_to(grad, a.shape),)\n",
            "test_reductions",
            "the rule of reduce_sum",
        ),
        "a maximum for everybody": Wrong(
            "    return (share * spread(grad, a, dim, keepdim),)\n",
            "    return (spread(grad, a, dim, keepdim),)\n",
            "test_reductions",
            "the gradient of x in x.max(dim=None, keepdim=False) of shape (2, 3, 4) is",
        ),
        "permuted once more": Wrong(
            "    return (grad.transpose(np.argsort([dim % a.ndim for dim in dims])),)\n",
            "    return (grad.transpose(dims),)\n",
            "test_changes_of_shape",
            "the rule of permute",
        ),
        "a place named twice counts once": Wrong(
            "        np.add.at(slope, index, grad)\n",
            "        slope[index] = grad\n",
            "test_parts",
            "the gradient of x in x[[0, 0, 2]] is",
        ),
        "joined arrays all get the first part": Wrong(
            "    return np.split(grad, places, axis=dim)\n",
            "    first = grad.take(range(arrays[0].shape[dim]), axis=dim)\n"
            "    return [first] * len(arrays)\n",
            "test_joining",
            "the gradient of x in concatenate([x, y, x]) is",
        ),
        "both choices get the gradient": Wrong(
            "    return None, lambda: np.where(condition, grad, 0), lambda: np.where(condition, 0, grad)\n",
            "    return None, lambda: np.where(condition, grad, 0), lambda: grad\n",
            "test_joining",
            "the gradient of y in where(mask, x, y) is",
        ),
        "recording stays off after an exception": Wrong(
            "    before, engine.grad_enabled = engine.grad_enabled, False\n    try:\n        yield\n"
            "    finally:\n        engine.grad_enabled = before\n",
            "    before, engine.grad_enabled = engine.grad_enabled, False\n    yield\n"
            "    engine.grad_enabled = before\n",
            "test_switching_off_and_on",
            "(x * 2).requires_grad: got False, expected True",
        ),
        "no_grad swallows exceptions": Wrong(
            "    before, engine.grad_enabled = engine.grad_enabled, False\n    try:\n        yield\n"
            "    finally:\n",
            "    before, engine.grad_enabled = engine.grad_enabled, False\n    try:\n        yield\n"
            "    except Exception:\n        pass\n    finally:\n",
            "test_switching_off_and_on",
            "raise",  # in isolation the block itself says so
        ),
        "the end of no_grad switches on": Wrong(
            "    before, engine.grad_enabled = engine.grad_enabled, False\n    try:\n        yield\n"
            "    finally:\n        engine.grad_enabled = before\n",
            "    engine.grad_enabled = False\n    try:\n        yield\n"
            "    finally:\n        engine.grad_enabled = True\n",
            "test_switching_off_and_on",
            "requires_grad: got",
        ),
        "the end of enable_grad switches off": Wrong(
            "    before, engine.grad_enabled = engine.grad_enabled, True\n    try:\n        yield\n"
            "    finally:\n        engine.grad_enabled = before\n",
            "    engine.grad_enabled = True\n    try:\n        yield\n"
            "    finally:\n        engine.grad_enabled = False\n",
            "test_switching_off_and_on",
            "(x * 2).requires_grad: got False, expected True",
        ),
        "enable_grad enables nothing": Wrong(
            "    before, engine.grad_enabled = engine.grad_enabled, True\n",
            "    before = engine.grad_enabled\n",
            "test_switching_off_and_on",
            "(x * 2).requires_grad: got False, expected True",
        ),
        "a check that is always content": Wrong(
            "        if not np.allclose(found, expected, rtol, atol):\n",
            "        if not np.allclose(found, found, rtol, atol):\n",
            "test_gradcheck",
            "nothing was raised, expected RuntimeError",
        ),
        "a check that leaves gradients behind": Wrong(
            "        found = totals.get(x, np.zeros(x.shape))\n",
            "        found = totals.get(x, np.zeros(x.shape))\n"
            "        (inputs if isinstance(inputs, Tensor) else inputs[place]).grad = Tensor(found)\n",
            "test_gradcheck",
            "gradcheck must not touch the .grad of its inputs",
        ),
        "differences in float32": Wrong(
            "Tensor(np.array(given.data, np.float64), requires_grad=True)",
            "Tensor(np.array(given.data, np.float32), requires_grad=True)",
            "test_gradcheck",
            "RuntimeError: the gradient of input 0",
        ),
        "recompute loses the gradient": Wrong(
            "    generator = copy.deepcopy(engine.generator)\n",
            "    with no_grad():\n        return function(*inputs)\n",
            "test_recompute",
            "x.grad: largest difference",
        ),
        "recompute hands on one gradient": Wrong(
            "        return [totals.get(tensor) for tensor in outside]\n",
            "        return [totals.get(tensor) for tensor in outside][:1] + [None] * (len(outside) - 1)\n",
            "test_recompute",
            "y.grad: got None, expected an array",
        ),
        "recompute ignores what comes from above": Wrong(
            "        totals = walk(repeated, grad, since)\n",
            "        totals = walk(repeated, np.ones_like(grad), since)\n",
            "test_recompute",
            "x.grad: largest difference",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "09_autograd": {
        "recursion that is allowed to go deep": Unusual(
            (
                (
                    "numbers = itertools.count(1)\n",
                    "import sys\n\nsys.setrecursionlimit(10**6)\nnumbers = itertools.count(1)\n",
                ),
                (
                    "    waiting = [root]\n    while waiting:\n        tensor = waiting.pop()\n"
                    "        operation = tensor._node\n"
                    "        if operation is None:\n            continue\n",
                    "    def visit(tensor):\n        operation = tensor._node\n"
                    "        if operation is None:\n            return\n",
                ),
                (
                    "            waiting += [t for t in operation[3] if isinstance(t, Tensor)"
                    " and t._node is not None]\n    return found\n",
                    "            for t in operation[3]:\n"
                    "                if isinstance(t, Tensor):\n                    visit(t)\n"
                    "    visit(root)\n    return found\n",
                ),
            )
        ),
        "sorted by the number of waiting uses": Unusual(
            (
                (
                    "    for number in sorted(found, reverse=True):\n",
                    "    uses, ready, order = dict.fromkeys(found, 0), [], []\n"
                    "    for tensor in found.values():\n"
                    "        for t in tensor._node[3]:\n"
                    "            if isinstance(t, Tensor) and t._node and t._node[0] in uses:\n"
                    "                uses[t._node[0]] += 1\n"
                    "    ready = [number for number, count in uses.items() if count == 0]\n"
                    "    while ready:\n"
                    "        order.append(ready.pop())\n"
                    "        for t in found[order[-1]]._node[3]:\n"
                    "            if isinstance(t, Tensor) and t._node and t._node[0] in uses:\n"
                    "                uses[t._node[0]] -= 1\n"
                    "                if uses[t._node[0]] == 0:\n"
                    "                    ready.append(t._node[0])\n"
                    "    for number in order:\n",
                ),
            )
        ),
        "every gradient at once": Unusual(
            (
                ("    return grad, lambda: -grad\n", "    return grad, -grad\n"),
                (
                    "    return lambda: grad * b, lambda: grad * a\n",
                    "    return grad * b, grad * a\n",
                ),
                (
                    "    return lambda: grad / b, lambda: -grad * output / b\n",
                    "    return grad / b, -grad * a / (b * b)\n",
                ),
            )
        ),
        "broadcasting undone one dimension at a time": Unusual(
            (
                (
                    "    return slope.sum(axis=(*range(extra), *stretched)).reshape(shape)\n",
                    "    while slope.ndim > len(shape):\n        slope = slope.sum(axis=0)\n"
                    "    for dim, size in enumerate(shape):\n        if size == 1:\n"
                    "            slope = np.sum(slope, axis=dim, keepdims=True)\n"
                    "    return np.asarray(slope)\n",
                ),
            )
        ),
        "the first of equals gets it all": Unusual(
            (
                (
                    "    found = (a == spread(output, a, dim, keepdim)).astype(grad.dtype)\n"
                    "    share = found / found.sum(axis=dim, keepdims=True)\n",
                    "    found = a == spread(output, a, dim, keepdim)\n"
                    "    dims = tuple(range(a.ndim)) if dim is None else dim\n"
                    "    dims = [d % a.ndim for d in (dims if isinstance(dims, tuple) else (dims,))]\n"
                    "    others = [d for d in range(a.ndim) if d not in dims]\n"
                    "    rows = found.transpose(others + dims)\n"
                    "    flat = rows.reshape(*rows.shape[: len(others)], -1)\n"
                    "    first = flat & (np.cumsum(flat, axis=-1) == 1)\n"
                    "    share = first.reshape(rows.shape).transpose(np.argsort(others + dims))\n"
                    "    share = share.astype(grad.dtype)\n",
                ),
            )
        ),
        "gradients grow in place, as in PyTorch": Unusual(
            (
                (
                    "            total = leaf.grad.data + total\n"
                    "        elif total.base is not None or id(total) in given:\n"
                    "            total = np.copy(total)\n",
                    "            leaf.grad.data += total\n"
                    "            continue\n"
                    "        total = np.array(total)\n",
                ),
            )
        ),
        "matrix products by einsum": Unusual(
            (
                (
                    "        if right.ndim == 2:\n"
                    "            product = left.reshape(-1, left.shape[-1]).T @ "
                    "rows.reshape(-1, right.shape[-1])\n"
                    "        else:\n"
                    "            product = np.swapaxes(left, -1, -2) @ rows\n",
                    "        product = np.einsum('...nk,...nm->...km', left, rows)\n",
                ),
                (
                    "    return lambda: rows @ np.swapaxes(right, -1, -2), for_right\n",
                    "    return np.einsum('...nm,...km->...nk', rows, right), for_right\n",
                ),
            )
        ),
        "a switch as a class": Unusual(
            (
                (
                    "@switch\ndef no_grad() -> Iterator[None]:\n",
                    "class no_grad(contextlib.ContextDecorator):\n"
                    "    def __init__(self):\n        self.before = []\n\n"
                    "    def __enter__(self):\n"
                    "        self.before.append(engine.grad_enabled)\n"
                    "        engine.grad_enabled = False\n\n"
                    "    def __exit__(self, *_):\n"
                    "        engine.grad_enabled = self.before.pop()\n\n\n"
                    "@contextmanager\ndef unused() -> Iterator[None]:\n",
                ),
                (
                    "import copy\nimport functools\n",
                    "import contextlib\nimport copy\nimport functools\n",
                ),
            )
        ),
        "a check of every output alone": Unusual(
            (
                (
                    "    totals = walk(output, weights) if output.requires_grad else {}\n",
                    "    totals = {}\n"
                    "    for index in np.ndindex(output.shape) if output.requires_grad else ():\n"
                    "        one = np.zeros(output.shape)\n"
                    "        one[index] = weights[index]\n"
                    "        for x, slope in walk(function(*copies), one).items():\n"
                    "            totals[x] = totals.get(x, 0) + slope\n",
                ),
            )
        ),
        "errors of another kind, in PyTorch's words": Unusual(
            (
                (
                    '        raise RuntimeError(f"{needs}: give one, or take the sum or the mean first")\n',
                    "        raise RuntimeError(f'grad can be implicitly created only for scalar"
                    " outputs, not {output.shape}')\n",
                ),
                (
                    '        raise RuntimeError(f"a gradient of shape {start.shape} for a Tensor of '
                    '{output.shape}")\n',
                    "        raise ValueError(f'Mismatch in shape: grad_output[0] has {start.shape},"
                    " output[0] has {output.shape}')\n",
                ),
            )
        ),
    },
}
