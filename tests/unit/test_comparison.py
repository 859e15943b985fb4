"""`check`: strict where NumPy is lax, and its messages."""

import types

import numpy as np
import pytest

from pytest_tinytorch.core.errors import CheckFailed, CheckMisused
from pytest_tinytorch.fixtures.comparison import Check
from pytest_tinytorch.isolation.proxy import PackageProxy

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


@pytest.mark.parametrize("expected", [[], np.zeros((0, 3)), "text", np.array([None])])
def test_a_comparison_that_proves_nothing_is_the_tests_own_mistake(expected):
    with pytest.raises(CheckMisused):
        check.close(np.zeros((0, 3)), expected)


@pytest.mark.parametrize(
    "other, says", [(None, "None, expected numbers"), ([None], "[None]"), (Wrapped([]), "is empty")]
)
def test_a_useless_answer_of_the_students_is_not_the_tests_mistake(other, says):
    """Where a test compares two answers of student code with each other."""
    assert says in message(lambda: check.close(np.ones(2), other))


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
    "a NumPy number is not plain": (np.float64(1), 1.0, "got np.float64(1.0), expected 1.0"),
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
    assert "got np.True_, expected True or False; why" in said
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


def test_raises_lets_through_a_check_that_failed_inside():
    with pytest.raises(CheckFailed, match="got 1, expected 2"), check.raises(AssertionError):
        check.equal(1, 2)
    with pytest.raises(CheckMisused), check.raises(Exception):
        check.close(np.ones(1), [])


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
    assert message(lambda: check.equal("x" * 10_000, "y")) == (
        f"'x' * 10000: got '{'x' * 199}..., expected 'y'"
    )
    assert message(lambda: check.equal("x" * 198, "y")) == (
        f"'x' * 198: got '{'x' * 198}', expected 'y'"
    )


# actual, expected, whether they are close: at the edge of atol + rtol * |expected|
EDGES = {
    "within atol": (1e-6, 0.0, True),
    "outside atol": (1.01e-6, 0.0, False),
    "within rtol": (1000.0100, 1000.0, True),
    "outside rtol": (1000.0102, 1000.0, False),
    "rtol is of the expected value": (-1000.0100, -1000.0, True),
    "other sign": (-1e-3, 1e-3, False),
    "large integers": (10**15 + 1, 10**15, True),
}


@pytest.mark.parametrize("actual, expected, good", EDGES.values(), ids=EDGES)
def test_how_close_is_close(actual, expected, good):
    if good:
        check.close(actual, expected)
    else:
        assert "largest difference" in message(lambda: check.close(actual, expected))


def test_tolerance_of_each_element_is_its_own():
    said = message(lambda: check.close(np.array([1000.005, 1.005]), [1000.0, 1.0]))
    assert "largest difference 0.005 at [1]: got 1.005" in said and "(1 of 2 " in said


def test_the_message_names_the_worst_element_with_its_place_in_all_axes():
    actual = np.zeros((2, 3, 4), np.float32)
    actual[1, 2, 3], actual[0, 1, 0] = -5, 4
    assert message(lambda: check.close(actual, np.zeros((2, 3, 4)))) == (
        "actual: largest difference 5 at [1, 2, 3]: got -5.0, expected 0.0 (2 of 24 elements"
        " differ, shape (2, 3, 4))\nwhere actual is (2, 3, 4) float32"
    )


def test_a_value_that_is_no_number_is_worse_than_any_difference():
    actual, expected = np.array([1e300, NAN, 3.0]), np.zeros(3)
    assert "largest difference inf at [1]: got nan, expected 0.0 (3 of 3" in message(
        lambda: check.close(actual, expected)
    )


@pytest.mark.parametrize(
    "actual, expected, says",
    [
        (np.array([1, 2], np.uint8), np.array([1, 2]), "got dtype uint8, expected int64"),
        (np.array([1, 0]), np.array([True, False]), "got dtype int64, expected bool"),
        (np.array([True]), np.array([1]), "got dtype bool, expected int64"),
        ([1, 2], np.array([1, 2]), "got [1, 2], expected an array of shape (2,)"),
        (1, np.array([1]), "got shape (), expected (1,)"),
        (np.array([[1, 2]]), np.array([1, 2]), "got shape (1, 2), expected (2,)"),
        (np.array([1, 2, 4]), np.array([1, 3, 1]), "largest difference 3 at [2]: got 4"),
    ],
    ids=["unsigned", "number for truth", "truth for number", "list", "number", "axis", "worst"],
)
def test_equal_arrays_have_the_same_kind_and_shape(actual, expected, says):
    assert says in message(lambda: check.equal(actual, expected))


def test_integers_of_different_sizes_are_equal():
    check.equal(np.array([1, 2], np.int32), np.array([1, 2], np.int64))


@pytest.mark.parametrize("expected", [np.zeros(0), np.array(["a"]), np.array([None])])
def test_equal_refuses_references_that_prove_nothing(expected):
    with pytest.raises(CheckMisused):
        check.equal(expected, expected)


class AgreesInt(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class AgreesList(list):
    def __eq__(self, other):
        return True

    def __len__(self):
        return 2


OTHERS = {
    "equal subclass": (AgreesInt(2), 2),
    "agreeing subclass": (AgreesInt(3), 2),
    "list subclass": (AgreesList([1, 2]), [1, 2]),
    "inside a list": ([AgreesInt(1)], [1]),
    "inside a dict": ({"a": AgreesInt(1)}, {"a": 1}),
    "object for None": (Wrapped([1]), None),
    "NumPy integer": (np.int64(1), 1),
    "NumPy truth": (np.bool_(True), True),
    "NumPy text": (np.str_("a"), "a"),
    "array for a number": (np.array(1), 1),
    "integer for float": (1, 1.0),
    "integer for truth": (1, True),
    "bytes for text": (b"a", "a"),
    "list for tuple": ([], ()),
    "order": ([1, 2], [2, 1]),
    "longer": ([1, 2, 3], [1, 2]),
    "key missing": ({}, {"a": 1}),
    "key too many": ({"a": 1}, {}),
    "None for zero": (None, 0),
    "not a number": (NAN, NAN),
}


@pytest.mark.parametrize("actual, expected", OTHERS.values(), ids=OTHERS)
def test_equal_calls_no_comparison_of_an_object(actual, expected):
    assert "expected " in message(lambda: check.equal(actual, expected))


@pytest.mark.parametrize("value", [AgreesInt(2), type("Table", (str,), {})()])
def test_two_answers_that_are_not_plain_are_the_students_mistake(value):
    said = message(lambda: check.equal({"a": [value]}, {"a": [value]}))
    assert f"got an object of type {type(value).__name__}, expected a plain string" in said


@pytest.mark.parametrize(
    "expected",
    [Wrapped([1]), object(), [object()], {"a": object()}, {1, 2}, 1j],
    ids=["wrapped", "object", "in a list", "in a dict", "set", "complex"],
)
def test_equal_to_what_is_not_plain_is_the_tests_own_mistake(expected):
    with pytest.raises(CheckMisused):
        check.equal(expected, expected)


@pytest.mark.parametrize(
    "value",
    [np.array([1.0, 2.0]).view(Agrees), Wrapped([1.0, 2.0])],
    ids=["subclass", "wrapped"],
)
def test_an_array_is_plain_whatever_it_was_made_from(value):
    found = check.array(value)
    assert type(found) is np.ndarray
    found[...] = 7
    assert float(np.asarray(value).max()) == 2.0


@pytest.mark.parametrize("value", [None, "1", [1.0], {}, object(), np.array(["a"]), 1j])
def test_what_holds_no_numbers_is_no_array(value):
    for ask in (
        lambda: check.array(value),
        lambda: check.shape(value, ()),
        lambda: check.dtype(value, "float32"),
        lambda: check.close(value, 1.0),
        lambda: check.equal(value, np.array(1)),
    ):
        assert "expected an array" in message(ask)


@pytest.mark.parametrize("value", [True, 1, 1.0, np.float32(1), np.array(1)])
def test_numbers_are_arrays_without_axes(value):
    check.shape(value, ())
    check.close(value, 1.0)
    assert "got shape (), expected (1,)" in message(lambda: check.shape(value, (1,)))


def test_a_shape_is_a_tuple_of_exactly_these_sizes():
    value = np.zeros((2, 3))
    check.shape(value, (2, 3))
    for shape in ((3, 2), (2,), (2, 3, 1), ()):
        said = message(lambda shape=shape: check.shape(value, shape))
        assert f"got shape (2, 3), expected {shape}" in said


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64", "bool"])
def test_a_dtype_is_exactly_this_one(dtype):
    value = np.zeros(2, dtype)
    check.dtype(value, dtype)
    other = "float32" if dtype != "float32" else "float64"
    assert f"got dtype {dtype}, expected {other}" in message(lambda: check.dtype(value, other))


@pytest.mark.parametrize(
    "value, kind, says",
    [
        (True, int, "got True, expected int"),
        (AgreesInt(1), int, "got an object of type AgreesInt, expected int"),
        (np.float64(1), float, "got np.float64(1.0), expected float"),
        (None, (list, tuple), "got None, expected list or tuple"),
    ],
    ids=["bool", "subclass", "NumPy", "one of two"],
)
def test_a_type_is_exactly_this_one(value, kind, says):
    assert says in message(lambda: check.type(value, kind))


def test_type_hands_on_the_value_itself():
    value = [1]
    assert check.type(value, list) is value


TRUTHY = {
    "number": (1, "got 1"),
    "text": ("yes", "got 'yes'"),
    "list": ([1], "got [1]"),
    "none": (None, "got None"),
    "NumPy truth": (np.True_, "got np.True_"),
    "array": (np.array(True), "got an object of type ndarray"),
    "agreeing object": (Wrapped([1]), "got an object of type Wrapped"),
}


@pytest.mark.parametrize("value, got", TRUTHY.values(), ids=TRUTHY)
def test_true_refuses_what_is_only_truthy(value, got):
    first, *_ = message(lambda: check.true(value, "because")).splitlines()
    assert first == f"value: {got}, expected True or False; because"


class Unwritten:
    def __array__(self, dtype=None, copy=None):
        raise NotImplementedError("__array__")


@pytest.mark.parametrize("ask", [check.array, lambda value: check.close(value, 1.0)])
def test_an_error_of_the_student_is_not_turned_into_a_failed_check(ask):
    with pytest.raises(NotImplementedError, match="__array__"):
        ask(Unwritten())


def test_raises_accepts_a_subclass_and_swallows_it():
    with check.raises(ArithmeticError, mentions=["zero"]):
        _ = 1 / 0


def test_raises_wants_every_mention():
    with (
        pytest.raises(CheckFailed) as error,
        check.raises(ValueError, mentions=("(2, 3)", "(4,)")),
    ):
        raise ValueError("shapes (2, 3) and (4, )")
    assert str(error.value) == (
        "the message of ValueError should name (4,); it is: 'shapes (2, 3) and (4, )'\n"
        "in: raise ValueError('shapes (2, 3) and (4, )')"
    )
    assert type(error.value.__cause__) is ValueError


def test_raises_names_all_that_was_expected():
    with pytest.raises(CheckFailed) as error, check.raises((KeyError, TypeError)):
        pass
    assert str(error.value) == "nothing was raised, expected KeyError or TypeError\nin: pass"
    with pytest.raises(CheckFailed) as error, check.raises((KeyError, TypeError)):
        raise ValueError("x")
    first = str(error.value).splitlines()[0]
    assert first == "ValueError was raised (x), expected KeyError or TypeError"
    assert str(error.value.__cause__) == "x"


@pytest.mark.parametrize(
    "error", [NotImplementedError, ImportError, ModuleNotFoundError, SyntaxError, GeneratorExit]
)
def test_raises_lets_pass_what_says_that_there_is_no_code_to_answer(error):
    with pytest.raises(error), check.raises((Exception, error)):
        raise error("no code")


SAYS = {
    "close": (lambda a: check.close(a * 2, [1]), "a * 2: got shape (2, 3), expected (1,)"),
    "equal": (lambda a: check.equal(a * 2, np.ones(1)), "a * 2: got shape (2, 3), expected (1,)"),
    "shape": (lambda a: check.shape(a * 2, (1,)), "a * 2: got shape (2, 3), expected (1,)"),
    "dtype": (lambda a: check.dtype(a * 2, "int8"), "a * 2: got dtype float64, expected int8"),
    "array": (lambda a: check.array([a]), "[a]: got [array([[0."),
    "type": (
        lambda a: check.type(a * 2, int),
        "a * 2: got an object of type ndarray, expected int",
    ),
    "true": (lambda a: check.true(a.size > 6, "why"), "a.size > 6: why"),
    "true of another type": (
        lambda a: check.true(a.size, "why"),
        "a.size: got 6, expected True or False; why",
    ),
}


@pytest.mark.parametrize("ask, says", SAYS.values(), ids=SAYS)
def test_each_check_names_its_expression_and_the_operands(ask, says):
    said = message(lambda: ask(np.zeros((2, 3))))
    assert said.startswith(says) and said.endswith("\nwhere a is (2, 3) float64")


def test_arguments_by_keyword_are_not_named():
    assert message(lambda: check.equal(actual=1, expected=2)) == "got 1, expected 2"


def test_the_operands_are_at_most_four_and_each_once():
    a, b, c, d, e = (np.zeros(n) for n in range(1, 6))
    said = message(lambda: check.close(np.concatenate([a, a, b, c, d, e]), 1.0))
    assert said.startswith("np.concatenate([a, a, b, c, d, e]): got shape (16,), expected ()\n")
    assert said.endswith(
        "where a is (1,) float64, b is (2,) float64, c is (3,) float64, d is (4,) float64"
    )


def test_operands_without_a_shape_are_not_described():
    number = 2
    assert message(lambda: check.equal(number * 2, 5)) == "number * 2: got 4, expected 5"


def test_the_package_is_not_asked_for_a_shape():
    """It would load what it can, to say which of its names is the nearest."""
    asked = []

    class Border:
        def ask(self, *what):
            asked.append(what)

    tt = PackageProxy(Border(), 0, 0, "tinytorch")
    small = types.ModuleType("small")
    small.__getattr__ = asked.append
    for package in (tt, small):
        said = message(lambda package=package: check.equal(len([package]), 2))
        assert said == "len([package]): got 1, expected 2"
    assert asked == []


def changing(wrapped, place, value):
    """A function of a student that writes into what it was given."""
    wrapped.array[place] = value
    return wrapped + 1


def test_what_stays_as_it_is_passes():
    x, y = Wrapped([1.0, NAN]), Wrapped(2.0)
    with check.unchanged(x, y), check.unchanged(x):
        check.close(x + 1, [2, NAN])
    changing(x, 0, 7)  # it matters no more
    check.close(y + 1, 3)


def test_a_changed_tensor_is_told_at_the_check_that_follows():
    x, y = Wrapped([[1.0, 2.0], [3.0, 4.0]]), Wrapped([1.0])

    def changed():
        with check.unchanged(y, x):
            check.close(y + 1, [2])
            check.close(changing(x, (1, 0), 9.0), [[2, 3], [10, 5]])

    assert message(changed) == (
        "changing(x, (1, 0), 9.0): x was changed: x[1, 0] was 3.0 and is now 9.0; leave inputs as"
        " they are and compute a new array: no out=, +=, a[...] = ... on them"
        "\nwhere x is (2, 2) float64"
    )


def test_a_changed_tensor_is_told_before_a_wrong_value_and_at_the_end():
    x = Wrapped(1.0)

    def wrong_too():
        with check.unchanged(*[x]):
            check.equal(changing(x, (), 2.0).shape, (3,))

    def unnoticed():
        with check.unchanged(x):
            changing(x, (), 5.0)

    assert "argument 1 was changed: argument 1 was 1.0 and is now 2.0" in message(wrong_too)
    assert message(unnoticed).startswith("x was changed: x was 2.0 and is now 5.0; leave inputs")


def test_another_shape_and_another_dtype_are_changes():
    for array, told in (
        (np.ones((2, 1)), "x was changed, from float64 of shape (2,) to float64 of (2, 1)"),
        (np.ones(2, np.float32), "x was changed, from float64 of shape (2,) to float32 of (2,)"),
    ):
        x = Wrapped(np.ones(2))

        def changed(x=x, array=array):
            with check.unchanged(x):
                x.array = array

        assert told in message(changed)


def test_an_error_of_the_body_is_not_hidden():
    x = Wrapped(1.0)
    with pytest.raises(ZeroDivisionError), check.unchanged(x):
        changing(x, (), 1 / 0)
    with pytest.raises(ZeroDivisionError), check.unchanged(x):
        changing(x, (), 3.0)
        raise ZeroDivisionError
    check.close(x + 1, 4)  # and x is looked after no more


def test_unchanged_takes_tensors():
    with pytest.raises(CheckMisused, match=r"takes Tensors; np.ones\(2\) is an array"):
        check.unchanged(np.ones(2))
    with pytest.raises(CheckMisused, match="needs at least one Tensor"):
        check.unchanged()
    assert "got an object of type object, expected a Tensor" in message(
        lambda: check.unchanged(object())
    )


def test_an_operand_that_cannot_say_its_shape_does_not_hide_the_failure():
    class Half:
        @property
        def shape(self):
            raise NotImplementedError("shape")

        def total(self):
            return 3

    half = Half()
    assert message(lambda: check.equal(half.total(), 4)) == "half.total(): got 3, expected 4"


def test_a_long_expression_is_cut():
    said = message(
        lambda: check.equal(
            "a text of some length" + "another text of some length" + "and a third text of some"
            " length" + "and a fourth text of some length",
            "",
        )
    )
    expression = said.partition(": got ")[0]
    assert len(expression) == 120 and expression.endswith("...")


def test_without_a_source_the_message_has_no_expression():
    scope = {"check": check}
    with pytest.raises(CheckFailed) as error:
        exec("check.equal(1 + 1, 3)", scope)
    assert str(error.value) == "got 2, expected 3"


def test_the_expression_is_that_of_the_check_that_failed():
    def two_checks():
        check.equal(1 + 1, 2); check.equal(2 + 2, 5)  # fmt: skip # noqa: E702

    assert message(two_checks) == "2 + 2: got 4, expected 5"


def test_letters_of_more_than_one_byte_do_not_shift_the_expression():
    größe = 3
    text = "äöü"
    assert message(lambda: (text, check.equal("ä" * größe, "ö"))) == (
        "'ä' * größe: got 'äää', expected 'ö'"
    )


def test_raises_shows_the_call_as_it_was_written_and_its_values():
    x = np.ones((2, 3))
    for other in ((2,), (4,)):
        with pytest.raises(CheckFailed) as error, check.raises(ValueError):
            np.copyto(x, np.zeros(3) + len(other))
        assert str(error.value) == (
            "nothing was raised, expected ValueError\n"
            "in: np.copyto(x, np.zeros(3) + len(other))\n"
            f"where x is (2, 3) float64, other is {other}"
        )


def test_instance():
    assert check.instance(True, int) is True
    with pytest.raises(CheckFailed, match=r"^x: got an object of type ndarray, expected a dict"):
        x = np.ones(2)
        check.instance(x, dict)
    with pytest.raises(CheckFailed, match=r"^None: got None, expected an int"):
        check.instance(None, int)
