"""`check`: strict where NumPy is lax, and its messages."""

import numpy as np
import pytest

from pytest_tinytorch.diagnosis import CheckFailed, CheckMisused
from pytest_tinytorch.fixtures.comparison import Check

check = Check()


class Agrees(np.ndarray):
    """An array that says yes to everything."""

    def __eq__(self, other):
        return True


class Wrapped:
    """As a Tensor is: not an array, but convertible to one."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.shape, self.dtype = self.array.shape, self.array.dtype

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __eq__(self, other):
        return True

    def __add__(self, other):
        return Wrapped(self.array + other)


def message(action):
    with pytest.raises(CheckFailed) as error:
        action()
    return str(error.value)


NAN, INF = float("nan"), float("inf")
CLOSE = [
    (1.0, 1.0),
    (1, 1.0),
    (np.float32(0.1), 0.1),
    ([1.0][0], np.array(1.0)),
    (np.array([1.0, 2.0 + 1e-6]), [1, 2]),
    (Wrapped([[1, 2]]), [[1, 2]]),
    (np.array([INF, -INF, NAN]), [INF, -INF, NAN]),
    (np.array([True]), [1]),
]


@pytest.mark.parametrize("actual, expected", CLOSE)
def test_close_accepts(actual, expected):
    check.close(actual, expected)


NOT_CLOSE = {
    "value": (np.array([1.0, 2.1]), [1, 2], "largest difference 0.1 at [1]: got 2.1, expected 2.0"),
    "count": (np.zeros(3), [1, 2, 3], "(3 of 3 elements differ, shape (3,))"),
    "just outside": (np.array(1.0001), 1.0, "largest difference 0.0001: got 1.0001"),
    "broadcast up": (np.ones((2, 2)), [1, 1], "got shape (2, 2), expected (2,)"),
    "broadcast down": (1.0, [1, 1], "got shape (), expected (2,)"),
    "column": (np.ones((2, 1)), [1, 1], "got shape (2, 1), expected (2,)"),
    "empty": (np.zeros(0), [1], "got shape (0,), expected (1,)"),
    "not a number": (np.array([NAN]), [1], "got nan, expected 1.0"),
    "infinite": (np.array([INF]), [1e308], "largest difference inf at [0]: got inf"),
    "other infinity": (np.array([-INF]), [INF], "got -inf, expected inf"),
    "number for nan": (np.array([1.0]), [NAN], "got 1.0, expected nan"),
    "number for infinity": (np.array([1e30]), [INF], "got 1e+30, expected inf"),
    "None": (None, [1], "got None, expected an array of shape (1,)"),
    "list": ([1], [1], "got [1], expected an array of shape (1,)"),
    "text": ("1", 1.0, "got '1', expected an array of shape ()"),
    "objects": (np.array([None]), [1], "got an array of dtype object, expected an array"),
    "complex": (np.array([1 + 0j]), [1], "got an array of dtype complex128"),
    "wrapped objects": (Wrapped(np.array(["a"])), [1], "got an array of dtype <U1"),
    "agreeing object": (Wrapped([2.0]), [1], "got 2.0, expected 1.0"),
}


@pytest.mark.parametrize("actual, expected, says", NOT_CLOSE.values(), ids=NOT_CLOSE)
def test_close_refuses(actual, expected, says):
    assert says in message(lambda: check.close(actual, expected))


def test_an_array_of_a_class_of_its_own_is_compared_as_numbers():
    mine = np.array([1.0, 2.0]).view(Agrees)
    check.close(mine, [1, 2])
    assert "got 2.0, expected 3.0" in message(lambda: check.close(mine, [1, 3]))
    assert "got 2.0, expected 3.0" in message(lambda: check.equal(mine, np.array([1.0, 3.0])))


@pytest.mark.parametrize("expected", [[], np.zeros((0, 3)), "text", [None]])
def test_a_comparison_that_proves_nothing_is_the_tests_own_mistake(expected):
    with pytest.raises(CheckMisused):
        check.close(np.zeros((0, 3)), expected)


def test_tolerances_are_those_that_were_asked_for():
    check.close(np.array(1.05), 1.0, rtol=0.1)
    check.close(np.array(0.05), 0.0, atol=0.1)
    assert "0.05" in message(lambda: check.close(np.array(0.05), 0.0, rtol=0.1))


EQUAL = [
    (3, 3),
    ("a", "a"),
    (None, None),
    ((1, "a", (2.5,)), (1, "a", (2.5,))),
    ({"a": [1], "b": None}, {"b": None, "a": [1]}),
    (np.array([1, 2]), np.array([1, 2])),
    (Wrapped(np.array([True])), np.array([True])),
]


@pytest.mark.parametrize("actual, expected", EQUAL)
def test_equal_accepts(actual, expected):
    check.equal(actual, expected)


UNEQUAL = {
    "True is not 1": (True, 1, "got True, expected 1"),
    "1.0 is not 1": (1.0, 1, "got 1.0, expected 1"),
    "a NumPy number is not plain": (np.float64(1), 1.0, "got an object of type float64, expected"),
    "a list is no tuple": ([1], (1,), "got [1], expected (1,)"),
    "shorter": ((1,), (1, 2), "got (1,), expected (1, 2)"),
    "inside": ((1, (2, True)), (1, (2, 1)), "got (1, (2, True)), expected (1, (2, 1))"),
    "key": ({"a": 1}, {"b": 1}, "got {'a': 1}, expected {'b': 1}"),
    "key more": ({"a": 1, "b": 2}, {"a": 1}, "expected {'a': 1}"),
    "an object that agrees": (Wrapped([1]), 1, "got an object of type Wrapped, expected 1"),
    "kinds": (np.array([1.0]), np.array([1]), "got dtype float64, expected int64"),
    "elements": (np.array([1, 2]), np.array([1, 3]), "largest difference 1 at [1]: got 2"),
    "shapes": (np.array([[1]]), np.array([1]), "got shape (1, 1), expected (1,)"),
}


@pytest.mark.parametrize("actual, expected, says", UNEQUAL.values(), ids=UNEQUAL)
def test_equal_refuses(actual, expected, says):
    assert says in message(lambda: check.equal(actual, expected))


def test_equal_is_not_for_objects():
    thing = Wrapped([1])
    with pytest.raises(CheckMisused):
        check.equal(thing, thing)


def test_shape_dtype_type_and_array():
    x = Wrapped(np.zeros((2, 0), np.float32))
    check.shape(x, (2, 0))
    check.dtype(x, "float32")
    assert check.type(3, (int, float)) == 3
    assert "got shape (2, 0), expected (0, 2)" in message(lambda: check.shape(x, (0, 2)))
    assert "got dtype float32, expected float64" in message(lambda: check.dtype(x, "float64"))
    assert "got True, expected int or float" in message(lambda: check.type(True, (int, float)))
    original = np.ones(2)
    copy = check.array(original)
    copy[0] = 5
    assert type(copy) is np.ndarray and original[0] == 1
    assert "expected an array" in message(lambda: check.array([1]))


def test_true_wants_truth_and_nothing_like_it():
    check.true(True, "why")
    assert message(lambda: check.true(False, "it is 3")).endswith("it is 3")
    said = message(lambda: check.true(np.True_, "why"))
    assert "got an object of type bool, expected True or False; why" in said
    assert "got 1, expected True or False" in message(lambda: check.true(1, "why"))


def test_raises():
    with check.raises(ValueError, mentions=("(2, 3)",)):
        raise ValueError("shape (2, 3)")
    with check.raises((KeyError, TypeError)):
        raise TypeError
    for body, says in (
        (lambda: None, "nothing was raised, expected ValueError"),
        (lambda: 1 / 0, "ZeroDivisionError was raised (division by zero), expected ValueError"),
        (lambda: int("x"), 'the message of ValueError should name (2, 3); it is: "invalid'),
    ):
        with pytest.raises(CheckFailed) as error, check.raises(ValueError, mentions=["(2, 3)"]):
            body()
        assert says in str(error.value)


@pytest.mark.parametrize(
    "error", [NotImplementedError, SyntaxError, ImportError, KeyboardInterrupt, SystemExit]
)
def test_raises_lets_through_what_is_no_answer(error):
    with pytest.raises(error), check.raises((RuntimeError, error)):
        raise error


def test_the_message_names_the_expression_and_its_operands():
    a, b = Wrapped(np.ones((2, 3), np.float32)), 2
    said = message(lambda: check.close(a + b, np.ones((2, 3))))
    assert said.startswith("a + b: largest difference 2 at [0, 0]: got 3.0, expected 1.0")
    assert said.endswith("\nwhere a is (2, 3) float32")
    said = message(
        lambda: check.close(
            a
            + b,
            np.ones((2, 3)),
        )
    )  # fmt: skip
    assert said.startswith("a + b: ")
    assert message(lambda: check.equal(len("abc"), 4)) == "len('abc'): got 3, expected 4"


def test_a_long_value_is_cut():
    assert len(message(lambda: check.equal("x" * 10_000, "y"))) < 300
