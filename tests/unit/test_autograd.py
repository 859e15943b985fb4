"""The reference tape: every primitive by finite differences, memory, and what is refused."""

import gc
import weakref

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core import activations, autograd, dense, layers, tensor
from tinytorch.core.autograd import gradcheck, recompute, unbroadcast, walk
from tinytorch.core.tensor import engine, primitive

SOURCES = {module.__name__ for module in (tensor, activations, layers, dense)}


@pytest.fixture(autouse=True)
def own_primitives(monkeypatch):
    """What a test declares is gone after it, and so is what it switched."""
    monkeypatch.setattr(engine, "implementations", dict(engine.implementations))
    monkeypatch.setattr(engine, "gradients", dict(engine.gradients))
    monkeypatch.setattr(engine, "recorder", engine.recorder)
    monkeypatch.setattr(engine, "grad_enabled", True)
    monkeypatch.setattr(engine, "generator", engine.generator)


def leaf(array, dtype=np.float32):
    return tt.Tensor(np.array(array, dtype), requires_grad=True)


def numbers(*shape, low=0.5, high=2.0):
    return np.random.default_rng(sum(shape)).uniform(low, high, shape)


def signed(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


# primitive -> (arrays, options), several times; those before a None are checked alone
CASES = {
    "add": [((signed(2, 3), signed(3)), {}), ((signed(4, 1), signed(2, 1, 3)), {})],
    "subtract": [((signed(2, 3), signed(2, 1)), {}), ((signed(), signed(2)), {})],
    "multiply": [((signed(2, 3), signed(3)), {}), ((signed(2, 3), signed(2, 3)), {})],
    "divide": [((signed(2, 3), numbers(3)), {}), ((signed(2, 1), numbers(1, 3)), {})],
    "power": [((numbers(2, 3), signed(3)), {}), ((numbers(3), signed(2, 1)), {})],
    "negative": [((signed(2, 3),), {}), ((signed(),), {})],
    "matmul": [((signed(2, 3), signed(3, 4)), {}), ((signed(5, 1, 2, 3), signed(6, 3, 2)), {})],
    "exp": [((signed(2, 3),), {})],
    "log": [((numbers(2, 3),), {})],
    "sqrt": [((numbers(2, 3),), {})],
    "absolute": [((signed(2, 3),), {})],
    "reduce_sum": [((signed(2, 3, 4),), {"dim": (0, -1)}), ((signed(3),), {"keepdim": True})],
    "reduce_max": [((signed(2, 3, 4),), {"dim": 1}), ((signed(2, 3),), {"keepdim": True})],
    "reduce_min": [((signed(2, 3, 4),), {"dim": -1, "keepdim": True}), ((signed(2, 3),), {})],
    "reshape": [((signed(2, 3, 4),), {"shape": (4, -1)})],
    "permute": [((signed(2, 3, 4),), {"dims": (-1, 0, 1)})],
    "select": [((signed(4, 3),), {"index": [1, 1, 0]}), ((signed(4, 3),), {"index": (..., 1)})],
    "join": [((signed(2, 3), signed(2, 1), signed(2, 2)), {"dim": 1})],
    "where": [((signed(2, 3) > 0, signed(3), signed(2, 1)), {})],
    "relu": [((signed(2, 3),), {})],
    "leaky_relu": [((signed(2, 3),), {}), ((signed(2, 3),), {"negative_slope": 0.3})],
    "sigmoid": [((signed(2, 3),), {})],
    "tanh": [((signed(2, 3),), {})],
    "gelu": [((signed(2, 3),), {})],
    "softmax": [((signed(2, 3),), {}), ((signed(2, 3, 4),), {"dim": 1})],
    "log_softmax": [((signed(2, 3),), {}), ((signed(2, 3, 4),), {"dim": 0})],
    "linear": [
        ((signed(5, 3), signed(2, 3), signed(2)), {}),
        ((signed(3), signed(2, 3)), {}),
        ((signed(2, 4, 3), signed(2, 3), signed(2)), {}),
    ],
}


def lifted(name):
    """The primitive as a function of Tensors, whichever module declares it."""
    modules = (tensor, activations, layers, dense)
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def test_every_primitive_is_among_the_cases():
    found = {n for n, f in engine.implementations.items() if f.__module__ in SOURCES}
    assert found == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_every_primitive_passes_gradcheck(name):
    for arrays, options in CASES[name]:
        inputs = [tt.Tensor(array) for array in arrays]
        assert gradcheck(lambda *xs, o=options: lifted(name)(*xs, **o), inputs)


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_has_the_dtype_and_shape_of_its_tensor(name):
    for dtype in (np.float32, np.float64):
        for arrays, options in CASES[name]:
            inputs = [leaf(a, dtype) if a.dtype.kind == "f" else tt.Tensor(a) for a in arrays]
            output = lifted(name)(*inputs, **options)
            output.backward(np.ones(output.shape))
            for x in inputs:
                if x.requires_grad:
                    assert (x.grad.dtype, x.grad.shape) == (dtype, x.shape)
                    assert type(x.grad.data) is np.ndarray and x.grad.data.flags.writeable


def test_networks_pass_gradcheck():
    model = tt.MLP([3, 5, 4, 2], activation=tt.Tanh)
    assert gradcheck(lambda x: tt.log_softmax(model(x)), tt.randn(6, 3))
    assert all(parameter.grad is None for parameter in model.parameters())
    (tt.log_softmax(model(tt.randn(6, 3)))[:, 0].mean()).backward()
    for parameter in model.parameters():
        assert parameter.grad.shape == parameter.shape and parameter.grad.dtype == np.float32
    assert not np.allclose(model[0].weight.grad.numpy(), 0)


def test_an_empty_batch_has_gradients_of_zeros():
    model = tt.MLP([3, 4, 2])
    tt.softmax(model(tt.zeros(0, 3))).sum().backward()
    for parameter in model.parameters():
        assert parameter.grad.numpy().tolist() == np.zeros(parameter.shape).tolist()
    a, b = leaf(np.zeros((0, 3))), leaf(np.ones((3, 2)))
    (a @ b).sum().backward()
    assert a.grad.shape == (0, 3) and b.grad.numpy().tolist() == np.zeros((3, 2)).tolist()


def test_every_leaf_has_an_array_of_its_own():
    x, y, z = leaf([1, 2]), leaf([1, 2]), leaf([[1], [2]])
    given = np.array([5.0, 7.0], np.float32)
    (x + y + z.reshape(2)).backward(given)
    grads = [x.grad.data, y.grad.data, z.grad.data, given]
    for i, one in enumerate(grads):
        assert not any(np.shares_memory(one, other) for other in grads[i + 1 :])
    first = x.grad
    x.sum().backward()
    assert first.numpy().tolist() == [5, 7] and x.grad.numpy().tolist() == [6, 8]
    w = leaf([1, 2])
    given = tt.Tensor([1.0, 1.0])
    w.backward(given)
    assert not np.shares_memory(w.grad.data, given.data)


def test_gradients_keep_the_order_of_memory():
    channels_last = np.ones((2, 4, 5, 3), np.float32).transpose(0, 3, 1, 2)
    x = tt.Tensor(channels_last, requires_grad=True)
    y = (x * 2 + 1) * x
    assert y.data.strides == channels_last.strides
    y.sum().backward()
    assert x.grad.data.strides == channels_last.strides


def test_values_at_the_time_of_the_operation_count():
    """A new array in `.data` does not reach what was recorded with the old one."""
    x = leaf([3.0])
    y = x * x
    x.data = np.array([100.0], np.float32)
    y.backward()
    assert x.grad.item() == 6


def test_what_is_not_wanted_is_not_computed():
    made = []

    @primitive
    def both(a, b):
        return a + b

    @both.gradient
    def rule(grad, output, saved, a, b):
        return [lambda: made.append("a") or grad, lambda: made.append("b") or grad]

    both(leaf([1]), tt.Tensor([1.0])).backward()
    both(2.0, leaf([1])).backward()
    both(np.ones(1), leaf([1])).backward()
    assert made == ["a", "b", "b"]


def test_a_rule_may_give_none_and_scalars_of_numpy():
    @primitive
    def strange(a, b, c):
        return np.sum(a * b * c)

    @strange.gradient
    def rule(grad, output, saved, a, b, c):
        return None, lambda: None, np.float64(2)

    a, b, c = leaf([1.0]), leaf([1.0]), leaf(1.0)
    strange(a * 2, b, c).backward()
    assert a.grad is None and b.grad is None
    assert c.grad.item() == 2 and c.grad.dtype == np.float32


@primitive
def nameless(a, b):
    return a + b


REFUSED = {
    "no history": (lambda x: tt.ones(1).backward(), "without a history: nothing that"),
    "under no_grad": (lambda x: tt.no_grad()(lambda: x * 2)().backward(), "without a history"),
    "no gradient": (lambda x: (x * 2).backward(), r"of shape \(2,\) needs a gradient of that"),
    "empty": (lambda x: x[:0].backward(), r"of shape \(0,\) needs a gradient"),
    "shape": (lambda x: (x * 2).backward([1.0]), r"shape \(1,\) for a Tensor of \(2,\)"),
    "shape of one": (lambda x: x.sum().backward([1.0]), r"shape \(1,\) for a Tensor of \(\)"),
    "no rule": (lambda x: nameless(x, 1).sum().backward(), "nameless has no gradient: declare"),
}


@pytest.mark.parametrize("action, message", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_told_why_and_changes_nothing(action, message):
    engine.implementations["nameless"] = lambda a, b: a + b
    x = leaf([1, 2])
    with pytest.raises(RuntimeError, match=message):
        action(x)
    assert x.grad is None


@pytest.mark.parametrize(
    "gradients, error, message",
    [
        (lambda g: (g,), TypeError, "the rule of nameless: returned 1 gradients for 2 inputs"),
        (lambda g: g[0], TypeError, "the rule of nameless: "),
        (lambda g: (np.ones(3), g), ValueError, r"nameless: a gradient of shape \(3,\) for an"),
        (lambda g: (g[0], g), ValueError, r"nameless: a gradient of shape \(\) for an input"),
        (lambda g: (1.0, g), AttributeError, "the rule of nameless: 'float' object"),
    ],
    ids=["too few", "a number", "wrong shape", "too small", "not an array"],
)
def test_a_wrong_rule_is_named(gradients, error, message):
    engine.gradients["nameless"] = lambda grad, output, saved, a, b: gradients(grad)
    x = leaf([1, 2])
    with pytest.raises(error, match=message):
        nameless(x, leaf([1, 2])).sum().backward()
    assert x.grad is None


def test_a_second_walk_is_refused_before_anything_happens():
    x, y = leaf([3.0]), leaf([1.0])
    square = x * x
    square.backward()
    fresh = y * 2
    with pytest.raises(RuntimeError, match="has been here before, and freed what it needs"):
        (fresh + square).backward()
    fresh.backward()
    assert x.grad.item() == 6 and y.grad.item() == 2


def test_the_rule_at_the_time_of_recording_counts():
    @primitive
    def double(a):
        return 2 * a

    double.gradient(lambda grad, output, saved, a: (2 * grad,))
    x = leaf([1.0])
    y = double(x)
    double.gradient(lambda grad, output, saved, a: (1000 * grad,))
    y.backward()
    assert x.grad.item() == 2


def test_memory_shrinks_while_gradients_arrive():
    """When the first operation is walked back, all later ones are gone."""
    alive = []

    @primitive
    def first(a):
        return a + 0

    @first.gradient
    def rule(grad, output, saved, a):
        alive.extend(ref() is not None for ref in later)
        return (grad,)

    x, later = leaf([1.0]), []
    y = first(x)
    for _ in range(5):
        y = y * 2
        later.append(weakref.ref(y))
    gc.disable()
    try:
        loss = y.sum()
        del y
        loss.backward()
    finally:
        gc.enable()
    assert alive == [False] * 5 and x.grad.item() == 32


def test_a_loss_that_is_dropped_takes_its_history_with_it():
    x = leaf([1.0])
    y = x * 2
    middle = weakref.ref(y)
    loss = (y * y).sum()
    del y
    gc.disable()
    try:
        assert middle() is not None
        del loss
        assert middle() is None
    finally:
        gc.enable()


def test_chains_of_any_length():
    x = leaf([1.0])
    y = x
    for _ in range(50_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    for _ in range(300_000):
        y = y + x
    del y


def test_switches_nest_and_survive_exceptions_and_recursion():
    @tt.no_grad()
    def power(x, n):
        return x * power(x, n - 1) if n else x

    x = leaf([3.0])
    assert not power(x, 4).requires_grad and (x * 2).requires_grad
    with pytest.raises(ZeroDivisionError), tt.no_grad(), tt.enable_grad():
        1 / 0  # noqa: B018
    assert engine.grad_enabled is True
    with tt.no_grad(), tt.enable_grad():
        assert (x * 2).requires_grad


def test_unbroadcast_undoes_every_broadcast():
    rng = np.random.default_rng(0)
    for _ in range(200):
        large = tuple(rng.integers(1, 4, rng.integers(0, 5)))
        small = [1 if rng.random() < 0.3 else size for size in large][rng.integers(0, 3) :]
        array = rng.normal(size=small)
        weights = rng.normal(size=large)
        expected = (np.broadcast_to(array, large) * weights).sum()
        slope = unbroadcast(weights, array.shape)
        assert slope.shape == array.shape
        assert np.isclose((slope * array).sum(), expected)


WRONG_CHECKS = {
    "no floating input": (lambda: gradcheck(abs, [tt.Tensor([1])]), ValueError, "floating Tensor"),
    "wrong": (
        lambda: gradcheck(lambda x, y: x * y.detach(), [tt.ones(2), tt.ones(3, 2)]),
        RuntimeError,
        r"gradient of input 1 at \[\d, \d\] is 0 by backward, .* by finite differences",
    ),
    "infinite": (
        lambda: gradcheck(lambda x: x.log(), tt.zeros(1)),
        RuntimeError,
        r"gradient of input 0 at \[0\]",
    ),
}


@pytest.mark.parametrize("action, error, message", WRONG_CHECKS.values(), ids=WRONG_CHECKS)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_gradcheck_tells_what_is_wrong(action, error, message):
    with pytest.raises(error, match=message):
        action()


def test_gradcheck_sees_the_same_tensor_in_two_places_as_two():
    x = tt.Tensor([2.0, 3.0])
    assert gradcheck(lambda a, b: a / b, [x, x])


# What is recomputed, as a function of a model and its input.
def by_layers(model, x):
    for layer in model:
        x = recompute(layer, x)
    return x


def as_a_whole(model, x):
    return recompute(model, x)


def nested(model, x):
    return recompute(by_layers, model, x)


@pytest.mark.parametrize("way", [by_layers, as_a_whole, nested])
def test_recompute_gives_the_gradients_of_a_plain_call(way):
    model, x = tt.MLP([4, 8, 8, 3], activation=tt.GELU), leaf(signed(5, 4))
    found = []
    for call in (lambda model, x: model(x), way):
        for parameter in (x, *model.parameters()):
            parameter.grad = None
        tt.log_softmax(call(model, x))[:, 1].mean().backward()
        found.append([p.grad.numpy() for p in (x, *model.parameters())])
    for plain, again in zip(*found, strict=True):
        np.testing.assert_array_equal(plain, again)


def test_recompute_learns_parameters_of_data_that_want_no_gradient():
    """The inputs of a first layer are images."""
    model = tt.MLP([4, 3])
    output = recompute(model, tt.ones(2, 4))
    assert output.requires_grad
    output.sum().backward()
    assert model[0].weight.grad.numpy().tolist() == np.full((3, 4), 2.0).tolist()


def test_recompute_repeats_random_numbers_and_does_not_use_them_up():
    x, kept = leaf([1.0, 1.0]), []

    def noisy(a):
        noise = tt.rand(2)
        kept.append(noise.numpy().tolist())
        return a * noise

    tt.manual_seed(3)
    y = recompute(noisy, x)
    after = tt.rand(1).item()
    y.sum().backward()
    assert kept[0] == kept[1] == x.grad.numpy().tolist()
    tt.manual_seed(3)
    tt.rand(2)
    assert tt.rand(1).item() == after and tt.rand(1).item() != after


def test_recompute_lets_others_stand_at_the_door():
    """A summary counts what is inside, and the recorder is put back after an exception."""
    model = tt.Sequential(lambda x: recompute(plain, x))
    plain = tt.MLP([3, 4, 2])
    expected = tt.summary(plain).splitlines()[-1].split()[-1]
    assert tt.summary(model, input_shape=(3,)).splitlines()[-1].split()[-1] == expected
    before = engine.recorder
    with pytest.raises(ZeroDivisionError):
        recompute(lambda x: x * (1 // 0), leaf([1.0]))
    assert engine.recorder is before


def test_what_leaks_from_a_recomputed_function_has_no_history():
    leaked = []
    x = leaf([2.0])
    y = recompute(lambda a: leaked.append(a * 3) or a * a, x)
    with pytest.raises(RuntimeError, match="been here before"):
        leaked[0].backward()
    y.backward()
    assert x.grad.item() == 4


def test_recompute_passes_gradcheck():
    assert gradcheck(
        lambda a, b: recompute(lambda c: (c * b).exp(), a) + b, [tt.ones(2), tt.ones(2)]
    )


def test_walk_gives_gradients_without_touching_leaves():
    x = leaf([3.0])
    assert walk(x * x, np.ones(1, np.float32)) == {x: 6}
    assert walk(x, np.ones(1)) == {x: 1} and x.grad is None


def test_variable_is_another_name():
    assert tt.Variable is tt.Tensor is autograd.Variable
