"""Checkpoint tests use the student's package from outside: nothing of theirs goes in or is changed.

The same text must drive a student's code in another process, so four rules hold (and a test proves
something, so it uses `check`, has points and a hint, and says what it checks).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import load_course

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
FILES = [ROOT / c.file for c in COURSE.collections if COURSE.is_written(c)]
CHECKPOINTS = [ROOT / c.file for c in COURSE.checkpoints if COURSE.is_written(c)]
INTEGRATION = sorted((ROOT / "integration").glob("*.py"))
# Calls that change an object: a method of it, or a function of NumPy given it first.
WRITERS = {
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "clear",
    "update",
    "sort",
    "reverse",
    "fill",
}
NUMPY_WRITERS = {"copyto", "put", "place", "putmask", "fill_diagonal", "at"}
# What the API promises to be plain numbers, tuples, strings: it may be compared as it is.
PLAIN = {"shape", "ndim", "size", "dtype", "training", "requires_grad", "item"}
PLAIN |= {"system_info", "versions", "check_environment"}
FUNCTIONS = (ast.Lambda, ast.GeneratorExp)
LISTS = (ast.Tuple, ast.List, ast.Set)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
# These hand on the elements of what they are given.
PASSING = {"list", "tuple", "sorted", "reversed", "set"}


class Origin:
    """Which names of a function stand for the student's objects, as far as its text tells.

    `theirs` came from `tt`; `holders` are the test's own lists and dicts of such, which it may
    change; `own` are functions and classes of the test.
    """

    def __init__(self, function: ast.FunctionDef, own: set[str]) -> None:
        names = {argument.arg for argument in function.args.args}
        self.theirs = {"tt"} & names
        if function.name[:5] != "test_" and names & {"tt", "check"}:
            self.theirs |= names - {"check"}  # a test hands it on: assume the student's
        self.holders: set[str] = set()
        self.own = set(own)
        for _ in range(3):  # a loop may use what is assigned further down
            for node in ast.walk(function):
                self._follow(node)

    def _follow(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value:
            self._assign(node.target, node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            self._bind(node.target, node.iter)

    def _assign(self, target: ast.AST, value: ast.AST) -> None:
        if isinstance(target, LISTS) and isinstance(value, LISTS):
            for pair in zip(target.elts, value.elts, strict=False):
                self._assign(*pair)
        elif isinstance(target, LISTS):
            self._bind(ast.Tuple(target.elts), ast.Tuple([value]))
        elif isinstance(target, ast.Name):
            self.theirs |= {target.id} if self.is_theirs(value) else set()
            self.holders |= {target.id} if self.is_holder(value) else set()
            self.own |= {target.id} if any(self._functions(value)) else set()

    def _bind(self, target: ast.AST, source: ast.AST) -> None:
        """Names of a loop, from what it goes over."""
        parts = target.elts if isinstance(target, LISTS) else []
        called = source.func if isinstance(source, ast.Call) else None
        name = getattr(called, "attr", getattr(called, "id", ""))
        if name in ("items", "named_parameters") and len(parts) == 2:  # the first is a string
            self._bind(parts[1], called.value)
        elif name == "enumerate" and len(parts) == 2:
            self._bind(parts[1], source.args[0])
        elif name == "zip" and parts:
            for pair in zip(parts, source.args, strict=False):
                self._bind(*pair)
        elif name in PASSING and isinstance(called, ast.Name) and source.args:
            self._bind(target, source.args[0])
        elif name == "values":
            self._bind(target, called.value)
        elif parts and isinstance(source, LISTS) and all(map(_is_row, source.elts)):
            for row in source.elts:
                self._assign(target, row)
        elif self.is_theirs(source) or self.is_holder(source):
            self.theirs |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}

    def is_theirs(self, node: ast.AST) -> bool:
        """Whether it is an object of theirs: `x`, `tt.zeros(2).data[0]`, `x + 1`, `1 < x`."""
        if isinstance(node, ast.Name):
            return node.id in self.theirs
        if isinstance(node, ast.Attribute):
            return node.attr not in PLAIN and self.is_theirs(node.value)
        if isinstance(node, ast.Subscript):
            return self.is_theirs(node.value) or self.is_holder(node.value)
        if isinstance(node, ast.Call):
            made = any(isinstance(a, ast.Name) and a.id == "tt" for a in node.args)
            got = _called(node) == "getattr" and self.is_theirs(node.args[0])
            return made or got or self.is_theirs(node.func)
        if isinstance(node, ast.BinOp):
            return self.is_theirs(node.left) or self.is_theirs(node.right)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            return self.is_theirs(node.operand)
        if isinstance(node, ast.IfExp):
            return self.is_theirs(node.body) or self.is_theirs(node.orelse)
        if isinstance(node, ast.Compare):
            return self._is_their_comparison(node)
        return False

    def _is_their_comparison(self, node: ast.Compare) -> bool:
        if all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            return False
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            return self.is_theirs(node.left)  # == with each element
        return any(map(self.is_theirs, (node.left, *node.comparators)))

    def is_holder(self, node: ast.AST) -> bool:
        """Whether it is the test's own collection of what is theirs."""
        if isinstance(node, ast.Name):
            return node.id in self.holders
        if isinstance(node, LISTS):
            return any(self.is_theirs(e) or self.is_holder(e) for e in node.elts)
        if isinstance(node, ast.Dict):
            return any(map(self.is_theirs, node.values))
        if isinstance(node, COMPREHENSIONS):
            made = node.value if isinstance(node, ast.DictComp) else node.elt
            return self.is_theirs(made) or self.is_holder(made)
        if _called(node) in PASSING:
            return any(self.is_theirs(a) or self.is_holder(a) for a in node.args)
        return False

    def _functions(self, node: ast.AST) -> Iterator[str]:
        """Functions, classes and generators in a value; what is called in it gives a value."""
        if isinstance(node, FUNCTIONS):
            yield "a function or generator"
        elif isinstance(node, ast.Name) and node.id in self.own:
            yield node.id
        elif isinstance(node, (ast.Dict, ast.Starred, ast.IfExp, ast.Subscript, *LISTS)):
            for child in ast.iter_child_nodes(node):
                yield from self._functions(child)

    def goes_in(self, call: ast.Call) -> list[str]:
        """What of the test's own a call hands to the student's code."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return [name for argument in given for name in self._functions(argument)]


def _is_row(node: ast.AST) -> bool:
    return isinstance(node, ast.Tuple | ast.List)


def _called(node: ast.AST) -> str:
    """`f` of `f(...)`, else nothing."""
    plain = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return node.func.id if plain else ""


def mistakes(text: str) -> list[str]:
    """Every breach of the rules in a checkpoint file, in its tests and in what they call."""
    tree = ast.parse(text)
    found = [f"line {n.lineno}: imports tinytorch" for n in ast.walk(tree) if _imports(n)]
    found += [f"1: defines {n.name}" for n in tree.body if isinstance(n, ast.ClassDef)]
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    own = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    for function in functions:
        form = _form(function) if function.name[:5] == "test_" else []
        breaches = _rules(function, Origin(function, own))
        found += [f"{function.name}: {mistake}" for mistake in (*form, *breaches)]
    return found


def _imports(node: ast.AST) -> bool:
    names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(name.split(".")[0] == "tinytorch" for name in names)


def _form(test: ast.FunctionDef) -> list[str]:
    marks = {ast.unparse(d).partition("(")[0].rpartition(".")[2]: d for d in test.decorator_list}
    wrong = [f"no mark {mark}" for mark in ("points", "hint") if mark not in marks]
    wrong += [] if ast.get_docstring(test) else ["no docstring says what it checks"]
    calls = [n for n in ast.walk(test) if isinstance(n, ast.Call)]
    uses = [call for call in calls if _root(call) in ("check", "gradcheck")]
    wrong += [] if uses else ["compares nothing through check"]
    wrong += ["a bare assert" for n in ast.walk(test) if isinstance(n, ast.Assert)]
    wrong += ["parametrized without explicit ids" for d in test.decorator_list if _has_no_ids(d)]
    return wrong


def _has_no_ids(decorator: ast.AST) -> bool:
    text = ast.unparse(decorator)
    if not text.startswith("pytest.mark.parametrize("):
        return False
    return "ids" not in {keyword.arg for keyword in decorator.keywords}


def _rules(function: ast.FunctionDef, origin: Origin) -> list[str]:
    wrong = []
    gets_tt = "tt" in {argument.arg for argument in function.args.args}
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node is not function and gets_tt:
            wrong.append(f"1: defines {node.name}")
        if isinstance(node, ast.Call):
            wrong += _call(node, origin)
        for target in _targets(node):
            if origin.is_theirs(target):
                wrong.append("2: writes into what came back")
        if isinstance(node, ast.AugAssign) and origin.is_theirs(node.target):
            wrong.append("2: changes what came back in place")
        if isinstance(node, ast.Compare):
            wrong += _identity(node)
        truths = [value for value in _truths(node) if origin.is_theirs(value)]
        wrong += ["4: the truth value of a student's object"] * len(truths)
    return wrong


def _call(node: ast.Call, origin: Origin) -> list[str]:
    wrong = []
    if origin.is_theirs(node.func):
        wrong += [f"1: {name} goes in" for name in origin.goes_in(node)]
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if attribute in WRITERS and origin.is_theirs(node.func.value):
        wrong.append(f"2: calls {attribute} on what came back")
    written = [keyword.value for keyword in node.keywords if keyword.arg == "out"]
    written += node.args[:1] if attribute in NUMPY_WRITERS and _root(node) == "np" else []
    return wrong + ["2: writes into what came back" for w in written if origin.is_theirs(w)]


def _targets(node: ast.AST) -> list[ast.AST]:
    """Objects of which a statement sets or deletes items."""
    if isinstance(node, ast.Assign | ast.Delete):
        parts = [part for target in node.targets for part in ast.walk(target)]
        stored = [p for p in parts if isinstance(p, ast.Subscript) and not _is_read(p)]
        return [p.value for p in stored]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Subscript):
        return [node.target.value]
    return []


def _is_read(node: ast.Subscript) -> bool:
    return isinstance(node.ctx, ast.Load)


def _truths(node: ast.AST) -> list[ast.AST]:
    """Expressions that Python asks for their truth."""
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return [node.test]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [node.operand]
    if isinstance(node, ast.comprehension):
        return node.ifs
    if _called(node) in ("all", "any"):
        return [a.elt if isinstance(a, COMPREHENSIONS[:3]) else a for a in node.args]
    if _called(node) == "bool":  # of an object it is a conversion, like float(); of == it hides
        return [a for a in node.args if isinstance(a, ast.Compare)]
    return []


def _identity(node: ast.Compare) -> list[str]:
    pairs = zip(node.ops, node.comparators, strict=True)
    others = [right for op, right in pairs if isinstance(op, ast.Is | ast.IsNot)]
    return ["3: `is` with another object" for right in others if not _is_constant(right)]


def _is_constant(node: ast.AST) -> bool:
    """None, True or False. Not by `in`: 1 is equal to True."""
    return isinstance(node, ast.Constant) and any(node.value is c for c in (None, True, False))


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def frame(text: str, identifier: str) -> list[str]:
    """What is wrong with a checkpoint file as a whole: its id, and how many tests it has."""
    tests = [n for n in ast.parse(text).body if getattr(n, "name", "").startswith("test_")]
    wrong = [] if 8 <= len(tests) <= 25 else [f"{len(tests)} tests"]
    mark = f'pytestmark = pytest.mark.checkpoint("{identifier}")'
    return wrong if mark in text.splitlines() else [*wrong, f"no line {mark}"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_checkpoint_keeps_the_rules(file):
    assert mistakes(file.read_text("utf-8")) == []


@pytest.mark.parametrize("file", INTEGRATION, ids=lambda file: file.stem)
def test_an_integration_test_keeps_them_too(file):
    text = file.read_text("utf-8")
    assert [m for m in mistakes(text) if not m.endswith("no mark points")] == []
    identifier = file.stem.split("_")[1]
    marks = f'[pytest.mark.integration, pytest.mark.module("{identifier}")]'
    assert f"pytestmark = {marks}" in text
    module = next(module for module in COURSE.modules if module.id == identifier)
    assert file == COURSE.integration_file(module)


@pytest.mark.parametrize("file", CHECKPOINTS, ids=lambda file: file.stem)
def test_a_checkpoint_has_8_to_25_tests_and_its_own_id(file):
    assert frame(file.read_text("utf-8"), file.stem.split("_")[1]) == []


@pytest.mark.parametrize("count, fits", [(7, False), (8, True), (25, True), (26, False)])
def test_too_few_and_too_many_tests_are_found(count, fits):
    mark = 'pytestmark = pytest.mark.checkpoint("03")\n'
    text = mark + "".join(f"def test_{n}(): pass\n" for n in range(count))
    assert (frame(text, "03") == []) is fits
    assert frame(text, "04")[-1].startswith("no line pytestmark")


GOOD = '''
@pytest.mark.points(1)
@pytest.mark.hint("Look.")
def test_good(tt, check):
    """Says what"""
    x = tt.Tensor([1.0])
    x.data = np.zeros(1)
    own = []
    own.append(sum(value for value in [1, 2]))
    held = [tt.zeros(2)]
    held.append(x)
    one = 1 if x.shape == (1,) else 2
    bend = {"relu": lambda v: v}
    check.close(x * one, bend["relu"](x))
    for name, value in x.items():
        own.append(name if name == "weight" else check.array(value))
    check.true(x.grad is None, "why")
    check.close(x + 1, [1])
'''

BREACHES = {
    "import": ("x = tt", "import tinytorch\n    x = tt", "imports tinytorch"),
    "lambda goes in": ("tt.Tensor([1.0])", "tt.Sequential(lambda v: v)", "1: a function"),
    "generator goes in": ("tt.Tensor([1.0])", "tt.SGD(p for p in [1])", "1: a function"),
    "method gets a lambda": (
        "check.close(x + 1, [1])",
        "check.close(x.map(lambda v: v), [1])",
        "1:",
    ),
    "subclass": ("own = []", "class Own(tt.Module): pass\n    own = []", "1: defines Own"),
    "item set": ("own = []", "x.data[0] = 3\n    own = []", "2: writes into"),
    "append": ("own = []", "x.layers.append(1)\n    own = []", "2: calls append"),
    "in place": ("own = []", "x += 1\n    own = []", "2: changes"),
    "in place, made elsewhere": (
        "own = []",
        "part = nested(tt)\n    part.weight += 1\n    own = []",
        "2: changes",
    ),
    "named lambda goes in": (
        "own = []",
        "f = lambda v: v\n    y = x(f)\n    own = []",
        "1: f goes",
    ),
    "lambda in a list": ("tt.Tensor([1.0])", "tt.Sequential([lambda v: v])", "1: a function"),
    "lambda by name": ("tt.Tensor([1.0])", "getattr(tt, 'MLP')(key=lambda v: v)", "1: a function"),
    "function of the file": ("tt.Tensor([1.0])", "tt.Tensor(test_good)", "1: test_good goes in"),
    "item of a loop": ("own = []", "for p in x.all():\n        p.data[0] = 3\n    own = []", "2:"),
    "item of a dict": (
        "own = []",
        "for k, p in x.items():\n        p[0] = k\n    own = []",
        "2: writes",
    ),
    "item of a list": (
        "own = []",
        "held = [x]\n    held[0].data[0] = 3\n    own = []",
        "2: writes",
    ),
    "item deleted": ("own = []", "del x.data[0]\n    own = []", "2: writes"),
    "item among others": ("own = []", "a, x.data[0] = 1, 2\n    own = []", "2: writes"),
    "out": ("own = []", "np.add(1, 1, out=x.data)\n    own = []", "2: writes"),
    "copyto": ("own = []", "np.copyto(x.data, 1)\n    own = []", "2: writes"),
    "identity with a number": ("x.grad is None", "x.grad is 1", "3: `is` with another object"),
    "truth alone": ("own = []", "own = [] if x else [1]", "4: the truth value"),
    "truth, negated": ("own = []", "own = [] if not x == 1 else [1]", "4: the truth value"),
    "truth, on the right": ("own = []", "own = [] if 1 == x else [1]", "4: the truth value"),
    "truth, and": ("own = []", "own = [x == 1 and 2]\n    own = []", "4: the truth value"),
    "truth, filtered": ("own = []", "own = [1 for p in x.all() if p]", "4: the truth value"),
    "truth, bool": ("own = []", "own = [bool(x == 1)]", "4: the truth value"),
    "truth, all": ("own = []", "own = [all(p == 1 for p in x.all())]", "4: the truth value"),
    "truth, element": ("own = []", "own = [1 if x in [2] else 3]", "4: the truth value"),
    "in what a test calls": (
        "@pytest.mark.points",
        "def made(tt):\n    return tt.Sequential(lambda v: v)\n\n@pytest.mark.points",
        "made: 1:",
    ),
    "class": ("@pytest.mark.points", "class Own: pass\n@pytest.mark.points", "1: defines Own"),
    "identity": ("x.grad is None", "x.grad is x", "3: `is` with another object"),
    "truth": ("own = []", "own = [] if x == 1 else [1]", "4: the truth value"),
    "assert": ("own = []", "assert x\n    own = []", "a bare assert"),
    "no check": ("check.", "np.", "compares nothing through check"),
    "no points": ("@pytest.mark.points(1)\n", "", "no mark points"),
    "no hint": ('@pytest.mark.hint("Look.")\n', "", "no mark hint"),
    "no docstring": ('    """Says what"""\n', "", "no docstring"),
    "no ids": (
        "@pytest.mark.points",
        "@pytest.mark.parametrize('a', [1])\n@pytest.mark.points",
        "parametrized without",
    ),
    "ids of another": (
        "@pytest.mark.points",
        "@pytest.mark.parametrize('a', [1], ids=['a'])\n"
        "@pytest.mark.parametrize('b', [1])\n@pytest.mark.points",
        "parametrized without",
    ),
}


@pytest.mark.parametrize("old, new, breach", BREACHES.values(), ids=BREACHES)
def test_a_breach_is_found(old, new, breach):
    assert mistakes(GOOD) == [] and old in GOOD
    found = mistakes(GOOD.replace(old, new))
    assert len(found) == 1 and breach in found[0], found
