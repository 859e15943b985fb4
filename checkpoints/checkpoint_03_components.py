"""Checkpoint 03: layers against NumPy, and modules that hold modules.

Nothing of the test goes into a student's object but numbers: structures are built by setting
attributes of plain Modules.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytestmark = pytest.mark.checkpoint("03")

NUMBERS = st.floats(-10, 10, width=32)


def nested(tt):
    """A module with layers in every place that counts: five parameters in three layers."""
    module = tt.Module()
    module.first = tt.Linear(3, 4)
    module.blocks = [tt.Linear(4, 4, bias=False), tt.Module()]
    module.blocks[1].inner = tt.Linear(4, 2)
    return module


NAMES = [
    "blocks.0.weight",
    "blocks.1.inner.bias",
    "blocks.1.inner.weight",
    "first.bias",
    "first.weight",
]
IN_ORDER = [
    "first.weight",
    "first.bias",
    "blocks.0.weight",
    "blocks.1.inner.weight",
    "blocks.1.inner.bias",
]


@pytest.mark.points(2)
@pytest.mark.hint("x W^T + b: each row of the weight belongs to one output.")
def test_linear_by_hand(tt, check):
    """Multiplies by the weight and adds the bias, as worked by hand; Dense is another name"""
    for name in ("Linear", "Dense"):
        layer = getattr(tt, name)(3, 2)
        layer.weight.data = np.array([[1, 2, 3], [0, -1, 0.5]], np.float32)
        layer.bias.data = np.array([10, 20], np.float32)
        x = tt.Tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 2.0]])
        with check.unchanged(x, layer.weight, layer.bias):
            check.close(layer(x), [[11, 20], [19, 20]])
            check.close(layer.forward(x), [[11, 20], [19, 20]])
        square = getattr(tt, name)(2, 2)  # where a forgotten transpose has the right shape
        square.weight.data = np.array([[1, 2], [0, -1]], np.float32)
        square.bias.data = np.array([10, 20], np.float32)
        check.close(square(tt.Tensor([[1.0, 0.0], [1.0, 2.0]])), [[11, 20], [15, 18]])


@pytest.mark.points(2)
@pytest.mark.hint("weight is (out_features, in_features), bias is (out_features,), as in PyTorch.")
def test_shapes_of_parameters(tt, check):
    """Has a weight of shape (out, in) and a bias of shape (out,), in float32, to be learned"""
    layer = tt.Linear(5, 3)
    check.shape(layer.weight, (3, 5))
    check.shape(layer.bias, (3,))
    for parameter in (layer.weight, layer.bias):
        check.dtype(parameter, "float32")
        check.equal(parameter.requires_grad, True)
    check.shape(tt.Linear(1, 1).bias, (1,))
    check.equal(tt.Parameter([1.0]).requires_grad, True)


@pytest.mark.points(2)
@pytest.mark.hint("Leading dimensions are a batch, whatever their number; a row alone is none.")
@pytest.mark.depends(on="test_linear_by_hand")
@given(
    x=hnp.arrays(
        np.float32,
        st.sampled_from([(3,), (1, 3), (3, 3), (4, 3), (3, 3, 3), (2, 5, 3), (2, 1, 2, 3)]),
        elements=NUMBERS,
    ),
    weight=hnp.arrays(np.float32, (3, 3), elements=NUMBERS),
    bias=hnp.arrays(np.float32, (3,), elements=NUMBERS),
    outputs=st.integers(1, 3),
)
def test_linear_agrees_with_numpy(tt, check, x, weight, bias, outputs):
    """Takes a row, a batch, and batches of batches"""
    layer, inputs = tt.Linear(3, outputs), tt.Tensor(x.copy())
    weight, bias = weight[:outputs], bias[:outputs]
    layer.weight.data, layer.bias.data = weight.copy(), bias.copy()
    expected = np.einsum("...i,oi->...o", x.astype(np.float64), weight.astype(np.float64)) + bias
    with check.unchanged(inputs, layer.weight, layer.bias):
        check.close(layer(inputs), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.points(1)
@pytest.mark.hint("Without a bias it is one matrix product: nothing is added, nothing is bent.")
@pytest.mark.depends(on="test_linear_by_hand")
@given(
    x=hnp.arrays(np.float32, (4, 3), elements=NUMBERS),
    y=hnp.arrays(np.float32, (4, 3), elements=NUMBERS),
    factor=NUMBERS,
)
def test_linear_is_linear(tt, check, x, y, factor):
    """Takes sums to sums and multiples to multiples, where there is no bias"""
    layer = tt.Linear(3, 2, bias=False)
    layer.weight.data = np.array([[1, 2, 3], [0, -1, 0.5]], np.float32)
    of_x, of_y = check.array(layer(tt.Tensor(x))), check.array(layer(tt.Tensor(y)))
    factor = np.float32(factor)
    check.close(layer(tt.Tensor(x + y)), of_x + of_y, rtol=1e-4, atol=1e-3)
    check.close(layer(tt.Tensor(factor * x)), factor * of_x, rtol=1e-4, atol=1e-2)
    check.close(layer(tt.zeros(4, 3)), np.zeros((4, 2)))


@pytest.mark.points(1)
@pytest.mark.hint("No row may see another one: only the last dimension is multiplied and summed.")
@pytest.mark.depends(on="test_linear_by_hand")
@given(x=hnp.arrays(np.float32, (7, 3), elements=NUMBERS), size=st.integers(1, 7))
def test_a_batch_is_its_rows(tt, check, x, size):
    """Gives each row the same in a batch of any size, the last and shorter one too, and alone"""
    layer = tt.Linear(3, 2)
    whole = check.array(layer(tt.Tensor(x)))
    for start in range(0, 7, size):
        batch = x[start : start + size]
        expected = whole[start : start + size]
        check.close(layer(tt.Tensor(batch)), expected, rtol=1e-4, atol=1e-4)
    check.close(layer(tt.Tensor(x[6])), whole[6], rtol=1e-4, atol=1e-4)


@pytest.mark.points(1)
@pytest.mark.hint(
    "Without a bias there is nothing to add and nothing to learn: the attribute is None."
)
@pytest.mark.depends(on="test_linear_by_hand")
def test_linear_without_bias(tt, check):
    """Leaves the bias out when it is told so, and has one otherwise"""
    layer = tt.Linear(3, 2, bias=False)
    check.true(layer.bias is None, "Linear(3, 2, bias=False).bias must be None")
    check.equal(len(list(layer.parameters())), 1)
    check.equal(len(list(tt.Linear(3, 2).parameters())), 2)
    layer.weight.data = np.ones((2, 3), np.float32)
    check.close(layer(tt.Tensor([1.0, 2.0, 4.0])), [7, 7])


@pytest.mark.points(2)
@pytest.mark.hint("A reshape can hide a wrong size: compare the last dimension before it.")
@pytest.mark.depends(on="test_linear_by_hand")
def test_sizes_that_do_not_fit(tt, check):
    """Refuses an input of another size, sizes below 1, and takes an empty batch"""
    layer = tt.Linear(3, 2)
    for shape in ((2, 6), (6,), (3, 2), (3, 1)):
        with check.raises(ValueError, mentions=("3",)):
            layer(tt.ones(*shape))
    with check.raises(ValueError):
        tt.Linear(0, 2)
    with check.raises(ValueError):
        tt.Linear(2, -1)
    check.shape(layer(tt.zeros(0, 3)), (0, 2))
    check.shape(layer(tt.zeros(2, 0, 3)), (2, 0, 2))


@pytest.mark.points(2)
@pytest.mark.hint("Variance about 1 / in to 2 / in: He, Xavier and PyTorch's own all lie in range.")
@pytest.mark.depends(on="test_shapes_of_parameters")
def test_size_of_initial_weights(tt, check):
    """Begins with weights whose spread fits the number of inputs"""
    for inputs, outputs in ((50, 60), (200, 100), (800, 50)):
        weight = check.array(tt.Linear(inputs, outputs).weight)
        size = float(weight.std()) * math.sqrt(inputs)
        check.true(
            0.5 < size < 2,
            f"the weights of Linear({inputs}, {outputs}) spread by {size:.3f} / sqrt(in_features),"
            " expected 0.5 to 2",
        )
        middle = float(weight.mean()) * math.sqrt(inputs)
        check.true(
            abs(middle) < 0.2,
            f"the weights should lie around 0; their mean is {middle:.3f} / sqrt({inputs})",
        )
        bias = np.abs(check.array(tt.Linear(inputs, outputs).bias)) * math.sqrt(inputs)
        check.true(bool((bias <= 2).all()), "the bias should begin at 0 or near it")


@pytest.mark.points(2)
@pytest.mark.hint("Each instance draws its own numbers, from the generator that manual_seed sets.")
@pytest.mark.depends(on="test_shapes_of_parameters")
def test_instances_are_their_own(tt, check):
    """Begins each layer elsewhere, and repeats it with the same seed"""
    tt.manual_seed(1)
    first, second = tt.Linear(3, 4), tt.Linear(3, 4)
    began = check.array(second.weight)
    check.true(bool((check.array(first.weight) != began).any()), "two layers must not begin alike")
    first.weight.data = np.zeros((4, 3), np.float32)
    first.bias.data = np.full(4, 7, np.float32)
    check.close(second.weight, began)
    check.true(bool((check.array(second.bias) != 7).all()), "a bias is shared by two layers")
    tt.manual_seed(1)
    tt.Linear(3, 4)
    check.close(tt.Linear(3, 4).weight, began)


@pytest.mark.points(2)
@pytest.mark.hint(
    "Look into attributes, lists, tuples and dicts, and into the modules that you find there."
)
@pytest.mark.depends(on="test_shapes_of_parameters")
def test_parameters_at_any_depth(tt, check):
    """Finds the parameters of modules in modules, lists, tuples and dicts, by name and in order"""
    module = nested(tt)
    check.equal(sorted(name for name, _ in module.named_parameters()), NAMES)
    check.equal([name for name, _ in module.named_parameters()], IN_ORDER)
    shapes = sorted(tuple(parameter.shape) for parameter in module.parameters())
    check.equal(shapes, [(2,), (2, 4), (4,), (4, 3), (4, 4)])
    check.equal([name for name, _ in tt.Linear(2, 2).named_parameters()], ["weight", "bias"])
    for parameter in module.parameters():
        parameter.data = np.zeros(tuple(parameter.shape), np.float32)
    check.close(module.first.weight, np.zeros((4, 3)))
    check.close(module.blocks[1].inner.bias, [0, 0])
    held = tt.Module()
    held.heads = {"a": tt.Linear(2, 1, bias=False)}
    held.pair = (tt.Linear(2, 1, bias=False), [tt.Parameter([1.0])])
    names = [name for name, _ in held.named_parameters()]
    check.equal(sorted(names), ["heads.a.weight", "pair.0.weight", "pair.1.0"])
    check.equal(len(list(tt.Module().parameters())), 0)
    check.equal(len(list(tt.Flatten().parameters())), 0)


@pytest.mark.points(1)
@pytest.mark.hint("Keep the ids of those that you have seen.")
@pytest.mark.depends(on="test_parameters_at_any_depth")
def test_shared_parameters_count_once(tt, check):
    """Counts a parameter once that stands in two places"""
    module = tt.Module()
    module.encoder, module.decoder = tt.Linear(3, 4), tt.Linear(3, 4)
    module.decoder.weight = module.encoder.weight
    check.equal(len(list(module.parameters())), 3)
    module.again = [module.encoder, module.encoder]
    check.equal(len(list(module.parameters())), 3)
    check.equal(len({name for name, _ in module.named_parameters()}), 3)


@pytest.mark.points(1)
@pytest.mark.hint("Visit each module once: ask whether you have seen it before you look into it.")
@pytest.mark.depends(on="test_parameters_at_any_depth")
def test_modules_in_circles(tt, check):
    """Comes to an end where a module holds the one that holds it"""
    module = tt.Module()
    module.child = tt.Linear(2, 2)
    module.child.parent = module
    check.equal(len(list(module.parameters())), 2)
    check.equal(len(list(module.child.parameters())), 2)
    check.equal(sorted(module.state_dict()), ["child.bias", "child.weight"])
    module.child.eval()
    check.equal([module.training, module.child.training], [False, False])
    module.child.train()
    check.equal([module.training, module.child.training], [True, True])


@pytest.mark.points(2)
@pytest.mark.hint("Copies: an array of a state_dict must not follow the module that it came from.")
@pytest.mark.depends(on="test_parameters_at_any_depth")
def test_state_dict(tt, check, run_program):
    """Hands out all numbers by name, as copies, also those that are not to be learned"""
    module = nested(tt)
    module.first.weight.data = np.arange(12, dtype=np.float32).reshape(4, 3)
    state = module.state_dict()
    check.equal(sorted(state), NAMES)
    check.close(state["first.weight"], np.arange(12).reshape(4, 3))
    kept, loaded, after = run_program("programs/state_dict_kept.py")
    check.close(kept, [1, 2])
    check.close(loaded, [5, 6])
    told = f"load_state_dict changed the dict that it was given to {after}"
    check.true(after == {"weight": [5, 6]}, f"{told}: leave it, and its arrays, as they are")
    module.load_state_dict({name: check.array(value) + 1 for name, value in state.items()})
    check.close(module.first.weight, np.arange(12).reshape(4, 3) + 1)
    check.equal(list(state), IN_ORDER)
    counting = tt.Module()
    counting.layer, counting.seen = tt.Linear(2, 2), tt.Tensor([3.0])
    check.equal(len(list(counting.parameters())), 2)
    state = counting.state_dict()
    check.equal(sorted(state), ["layer.bias", "layer.weight", "seen"])
    counting.load_state_dict(state | {"seen": np.array([5], np.float32)})
    check.close(state["seen"], [3])
    check.close(counting.seen, [5])
    outer = tt.Module()
    outer.inner = counting
    check.equal(sorted(outer.state_dict())[-1], "inner.seen")


@pytest.mark.points(2)
@pytest.mark.hint("Put the numbers into the parameters that are there, each under its name.")
@pytest.mark.depends(on="test_state_dict")
@given(data=st.data())
def test_load_state_dict(tt, check, data):
    """Restores a module exactly, also into another one of the same shape"""
    module, other = nested(tt), nested(tt)
    shapes = {name: check.array(value).shape for name, value in module.state_dict().items()}
    state = {
        name: data.draw(hnp.arrays(np.float32, shape, elements=NUMBERS), label=name)
        for name, shape in shapes.items()
    }
    for target in (module, other):
        target.load_state_dict(state)
        for name, value in target.state_dict().items():
            check.close(value, state[name])
    other.load_state_dict(other.state_dict())
    for name, value in other.state_dict().items():
        check.close(value, state[name])
    x = np.ones((2, 3), np.float32)
    expected = x @ state["first.weight"].T + state["first.bias"]
    check.close(other.first(tt.Tensor(x)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.points(2)
@pytest.mark.hint("Look for everything that is wrong before you change anything.")
@pytest.mark.depends(on="test_load_state_dict")
def test_what_cannot_be_loaded(tt, check):
    """Refuses names and shapes that do not fit, names them, and changes nothing"""
    module = nested(tt)
    before = {name: check.array(value) for name, value in module.state_dict().items()}
    zeros = {name: np.zeros_like(value) for name, value in before.items()}
    wrong = [
        ({name: zeros[name] for name in NAMES[:-1]}, ["first.weight"]),
        (zeros | {"first.wieght": np.zeros(1)}, ["first.wieght"]),
        (zeros | {"first.weight": np.zeros((1, 3))}, ["first.weight", "(1, 3)", "(4, 3)"]),
        (zeros | {"blocks.1.inner.bias": np.zeros(())}, ["blocks.1.inner.bias", "()", "(2,)"]),
    ]
    for state, mentions in wrong:
        with check.raises((RuntimeError, KeyError, ValueError), mentions=mentions):
            module.load_state_dict(state)
    with check.raises((RuntimeError, KeyError, ValueError), mentions=["first.weight"]):
        module.load_state_dict(wrong[2][0], strict=False)
    for name, value in module.state_dict().items():
        check.close(value, before[name])
    counting = tt.Module()
    counting.seen = tt.Tensor([3])
    with check.raises((RuntimeError, KeyError, TypeError, ValueError), mentions=["seen"]):
        counting.load_state_dict({"seen": np.array([2.5])})
    some = {"first.bias": zeros["first.bias"], "other": zeros["first.bias"]}
    told = module.load_state_dict(some, strict=False)
    check.equal(sorted(told.missing_keys), [name for name in NAMES if name != "first.bias"])
    check.equal(list(told.unexpected_keys), ["other"])
    check.close(module.first.bias, [0, 0, 0, 0])
    check.close(module.first.weight, before["first.weight"])


@pytest.mark.points(1)
@pytest.mark.hint("Set the flag here and in every module that is held, at any depth.")
@pytest.mark.depends(on="test_parameters_at_any_depth")
def test_train_and_eval(tt, check):
    """Switches between training and use, down to the last layer"""
    module = nested(tt)
    check.equal([module.training, module.blocks[1].inner.training], [True, True])
    check.equal(module.eval().training, False)
    held = [module, module.first, module.blocks[0], module.blocks[1], module.blocks[1].inner]
    check.equal([part.training for part in held], [False] * 5)
    check.equal(tt.Linear(1, 1).training, True)
    check.equal(tt.Linear(1, 1).eval().training, False)
    check.equal(module.train().training, True)
    check.equal([part.training for part in held], [True] * 5)
    module.train(False)
    check.equal([part.training for part in held], [False] * 5)


@pytest.mark.points(1)
@pytest.mark.hint("Everything after the first dimension becomes one; the batch stays.")
def test_flatten(tt, check):
    """Makes rows of images, in the order of memory, and leaves the batch"""
    images = np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4)
    check.close(tt.Flatten()(tt.Tensor(images)), images.reshape(2, 24))
    check.close(tt.Flatten()(tt.Tensor(images[:, :, :2, :2])), images[:, :, :2, :2].reshape(2, 8))
    check.close(tt.Flatten()(tt.Tensor(images[:, 0, :2, :2])), images[:, 0, :2, :2].reshape(2, 4))
    check.close(tt.Flatten(start_dim=2)(tt.Tensor(images)), images.reshape(2, 2, 12))
    check.close(tt.Flatten(start_dim=-1)(tt.Tensor(images)), images)
    check.close(tt.Flatten()(tt.Tensor([[1.0, 2.0]])), [[1, 2]])
    check.shape(tt.Flatten()(tt.zeros(0, 3, 4)), (0, 12))


@pytest.mark.points(1)
@pytest.mark.hint("It is the tensor module's own matmul, under a name that layers hand on.")
def test_matmul(tt, check, rng):
    """Multiplies matrices, and batches of them, as einsum does"""
    for leading in ((), (5,), (2, 3)):
        for n, k, m in ((3, 4, 2), (3, 3, 3)):
            a = rng.standard_normal((*leading, n, k)).astype(np.float32)
            b = rng.standard_normal((*leading, k, m)).astype(np.float32)
            expected = np.einsum("...ij,...jk->...ik", a.astype(np.float64), b.astype(np.float64))
            check.close(tt.matmul(tt.Tensor(a), tt.Tensor(b)), expected, rtol=1e-4, atol=1e-5)
    with check.raises(ValueError, mentions=("(2, 3)", "(2, 4)")):
        tt.matmul(tt.ones(2, 3), tt.ones(2, 4))


@pytest.mark.points(1)
@pytest.mark.hint("Name, sizes, and a line for each module that is held.")
@pytest.mark.depends(on="test_parameters_at_any_depth")
def test_shows_what_it_holds(tt, check):
    """Shows its name, its sizes and what it holds"""
    shown = repr(tt.Linear(37, 59))
    parts = ("Linear", "37", "59")
    check.true(all(part in shown for part in parts), f"repr of Linear(37, 59) is {shown!r}")
    check.true("Flatten" in repr(tt.Flatten()), f"repr of Flatten() is {tt.Flatten()!r}")
    shown = repr(nested(tt))
    found = [shown.count(part) for part in ("Module", "Linear", "first")]
    check.true(found == [2, 3, 1], f"repr should name each module that is held; it is {shown!r}")


@pytest.mark.points(1)
@pytest.mark.hint("A weight in float64 makes everything after it float64: draw in float32.")
@pytest.mark.depends(on="test_linear_by_hand")
def test_float32_stays(tt, check):
    """Keeps float32, also for integers and after loading float64"""
    layer = tt.Linear(3, 2)
    check.dtype(layer(tt.ones(2, 3)), "float32")
    check.dtype(layer(tt.Tensor([1, 2, 3])), "float32")
    layer.load_state_dict({"weight": np.ones((2, 3)), "bias": np.ones(2)})
    check.dtype(layer.weight, "float32")
    check.dtype(layer(tt.ones(2, 3)), "float32")
    check.dtype(tt.Flatten()(tt.ones(2, 3, 2)), "float32")
    check.instance(layer(tt.ones(2, 3)), tt.Tensor)
    check.instance(tt.Flatten()(tt.ones(2, 3, 2)), tt.Tensor)
