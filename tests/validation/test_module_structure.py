"""Every module source is built alike: the same sections, solutions, points and measurements."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import Course, Module, load_course
from pytest_tinytorch.export.service import export

COURSE = load_course(Path(__file__).parents[2])
WRITTEN = [module for module in COURSE.modules if module.written]

SECTIONS = (
    "## Introduction",
    "## Mathematical Background",
    "## Implementation",
    "## Systems Analysis",
    "## Testing",
    "## Integration",
    "## Production Context",
    "## Comprehensive Testing",
    'if __name__ == "__main__":',
    "## 🤔 ML Systems Thinking: Interactive Questions",
    "## 🎯 MODULE SUMMARY: ",
)
KEYS = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
ABOUT = ("memory", "architecture", "production", "scaling")  # the questions of every module
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
LENGTHS = range(300, 881)  # lines that say something: neither blank nor a mark
LONGER = {"MLOps": range(300, 1551)}  # files for other tools, a server and what watches it
MARKS = ("# %%", "#|", BEGIN, END)
MEASURES = {  # by the given helpers, or by one's own
    "a measure of time": {"best_seconds", "cpu_seconds", "times_as_long", "time.perf_counter"},
    "a measure of memory": {"peak_bytes", "kept_bytes", "tracemalloc.get_traced_memory"},
}


@dataclass(frozen=True)
class Cell:
    head: str
    body: str

    @property
    def is_text(self) -> bool:
        return "[markdown]" in self.head

    @cached_property
    def metadata(self) -> dict:
        found = re.search(r"nbgrader=(\{.*\})", self.head)
        return json.loads(found[1]) if found else {}

    @property
    def is_test(self) -> bool:
        return bool(re.search(r"^def test_", self.body, re.MULTILINE))


def cells(text: str) -> list[Cell]:
    parts = re.split(r"^(# %%.*)$", text, flags=re.MULTILINE)[1:]
    return [Cell(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


def mistakes(text: str) -> list[str]:
    """Everything in a source that a module must not be."""
    parts = cells(text)
    checks = (_title, _sections, _metadata, _solutions, _tests, _on_import, _analysis, _questions)
    checks += (_length,)
    return [mistake for check in checks for mistake in check(text, parts)]


def _title(text: str, parts: list[Cell]) -> list[str]:
    found = re.search(r"^# Module \d\d: (.+)$", parts[0].body, re.MULTILINE)
    if not found:
        return ["the first cell has no title `# Module NN: Name`"]
    named = f"{SECTIONS[-1]}{found[1]}" in text.splitlines()
    return [] if named else [f"the summary is not of {found[1]}"]


def _sections(text: str, parts: list[Cell]) -> list[str]:
    lines = text.splitlines()
    places = [[n for n, line in enumerate(lines) if line.startswith(s)] for s in SECTIONS]
    wrong = [f"{s}: {len(p)} times" for s, p in zip(SECTIONS, places, strict=True) if len(p) != 1]
    if not wrong and places != sorted(places):
        wrong.append("sections are out of order")
    if not wrong and SECTIONS[-1] not in parts[-1].body:
        wrong.append("the summary is not last")
    return wrong


def _metadata(_text: str, parts: list[Cell]) -> list[str]:
    wrong = []
    for cell in parts:
        keys = KEYS | {"points"} if cell.metadata.get("grade") else KEYS
        if not cell.is_text and not cell.metadata:
            wrong.append(f"code without nbgrader metadata: {cell.body.strip()[:40]!r}")
        elif cell.metadata and set(cell.metadata) != keys:
            wrong.append(f"{cell.metadata.get('grade_id')}: keys {sorted(cell.metadata)}")
        elif cell.metadata and cell.metadata["schema_version"] != 3:
            wrong.append(f"{cell.metadata['grade_id']}: schema version")
    return wrong


def _solutions(text: str, parts: list[Cell]) -> list[str]:
    wrong = []
    for cell in parts:
        marks = re.findall(rf"{BEGIN}|{END}", cell.body)
        if marks != [BEGIN, END] * (len(marks) // 2):
            wrong.append(f"unbalanced solution marks: {cell.metadata.get('grade_id')}")
        if bool(marks) != bool(cell.metadata.get("solution")) and not cell.is_text:
            wrong.append(f"{cell.metadata.get('grade_id')}: solution flag without marks, or back")
    lines = text.splitlines()
    marked = {n for n, line in enumerate(lines, 1) if line.strip() in (BEGIN, END)}
    for function, described in _functions(ast.parse(text)):
        inside = marked & set(range(function.lineno + 1, (function.end_lineno or 0) + 2))
        marked -= inside
        if inside and not described and not re.match(r"_[^_]", function.name):
            wrong.append(f"{function.name}: no docstring tells the task")
    return wrong + [f"line {number}: a solution outside of any function" for number in marked]


def _functions(
    tree: ast.AST, class_described: bool = False
) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """Functions and methods, and whether a docstring describes each; `__call__` may leave it to
    its class."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            by_class = class_described and node.name.startswith("__")
            yield node, bool(ast.get_docstring(node)) or by_class
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, bool(ast.get_docstring(node)))


def _tests(text: str, parts: list[Cell]) -> list[str]:
    wrong = []
    for before, cell in pairwise(parts):
        if cell.is_test and not (before.is_text and "🧪" in before.body):
            wrong.append(f"{cell.metadata.get('grade_id')}: no text says what is tested, and why")
        if cell.is_test and not (cell.metadata.get("grade") and cell.metadata.get("locked")):
            wrong.append(f"{cell.metadata.get('grade_id')}: a test must be graded and locked")
    return wrong


def _on_import(text: str, _parts: list[Cell]) -> list[str]:
    """Calls for their effect, and of tests and measurements, that importing the file would make."""
    wrong = []
    for statement in ast.parse(text).body:
        if (
            isinstance(statement, ast.If)
            and ast.unparse(statement.test) == "__name__ == '__main__'"
        ):
            continue
        for node in _run_now(statement):
            effect = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            called = getattr(getattr(node, "func", None), "id", "")
            if effect or called.startswith(("test_", "analyze_")):
                wrong.append(f"line {node.lineno}: runs on import")
    return wrong


def _run_now(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and what runs with it: not the bodies of functions."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _run_now(child)


def _analysis(text: str, _parts: list[Cell]) -> list[str]:
    part = text.partition("## Systems Analysis")[2].partition("## Testing")[0]
    code = ast.parse("".join(cell.body for cell in cells(part) if not cell.is_text))
    called = {ast.unparse(node.func) for node in ast.walk(code) if isinstance(node, ast.Call)}
    wrong = [f"systems analysis without {what}" for what, by in MEASURES.items() if not called & by]
    defined = {node.name: node for node in code.body if isinstance(node, ast.FunctionDef)}
    wanted = ("memory", "complexity", "cache", "scale")
    wrong += [
        f"systems analysis without def analyze_{w}" for w in wanted if f"analyze_{w}" not in defined
    ]
    analyses = [node for name, node in defined.items() if name.startswith("analyze_")]
    return wrong + [f"{n.name}: prints nothing that it measured" for n in analyses if not _shows(n)]


def _shows(function: ast.FunctionDef) -> bool:
    """Whether a print in it has a value in it that is computed, not written down."""
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
    prints = [n for call in calls if ast.unparse(call.func) == "print" for n in ast.walk(call)]
    values = [n.value for n in prints if isinstance(n, ast.FormattedValue)]
    return any(isinstance(n, ast.Name) for value in values for n in ast.walk(value))


def _questions(_text: str, parts: list[Cell]) -> list[str]:
    asked = [c for c in parts if c.is_text and c.metadata.get("grade") and c.metadata["solution"]]
    wrong = [] if len(asked) in (3, 4) else [f"{len(asked)} questions"]
    bold = " ".join(re.findall(r"\*\*(.+?)\*\*", "".join(c.body for c in asked))).lower()
    return wrong + [f"no question about {about}" for about in ABOUT if about not in bold]


def _length(text: str, _parts: list[Cell]) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    count = sum(line not in ("", '"""', 'r"""') and not line.startswith(MARKS) for line in lines)
    title = re.search(r"^# Module \d\d: (.+)$", text, re.MULTILINE)
    lengths = LONGER.get(title[1], LENGTHS) if title else LENGTHS
    return [] if count in lengths else [f"{count} lines"]


def sources() -> list:
    return [pytest.param(m, COURSE.source_file(m).read_text("utf-8"), id=m.name) for m in WRITTEN]


@pytest.mark.parametrize("module, text", sources())
def test_a_module_is_built_like_the_others(module, text):
    assert mistakes(text) == []
    assert text.count(f"# Module {module.id}: ") == 1


def points(text: str) -> int:
    return sum(cell.metadata.get("points", 0) for cell in cells(text))


@pytest.mark.parametrize("module, text", sources())
def test_points_add_up(module, text):
    assert points(text) == module.points
    assert points(text.replace('"points": ', '"points": 1', 1)) > module.points


def repeated_ids(texts: list[str]) -> list[str]:
    ids = [c.metadata["grade_id"] for text in texts for c in cells(text) if c.metadata]
    return sorted({name for name in ids if ids.count(name) > 1})


def test_cell_ids_are_unique_in_the_course():
    texts = [COURSE.source_file(module).read_text("utf-8") for module in WRITTEN]
    assert repeated_ids(texts) == []
    assert "tensor-class" in repeated_ids([*texts, texts[1]])


def unneeded(course: Course, module: Module, text: str) -> list[str]:
    """Imports of the package that are not `from tinytorch.core.x import y`, x among the needs."""
    package = course.package
    needed = {f"{package}.{t}" for m in course.with_needs(module) for t in m.exports}
    wrong = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            wrong += [a.name for a in node.names if a.name.split(".")[0] == package]
        if isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            ours = name.split(".")[0] in (package, "")
            wrong += [name] if ours and name not in needed else []
    return wrong


@pytest.mark.parametrize("module, text", sources())
def test_a_module_imports_what_it_needs_and_nothing_later(module, text):
    assert unneeded(COURSE, module, text) == []


@pytest.mark.parametrize(
    "line, found",
    [
        ("from tinytorch.core.tensor import Tensor", []),
        ("from tinytorch.core.dense import MLP", ["tinytorch.core.dense"]),
        ("from tinytorch import Tensor", ["tinytorch"]),
        ("import tinytorch.core.tensor", ["tinytorch.core.tensor"]),
        ("def f():\n    from .tensor import Tensor", [".tensor"]),
    ],
    ids=["needed", "later", "flat", "plain", "relative"],
)
def test_an_import_that_is_not_needed_is_found(line, found):
    assert unneeded(COURSE, COURSE.module_by_name["03_activations"], line) == found


def without_solutions(text: str) -> str:
    """What a student is given: each solution replaced by the exception of a task not done."""
    pattern = rf"^( *){BEGIN}.*?{END}$"
    stub = r"\1raise NotImplementedError"
    return re.sub(pattern, stub, text, flags=re.MULTILINE | re.DOTALL)


def import_failures(folder: Path, texts: dict[str, str]) -> str:
    """What goes wrong when a course of these sources alone is exported and imported.

    Sources and package are imported in a process of their own: importing a source registers its
    primitives again, and stubs must not take the place of what other tests use.
    """
    (folder / COURSE.sources).mkdir()
    shutil.copy(COURSE.root / "course.toml", folder)
    for name in ("checkpoints", "milestones"):
        shutil.copytree(COURSE.root / name, folder / name)
    for name, text in texts.items():
        (folder / COURSE.sources / f"{name}.py").write_text(text, "utf-8")
    course = load_course(folder)
    broken = export(course).broken
    exports = {
        f"{course.package}.{target}": names for m in WRITTEN for target, names in m.exports.items()
    }
    code = f"import importlib, runpy\nfor target, names in {exports!r}.items():\n"
    code += "    module = importlib.import_module(target)\n"
    code += "    for name in names:\n        getattr(module, name)\n"
    files = [str(course.source_file(module)) for module in WRITTEN]
    code += f"for file in {files!r}:\n    runpy.run_path(file, run_name='stub')\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    return "\n".join(broken) + done.stdout + done.stderr


def stubs() -> dict[str, str]:
    return {m.name: without_solutions(COURSE.source_file(m).read_text("utf-8")) for m in WRITTEN}


@pytest.mark.parametrize("module, text", sources())
def test_every_solution_becomes_a_stub(module, text):
    left = without_solutions(text)
    assert left.count("raise NotImplementedError\n") == text.count(f"  {BEGIN}\n") >= 3
    assert BEGIN not in "".join(cell.body for cell in cells(left) if not cell.is_text)


def test_modules_without_solutions_can_be_imported(tmp_path):
    assert import_failures(tmp_path, stubs()) == ""


def test_a_stub_that_is_called_by_an_import_is_found(tmp_path):
    text = stubs()["03_activations"]
    place = "#| export\nclass ReLU:"
    assert text.count(place) == 1
    called = text.replace(place, "#| export\nONE = Tensor([1.0])\n\n\nclass ReLU:")
    found = import_failures(tmp_path, stubs() | {"03_activations": called})
    assert "NotImplementedError" in found


def broken(old: str, new: str) -> str:
    text = COURSE.source_file(COURSE.module_by_name["02_tensor"]).read_text("utf-8")
    assert old in text
    return text.replace(old, new, 1)


BROKEN = {
    "section missing": ("## Integration", "## More", "## Integration: 0 times"),
    "title": ("# Module 02: Tensor", "# Tensors", "no title"),
    "summary of another": ("MODULE SUMMARY: Tensor", "MODULE SUMMARY: Arrays", "summary is not of"),
    "section twice": ("## Testing", "## Testing\n## Integration", "## Integration: 2 times"),
    "section replaced": ("## Introduction", "## Production Context", "## Introduction: 0 times"),
    "out of order": ("## Introduction", "## Mathematical Background\n## Introduction", "2 times"),
    "metadata key": ('"task": false', '"tusk": false', "tensor-imports: keys"),
    "schema": ('"schema_version": 3', '"schema_version": 2', "tensor-imports: schema version"),
    "solution mark": ("        ### END SOLUTION\n", "", "unbalanced solution marks: tensor-class"),
    "no docstring": ('    """a + b, element by element."""\n', "", "add: no docstring"),
    "no text": ("### 🧪 Unit test: creation", "### Creation", "test-tensor-creation: no text says"),
    "no docstring of a method": (
        '        """Number of dimensions."""\n',
        "",
        "ndim: no docstring tells",
    ),
    "solution outside": (
        "engine = Engine()",
        "### BEGIN SOLUTION\nengine = Engine()\n### END SOLUTION",
        "a solution outside of any function",
    ),
    "marks of a code cell": (
        '# %% [markdown]\n"""\n### 🧪 Unit test: creation',
        '# %%\n"""\n### 🧪 Unit test: creation',
        "test-tensor-creation: no text says",
    ),
    "runs on import": ("engine = Engine()", "Engine()", "runs on import"),
    "tests on import": (
        "engine = Engine()",
        "engine = Engine()\nfor _ in range(2):\n    found = test_tensor_creation()",
        "runs on import",
    ),
    "recited": ("def analyze_cache", "def analyze_more", "without def analyze_cache"),
    "question": ("**Scaling.**", "Scaling.", "no question about scaling"),
}


@pytest.mark.parametrize("old, new, mistake", BROKEN.values(), ids=BROKEN)
def test_a_module_that_is_built_otherwise_is_found(old, new, mistake):
    text = broken(old, new)
    assert any(mistake in found for found in mistakes(text)), mistakes(text)


@pytest.mark.parametrize("what", MEASURES)
def test_prose_about_measuring_does_not_measure(what):
    text = broken(
        "## Systems Analysis", f"## Systems Analysis\n\n{' '.join(MEASURES[what])}() measures."
    )
    for measure in MEASURES[what]:
        text = text.replace(f"{measure}(", f"not_{measure}(")
    assert f"systems analysis without {what}" in mistakes(text)


@pytest.mark.parametrize(
    "printed, shows",
    [("f'{took:.1f} s'", True), ("f'{3.7} s'", False), ("'3.7 s'", False)],
    ids=["measured", "recited in braces", "recited"],
)
def test_a_number_that_was_written_down_shows_nothing(printed, shows):
    function = ast.parse(f"def analyze_memory():\n    took = f'{{now()}}'\n    print({printed})")
    assert _shows(function.body[0]) is shows


@pytest.mark.parametrize("count, fits", [(299, False), (300, True), (880, True), (881, False)])
def test_too_short_and_too_long_is_found(count, fits):
    text = "# %% [markdown]\n\n" + "x\n" * count
    assert (_length(text, cells(text)) == []) is fits


# nbgrader takes out what stands between two such lines, in text as well as in code.
REGIONS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")


def unbalanced(text: str) -> list[str]:
    """What nbgrader refuses in a cell: a line that begins a region in one, and one without end."""
    wrong = []
    for region in REGIONS:
        inside = False
        for line in text.split("\n"):
            if f"BEGIN {region}" in line:  # also where the same line ends it
                if inside:
                    wrong.append(f"{region} within {region}: {line}")
                inside = True
            elif f"END {region}" in line:
                if not inside:
                    wrong.append(f"no begin of {region}: {line}")
                inside = False
        if inside:
            wrong.append(f"no end of {region}")
    return wrong


@pytest.mark.parametrize("module", WRITTEN, ids=lambda module: module.name)
def test_nbgrader_finds_regions_with_a_begin_and_an_end_in_each_cell(module):
    text = COURSE.source_file(module).read_text("utf-8")
    cells = re.split(r"^# %%.*$", text, flags=re.MULTILINE)
    assert len(cells) > 20 and [found for cell in cells for found in unbalanced(cell)] == []


UNBALANCED = {
    "both in one line of prose": "Write between `### BEGIN SOLUTION` and `### END SOLUTION`.",
    "no end": "### BEGIN SOLUTION\nx = 1",
    "no begin": "x = 1\n### END SOLUTION",
    "one within another": "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
    "another kind": "### BEGIN HIDDEN TESTS",
}


@pytest.mark.parametrize("text", UNBALANCED.values(), ids=UNBALANCED)
def test_what_nbgrader_refuses_is_found(text):
    assert len(unbalanced(text)) == 1


def test_what_nbgrader_accepts_is_accepted():
    assert unbalanced("### BEGIN SOLUTION\nx\n### END SOLUTION\n" * 2) == []


@pytest.mark.parametrize("module", WRITTEN, ids=lambda module: module.name)
def test_markdown_with_a_backslash_is_a_raw_string(module: Module):
    """jupytext copies the text as it stands: of two backslashes, a reader would see both."""
    text = COURSE.source_file(module).read_text("utf-8")
    cells = re.findall(r'# %% \[markdown\][^\n]*\n(r?)"""(.*?)"""', text, re.DOTALL)
    assert cells
    wrong = [cell for raw, cell in cells if "\\" in cell and (not raw or "\\\\" in cell)]
    assert wrong == []
