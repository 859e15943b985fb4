"""Checkpoint tests use the student's package from outside: nothing of theirs goes in or is changed.

The same text must drive a student's code in another process, so four rules hold (and a test proves
something, so it uses `check`, has points and a hint, and says what it checks).
"""

import ast
from pathlib import Path

import pytest

from pytest_tinytorch.course import load_course

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
FILES = [ROOT / c.file for c in COURSE.checkpoints if COURSE.is_written(c)]
INTEGRATION = sorted((ROOT / "integration").glob("*.py"))
# What may be given a generator or a function: it is Python's own, and stays in the test.
OWN = {
    "all",
    "any",
    "sum",
    "min",
    "max",
    "sorted",
    "list",
    "tuple",
    "dict",
    "set",
    "bool",
    "enumerate",
}
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
CONSTANTS = (None, True, False)
LOCAL = (ast.Lambda, ast.GeneratorExp)


def mistakes(text: str) -> list[str]:
    """Every breach of the rules in a checkpoint file."""
    tree = ast.parse(text)
    found = [f"line {n.lineno}: imports tinytorch" for n in ast.walk(tree) if _imports(n)]
    tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[:5] == "test_"]
    for test in tests:
        found += [f"{test.name}: {mistake}" for mistake in (*_form(test), *_rules(test))]
    return found


def _imports(node: ast.AST) -> bool:
    names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(name.split(".")[0] == "tinytorch" for name in names)


def _form(test: ast.FunctionDef) -> list[str]:
    marks = {ast.unparse(d).partition("(")[0].rpartition(".")[2] for d in test.decorator_list}
    wrong = [f"no mark {mark}" for mark in ("points", "hint") if mark not in marks]
    wrong += [] if ast.get_docstring(test) else ["no docstring says what it checks"]
    uses = [n for n in ast.walk(test) if isinstance(n, ast.Attribute) and _root(n) == "check"]
    wrong += [] if uses else ["compares nothing through check"]
    wrong += ["a bare assert" for n in ast.walk(test) if isinstance(n, ast.Assert)]
    if "parametrize" in marks and "ids=" not in ast.unparse(ast.Module(test.decorator_list, [])):
        wrong.append("parametrized without explicit ids")
    return wrong


def _rules(test: ast.FunctionDef) -> list[str]:
    theirs = _students(test)
    wrong = []
    for node in ast.walk(test):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node is not test:
            wrong.append(f"1: defines {node.name}")
        if isinstance(node, ast.Call) and _is_students(node.func, theirs):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            wrong += [
                "1: a function or generator goes in" for arg in given if isinstance(arg, LOCAL)
            ]
        if _writes(node) and _is_students(node.func.value, theirs):
            wrong.append(f"2: calls {node.func.attr} on what came back")
        if isinstance(node, ast.Assign):
            targets = [t for t in node.targets if isinstance(t, ast.Subscript)]
            wrong += ["2: writes into what came back" for t in targets if _is_students(t, theirs)]
        if isinstance(node, ast.AugAssign) and _is_students(node.target, theirs):
            wrong.append("2: changes what came back in place")
        if isinstance(node, ast.Compare):
            wrong += _comparison(node)
        if isinstance(node, ast.If | ast.While | ast.IfExp) and _is_comparison_of(
            node.test, theirs
        ):
            wrong.append("4: the truth value of a student's object")
    return wrong


def _writes(node: ast.AST) -> bool:
    """Whether it is a call of a method that changes its object."""
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in WRITERS


def _comparison(node: ast.Compare) -> list[str]:
    pairs = zip(node.ops, node.comparators, strict=True)
    identity = [right for op, right in pairs if isinstance(op, ast.Is | ast.IsNot)]
    return [
        "3: `is` with another object"
        for right in identity
        if not (isinstance(right, ast.Constant) and right.value in CONSTANTS)
    ]


def _is_comparison_of(node: ast.AST, theirs: set[str]) -> bool:
    return isinstance(node, ast.Compare) and _is_students(node.left, theirs)


def _students(test: ast.FunctionDef) -> set[str]:
    """Names of what came from the student's package, as far as assignments tell."""
    theirs = {"tt"}
    for node in ast.walk(test):
        if isinstance(node, ast.Assign) and _is_students(node.value, theirs):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                theirs |= {name.id for name in names if isinstance(name, ast.Name)}
    return theirs


def _is_students(node: ast.AST, theirs: set[str]) -> bool:
    """Whether an expression begins with a name of theirs: `x`, `tt.zeros(2).data[0]`, `x + 1`."""
    if isinstance(node, ast.BinOp):
        return _is_students(node.left, theirs) or _is_students(node.right, theirs)
    if isinstance(node, ast.Call) and any(_root(argument) == "tt" for argument in node.args):
        return True  # a function of the test that makes something with tt
    if isinstance(node, ast.Tuple):
        return any(_is_students(element, theirs) for element in node.elts)
    return _root(node) in theirs


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_checkpoint_has_8_to_25_tests_and_its_own_id(file):
    text = file.read_text("utf-8")
    tests = [n for n in ast.parse(text).body if getattr(n, "name", "").startswith("test_")]
    assert 8 <= len(tests) <= 25
    identifier = file.stem.split("_")[1]
    assert f'pytestmark = pytest.mark.checkpoint("{identifier}")' in text


GOOD = '''
@pytest.mark.points(1)
@pytest.mark.hint("Look.")
def test_good(tt, check):
    """Says what"""
    x = tt.Tensor([1.0])
    x.data = np.zeros(1)
    own = []
    own.append(sum(value for value in [1, 2]))
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
    "identity": ("x.grad is None", "x.grad is x", "3: `is` with another object"),
    "truth": ("own = []", "own = [] if x == 1 else [1]", "4: the truth value"),
    "assert": ("own = []", "assert x\n    own = []", "a bare assert"),
    "no check": ("    check.close(x + 1, [1])\n", "    own.sort()\n", ""),
    "no points": ("@pytest.mark.points(1)\n", "", "no mark points"),
    "no hint": ('@pytest.mark.hint("Look.")\n', "", "no mark hint"),
    "no docstring": ('    """Says what"""\n', "", "no docstring"),
    "no ids": (
        "@pytest.mark.points",
        "@pytest.mark.parametrize('a', [1])\n@pytest.mark.points",
        "ids",
    ),
}


@pytest.mark.parametrize("old, new, breach", BREACHES.values(), ids=BREACHES)
def test_a_breach_is_found(old, new, breach):
    assert mistakes(GOOD) == [] and GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    if not breach:
        text = text.replace('    check.true(x.grad is None, "why")\n', "")
        breach = "compares nothing through check"
    found = mistakes(text)
    assert len(found) == 1 and breach in found[0]
