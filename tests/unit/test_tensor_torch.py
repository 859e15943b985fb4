"""What a Tensor allows and refuses, against PyTorch; skipped where that is not installed."""

import copy
import operator
import pickle
import threading
import warnings

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.tensor import engine, masked

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
LIBRARIES = pytest.mark.parametrize("library", [tt, torch], ids=["tinytorch", "torch"])


def made(library, numbers, gradient=False):
    x = (tt.Tensor if library is tt else torch.tensor)(np.array(numbers))
    x.requires_grad = gradient
    return x


def outcome(action):
    """What an action gives, as plain values, or that it refuses."""
    try:
        found = action()
    except (RuntimeError, TypeError, ValueError):
        return "refused"
    if isinstance(found, tt.Tensor | torch.Tensor):
        found = found.detach()
    return np.asarray(found).tolist()


def both(action):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return outcome(lambda: action(tt)), outcome(lambda: action(torch))


NUMPY = {
    "a function": np.exp,
    "a product": lambda x: np.multiply(x, x),
    "dot": lambda x: np.dot(x, x),
    "asarray": np.asarray,
    "an array of elements": lambda x: np.array([x[0], x[1]]),
    "concatenate": lambda x: np.concatenate([x, x]),
    "where": lambda x: np.where([True, False], x, 0),
    "clip": lambda x: np.clip(x, 0, 1),
}


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # PyTorch's
def test_numpy_is_refused_where_it_would_lose_a_gradient(name):
    x = made(tt, [1.0, 2.0], gradient=True)
    for y in (x, x * 2):
        with pytest.raises(RuntimeError, match=r"NumPy would lose the gradient.*x\.detach\(\)"):
            NUMPY[name](y)
        with tt.no_grad():
            NUMPY[name](y)
        NUMPY[name](y.detach())
    assert outcome(lambda: NUMPY[name](made(torch, [1.0, 2.0], True))) == "refused"


@LIBRARIES
@pytest.mark.parametrize("number", [float, int])
def test_a_number_ends_the_gradient_with_a_warning(library, number):
    if library is torch:
        pytest.skip("warns once in a process")
    x = made(library, [1.5], gradient=True)
    with pytest.warns(UserWarning, match="ends its gradient"):
        assert number(x) == number(1.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert number(x.detach()) == number(1.5) and x.item() == 1.5
        with tt.no_grad():
            number(x)


def set_later(library, dtype):
    x = made(library, np.ones(2, dtype))
    x.requires_grad = True
    return x.requires_grad


def new_data(library, dtype):
    x = made(library, [1.0, 2.0], gradient=True)
    x.data = made(library, np.ones(2, dtype)).data
    return x


@pytest.mark.parametrize("setting", [set_later, new_data])
@pytest.mark.parametrize("dtype", ["int64", "bool", "float32", "float64"])
def test_whole_numbers_cannot_require_gradients(setting, dtype):
    mine, theirs = both(lambda library: setting(library, np.dtype(dtype)))
    assert mine == theirs
    assert (mine == "refused") is (dtype in ("int64", "bool"))


def test_what_was_computed_cannot_stop_to_require_a_gradient():
    def stopped(library):
        y = made(library, [1.0], gradient=True) * 2
        y.requires_grad = False

    assert both(stopped) == ("refused", "refused")


@pytest.mark.parametrize("value", [3.0, [1.0], None, tt.ones(2), np.array(["a"]), np.array([1j])])
def test_data_is_an_array_of_numbers(value):
    parameter = tt.Parameter([1.0, 2.0])
    with pytest.raises(TypeError, match="data of a Tensor is an array of numbers, got"):
        parameter.data = value
    parameter.data = parameter.data.sum()  # NumPy makes a scalar of it
    assert parameter.data.shape == () and type(parameter.data) is np.ndarray


COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_history_is_not_copied(name):
    x = made(tt, [1.0, 2.0], gradient=True)
    loss = (x * x).sum()
    for walked in (False, True):
        with pytest.raises(RuntimeError, match=r"only leaves can be copied; use detach\(\) first"):
            COPIES[name](loss)
        if not walked:
            loss.backward()
    again = COPIES[name](x)
    assert again is not x and again.requires_grad and again.grad.numpy().tolist() == [2, 4]
    assert COPIES[name](loss.detach()).item() == 5
    (again * again).sum().backward()
    assert x.grad.numpy().tolist() == [2, 4] and again.grad.numpy().tolist() == [4, 8]


def test_deepcopy_is_refused_as_in_pytorch():
    assert both(lambda m: copy.deepcopy(made(m, [1.0], True) * 2)) == ("refused", "refused")
    assert both(lambda m: copy.deepcopy(made(m, [1.0], True))) == ([1], [1])


def test_modules_are_copied_whole():
    model = tt.Sequential(tt.Linear(3, 4), tt.BatchNorm1d(4), tt.ReLU(), tt.Linear(4, 2))
    model(tt.randn(5, 3)).sum().backward()
    for name in ("deepcopy", "pickle"):
        other = COPIES[name](model)
        state = other.state_dict()
        for parameter in other.parameters():
            assert type(parameter) is tt.Parameter and parameter.requires_grad
            parameter.data += 1
        assert state.keys() == model.state_dict().keys()
        for key, numbers in model.state_dict().items():
            np.testing.assert_array_equal(state[key], numbers)


OTHERS = [None, "a", [1.0, 2.0], (1.0, 2.0), {}, object(), 1, 1.0, True]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: f"{type(other).__name__} {other!s:.9}")
@pytest.mark.parametrize("compared", [operator.eq, operator.ne])
def test_anything_can_be_compared(compared, other):
    mine, theirs = both(lambda library: compared(made(library, [1.0, 2.0]), other))
    assert mine == theirs != "refused"


def test_lists_find_what_is_not_a_tensor():
    for library in (tt, torch):
        things = [made(library, [1.0]), None, "a"]
        assert things.index(None) == 1 and things.index("a") == 2 and None in things
        for compared in (operator.lt, operator.ge):
            with pytest.raises(TypeError):
                compared(things[0], None)


IN_PLACE = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "**=": operator.ipow,
}
VALUES = {"a number": 2.0, "a row": [2.0, 3.0], "too large": [[1.0, 2.0], [3.0, 4.0]]}


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("numbers", [[4.0, 5.0], [4, 5]], ids=["floats", "ints"])
def test_operators_in_place_agree(name, value, numbers):
    def changed(library):
        x = made(library, numbers)
        other = VALUES[value]
        other = other if isinstance(other, float) else made(library, other)
        held = x
        x = IN_PLACE[name](x, other)
        assert held is x
        return x

    mine, theirs = both(changed)
    assert mine == theirs


@LIBRARIES
def test_a_leaf_is_changed_in_place_under_no_grad_alone(library):
    x = made(library, [4.0, 5.0], gradient=True)
    x.sum().backward()
    with pytest.raises(RuntimeError, match=r"in.place"):
        x -= 0.5 * x.grad
    with library.no_grad():
        for parameter in [x]:
            parameter -= 0.5 * parameter.grad
    assert x.detach().numpy().tolist() == [3.5, 4.5] and x.requires_grad


@LIBRARIES
@pytest.mark.parametrize("start", [0, 0.0, None], ids=repr)
def test_losses_add_up_in_place(library, start):
    x, total = made(library, [1.0, 2.0], gradient=True), start
    total = made(library, 0.0) if start is None else start
    for factor in (1.0, 2.0, 3.0):
        total += (x * factor).sum()
    total.backward()
    assert np.asarray(x.grad).tolist() == [6, 6]


@LIBRARIES
def test_each_thread_has_its_own_switch(library):
    x, seen = made(library, [1.0], gradient=True), {}
    off, on = threading.Event(), threading.Event()

    def other():
        off.wait(10)
        seen["begins"] = (x * 2).requires_grad
        with library.no_grad():
            seen["inside"] = (x * 2).requires_grad
            on.set()
            off.clear()
            off.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    with library.no_grad():
        off.set()
        on.wait(10)
    seen["here"] = (x * 2).requires_grad
    off.set()
    thread.join()
    assert seen == {"begins": True, "inside": False, "here": True}


def test_each_thread_has_its_own_recorder():
    x, results, before = made(tt, [1.0], gradient=True), [], engine.recorder
    engine.recorder = lambda *event: None
    try:
        thread = threading.Thread(target=lambda: results.append(x * 2))
        thread.start()
        thread.join()
        assert not (x * 2).requires_grad
    finally:
        engine.recorder = before
    results[0].backward()
    assert x.grad.item() == 2 and (x * 2).requires_grad


@LIBRARIES
def test_a_switch_is_entered_again(library):
    x, switch = made(library, [1.0], gradient=True), library.no_grad()
    for _ in range(2):
        with switch:
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad


def test_a_switch_refuses_what_runs_later():
    def steps():
        yield

    async def waits():
        pass

    async def both_of_it():
        yield

    for switch in (tt.no_grad, tt.enable_grad):
        for function in (steps, waits, both_of_it):
            with pytest.raises(TypeError, match=f"{function.__name__}: its body runs later"):
                switch()(function)
    assert tt.no_grad.__name__ == "no_grad" and "recorded" in tt.no_grad.__doc__


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_masked_chooses_as_where_does(dtype):
    grad = np.array([[1, -2, np.inf], [np.nan, -np.inf, -0.0]], dtype)
    for mask in (grad == 1, grad != grad, np.array([True, False, True]), np.ones((2, 3), bool)):
        for part in (grad, grad.T.copy().T, np.broadcast_to(grad[:1], (2, 3))):
            found = masked(part, mask)
            np.testing.assert_array_equal(found, np.where(mask, part, 0))
            assert found.dtype == dtype


def test_sequential_takes_what_pytorch_saved():
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
    )
    mine = tt.Sequential(tt.Linear(3, 4), tt.BatchNorm1d(4), tt.ReLU(), tt.Linear(4, 2))
    assert list(mine.state_dict()) == list(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    theirs(torch.tensor(x))
    assert mine.load_state_dict(theirs.state_dict()) == ([], [])
    for one in (mine, theirs):
        one.eval()
    np.testing.assert_allclose(
        mine(tt.Tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), 1e-5, 1e-6
    )
    back = {name: torch.from_numpy(array) for name, array in mine.state_dict().items()}
    assert theirs.load_state_dict(back).missing_keys == []


def test_what_does_not_fit_is_returned_as_in_pytorch():
    state = {"weight": np.ones((2, 3), np.float32), "more": np.ones(1)}
    theirs = torch.nn.Linear(3, 2)
    wanted = theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    found = tt.Linear(3, 2).load_state_dict(state, strict=False)
    assert (found.missing_keys, found.unexpected_keys) == tuple(wanted) == (["bias"], ["more"])
    parameters = dict(tt.Linear(3, 2).named_parameters())
    assert tt.Linear(3, 2).load_state_dict(parameters) == ([], [])


@pytest.mark.parametrize("keys", [["a.b"], [1, "1"]], ids=repr)
def test_names_of_state_cannot_collide(keys):
    model = tt.Module()
    model.heads = {key: tt.Linear(2, 2) for key in keys}
    with pytest.raises(ValueError, match=r"heads has the key .* use one without a dot, once"):
        model.state_dict()
    model.heads = dict.fromkeys(keys, 3)  # not looked at, where there is nothing to be learned
    assert model.state_dict() == {}
