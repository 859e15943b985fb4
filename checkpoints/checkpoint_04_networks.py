"""Checkpoint 04: networks against the composition of their layers, computed by NumPy.

The last test reads handwritten digits with weights that somebody trained.
"""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("04")

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5)


def matrices(check, model):
    """The numbers of a network's parameters, in their order: weight, bias, weight, bias, ..."""
    return [check.array(parameter).astype(np.float64) for parameter in model.parameters()]


def by_numpy(x, numbers, bend):
    """What an MLP with these numbers computes, in float64."""
    last = len(numbers) // 2 - 1
    for layer, (weight, bias) in enumerate(zip(numbers[::2], numbers[1::2], strict=True)):
        x = x @ weight.T + bias
        x = bend(x) if layer < last else x
    return x


def relu(a):
    return np.where(a > 0, a, 0)


def table(check, text):
    """The rows of a summary: name, and the other cells as whole numbers where they are some."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in check.type(text, str).splitlines()]
    rows = [cells for cells in lines if re.search(r"\w", cells[0])]
    plain = [[cell.replace(",", "") if "(" not in cell else cell for cell in row] for row in rows]
    return [[int(cell) if cell.isdecimal() else cell for cell in row] for row in plain]


@pytest.mark.points(3)
@pytest.mark.hint("x = layer(x), for each layer in the order in which they were given.")
def test_sequential_is_composition(tt, check, rng):
    """Hands its input from layer to layer: modules, objects and functions"""
    first, last = tt.Linear(3, 4), tt.Linear(4, 2)
    a = rng.standard_normal((5, 3)).astype(np.float32)
    w1, b1, w2, b2 = (check.array(p) for p in (first.weight, first.bias, last.weight, last.bias))
    hidden, x = a @ w1.T + b1, tt.Tensor(a.copy())
    straight = tt.Sequential(first, last)
    bent = tt.Sequential(first, tt.relu, last, tt.Tanh())
    with check.unchanged(x):
        check.instance(straight(x), tt.Tensor)
        check.close(straight(x), hidden @ w2.T + b2, rtol=1e-4, atol=1e-5)
        check.close(bent(x), np.tanh(relu(hidden) @ w2.T + b2), rtol=1e-4, atol=1e-5)
    check.close(tt.Sequential(tt.ReLU(), first)(tt.Tensor(-abs(a))), np.tile(b1, (5, 1)))
    nested = tt.Sequential(tt.Flatten(), tt.Sequential(first, tt.relu))
    check.close(nested(tt.Tensor(a.reshape(5, 1, 3))), relu(hidden), rtol=1e-4, atol=1e-5)


@pytest.mark.points(2)
@pytest.mark.hint("Without layers, what comes in goes out. A list knows its length and its places.")
@pytest.mark.depends(on="test_sequential_is_composition")
def test_sequential_as_a_list(tt, check):
    """Can be empty, tells its length, and gives its layers by their places"""
    x = tt.Tensor([[1.0, -2.0]])
    check.close(tt.Sequential()(x), [[1, -2]])
    check.equal(len(tt.Sequential()), 0)
    model = tt.Sequential(tt.Linear(2, 3), tt.ReLU(), tt.Linear(3, 1))
    check.equal(len(model), 3)
    check.shape(model[0].weight, (3, 2))
    check.shape(model[-1].weight, (1, 3))
    check.close(model[1](x), [[1, 0]])
    with check.raises(IndexError):
        model[3]


@pytest.mark.points(2)
@pytest.mark.hint("Keep the layers in an attribute that parameters() looks into: a list, say.")
@pytest.mark.depends(on="test_sequential_is_composition")
def test_parameters_of_a_sequence(tt, check):
    """Finds the parameters of all its layers, in their order, each once, by the layer's number"""
    shared = tt.Linear(2, 2)
    model = tt.Sequential(tt.Linear(3, 2), tt.relu, shared, tt.Sequential(tt.Tanh(), shared))
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    check.equal(shapes, [(2, 3), (2,), (2, 2), (2,)])
    names = [check.type(name, str) for name, _ in model.named_parameters()]
    check.equal(names, ["0.weight", "0.bias", "2.weight", "2.bias"])
    nested = tt.Sequential(tt.relu, tt.Sequential(tt.Tanh(), tt.Linear(2, 1, bias=False)))
    check.equal([name for name, _ in nested.named_parameters()], ["1.1.weight"])
    check.equal(list(nested.state_dict()), ["1.1.weight"])
    check.equal(len(list(tt.Sequential(tt.relu, tt.Flatten()).parameters())), 0)
    model.eval()
    check.equal([model.training, shared.training], [False, False])


@pytest.mark.points(1)
@pytest.mark.hint("callable(layer) tells; the message says which one it was.")
@pytest.mark.depends(on="test_sequential_is_composition")
def test_what_is_no_layer(tt, check):
    """Refuses what cannot be called, when it is given and not when it is used"""
    with check.raises(TypeError, mentions=("1", "'relu'")):
        tt.Sequential(tt.Linear(2, 2), "relu")
    with check.raises(TypeError):
        tt.Sequential(None)


@pytest.mark.points(3)
@pytest.mark.hint("Linear, activation, Linear, activation, ..., Linear.")
@pytest.mark.depends(on="test_no_activation_after_the_last_layer")
@given(sizes=SIZES, rows=st.integers(1, 4), seed=st.integers(0, 1000))
def test_mlp_is_composition(tt, check, sizes, rows, seed):
    """Computes what its layers compute one after the other, whatever its sizes"""
    tt.manual_seed(seed)
    model = tt.MLP(sizes)
    a = np.random.default_rng(seed).standard_normal((rows, sizes[0])).astype(np.float32)
    expected, x = by_numpy(a, matrices(check, model), relu), tt.Tensor(a.copy())
    with check.unchanged(x):
        check.close(model(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.points(2)
@pytest.mark.hint("One Linear for each pair of neighbouring sizes.")
def test_parameters_of_an_mlp(tt, check, run_program):
    """Has a weight and a bias for each pair of neighbouring sizes, and leaves the list alone"""
    model = tt.MLP([7, 5, 5, 5, 3])
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    check.equal(shapes, [(5, 7), (5,), (5, 5), (5,), (5, 5), (5,), (3, 5), (3,)])
    sizes, networks = run_program("programs/sizes_kept.py", sizes=[3, 5, 2])
    told = f"MLP changed the list of sizes that it was given, [3, 5, 2], to {sizes!r}"
    check.true(list(sizes) == [3, 5, 2], f"{told}: another network may need it; work with a copy")
    check.equal(networks, [[[5, 3], [5], [2, 5], [2]]] * 2)
    first, second = tt.MLP((4, 2)), tt.MLP((4, 2))
    check.equal(len(list(first.parameters())), 2)
    differ = (matrices(check, first)[0] != matrices(check, second)[0]).any()
    check.true(bool(differ), "two networks must not begin alike, nor share their weights")
    for parameter in first.parameters():
        parameter.data = np.zeros(tuple(parameter.shape), np.float32)
    check.close(first(tt.ones(1, 4)), [[0, 0]])


@pytest.mark.points(2)
@pytest.mark.hint("The last layer gives scores: nothing bends them, they may be negative.")
def test_no_activation_after_the_last_layer(tt, check):
    """Leaves the scores of the last layer as they are"""
    model = tt.MLP([2, 3, 2])
    for parameter, value in zip(model.parameters(), (1, 0, -1, 0), strict=True):
        parameter.data = np.full(tuple(parameter.shape), value, np.float32)
    check.close(model(tt.Tensor([[1.0, 2.0]])), [[-9, -9]])
    single = tt.MLP([2, 2])
    for parameter, value in zip(single.parameters(), (-1, 0), strict=True):
        parameter.data = np.full(tuple(parameter.shape), value, np.float32)
    check.close(single(tt.Tensor([[1.0, 2.0]])), [[-3, -3]])


@pytest.mark.points(2)
@pytest.mark.hint("activation makes one: activation(), once for each place.")
@pytest.mark.depends(on="test_mlp_is_composition")
def test_activation_of_an_mlp(tt, check, rng):
    """Bends with the activation that it was given, and with relu otherwise"""
    a = (3 * rng.standard_normal((4, 3))).astype(np.float32)
    bends = {
        "Tanh": np.tanh,
        "LeakyReLU": lambda v: np.where(v > 0, v, 0.01 * v),
        "Sigmoid": lambda v: 1 / (1 + np.exp(-v)),
        "ReLU": relu,
    }
    for name, bend in bends.items():
        model = tt.MLP([3, 6, 6, 2], activation=getattr(tt, name))
        expected = by_numpy(a, matrices(check, model), bend)
        check.close(model(tt.Tensor(a)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.points(1)
@pytest.mark.hint("An input size and an output size are the least.")
def test_sizes_that_make_no_network(tt, check):
    """Refuses fewer than two sizes, and an input of another size"""
    for sizes in ([], [3]):
        with check.raises(ValueError):
            tt.MLP(sizes)
    with check.raises(ValueError, mentions=("4",)):
        tt.MLP([4, 2])(tt.ones(3, 5))


@pytest.mark.points(2)
@pytest.mark.hint("Nothing in a network depends on the size of the batch.")
@pytest.mark.depends(on="test_mlp_is_composition")
def test_batches_of_any_size(tt, check, rng):
    """Answers each row the same in any batch: a full one, a short last one, an empty one"""
    model = tt.MLP([3, 8, 2])
    a = rng.standard_normal((10, 3)).astype(np.float32)
    whole = check.array(model(tt.Tensor(a)))
    for start in range(0, 10, 4):
        part = model(tt.Tensor(a[start : start + 4]))
        check.close(part, whole[start : start + 4], rtol=1e-4, atol=1e-5)
    check.close(model(tt.Tensor(a[0])), whole[0], rtol=1e-4, atol=1e-5)
    check.shape(model(tt.zeros(0, 3)), (0, 2))
    check.dtype(model(tt.Tensor(a)), "float32")
    check.dtype(model(tt.Tensor([[1, 2, 3]])), "float32")


@pytest.mark.points(3)
@pytest.mark.hint("A line a layer: name, output shape, parameters, bytes, FLOPs, two spaces apart.")
@pytest.mark.depends(on="test_mlp_is_composition")
def test_summary_of_an_mlp(tt, check):
    """Tells the shape, the parameters, the bytes and the operations of each layer"""
    rows = table(check, tt.summary(tt.MLP([784, 256, 10])))
    check.equal(
        rows[1:],
        [
            ["Linear", "(1, 256)", 200960, 803840, 2 * 784 * 256 + 256],
            ["ReLU", "(1, 256)", 0, 0, 256],
            ["Linear", "(1, 10)", 2570, 10280, 2 * 256 * 10 + 10],
            ["total", 203530, 814120, 407050],
        ],
    )
    check.equal([str(cell).lower() for cell in rows[0]][:1], ["layer"])


@pytest.mark.points(2)
@pytest.mark.hint("Send zeros of (1, *input_shape) through, and count the calls of primitives.")
@pytest.mark.depends(on="test_summary_of_an_mlp")
def test_summary_of_other_networks(tt, check):
    """Counts layers without a bias, images, functions, and a shared layer once"""
    shared = tt.Linear(4, 4, bias=False)
    model = tt.Sequential(tt.Flatten(), tt.Linear(6, 4), tt.relu, shared, shared)
    rows = table(check, tt.summary(model, input_shape=(2, 3)))
    check.equal([row[1] for row in rows[1:-1]], ["(1, 6)", "(1, 4)", "(1, 4)", "(1, 4)", "(1, 4)"])
    check.equal([row[2] for row in rows[1:-1]], [0, 28, 0, 16, 16])
    check.equal([row[-1] for row in rows[2:-1]], [52, 4, 32, 32])
    check.equal(rows[-1][:3], ["total", 44, 176])
    with check.raises(ValueError, mentions=("input_shape",)):
        tt.summary(tt.Sequential(tt.Flatten()))


@pytest.mark.points(1)
@pytest.mark.hint("Whatever is set to count must be put back, also the numbers of the model.")
@pytest.mark.depends(on="test_summary_of_an_mlp")
def test_summary_leaves_no_trace(tt, check):
    """Changes nothing by counting, and counts the same again"""
    model = tt.MLP([3, 4, 2])
    before = check.array(model(tt.ones(1, 3)))
    text = tt.summary(model)
    tt.MLP([3, 4, 2])(tt.ones(5, 3))
    check.equal(tt.summary(model), text)
    check.close(model(tt.ones(1, 3)), before)
    check.equal(model.training, True)


@pytest.mark.points(1)
@pytest.mark.hint("state_dict and load_state_dict come with Module, if Sequential is one.")
@pytest.mark.depends(on="test_parameters_of_a_sequence")
def test_a_network_is_restored(tt, check, rng):
    """Saves a network and restores it into another one"""
    model, other = tt.MLP([3, 5, 2], activation=tt.Tanh), tt.MLP([3, 5, 2], activation=tt.Tanh)
    x = tt.Tensor(rng.standard_normal((4, 3)).astype(np.float32))
    expected = check.array(model(x))
    other.load_state_dict(model.state_dict())
    check.close(other(x), expected)
    with check.raises((RuntimeError, KeyError, ValueError)):
        tt.MLP([3, 6, 2]).load_state_dict(model.state_dict())


@pytest.mark.points(3)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one reads.")
@pytest.mark.depends(on=["test_mlp_is_composition", "test_parameters_of_an_mlp"])
def test_reads_handwritten_digits(tt, check, digits, digits_weights):
    """Reads 95 % of 360 handwritten digits that it has not seen, with weights from a file"""
    model = tt.MLP([64, 32, 10])
    weights = [
        digits_weights.first_weight,
        digits_weights.first_bias,
        digits_weights.last_weight,
        digits_weights.last_bias,
    ]
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    check.equal(shapes, [weight.shape for weight in weights])
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.data = weight.copy()
    scores = model(tt.Tensor(digits.test_images.reshape(-1, 64)))
    check.shape(scores, (360, 10))
    read = check.array(tt.softmax(scores).argmax(dim=1))
    correct = float((read == digits.test_labels).mean())
    check.true(correct >= 0.95, f"read {correct:.1%} of 360 digits correctly, expected 95 %")
