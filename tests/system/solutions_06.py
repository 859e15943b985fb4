"""Solutions of students for module 06: see solutions.py."""

from solutions import Unusual, Wrong

PRODUCT = (
    "    views = windows(padded(images, padding), (kh, kw), stride)\n"
    "    rows = views.reshape(n * height * width, kh * kw * channels)  # the one large copy\n"
    "    output = rows @ weight.transpose(0, 2, 3, 1).reshape(out_channels, -1).T\n"
)
EMPTY = "    output = np.zeros((n, height, width, out_channels), images.dtype)\n    rows = None\n"

WRONG: dict[str, dict[str, Wrong]] = {
    "06_spatial": {
        "six loops": Wrong(
            PRODUCT,
            EMPTY + "    framed, (sh, sw) = padded(images, padding), stride\n"
            "    for o, r, c in np.ndindex(out_channels, height, width):\n"
            "        for k, i, j in np.ndindex(channels, kh, kw):\n"
            "            pixel = framed[:, r * sh + i, c * sw + j, k]\n"
            "            output[:, r, c, o] += pixel * weight[o, k, i, j]\n",
            "test_speed_of_convolution",
            "time",  # its ratio, or on a busy machine the time limit of the test
        ),
        "a product for each pixel": Wrong(
            PRODUCT,
            EMPTY + "    framed, (sh, sw) = padded(images, padding), stride\n"
            "    for r, c in np.ndindex(height, width):\n"
            "        window = framed[:, r * sh : r * sh + kh, c * sw : c * sw + kw]\n"
            "        output[:, r, c] = np.tensordot(window, weight, ((1, 2, 3), (2, 3, 1)))\n",
            "test_speed_of_convolution",
            "times the processor time of the reference, expected at most 40",
        ),
        "kernel flipped": Wrong(
            "    output = rows @ weight.transpose(0, 2, 3, 1)",
            "    output = rows @ weight[:, :, ::-1, ::-1].transpose(0, 2, 3, 1)",
            "test_convolution_by_hand",
            "layer(x): largest difference",
            "conv2d",
        ),
        "rows and columns of the kernel swapped": Wrong(
            "    output = rows @ weight.transpose(0, 2, 3, 1)",
            "    output = rows @ weight.transpose(0, 3, 2, 1)",
            "test_convolution_by_hand",
            "got 4130.5, expected 4310.5",
            "conv2d",
        ),
        "padding on the near sides only": Wrong(
            "    framed[:, ph : ph + h, pw : pw + w] = images\n",
            "    framed[:, 2 * ph :, 2 * pw :] = images\n",
            "test_padding",
            "layer(tt.Tensor(x)): largest difference",
            "conv2d",
        ),
        "padding on the far sides only": Wrong(
            "    framed[:, ph : ph + h, pw : pw + w] = images\n",
            "    framed[:, :h, :w] = images\n",
            "test_padding",
            "layer(tt.Tensor(x)): largest difference",
            "conv2d",
        ),
        "padding once, not on both sides": Wrong(
            '        self.padding = pair("padding", padding, 0)\n',
            '        self.padding = tuple(p // 2 for p in pair("padding", padding, 0))\n',
            "test_padding",
            "layer(tt.Tensor(x)): got shape (1, 1, 2, 3), expected (1, 1, 4, 5)",
        ),
        "padding of rows for columns": Wrong(
            '        self.padding = pair("padding", padding, 0)\n',
            '        self.padding = pair("padding", padding, 0)[::-1]\n',
            "test_padding",
            "layer(tt.Tensor(x)): got shape (1, 1, 2, 7), expected (1, 1, 6, 3)",
        ),
        "bias forgotten": Wrong(
            "    if bias is not None:\n        output += bias\n    return channels_first(",
            "    return channels_first(",
            "test_bias",
            "largest difference 30",
            "conv2d",
        ),
        "bias added for each place of the kernel": Wrong(
            "        output += bias\n    return channels_first(",
            "        output += bias * (kh * kw)\n    return channels_first(",
            "test_bias",
            "largest difference 240",
            "conv2d",
        ),
        "one bias for each column": Wrong(
            "        output += bias\n    return channels_first(",
            "        output += np.resize(bias, len(output))[:, None]\n    return channels_first(",
            "test_bias",
            "largest difference 32",
            "conv2d",
        ),
        "stride ignored": Wrong(
            '        self.stride = pair("stride", stride, 1)\n',
            "        self.stride = (1, 1)\n",
            "test_stride",
            "layer(tt.Tensor(x)): got shape (1, 1, 5, 6), expected (1, 1, 3, 3)",
        ),
        "stride applied to rows alone": Wrong(
            '        self.stride = pair("stride", stride, 1)\n',
            '        self.stride = (pair("stride", stride, 1)[0], 1)\n',
            "test_stride",
            "layer(tt.Tensor(x)): got shape (1, 1, 3, 6), expected (1, 1, 3, 3)",
        ),
        "stride of rows for columns": Wrong(
            '        self.stride = pair("stride", stride, 1)\n',
            '        self.stride = pair("stride", stride, 1)[::-1]\n',
            "test_stride",
            "layer(tt.Tensor(x)): got shape (1, 1, 3, 6), expected (1, 1, 5, 3)",
        ),
        "output size off by one": Wrong(
            "    return (size + 2 * padding - kernel) // stride + 1\n",
            "    return (size + 2 * padding - kernel) // stride\n",
            "test_convolution_by_hand",
            "ValueError",
            "conv2d",
        ),
        "last place forgotten": Wrong(
            "    views = windows(padded(images, padding), (kh, kw), stride)\n",
            "    height, width = max(height - 1, 1), max(width - 1, 1)\n"
            "    views = windows(padded(images, padding), (kh, kw), stride)[:, :height, :width]\n",
            "test_sizes_of_outputs",
            "got shape (1, 3, 2, 2), expected (1, 3, 3, 3)",
            "conv2d",
        ),
        "channels mixed up with places": Wrong(
            "weight.transpose(0, 2, 3, 1).reshape(out_channels, -1).T",
            "weight.reshape(out_channels, -1).T",
            "test_convolution_agrees_with_numpy",
            "layer(given_images): largest difference",
            "conv2d",
        ),
        "channels in reverse": Wrong(
            "    views = windows(padded(images, padding), (kh, kw), stride)\n",
            "    views = windows(padded(images, padding), (kh, kw), stride)[..., ::-1]\n",
            "test_channels",
            "layer(tt.Tensor(x)): largest difference",
            "conv2d",
        ),
        "each channel by itself": Wrong(
            "weight.transpose(0, 2, 3, 1).reshape(out_channels, -1).T",
            "np.repeat(weight[:, :1], channels, 1).transpose(0, 2, 3, 1)"
            ".reshape(out_channels, -1).T",
            "test_channels",
            "layer(tt.Tensor(x)): largest difference",
            "conv2d",
        ),
        "images handed on with the channels last": Wrong(
            "    return channels_first(output.reshape(n, height, width, out_channels)), rows\n",
            "    return output.reshape(n, height, width, out_channels), rows\n",
            "test_sizes_of_outputs",
            "got shape (1, 4, 4, 3), expected (1, 3, 4, 4)",
            "conv2d",
        ),
        "reshaped where it should be transposed": Wrong(
            "    return channels_first(output.reshape(n, height, width, out_channels)), rows\n",
            "    return output.reshape(n, out_channels, height, width), rows\n",
            "test_channels",
            "layer(tt.Tensor(x)): largest difference",
            "conv2d",
        ),
        "input reshaped where it should be transposed": Wrong(
            "    return np.ascontiguousarray(x.transpose(0, 2, 3, 1), dtype)\n",
            "    n, c, h, w = x.shape\n    return np.ascontiguousarray(x.reshape(n, h, w, c), dtype)\n",
            "test_channels",
            "layer(tt.Tensor(x)): largest difference",
            "conv2d",
        ),
        "no empty batch": Wrong(
            "views.reshape(n * height * width, kh * kw * channels)",
            "views.reshape(n * height * width, -1)",
            "test_batches_of_any_size",
            "cannot reshape array of size 0",
            "conv2d",
        ),
        "weights in float64": Wrong(
            "Parameter(draws.reshape(out_channels, in_channels, kh, kw))",
            "Parameter(draws.numpy().astype(float).reshape(out_channels, in_channels, kh, kw))",
            "test_shapes_of_parameters",
            "parameter: got dtype float64, expected float32",
            "Conv2d.__init__",
        ),
        "everything made float32": Wrong(
            '    dtype = x.dtype if x.dtype.kind == "f" else np.float32\n',
            "    dtype = np.float32\n",
            "test_float32_stays",
            "y: got dtype float32, expected float64",
        ),
        "sums of small integers": Wrong(
            '    dtype = x.dtype if x.dtype.kind == "f" else np.float32\n',
            "    dtype = x.dtype\n",
            "test_float32_stays",
            "tt.AvgPool2d(2)(bright): largest difference 192 at [0, 0, 0, 0]: got 8.0",
            "avg_pool2d",
        ),
        "spread of weights without the kernel": Wrong(
            "he_normal(out_channels, in_channels * kh * kw)",
            "he_normal(out_channels, in_channels * kh * kw) * (kh * kw) ** 0.5",
            "test_size_of_initial_weights",
            "expected 0.5 to 2",
            "Conv2d.__init__",
        ),
        "weights begin at 0": Wrong(
            "he_normal(out_channels, in_channels * kh * kw)",
            "zeros(out_channels, in_channels * kh * kw)",
            "test_size_of_initial_weights",
            "spread by 0.000",
            "Conv2d.__init__",
        ),
        "every layer begins alike": Wrong(
            "        draws = he_normal(out_channels, in_channels * kh * kw)\n",
            "        engine.generator = np.random.default_rng(0)\n"
            "        draws = he_normal(out_channels, in_channels * kh * kw)\n",
            "test_instances_are_their_own",
            "two layers must not begin alike",
            "Conv2d.__init__",
        ),
        "height and width of the kernel swapped": Wrong(
            "        kh, kw = self.kernel_size\n",
            "        kw, kh = self.kernel_size\n",
            "test_shapes_of_parameters",
            "layer.weight: got shape (5, 2, 4, 3), expected (5, 2, 3, 4)",
            "Conv2d.__init__",
        ),
        "too small images become empty": Wrong(
            "    if size + 2 * padding < kernel:\n        raise ValueError(\n"
            '            f"a kernel of {kernel} does not fit into {size} pixels with {padding} of'
            ' padding"\n        )\n    return (size + 2 * padding - kernel) // stride + 1\n',
            "    return max((size + 2 * padding - kernel) // stride + 1, 0)\n",
            "test_images_that_do_not_fit",
            "nothing was raised, expected ValueError",
        ),
        "any stride will do": Wrong(
            '        self.stride = self.kernel_size if stride is None else pair("stride", stride, 1)\n',
            "        self.stride = stride or self.kernel_size\n",
            "test_images_that_do_not_fit",
            "nothing was raised, expected ValueError",
            "Pool2d.__init__",
        ),
        "mean for the largest": Wrong(
            "    return channels_first(functools.reduce(np.maximum, [look(images, p) for p in places]))\n",
            "    total = functools.reduce(np.add, [look(images, p) for p in places])\n"
            "    return channels_first(total / len(places))\n",
            "test_max_pool",
            "pool(given_images): largest difference",
            "max_pool2d",
        ),
        "largest for the mean": Wrong(
            "    total = functools.reduce(np.add, [look(images, p) for p in places])\n"
            "    return channels_first(total / len(places))\n",
            "    return channels_first(functools.reduce(np.maximum, "
            "[look(images, p) for p in places]))\n",
            "test_avg_pool",
            "pool(given_images): largest difference",
            "avg_pool2d",
        ),
        "largest, or 0": Wrong(
            "functools.reduce(np.maximum, [look(images, p) for p in places]))\n",
            "functools.reduce(np.maximum, [look(images, p) for p in places], 0))\n",
            "test_max_pool",
            "got 0.0, expected -",
            "max_pool2d",
        ),
        "sum for the mean": Wrong(
            "    return channels_first(total / len(places))\n",
            "    return channels_first(total)\n",
            "test_pools_at_the_border",
            "tt.AvgPool2d(2)(tt.Tensor(x)): largest difference",
            "avg_pool2d",
        ),
        "windows always side by side": Wrong(
            '        self.stride = self.kernel_size if stride is None else pair("stride", stride, 1)\n',
            '        self.stride = self.kernel_size if pair("stride", stride or 1, 1) else None\n',
            "test_pools_at_the_border",
            "tt.MaxPool2d(3, stride=2)(tt.Tensor(x)): got shape (1, 1, 1, 2)",
        ),
        "windows overlap when nobody said so": Wrong(
            '        self.stride = self.kernel_size if stride is None else pair("stride", stride, 1)\n',
            '        self.stride = pair("stride", 1 if stride is None else stride, 1)\n',
            "test_pools_at_the_border",
            "tt.MaxPool2d(2)(tt.Tensor(x)): got shape (1, 1, 4, 6), expected (1, 1, 2, 3)",
        ),
        "windows that are not full": Wrong(
            "    images = channels_last(x)\n    look, places = pooling(images, kernel_size, stride)\n"
            "    return channels_first(functools.reduce(np.maximum,",
            "    k, s = pair('k', kernel_size, 1), pair('s', stride or kernel_size, 1)\n"
            "    more = [-(n - m) % t for n, m, t in zip(x.shape[2:], k, s, strict=True)]\n"
            "    frame = [(0, 0), (0, more[0]), (0, more[1]), (0, 0)]\n"
            "    images = np.pad(channels_last(x), frame, constant_values=-np.inf)\n"
            "    look, places = pooling(images, kernel_size, stride)\n"
            "    return channels_first(functools.reduce(np.maximum,",
            "test_pools_at_the_border",
            "tt.MaxPool2d(2)(tt.Tensor(x)): got shape (1, 1, 3, 4), expected (1, 1, 2, 3)",
            "max_pool2d",
        ),
        "the near border dropped": Wrong(
            "    return functools.partial(seen, stride=steps, size=size), list(np.ndindex(kernel))\n",
            "    skip = [n - s * (m - 1) - k for n, s, m, k in"
            " zip(images.shape[1:3], steps, size, kernel, strict=True)]\n"
            "    places = [(i + skip[0], j + skip[1]) for i, j in np.ndindex(kernel)]\n"
            "    return functools.partial(seen, stride=steps, size=size), places\n",
            "test_pools_at_the_border",
            "tt.MaxPool2d(2)(tt.Tensor(x)): largest difference 8",
        ),
        "windows counted without their size": Wrong(
            "    size = tuple(map(output_size, images.shape[1:3], kernel, steps))\n",
            "    size = tuple(n // s for n, s in zip(images.shape[1:3], steps, strict=True))\n",
            "test_max_pool",
            "ValueError",
            "max_pool2d",
        ),
        "mean over the channels too": Wrong(
            "    return channels_last(x).mean(axis=(1, 2))\n",
            "    images = channels_last(x)\n"
            "    return np.repeat(images.mean(axis=(1, 2, 3))[:, None], images.shape[3], axis=1)\n",
            "test_global_avg_pool",
            "largest difference",
            "global_avg_pool2d",
        ),
        "global mean keeps its dimensions": Wrong(
            "    return channels_last(x).mean(axis=(1, 2))\n",
            "    return channels_first(channels_last(x).mean(axis=(1, 2), keepdims=True))\n",
            "test_global_avg_pool",
            "got shape (2, 3, 1, 1), expected (2, 3)",
            "global_avg_pool2d",
        ),
    },
}

# A convolution that is no primitive: the same sum, in operations of Tensors.
COMPOSED = """\
def conv2d(x, weight, bias=None, *, stride=1, padding=0):
    x = x if isinstance(x, Tensor) else Tensor(x)
    (sh, sw), (ph, pw) = pair("stride", stride, 1), pair("padding", padding, 0)
    (n, channels, h, w), (out, expected, kh, kw) = x.shape, weight.shape
    if channels != expected:
        raise ValueError(f"images of shape {x.shape} do not fit a weight of shape {weight.shape}")
    height, width = output_size(h, kh, sh, ph), output_size(w, kw, sw, pw)
    rows = zeros(n, channels, ph, w)
    x = concatenate([rows, x, rows], dim=2)
    columns = zeros(n, channels, h + 2 * ph, pw)
    x = concatenate([columns, x, columns], dim=3)
    total = 0
    for i, j in np.ndindex(kh, kw):
        seen = x[:, :, i : i + sh * height : sh, j : j + sw * width : sw]
        total = total + seen.permute(0, 2, 3, 1) @ weight[:, :, i, j].T
    total = total.permute(0, 3, 1, 2)
    return total if bias is None else total + bias.reshape(out, 1, 1)


@primitive
def fused_conv2d("""

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "06_spatial": {
        "composed of tensor operations": Unusual(
            (
                ("@primitive\ndef conv2d(", COMPOSED),
                ("@conv2d.gradient\n", "@fused_conv2d.gradient\n"),
                (
                    "import Tensor, engine, masked, primitive, randn, zeros\n",
                    "import Tensor, concatenate, engine, masked, primitive, randn, zeros\n",
                ),
            )
        ),
        "rows by np.take": Unusual(
            (
                (
                    PRODUCT,
                    "    framed, (sh, sw) = padded(images, padding), stride\n"
                    "    r = sh * np.arange(height)[:, None, None, None] + np.arange(kh)[:, None]\n"
                    "    c = sw * np.arange(width)[:, None, None] + np.arange(kw)\n"
                    "    pixels = framed.reshape(n, framed.shape[1] * framed.shape[2], channels)\n"
                    "    rows = np.take(pixels, r * framed.shape[2] + c, axis=1)\n"
                    "    rows = rows.reshape(n * height * width, kh * kw * channels)\n"
                    "    output = rows @ weight.transpose(0, 2, 3, 1).reshape(out_channels, -1).T\n",
                ),
            )
        ),
        "shifted images, one for each place of the kernel": Unusual(
            (
                (
                    PRODUCT,
                    EMPTY + "    framed = padded(images, padding)\n"
                    "    for i, j in np.ndindex(kh, kw):\n"
                    "        pixels = seen(framed, (i, j), stride, (height, width))\n"
                    '        output += np.einsum("nrcx,ox->nrco", pixels, weight[:, :, i, j])\n',
                ),
            )
        ),
        "one einsum": Unusual(
            (
                (
                    PRODUCT,
                    EMPTY + "    views = windows(padded(images, padding), (kh, kw), stride)\n"
                    '    output += np.einsum("nrcijk,okij->nrco", views, weight)\n',
                ),
            )
        ),
        "one channel after the other": Unusual(
            (
                (
                    PRODUCT,
                    EMPTY + "    views = windows(padded(images, padding), (kh, kw), stride)\n"
                    "    for o in range(out_channels):\n"
                    "        kernel = weight[o].transpose(1, 2, 0)\n"
                    "        output[..., o] = (views * kernel).sum(axis=(3, 4, 5))\n",
                ),
            )
        ),
        "channels first in memory": Unusual(
            (
                (
                    "    output = rows @ weight.transpose(0, 2, 3, 1).reshape(out_channels, -1).T\n",
                    "    framed = channels_first(padded(images, padding))\n"
                    "    seen = sliding_window_view(framed, (kh, kw), axis=(2, 3))\n"
                    "    seen = seen[:, :, :: stride[0], :: stride[1]]\n"
                    "    y = np.tensordot(seen, weight, ((1, 4, 5), (1, 2, 3)))\n"
                    "    y = y.transpose(0, 3, 1, 2)\n"
                    "    y = y if bias is None else y + bias[:, None, None]\n"
                    "    return np.ascontiguousarray(y), rows\n"
                    "    output = None\n",
                ),
            )
        ),
        "computed in float64 inside": Unusual(
            (
                (
                    "    output = rows @ weight.transpose(0, 2, 3, 1)",
                    "    output = rows.astype(np.float64) @ weight.transpose(0, 2, 3, 1)",
                ),
            )
        ),
        "PyTorch's own beginning": Unusual(
            (
                (
                    "        draws = he_normal(out_channels, in_channels * kh * kw)\n",
                    "        limit = (in_channels * kh * kw) ** -0.5\n"
                    "        sizes = (out_channels, in_channels * kh * kw)\n"
                    "        draws = Tensor(engine.generator.uniform(-limit, limit, sizes).astype('f'))\n",
                ),
                (
                    "Parameter(zeros(out_channels)) if bias else None",
                    "Parameter(randn(out_channels) * 0 + limit) if bias else None",
                ),
            )
        ),
        "Xavier normal": Unusual(
            (
                (
                    "        draws = he_normal(out_channels, in_channels * kh * kw)\n",
                    "        spread = (2 / ((in_channels + out_channels) * kh * kw)) ** 0.5\n"
                    "        draws = randn(out_channels, in_channels * kh * kw) * spread\n",
                ),
            )
        ),
        "pooling by windows": Unusual(
            (
                (
                    "    return channels_first(functools.reduce(np.maximum, [look(images, p) for p in places]))\n",
                    "    k, s = pair('k', kernel_size, 1), pair('s', stride or kernel_size, 1)\n"
                    "    windows = sliding_window_view(x, k, axis=(2, 3))\n"
                    "    return windows[:, :, :: s[0], :: s[1]].max(axis=(4, 5))\n",
                ),
                (
                    "    total = functools.reduce(np.add, [look(images, p) for p in places])\n",
                    "    total = np.sum([look(images, p) for p in places], axis=0)\n",
                ),
            )
        ),
        "the mean of Tensors": Unusual(
            (("        return global_avg_pool2d(x)\n", "        return x.mean(dim=(2, 3))\n"),)
        ),
        "a single image without a batch": Unusual(
            (
                (
                    "    if x.ndim != 4:\n        raise ValueError(\n",
                    "    if x.ndim == 3:\n        x = x[None]\n"
                    "    if x.ndim != 4:\n        raise ValueError(\n",
                ),
            )
        ),
        "shown as PyTorch shows it": Unusual(
            (
                (
                    '        return f"Conv2d({in_channels}, {out_channels}, {sizes}, bias={self.bias is not None})"\n',
                    '        end = "" if self.bias is not None else ", bias=False"\n'
                    '        return f"Conv2d({in_channels}, {out_channels}, {sizes}{end})"\n',
                ),
            )
        ),
    },
}
