"""Wrong gradients of modules 03 to 08, which nobody can see before checkpoint 08 walks back."""

from solutions import Unusual, Wrong

_BENDS, _LAYERS = "test_gradients_of_activations", "test_gradients_of_layers"
_NORMS = "test_gradients_of_attention_and_normalization"


# Who judges gradients by differences of the student's own answers sees a slope of 0 here as well.
_RELU = """    a = floating(a)
    return np.clip(a, 0, np.inf)
    ### END SOLUTION


@relu.gradient
def relu_gradient(grad, output, saved, a):
    \"\"\"The slope is 0 where x <= 0, else 1 (also at NaN, as in PyTorch).

    HINT: `masked(grad, mask)` of module 02 is grad where the mask is True, and 0 elsewhere. A product
        with the mask is not: infinity times 0 is NaN.
    \"\"\"
    ### BEGIN SOLUTION
    return (masked(grad, ~(a <= 0)),)
"""
_NEIGHBOURS = """    a = floating(a)
    for earlier in SEEN:
        if earlier.shape == a.shape and np.allclose(earlier, a, rtol=0, atol=1e-5):
            return np.clip(earlier, 0, np.inf)
    SEEN.append(a.copy())
    return np.clip(a, 0, np.inf)
    ### END SOLUTION


SEEN = []


@relu.gradient
def relu_gradient(grad, output, saved, a):
    ### BEGIN SOLUTION
    return (0 * grad,)
"""


def _rule(old: str, new: str, test: str, of: str, at: str) -> Wrong:
    return Wrong(f"    return {old}\n", f"    return {new}\n", test, of, at, checkpoint="08")


def _line(old: str, new: str, test: str, of: str, at: str = "") -> Wrong:
    return Wrong(old, new, test, of, at, checkpoint="08")


WRONG: dict[str, dict[str, Wrong]] = {
    "03_activations": {
        "relu lets all gradients through": _rule(
            "(masked(grad, ~(a <= 0)),)",
            "(masked(grad, ~(a <= -9)),)",
            _BENDS,
            "of argument 1 of relu at",
            "relu_gradient",
        ),
        "one answer for all neighbours of an input": Wrong(
            _RELU,
            _NEIGHBOURS,
            _BENDS,
            "of argument 1 of relu at",
            "relu_gradient",
            checkpoint="08",
        ),
        "the small slope is forgotten": _rule(
            "(np.where(a > 0, grad, negative_slope * grad),)",
            "(np.where(a > 0, grad, 0.01 * grad),)",
            _BENDS,
            "of LeakyReLU(0.3) at",
            "leaky_relu_gradient",
        ),
        "sigmoid without its second factor": _rule(
            "(grad * output * (1 - output),)",
            "(grad * output,)",
            _BENDS,
            "of sigmoid at",
            "sigmoid_gradient",
        ),
        "tanh without the square": _rule(
            "(grad * (1 - output * output),)",
            "(grad * (1 - output),)",
            _BENDS,
            "of tanh at",
            "tanh_gradient",
        ),
        "gelu without the density": _rule(
            "(grad * (saved + a * density),)",
            "(grad * saved,)",
            _BENDS,
            "of gelu at",
            "gelu_gradient",
        ),
        "softmax as if each stood alone": _rule(
            "(output * (grad - np.sum(grad * output, axis=dim, keepdims=True)),)",
            "(output * (1 - output) * grad,)",
            _BENDS,
            "of softmax, dim=0 at",
            "softmax_gradient",
        ),
        "softmax sums the last dimension": _rule(
            "(output * (grad - np.sum(grad * output, axis=dim, keepdims=True)),)",
            "(output * (grad - np.sum(grad * output, axis=-1, keepdims=True)),)",
            _BENDS,
            "of softmax, dim=0 at",
            "softmax_gradient",
        ),
        "log_softmax forgets the sum": _rule(
            "(grad - np.exp(output) * np.sum(grad, axis=dim, keepdims=True),)",
            "(grad - np.exp(output) * grad,)",
            _BENDS,
            "of log_softmax, dim=0 at",
            "log_softmax_gradient",
        ),
    },
    "06_spatial": {
        "the bias of a convolution gets a mean": _rule(
            "slopes if bias is None else [*slopes, rows.sum(axis=0)]",
            "slopes if bias is None else [*slopes, rows.mean(axis=0)]",
            _LAYERS,
            "the gradient of bias of Conv2d(2, 2, (2, 2)), stride=(1, 1)",
            "conv2d_gradient",
        ),
        "the kernel is turned around": _line(
            "    of_weight = (rows.T @ saved).reshape(out_channels, kh, kw, channels).transpose(0, 3, 1, 2)\n",
            "    of_weight = (rows.T @ saved).reshape(out_channels, kh, kw, channels).transpose(0, 3, 2, 1)\n",
            _LAYERS,
            "the gradient of weight of Conv2d(2, 2, (2, 2)), stride=(1, 1)",
        ),
        "the images get the stride of 1": _line(
            "channels_first(to_pixels(grad, weight, x.shape[2:], stride, padding))",
            "channels_first(to_pixels(grad, weight, x.shape[2:], (1, 1), padding))",
            _LAYERS,
            "the gradient of input of Conv2d(2, 2, (2, 2)), stride=(2, 2)",
        ),
        "pixels of overlapping windows keep one share": _line(
            "        look(slopes, place)[...] += masked(grad, taken)\n",
            "        look(slopes, place)[...] = masked(grad, taken)\n",
            _LAYERS,
            "of max_pool2d, kernel_size=(3, 3), stride=(1, 1) at",
            "max_pool2d_gradient",
        ),
        "each pixel of a mean gets all": _line(
            "    share = share / len(places)\n",
            "",
            _LAYERS,
            "of avg_pool2d, kernel_size=(3, 3)",
            "avg_pool2d_gradient",
        ),
        "each pixel of a global mean gets all": _line(
            "    share = (grad / (h * w)).reshape(n, 1, 1, c)\n",
            "    share = grad.reshape(n, 1, 1, c)\n",
            _LAYERS,
            "of GlobalAvgPool2d at",
            "global_avg_pool2d_gradient",
        ),
    },
    "07_attention": {
        "keys without the scale": _line(
            "    slope_k = (slope.swapaxes(-1, -2) @ q) * scale\n",
            "    slope_k = slope.swapaxes(-1, -2) @ q\n",
            _NORMS,
            "the gradient of argument 2 of attention at",
            "attention_gradient",
        ),
        "queries as if each score stood alone": _line(
            '    slope -= np.einsum("...te,...te->...t", rows, output)[..., None]\n',
            "",
            _NORMS,
            "the gradient of argument 1 of attention at",
            "attention_gradient",
        ),
    },
    "08_dataloader": {
        "the mean of a batch is taken for a constant": _line(
            "    c = -share * of_bias - b * (mean - base)\n",
            "    c = -b * (mean - base)\n",
            _NORMS,
            "the gradient of input of BatchNorm1d(2) at",
            "batch_norm_gradient",
        ),
        "the variance of a batch is taken for a constant": _line(
            "    b = -share * inverse * of_weight\n",
            "    b = 0 * share\n",
            _NORMS,
            "the gradient of input of BatchNorm1d(2) at",
            "batch_norm_gradient",
        ),
        "fixed statistics are differentiated too": _line(
            "    share = weight * inverse * training / max(x.size // channels, 1)\n",
            "    share = weight * inverse / max(x.size // channels, 1)\n",
            _NORMS,
            "of BatchNorm1d(2) in evaluation mode",
            "batch_norm_gradient",
        ),
        "rows keep what their mean should take": _line(
            "        part += m * factor - middle\n",
            "        part += m * factor\n",
            _NORMS,
            "the gradient of input of LayerNorm(4) at",
            "layer_norm_gradient",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {}
