"""How a function returns, and where it writes into its arguments, read from its text."""

import textwrap

import pytest

from pytest_tinytorch.export.effects import effects
from pytest_tinytorch.isolation.bounded import Bounded


def effects_of(body, arguments="a, b"):
    text = f"def f({arguments}):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    return effects(text)[0]


WRITES = {
    "augmented": "a += b\nreturn a",
    "item": "a[0] = 1",
    "augmented item": "a[..., 0] *= 2",
    "mask": "a[a < 0] = 0",
    "out": "np.exp(b, out=a)",
    "out of a tuple": "np.modf(b, out=(a, None))",
    "copyto": "np.copyto(a, b)",
    "add.at": "np.add.at(a, 0, 1)",
    "sort": "a.sort()",
    "data of a Tensor": "a.data = b.data",
    "into the data": "a.data[0] = 1",
    "another name": "c = a\nc += b",
    "a view": "c = a.reshape(-1)\nc[0] = 1",
    "the same array": "c = np.asarray(a)\nc += b",
    "a transpose": "c = a.data.T\nc -= b",
    "one of two": "c = a if b else b\nc += 1",
    "a tuple": "c, d = a, 1\nc += d",
    "in a loop": "for c in (a, b):\n    c += 1",
    "zip": "for c, d in zip(a, b):\n    c[0] = d",
    "in a nested function": "def g():\n    a[0] = 1\ng()",
}
OWN = {
    "sum": "return a + b",
    "copy": "a = a.copy()\na += b\nreturn a",
    "new array": "a = np.array(a)\na[0] = 1",
    "result": "c = a + b\nc += 1\nreturn c",
    "zeros": "c = np.zeros(3)\nc[0] = a",
    "number": "n = len(a)\nn += 1",
    "items": "c = {}\nc['x'] = a",
    "own attribute": "self.data = a",
    "name of a keyword": "np.exp(a, dtype=b)",
    "read": "return a[0] == b[0]",
}


@pytest.mark.parametrize("body", WRITES.values(), ids=WRITES)
def test_a_write_into_an_argument(body):
    found = effects(f"def f(a, b):\n{textwrap.indent(body, '    ')}\n")
    writes = [write for one in found for write in one.writes]
    lines = ["def f(a, b):", *body.splitlines()]
    assert writes and all(write.is_sure for write in writes)
    assert any(sign in lines[writes[0].line - 1] for sign in ("=", "copyto", "at(", "sort"))


@pytest.mark.parametrize("body", OWN.values(), ids=OWN)
def test_a_write_into_something_of_its_own(body):
    assert effects_of(body, "self, a, b").writes == ()


def test_a_write_into_what_another_function_made_is_not_sure():
    for body in ("c = helper(a)\nc += 1", "self.count += 1", "self.seen[a] = b"):
        assert [write.is_sure for write in effects_of(body, "self, a, b").writes] == [False]


def test_returns():
    found = effects_of(
        """
        if a:
            return g(
                a,
            )
        def inner():
            return 1
        b.sort()
        return b.sort()
        """
    )
    assert found.name == "f" and found.first == 1
    assert [tuple(one) for one in found.returns] == [(4, 6, "g"), (10, 10, ".sort")]


def test_functions_have_the_names_of_their_classes():
    text = "class A:\n    def f(self):\n        def g():\n            return\n        return g\n"
    assert [(one.first, one.name) for one in effects(text)] == [(2, "A.f"), (3, "A.f.g")]


def test_a_source_that_does_not_compile_has_none():
    assert effects("def f(:\n") == ()


def test_it_is_the_same_in_a_process_with_limits():
    text = "def f(a):\n    a += 1\n    return g(a)\n"
    assert Bounded().effects(text) == effects(text) != ()


def test_where_the_process_gives_up_there_are_none():
    assert Bounded(0).effects("def f(a):\n    a += 1\n") == ()
