"""Module 13: wrong solutions that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

PRODUCT = "        total += (left.astype(np.float32) @ right.astype(np.float32)).astype(np.int32)\n"
POOL = "    with ThreadPoolExecutor(workers) as pool:\n        return list(pool.map(function, items))\n"
CUT = "[:, : t.height, : t.width]"
BLOCKS = "        for j in range(0, b.shape[1], block):\n            for inner in range(0, len(b), block):\n"
SWITCH = (
    "    for name in KERNELS.keys() & engine.implementations.keys():\n"
    "        engine.implementations[name], engine.gradients[name] = replacing(name) if on else slow(name)\n"
)
SUMMED = (
    "            if other.grad is not None:\n"
    "                own.grad = other.grad if own.grad is None else own.grad + other.grad\n"
)

WRONG: dict[str, dict[str, Wrong]] = {
    "13_kernels": {
        "blocks at the edges left out": Wrong(
            BLOCKS,
            "        for j in range(0, b.shape[1], block):\n"
            "            for inner in range(0, len(b) - block + 1, block):\n",
            "test_matrix_products",
            "largest difference",
        ),
        "products without a check of shapes": Wrong(
            "    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:\n",
            "    if False:\n",
            "test_matrices_that_do_not_fit",
            "expected ValueError",
        ),
        "blocks by loops": Wrong(
            "                c[i : i + block, j : j + block] += left @ right\n",
            "                c[i : i + block, j : j + block] += matmul_naive(left, right)\n",
            "test_speed_of_blocks",
            "times the processor time of the reference",
        ),
        "columns set instead of added": Wrong(
            "        seen[..., i, j] += columns[..., i, j]\n",
            "        seen[..., i, j] = columns[..., i, j]\n",
            "test_im2col_and_col2im",
            "largest difference",
        ),
        "channels behind the places": Wrong(
            "    return seen.reshape(math.prod(seen.shape[:3]), math.prod(seen.shape[3:]))\n",
            "    seen = seen.transpose(0, 1, 2, 4, 5, 3)\n"
            "    return seen.reshape(math.prod(seen.shape[:3]), math.prod(seen.shape[3:]))\n",
            "test_im2col_and_col2im",
            "largest difference",
        ),
        "relu in place makes a new array": Wrong(
            "    np.maximum(array, 0, out=array)\n    return x\n",
            "    return Tensor(np.maximum(array, 0)) if isinstance(x, Tensor) else np.maximum(array, 0)\n",
            "test_relu_in_place",
            "largest difference",
        ),
        "relu in place of what backward needs": Wrong(
            "    if isinstance(x, Tensor) and x.requires_grad:\n",
            "    if False:\n",
            "test_relu_in_place",
            "nothing was raised, expected RuntimeError",
        ),
        "fused without the slope of relu": Wrong(
            "    slope = masked(grad, output != 0)\n",
            "    slope = grad\n",
            "test_fused_linear_relu",
            "fused_linear_relu",
        ),
        "Winograd for multiples of four": Wrong(
            f"    output = output.reshape(len(x), 4 * t.tall, 4 * t.wide, t.outputs){CUT}\n",
            "    output = output.reshape(len(x), 4 * t.tall, 4 * t.wide, t.outputs)\n"
            "    output[:, 4 * (t.height // 4) :] = 0\n"
            "    output = output[:, : t.height, : t.width]\n",
            "test_fast_convolution",
            "largest difference",
        ),
        "Winograd without what tiles share": Wrong(
            "    blocks[:, 1:, :2, 1:, :2] += parts[:, :, 4:, :, 4:]\n",
            "",
            "test_fast_convolution",
            "largest difference",
        ),
        "Winograd with the gradient of the last piece": Wrong(
            "        of_kernels += by_number(tiles)",
            "        of_kernels[...] = by_number(tiles)",
            "test_fast_convolution_of_a_batch",
            "largest difference",
        ),
        "all windows after all": Wrong(
            "        if not applies(*arrays, **options):\n",
            "        if True:\n",
            "test_memory_of_fast_convolution",
            "times its images, expected less than 8",
        ),
        "Winograd wherever a kernel is 3 by 3": Wrong(
            "and stride in (1, (1, 1))\n",
            "\n",
            "test_where_no_fast_form_applies",
            "a gradient of shape",
        ),
        "pool gives the last of equals its gradient": Wrong(
            "    np.greater(second, first, out=mask)\n",
            "    np.greater_equal(second, first, out=mask)\n",
            "test_fast_pool_norms_and_loss",
            "largest difference",
        ),
        "batch norm that forgets the mean": Wrong(
            "    q = -s * of_bias / count * training - p * mean\n",
            "    q = -s * of_bias / count * training\n",
            "test_fast_norms_learn",
            "largest difference",
        ),
        "layer norm with the variance of a sample": Wrong(
            "1 / np.sqrt(np.vecdot(part, part) / weight.size + eps)",
            "1 / np.sqrt(np.vecdot(part, part) / (weight.size - 1) + eps)",
            "test_fast_pool_norms_and_loss",
            "largest difference",
        ),
        "cross-entropy of the last piece": Wrong(
            "            part -= even / (classes * n)\n",
            "            part -= even / n\n",
            "test_fast_pool_norms_and_loss",
            "largest difference",
        ),
        "switch that cannot be taken back": Wrong(
            SWITCH,
            SWITCH.replace("replacing(name) if on else slow(name)", "replacing(name)"),
            "test_switch",
            "got ['",
        ),
        "switch that does nothing": Wrong(
            SWITCH,
            "    pass\n",
            "test_switch",
            "use_fast_kernels() left conv2d as it was",
        ),
        "gradients that are not switched": Wrong(
            SWITCH,
            "    for name in KERNELS.keys() & engine.implementations.keys():\n"
            "        engine.implementations[name] = (replacing(name) if on else slow(name))[0]\n",
            "test_switched_before_backward",
            "",
        ),
        "products added in int8": Wrong(
            PRODUCT,
            "        total += (left @ right).astype(np.int32)\n",
            "test_quantized_by_hand",
            "largest difference",
        ),
        "products added in int16": Wrong(
            PRODUCT,
            "        total += (left.astype(np.int16) @ right.astype(np.int16)).astype(np.int32)\n",
            "test_quantized_product",
            "largest difference",
        ),
        "zero points of the other matrix": Wrong(
            "zero_a * b.sum(axis=0, dtype=np.int32) + zero_b * a.sum(axis=1, dtype=np.int32)[:, None]",
            "zero_b * b.sum(axis=0, dtype=np.int32) + zero_a * a.sum(axis=1, dtype=np.int32)[:, None]",
            "test_quantized_product",
            "largest difference",
        ),
        "one after the other": Wrong(
            POOL,
            "    return [function(item) for item in items]\n",
            "test_parallel_map",
            "one after the other",
        ),
        "results as they come": Wrong(
            POOL,
            "    from concurrent.futures import as_completed\n\n"
            "    with ThreadPoolExecutor(workers) as pool:\n"
            "        waiting = [pool.submit(function, item) for item in items]\n"
            "        return [future.result() for future in as_completed(waiting)]\n",
            "test_parallel_map",
            "got [",
        ),
        "exceptions swallowed": Wrong(
            POOL,
            "    with ThreadPoolExecutor(workers) as pool:\n"
            "        futures = [pool.submit(function, item) for item in items]\n"
            "    return [None if f.exception() else f.result() for f in futures]\n",
            "test_parallel_map",
            "nothing was raised",
        ),
        "a thread for each item": Wrong(
            POOL,
            POOL.replace("(workers)", "(64)"),
            "test_parallel_map",
            "more calls were at work than there are workers",
        ),
        "mean of the parts instead of shares": Wrong(
            "* ((pair[1].stop - pair[1].start) / n)",
            "/ workers",
            "test_data_parallel",
            "largest difference",
        ),
        "gradients of the copies lost": Wrong(
            SUMMED,
            "            pass\n",
            "test_data_parallel",
            "largest difference",
        ),
        "copies with the weights of the beginning": Wrong(
            "            other.data, other.grad = own.data, None\n",
            "            other.grad = None\n",
            "test_data_parallel",
            "largest difference",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "13_kernels": {
        "blocks by einsum, from the end": Unusual(
            (
                (
                    "                c[i : i + block, j : j + block] += left @ right\n",
                    '                c[i : i + block, j : j + block] += np.einsum("ik,kj->ij", left, right)\n',
                ),
                (
                    "    for i in range(0, len(a), block):\n",
                    "    for i in reversed(range(0, len(a), block)):\n",
                ),
            )
        ),
        "integers multiplied as int64": Unusual(
            (
                (
                    PRODUCT,
                    "        total += (left.astype(np.int64) @ right.astype(np.int64)).astype(np.int32)\n",
                ),
            )
        ),
        "threads by hand": Unusual(
            (
                (
                    POOL,
                    "    import queue\n    import threading\n\n"
                    "    items, waiting, results = list(items), queue.SimpleQueue(), {}\n"
                    "    for pair in enumerate(items):\n        waiting.put(pair)\n\n"
                    "    def work():\n"
                    "        while True:\n"
                    "            try:\n                place, item = waiting.get_nowait()\n"
                    "            except queue.Empty:\n                return\n"
                    "            try:\n                results[place] = (function(item), None)\n"
                    "            except Exception as error:\n                results[place] = (None, error)\n\n"
                    "    threads = [threading.Thread(target=work) for _ in range(workers)]\n"
                    "    for thread in threads:\n        thread.start()\n"
                    "    for thread in threads:\n        thread.join()\n"
                    "    for place in range(len(items)):\n"
                    "        if results[place][1] is not None:\n            raise results[place][1]\n"
                    "    return [results[place][0] for place in range(len(items))]\n",
                ),
            )
        ),
        "tiles never kept": Unusual(
            (("engine.grad_enabled if keep is None else keep\n", "False\n"),)
        ),
        "one piece for each image": Unusual(
            (
                (
                    "    step = max(1, room // max(numbers_each, 1))\n",
                    "    step = 1 if room == WINOGRAD_PIECE else max(1, room // max(numbers_each, 1))\n",
                ),
            )
        ),
        "only convolution is plugged in": Unusual(
            (
                (
                    "    for name in KERNELS.keys() & engine.implementations.keys():\n",
                    '    for name in ("conv2d",):\n',
                ),
            )
        ),
    },
}
