"""Checkpoint 05: convolution and pooling against their definitions, computed by NumPy in float64.

The last test finds handwritten digits in larger images, with kernels that nobody trained.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("05")


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


def windows(a, kernel, stride):
    """What each place of a kernel sees of (N, C, H, W): (place, (N, C, H', W')), one by one."""
    height, width = ((a.shape[d + 2] - kernel[d]) // stride[d] + 1 for d in (0, 1))
    for i, j in np.ndindex(*kernel):
        rows = slice(i, i + stride[0] * (height - 1) + 1, stride[0])
        columns = slice(j, j + stride[1] * (width - 1) + 1, stride[1])
        yield (i, j), a[:, :, rows, columns]


def convolved(x, weight, bias, stride=(1, 1), padding=(0, 0)):
    """The convolution as it is defined, in float64."""
    (ph, pw), kernel = padding, weight.shape[2:]
    framed = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    total = 0.0
    for (i, j), pixels in windows(framed, kernel, stride):
        total = total + np.einsum("ncrs,oc->nors", pixels, weight[:, :, i, j].astype(np.float64))
    return total + bias.reshape(-1, 1, 1)


def pooled(x, kernel, stride, choose):
    """Each window by itself, made one number by `choose`, in float64."""
    pixels = [pixels for _, pixels in windows(x.astype(np.float64), kernel, stride)]
    return choose(np.stack(pixels), axis=0)


def images(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def filled(layer, seed):
    """The layer, with a weight and a bias that were drawn here, and these two."""
    weight = images(seed, *layer.weight.shape)
    bias = images(seed + 1, *layer.bias.shape)
    layer.weight.data, layer.bias.data = weight.copy(), bias.copy()
    return layer, weight, bias


@pytest.mark.points(2)
@pytest.mark.hint("Lay the kernel on the image as it is, not flipped: multiply, sum, add the bias.")
def test_convolution_by_hand(tt, check):
    """Slides one kernel over one image, as worked by hand; as a layer and as a function"""
    x = tt.Tensor([[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]])
    layer = tt.Conv2d(1, 1, 2)
    layer.weight.data = np.array([[[[1, 10], [100, 1000]]]], np.float32)
    layer.bias.data = np.array([0.5], np.float32)
    with check.unchanged(x, layer.weight, layer.bias):
        check.close(layer(x), [[[[4310.5, 5421.5], [7643.5, 8754.5]]]])
        check.close(tt.conv2d(x, layer.weight), [[[[4310, 5421], [7643, 8754]]]])
        check.close(tt.conv2d(x, layer.weight, layer.bias, stride=2), [[[[4310.5]]]])


@pytest.mark.points(2)
@pytest.mark.hint("weight is (out, in, kh, kw), bias is (out,): rows come before columns.")
def test_shapes_of_parameters(tt, check):
    """Has a weight of shape (out, in, kh, kw) and a bias of shape (out,), to be learned"""
    layer = tt.Conv2d(2, 5, (3, 4))
    check.shape(layer.weight, (5, 2, 3, 4))
    check.shape(layer.bias, (5,))
    for parameter in (layer.weight, layer.bias):
        check.dtype(parameter, "float32")
        check.equal(parameter.requires_grad, True)
    check.equal([name for name, _ in layer.named_parameters()], ["weight", "bias"])
    plain = tt.Conv2d(2, 5, 3, bias=False)
    check.shape(plain.weight, (5, 2, 3, 3))
    check.true(plain.bias is None, "Conv2d(2, 5, 3, bias=False).bias must be None")
    check.equal(len(list(plain.parameters())), 1)
    check.equal(len(list(tt.MaxPool2d(2).parameters())), 0)


@pytest.mark.points(2)
@pytest.mark.hint("Six loops are the definition: compare with them on small images.")
@pytest.mark.depends(on=["test_convolution_by_hand", "test_shapes_of_parameters"])
@given(
    batch=st.integers(1, 3),
    channels=pairs(1, 3),
    kernel=pairs(1, 4),
    room=pairs(0, 4),
    stride=pairs(1, 3),
    padding=pairs(0, 2),
    seed=st.integers(0, 1000),
)
def test_convolution_agrees_with_numpy(
    tt, check, batch, channels, kernel, room, stride, padding, seed
):
    """Computes what the definition says, for any sizes, strides and paddings"""
    x = images(seed, batch, channels[0], kernel[0] + room[0], kernel[1] + room[1])
    layer = tt.Conv2d(*channels, kernel, stride=stride, padding=padding)
    layer, weight, bias = filled(layer, seed)
    expected, given_images = convolved(x, weight, bias, stride, padding), tt.Tensor(x)
    with check.unchanged(given_images, layer.weight, layer.bias):
        check.close(layer(given_images), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.points(2)
@pytest.mark.hint("A stride of (sh, sw): sh rows down and sw columns to the right at each step.")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_stride(tt, check):
    """Takes every so many rows and columns, each as it was told"""
    x = np.arange(30, dtype=np.float32).reshape(1, 1, 5, 6)
    for stride, rows, columns in ((2, 2, 2), ((1, 2), 1, 2), ((3, 1), 3, 1)):
        layer = tt.Conv2d(1, 1, 1, stride=stride, bias=False)
        layer.weight.data = np.ones((1, 1, 1, 1), np.float32)
        check.close(layer(tt.Tensor(x)), x[:, :, ::rows, ::columns])


@pytest.mark.points(2)
@pytest.mark.hint("Zeros above and below, and on the left and on the right: as many on each side.")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_padding(tt, check):
    """Frames the image with zeros, on all four sides"""
    x = np.arange(1, 7, dtype=np.float32).reshape(1, 1, 2, 3)
    for padding, ph, pw in ((1, 1, 1), ((2, 0), 2, 0), ((0, 2), 0, 2)):
        layer = tt.Conv2d(1, 1, 1, padding=padding, bias=False)
        layer.weight.data = np.ones((1, 1, 1, 1), np.float32)
        expected = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        check.close(layer(tt.Tensor(x)), expected)
    same = tt.Conv2d(1, 1, 3, padding=1, bias=False)
    same.weight.data = np.ones((1, 1, 3, 3), np.float32)
    check.close(same(tt.ones(1, 1, 3, 3)), [[[[4, 6, 4], [6, 9, 6], [4, 6, 4]]]])


@pytest.mark.points(1)
@pytest.mark.hint("(size + 2 padding - kernel) // stride + 1, for rows and for columns.")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_sizes_of_outputs(tt, check):
    """Makes as many rows and columns as the kernel has places"""
    cases = [
        ((7, 8), {"kernel_size": 3, "stride": 2}, (3, 3)),
        ((8, 9), {"kernel_size": 2, "stride": 2}, (4, 4)),
        ((28, 28), {"kernel_size": 5, "padding": 2}, (28, 28)),
        ((56, 40), {"kernel_size": 7, "stride": 2, "padding": 3}, (28, 20)),
        ((3, 5), {"kernel_size": (3, 1), "stride": (4, 3)}, (1, 2)),
        ((1, 1), {"kernel_size": 3, "padding": 1}, (1, 1)),
    ]
    for size, options, expected in cases:
        check.shape(tt.Conv2d(2, 3, **options)(tt.ones(1, 2, *size)), (1, 3, *expected))


@pytest.mark.points(1)
@pytest.mark.hint("One number for each output channel, added once to each of its pixels.")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_bias(tt, check):
    """Adds each channel's own number to all of its pixels"""
    layer = tt.Conv2d(2, 3, 3, padding=1)
    layer.weight.data = np.zeros((3, 2, 3, 3), np.float32)
    layer.bias.data = np.array([1, -2, 30], np.float32)
    expected = np.broadcast_to(np.array([1, -2, 30.0]).reshape(3, 1, 1), (2, 3, 3, 3))
    check.close(layer(tt.ones(2, 2, 3, 3)), expected)


@pytest.mark.points(1)
@pytest.mark.hint("Output channel o sums over the input channels k with weight[o, k].")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_channels(tt, check):
    """Mixes the channels as the weight says: swaps them, and sums them"""
    x = images(0, 2, 3, 4, 5)
    layer = tt.Conv2d(3, 4, 1, bias=False)
    mixing = np.array([[0, 0, 1], [1, 0, 0], [0, 2, 0], [1, 1, 1]], np.float32)
    layer.weight.data = mixing.reshape(4, 3, 1, 1)
    expected = np.stack([x[:, 2], x[:, 0], 2 * x[:, 1], x.sum(axis=1)], axis=1)
    check.close(layer(tt.Tensor(x)), expected, rtol=1e-4, atol=1e-5)
    square, cube = tt.Conv2d(3, 3, 1, bias=False), images(1, 3, 3, 3, 3)
    square.weight.data = mixing[:3].reshape(3, 3, 1, 1)  # as many channels in as out, and as pixels
    expected = np.stack([cube[:, 2], cube[:, 0], 2 * cube[:, 1]], axis=1)
    check.close(square(tt.Tensor(cube)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.points(2)
@pytest.mark.hint("Compare channels and sizes before anything is reshaped; name what was expected.")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_images_that_do_not_fit(tt, check):
    """Refuses other channels, images that are too small, and sizes that make no sense"""
    layer = tt.Conv2d(3, 2, 3)
    for shape in ((2, 4, 5, 5), (2, 1, 5, 5), (2, 5, 5, 3), (2, 3, 2, 5), (2, 3, 5, 2), (5, 5)):
        with check.raises(ValueError):
            layer(tt.ones(*shape))
    with check.raises(ValueError, mentions=("3", "4")):
        layer(tt.ones(2, 4, 5, 5))
    for pool in (tt.MaxPool2d(3), tt.AvgPool2d(3)):
        for shape in ((1, 1, 2, 5), (1, 1, 5, 2), (3, 3)):
            with check.raises(ValueError):
                pool(tt.ones(*shape))
    with check.raises(ValueError):
        tt.GlobalAvgPool2d()(tt.ones(2, 3))
    for sizes in ((0, 1, 3), (1, 0, 3), (1, 1, 0), (1, 1, 3, 0), (1, 1, 3, 1, -1), (1, 1, (3, 0))):
        with check.raises(ValueError):
            tt.Conv2d(*sizes)
    for sizes in ((0,), (2, 0), ((2, -1),)):
        with check.raises(ValueError):
            tt.MaxPool2d(*sizes)
        with check.raises(ValueError):
            tt.AvgPool2d(*sizes)


def in_one_product(x, kernels, bias):
    """Rows (484, 4) of the convolution of one image (1, 2, 24, 24), 3 by 3, by NumPy alone."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    return seen.transpose(0, 2, 3, 1, 4, 5).reshape(484, 18) @ kernels.T + bias


@pytest.mark.points(1)
@pytest.mark.hint(
    "Python may count the places of the kernel, not the pixels: NumPy takes all at once."
)
@pytest.mark.depends(on="test_convolution_agrees_with_numpy")
def test_speed_of_convolution(tt, check, speed):
    """Takes no more than 40 times as long as one matrix product of all windows in NumPy"""
    layer, weight, bias = filled(tt.Conv2d(2, 4, 3), 0)
    x, kernels = images(1, 1, 2, 24, 24), weight.reshape(4, 18)
    given_image, rows = tt.Tensor(x), in_one_product(x, kernels, bias)
    check.close(layer(given_image), rows.T.reshape(1, 4, 22, 22), rtol=1e-4, atol=1e-4)
    speed(lambda: layer(given_image), lambda: in_one_product(x, kernels, bias), at_most=40)


@pytest.mark.points(2)
@pytest.mark.hint("Each output sums in * kh * kw products: that is the number of inputs.")
@pytest.mark.depends(on="test_shapes_of_parameters")
def test_size_of_initial_weights(tt, check):
    """Begins with weights whose spread fits the number of inputs, kernel and all"""
    for inputs, outputs, kernel in ((20, 24, 3), (40, 20, 5), (60, 40, (1, 3))):
        layer = tt.Conv2d(inputs, outputs, kernel)
        weight = check.array(layer.weight)
        root = math.sqrt(weight[0].size)
        spread, middle = float(weight.std()) * root, float(weight.mean()) * root
        check.true(
            0.5 < spread < 2,
            f"the weights of Conv2d({inputs}, {outputs}, {kernel}) spread by {spread:.3f}"
            " / sqrt(in * kh * kw), expected 0.5 to 2",
        )
        check.true(
            abs(middle) < 0.2,
            f"the weights should lie around 0; their mean is {middle:.3f} / sqrt(in * kh * kw)",
        )
        bias = np.abs(check.array(layer.bias)) * root
        check.true(bool((bias <= 2).all()), "the bias should begin at 0 or near it")


@pytest.mark.points(1)
@pytest.mark.hint("Each instance draws its own numbers, from the generator that manual_seed sets.")
@pytest.mark.depends(on="test_shapes_of_parameters")
def test_instances_are_their_own(tt, check):
    """Begins each layer elsewhere, repeats it with the same seed, and restores it"""
    tt.manual_seed(1)
    first, second = tt.Conv2d(2, 3, 3), tt.Conv2d(2, 3, 3)
    began = check.array(second.weight)
    check.true(bool((check.array(first.weight) != began).any()), "two layers must not begin alike")
    tt.manual_seed(1)
    tt.Conv2d(2, 3, 3)
    check.close(tt.Conv2d(2, 3, 3).weight, began)
    first.load_state_dict(second.state_dict())
    x = images(0, 2, 2, 5, 5)
    expected = convolved(x, began, check.array(second.bias))
    check.close(first(tt.Tensor(x)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.points(2)
@pytest.mark.hint("The largest of each window; it may be negative, so do not begin at 0.")
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=pairs(1, 3),
    room=pairs(0, 5),
    stride=st.none() | pairs(1, 4),
    seed=st.integers(0, 1000),
)
def test_max_pool(tt, check, shape, kernel, room, stride, seed):
    """Keeps the largest number of each window, channel by channel"""
    x = images(seed, *shape, kernel[0] + room[0], kernel[1] + room[1]) - 2
    expected = pooled(x, kernel, stride or kernel, np.max)
    given_images, pool = tt.Tensor(x.copy()), tt.MaxPool2d(kernel, stride=stride)
    with check.unchanged(given_images):
        check.close(pool(given_images), expected)
        check.close(tt.max_pool2d(given_images, kernel_size=kernel, stride=stride), expected)


@pytest.mark.points(1)
@pytest.mark.hint("The sum of each window, divided by how many numbers it has.")
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=pairs(1, 3),
    room=pairs(0, 5),
    stride=st.none() | pairs(1, 4),
    seed=st.integers(0, 1000),
)
def test_avg_pool(tt, check, shape, kernel, room, stride, seed):
    """Takes the mean of each window, channel by channel"""
    x = images(seed, *shape, kernel[0] + room[0], kernel[1] + room[1])
    expected = pooled(x, kernel, stride or kernel, np.mean)
    given_images, pool = tt.Tensor(x.copy()), tt.AvgPool2d(kernel, stride=stride)
    with check.unchanged(given_images):
        check.close(pool(given_images), expected, atol=1e-5)
        y = tt.avg_pool2d(given_images, kernel_size=kernel, stride=stride)
        check.close(y, expected, atol=1e-5)


@pytest.mark.points(1)
@pytest.mark.hint("Windows that would reach over the border are left out; none is made smaller.")
def test_pools_at_the_border(tt, check):
    """Drops rows and columns that fill no window, and lets windows overlap when told so"""
    x = np.arange(35, dtype=np.float32).reshape(1, 1, 5, 7)
    check.close(tt.MaxPool2d(2)(tt.Tensor(x)), [[[[8, 10, 12], [22, 24, 26]]]])
    check.close(tt.MaxPool2d(4)(tt.Tensor(x - 1e6)), [[[[24 - 1e6]]]])
    check.close(tt.AvgPool2d(2)(tt.Tensor(x)), [[[[4, 6, 8], [18, 20, 22]]]])
    check.close(tt.MaxPool2d(3, stride=2)(tt.Tensor(x)), [[[[16, 18, 20], [30, 32, 34]]]])
    check.close(tt.AvgPool2d((1, 3), stride=(4, 2))(tt.Tensor(x)), [[[[1, 3, 5], [29, 31, 33]]]])


@pytest.mark.points(1)
@pytest.mark.hint("The mean over rows and columns: batch and channels stay, nothing else does.")
def test_global_avg_pool(tt, check):
    """Makes of each channel its mean over all pixels: (N, C)"""
    for shape in ((2, 3, 4, 5), (3, 3, 3, 3)):
        x = images(0, *shape)
        given_images = tt.Tensor(x.copy())
        with check.unchanged(given_images):
            check.close(tt.GlobalAvgPool2d()(given_images), x.mean(axis=(2, 3)), atol=1e-5)
    check.close(tt.GlobalAvgPool2d()(tt.Tensor([[[[5.0]], [[7.0]]]])), [[5, 7]])


@pytest.mark.points(1)
@pytest.mark.hint("No image may see another one, nor how its numbers lie in memory.")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_batches_of_any_size(tt, check):
    """Answers each image the same in any batch and any order of memory, and an empty batch too"""
    x = images(0, 5, 2, 7, 6)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    wide = np.repeat(x, 2, axis=3)[:, :, :, ::2]
    conv, weight, bias = filled(tt.Conv2d(2, 3, 3, stride=2, padding=1), 1)
    for layer, whole in (
        (conv, convolved(x, weight, bias, (2, 2), (1, 1))),
        (tt.MaxPool2d(2), pooled(x, (2, 2), (2, 2), np.max)),
        (tt.AvgPool2d(2), pooled(x, (2, 2), (2, 2), np.mean)),
        (tt.GlobalAvgPool2d(), x.mean(axis=(2, 3), dtype=np.float64)),
    ):
        for start in (0, 2, 4):  # the last batch is shorter
            part = layer(tt.Tensor(x[start : start + 2]))
            check.close(part, whole[start : start + 2], rtol=1e-4, atol=1e-5)
        for same in (x, last, wide):
            check.close(layer(tt.Tensor(same)), whole, rtol=1e-4, atol=1e-5)
        check.close(layer(tt.Tensor(x)[1:3]), whole[1:3], rtol=1e-4, atol=1e-5)
        check.shape(layer(tt.zeros(0, 2, 7, 6)), (0, *whole.shape[1:]))


@pytest.mark.points(1)
@pytest.mark.hint("A float64 scalar or weight widens all that follows: divide by a plain number.")
@pytest.mark.depends(on="test_convolution_by_hand")
def test_float32_stays(tt, check):
    """Keeps float32 and float64, and takes the small integers that a camera delivers"""
    x = images(0, 2, 2, 6, 6)
    layers = [tt.Conv2d(2, 3, 3), tt.MaxPool2d(2), tt.AvgPool2d(2), tt.GlobalAvgPool2d()]
    for layer in layers:
        check.dtype(layer(tt.Tensor(x)), "float32")
        check.instance(layer(tt.Tensor(x)), tt.Tensor)
    double, weight = tt.Tensor(x.astype(np.float64)), tt.Tensor(np.ones((3, 2, 3, 3)))
    for y in (tt.conv2d(double, weight), *[pool(double) for pool in layers[1:]]):
        check.dtype(y, "float64")
    bright = tt.Tensor(np.full((1, 1, 2, 2), 200, np.uint8))
    ones = tt.Conv2d(1, 1, 2, bias=False)
    ones.weight.data = np.ones((1, 1, 2, 2), np.float32)
    check.close(ones(bright), [[[[800]]]])
    check.close(tt.AvgPool2d(2)(bright), [[[[200]]]])
    check.close(tt.MaxPool2d(2)(bright), [[[[200]]]])
    check.close(tt.GlobalAvgPool2d()(bright), [[200]])


@pytest.mark.points(1)
@pytest.mark.hint("The name, and the sizes that it was made with.")
def test_shows_its_sizes(tt, check):
    """Shows its name, its channels and its sizes"""
    shown = repr(tt.Conv2d(37, 59, (7, 5), stride=3, padding=2))
    parts = ("Conv2d", "37", "59", "7", "5", "3", "2")
    check.true(all(part in shown for part in parts), f"repr of a Conv2d is {shown!r}")
    for name in ("MaxPool2d", "AvgPool2d"):
        shown = repr(getattr(tt, name)(7, stride=4))
        check.true(all(part in shown for part in (name, "7", "4")), f"repr of a {name}: {shown!r}")
    check.true("GlobalAvgPool2d" in repr(tt.GlobalAvgPool2d()), "a GlobalAvgPool2d has its name")


@pytest.mark.points(3)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one reads.")
@pytest.mark.depends(on=["test_convolution_agrees_with_numpy", "test_max_pool"])
def test_finds_and_reads_digits(tt, check, digits, rng):
    """Finds each of 360 digits in a larger image, and reads 88 % of them, untrained"""
    means = [digits.train_images[digits.train_labels == digit].mean(axis=0) for digit in range(10)]
    kernels = np.stack(means)[:, None].astype(np.float32)
    # The nearest mean m of an image x has the smallest |x - m|^2 = |x|^2 - 2 (x m - |m|^2 / 2),
    # so the largest x m - |m|^2 / 2: a product and a bias. A convolution asks it everywhere.
    finder = tt.Conv2d(1, 10, 8)
    finder.weight.data = kernels
    finder.bias.data = -(kernels**2).sum(axis=(1, 2, 3)) / 2
    scenes, places = np.zeros((360, 1, 16, 16), np.float32), rng.integers(0, 9, (360, 2))
    for scene, (row, column), image in zip(scenes, places, digits.test_images, strict=True):
        scene[0, row : row + 8, column : column + 8] = image
    scores = finder(tt.Tensor(scenes))
    check.shape(scores, (360, 10, 9, 9))
    best = check.array(scores).max(axis=1).reshape(360, -1).argmax(axis=1)
    distance = np.abs(np.stack(np.unravel_index(best, (9, 9)), axis=1) - places).max(axis=1)
    found = float((distance <= 1).mean())
    check.true(found >= 0.99, f"found {found:.1%} of 360 digits within a pixel, expected 99 %")
    highest = tt.MaxPool2d(9)(scores)
    check.shape(highest, (360, 10, 1, 1))
    read = check.array(highest).reshape(360, 10).argmax(axis=1)
    correct = float((read == digits.test_labels).mean())
    check.true(correct >= 0.88, f"read {correct:.1%} of 360 digits correctly, expected 88 %")
