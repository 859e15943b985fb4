"""Every module source is built alike: the same sections, solutions, points and measurements."""

import ast
import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_tinytorch.course import load_course

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
LENGTHS = range(300, 801)  # lines that say something: neither blank nor a mark
MARKS = ("# %%", "#|", BEGIN, END)


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
    checks = (_sections, _metadata, _solutions, _tests, _analysis, _questions, _length)
    return [mistake for check in checks for mistake in check(text, parts)]


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
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            around = "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])
            if BEGIN in around and not ast.get_docstring(node) and node.name[0] != "_":
                wrong.append(f"{node.name}: no docstring tells the task")
    return wrong


def _tests(text: str, parts: list[Cell]) -> list[str]:
    wrong = []
    for before, cell in pairwise(parts):
        if cell.is_test and "🧪" not in before.body:
            wrong.append(f"{cell.metadata.get('grade_id')}: no text says what is tested, and why")
        if cell.is_test and not (cell.metadata.get("grade") and cell.metadata.get("locked")):
            wrong.append(f"{cell.metadata.get('grade_id')}: a test must be graded and locked")
    for node in ast.parse(text).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            wrong.append(f"line {node.lineno}: runs on import")
    return wrong


def _analysis(text: str, _parts: list[Cell]) -> list[str]:
    part = text.partition("## Systems Analysis")[2].partition("## Testing")[0]
    wanted = ("perf_counter", "tracemalloc", "def analyze_memory", "def analyze_complexity")
    wanted += ("def analyze_cache", "def analyze_scale")
    wrong = [f"systems analysis without {word}" for word in wanted if word not in part]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("analyze_"):
            shown = [n for n in ast.walk(node) if isinstance(n, ast.FormattedValue)]
            if not shown:
                wrong.append(f"{node.name}: prints nothing that it measured")
    return wrong


def _questions(_text: str, parts: list[Cell]) -> list[str]:
    asked = [c for c in parts if c.is_text and c.metadata.get("grade")]
    wrong = [] if len(asked) in (3, 4) else [f"{len(asked)} questions"]
    words = " ".join(cell.body.lower() for cell in asked)
    return wrong + [f"no question about {about}" for about in ABOUT if f"{about}" not in words]


def _length(text: str, _parts: list[Cell]) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    count = sum(line not in ("", '"""') and not line.startswith(MARKS) for line in lines)
    return [] if count in LENGTHS else [f"{count} lines"]


def sources() -> list:
    return [pytest.param(m, COURSE.source_file(m).read_text("utf-8"), id=m.name) for m in WRITTEN]


@pytest.mark.parametrize("module, text", sources())
def test_a_module_is_built_like_the_others(module, text):
    assert mistakes(text) == []


@pytest.mark.parametrize("module, text", sources())
def test_points_add_up(module, text):
    assert sum(cell.metadata.get("points", 0) for cell in cells(text)) == module.points


def test_cell_ids_are_unique_in_the_course():
    texts = [COURSE.source_file(module).read_text("utf-8") for module in WRITTEN]
    ids = [c.metadata["grade_id"] for text in texts for c in cells(text) if c.metadata]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("module, text", sources())
def test_a_module_imports_what_it_needs_and_nothing_later(module, text):
    needed = {target for m in COURSE.with_needs(module) for target in m.exports}
    found = {
        node.module.removeprefix("tinytorch.")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tinytorch")
    }
    assert found <= needed


def without_solutions(text: str) -> str:
    """What a student is given: each solution replaced by the exception of a task not done."""
    pattern = rf"^( *){BEGIN}.*?{END}$"
    stub = r"\1raise NotImplementedError"
    return re.sub(pattern, stub, text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("module, text", sources())
def test_a_module_without_solutions_can_be_imported(module, text):
    stubs = without_solutions(text)
    assert stubs.count("raise NotImplementedError\n") == text.count(f"  {BEGIN}\n") >= 3
    scope = {"__name__": module.topic}
    exec(compile(stubs, module.name, "exec"), scope)
    assert [name for names in module.exports.values() for name in names if name not in scope] == []


def broken(old: str, new: str) -> str:
    text = COURSE.source_file(COURSE.module_by_name["02_tensor"]).read_text("utf-8")
    assert old in text
    return text.replace(old, new, 1)


BROKEN = {
    "section missing": ("## Integration", "## More", "## Integration: 0 times"),
    "section twice": ("## Testing", "## Testing\n## Integration", "## Integration: 2 times"),
    "out of order": ("## Introduction", "## Production Context", "## Introduction: 0 times"),
    "metadata key": ('"task": false', '"tusk": false', "tensor-imports: keys"),
    "schema": ('"schema_version": 3', '"schema_version": 2', "tensor-imports: schema version"),
    "solution mark": ("        ### END SOLUTION\n", "", "unbalanced solution marks: tensor-class"),
    "no docstring": ('    """a + b, element by element."""\n', "", "add: no docstring"),
    "no text": ("### 🧪 Unit test: creation", "### Creation", "test-tensor-creation: no text says"),
    "runs on import": ("engine = Engine()", "Engine()", "runs on import"),
    "recited": ("def analyze_cache", "def analyze_more", "without def analyze_cache"),
    "not measured": ("time.perf_counter()", "0.0", ""),
    "question": ("**Scaling.**", "**Growth.**", ""),
}


@pytest.mark.parametrize("old, new, mistake", BROKEN.values(), ids=BROKEN)
def test_a_module_that_is_built_otherwise_is_found(old, new, mistake):
    text = broken(old, new)
    if old == "time.perf_counter()":
        text = text.replace(old, new)
        mistake = "systems analysis without perf_counter"
    if old == "**Scaling.**":
        text = text.replace("tensor-question-scaling", "x").replace("scaling", "x")
        mistake = "no question about scaling"
    assert any(mistake in found for found in mistakes(text)), mistakes(text)
