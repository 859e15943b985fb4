"""course.toml -> frozen dataclasses: every name, number and order of the course.

Reading order: the dataclasses, the loader, the checks. Each check raises a CourseError of one
line that names the file, the entry and the fix. The file may be a student's: what becomes a path, a
module or a node id is checked by `names`, and every text is one line that can be shown.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from types import GenericAlias, MappingProxyType
from typing import Any

from pytest_tinytorch.core.discovery import COURSE_FILE, LARGEST_COURSE
from pytest_tinytorch.core.errors import CourseError, nearest
from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.names import (
    LONGEST_LINE,
    folded,
    is_dotted,
    is_line,
    is_number,
    is_package,
    is_word,
    leads_out,
    safe_path,
)
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line

FORMAT = 1
LARGEST_NUMBER = 1_000_000  # of points, seconds, MiB, ...
_MOST_DOTS = 100  # on a line: tomllib takes memory by the square of a key's parts
_LONGEST_MESSAGE = 2000
_OUR_FOLDERS = ("checkpoints", "integration", "data", "hidden", "tests", "pytest_tinytorch")


@dataclass(frozen=True)
class Limits:
    """What the student's process may use while one checkpoint is graded in isolation.

    `seconds_per_test` ends an endless loop in pytest's own process, too.
    """

    seconds_per_call: int
    seconds_per_test: int
    seconds_per_checkpoint: int
    memory_mib: int  # address space
    scratch_mib: int  # all files together
    open_files: int
    processes: int  # and threads, where the sandbox has a user or a namespace of its own
    reply_mib: int = 64  # what student code may send back at once


@dataclass(frozen=True)
class Module:
    """One chapter of the course: a literate source and the package files it exports to."""

    name: str
    needs: tuple[str, ...]
    exports: Mapping[str, tuple[str, ...]]  # "core.tensor" -> public names
    points: int
    written: bool
    example: str = ""  # a network that can be built now, such as "MLP([784, 256, 10])"

    @property
    def id(self) -> str:
        return self.name.partition("_")[0]

    @property
    def topic(self) -> str:
        return self.name.partition("_")[2]


@dataclass(frozen=True)
class Checkpoint:
    """A capability to be shown: a file of tests about one module."""

    id: str
    name: str
    phase: str
    module: str
    question: str
    you_can: str
    points: int
    limits: Limits

    @property
    def group(self) -> Group:
        return Group(Kind.CHECKPOINT, self.id)

    @property
    def file(self) -> str:
        return f"checkpoints/checkpoint_{self.id}_{self.name.lower()}.py"


@dataclass(frozen=True)
class Course:
    """The whole course, and where it stands on this machine."""

    root: Path
    id: str
    title: str
    version: str
    package: str
    sources: str
    import_first: str
    phases: tuple[str, ...]
    points: int
    limits: Limits
    modules: tuple[Module, ...]
    checkpoints: tuple[Checkpoint, ...]

    @cached_property
    def module_by_name(self) -> dict[str, Module]:
        return {module.name: module for module in self.modules}

    @cached_property
    def checkpoint_by_id(self) -> dict[str, Checkpoint]:
        return {checkpoint.id: checkpoint for checkpoint in self.checkpoints}

    def collection_of(self, group: Group) -> Checkpoint | None:
        """What a group's tests are about, also for hidden ones; None for modules."""
        if group.kind in (Kind.CHECKPOINT, Kind.HIDDEN):
            return self.checkpoint_by_id.get(group.id)
        return None

    def limits_of(self, group: Group) -> Limits:
        """The limits for a group's tests: those of its checkpoint, or of the course."""
        found = self.collection_of(group)
        return found.limits if found else self.limits

    @property
    def package_folder(self) -> Path:
        return self.root / self.package

    def source_file(self, module: Module) -> Path:
        return self.root / self.sources / f"{module.name}.py"

    def integration_file(self, module: Module) -> Path:
        """Tests of the module together with what it rests on; not every module has some."""
        return self.root / "integration" / f"integration_{module.name}.py"

    def source_name(self, module: Module) -> str:
        """The source as people name it: `src_modules/02_tensor.py`."""
        return f"{self.sources}/{module.name}.py"

    def target_file(self, target: str) -> Path:
        """`core.tensor` -> the generated file."""
        return self.package_folder.joinpath(*target.split(".")).with_suffix(".py")

    def module_of(self, checkpoint: Checkpoint) -> Module:
        return self.module_by_name[checkpoint.module]

    def checkpoint_of(self, module: Module) -> Checkpoint | None:
        return next((c for c in self.checkpoints if c.module == module.name), None)

    def is_written(self, checkpoint: Checkpoint) -> bool:
        return self.module_of(checkpoint).written

    def with_needs(self, module: Module) -> tuple[Module, ...]:
        """The module and all that it rests on, directly or not, in the order of the course."""
        wanted = {module.name}
        pending = [module]
        while pending:
            new = set(pending.pop().needs) - wanted
            wanted |= new
            pending += [self.module_by_name[name] for name in new]
        return tuple(m for m in self.modules if m.name in wanted)


def load_course(root: Path) -> Course:
    """Read and check `course.toml` in `root`. Raises CourseError: one line, the first mistake."""
    course = _course(root, _read(root / COURSE_FILE))
    _check_folders(course)
    _check_modules(course)
    _check_checkpoints(course)
    return course


def _read(path: Path) -> dict[str, Any]:
    try:
        text = read_plain(path, LARGEST_COURSE).decode("utf-8").replace("\r\n", "\n")
        if any(line.count(".") > _MOST_DOTS for line in text.split("\n")):
            raise ValueError(f"a line has more than {_MOST_DOTS} dots")
        return tomllib.loads(text)
    except OSError as error:
        raise CourseError(f"{COURSE_FILE} cannot be read: {error.strerror}: {path}") from None
    except (ValueError, RecursionError) as error:  # also of numbers that are too long
        reason = one_line(str(error))
        raise CourseError(f"{COURSE_FILE} is not valid TOML: {reason}. Mend that line.") from None


_Kinds = Mapping[str, Any]  # key -> type, or list[type]
_TABLES = list[dict]  # type: ignore[type-arg]  # compared at run time, element by element

_COURSE_KEYS: _Kinds = {
    "id": str,
    "title": str,
    "version": str,
    "package": str,
    "sources": str,
    "import_first": str,
    "phases": list[str],
    "points": int,
}
_ALL_LIMITS: _Kinds = {field.name: int for field in fields(Limits)}
_LIMIT_KEYS: _Kinds = {field.name: int for field in fields(Limits) if field.default is MISSING}
_MODULE_KEYS: _Kinds = {
    "name": str,
    "needs": list[str],
    "points": int,
    "written": bool,
    "exports": dict,
}
_OPTIONAL: _Kinds = {"example": str}  # of a module
_OWN_LIMITS: _Kinds = {"limits": dict}  # of a checkpoint that needs other ones
_CHECKPOINT_KEYS: _Kinds = {
    "id": str,
    "name": str,
    "phase": str,
    "module": str,
    "question": str,
    "you_can": str,
    "points": int,
}


def _course(root: Path, data: dict[str, Any]) -> Course:
    tables = {
        "format": int,
        "course": dict,
        "limits": dict,
        "module": _TABLES,
        "checkpoint": _TABLES,
    }
    _check_keys("the file", data, tables)
    if data["format"] != FORMAT:
        raise _mistake("format", f"{data['format']} is unknown", f"this harness reads {FORMAT}")
    head = data["course"]
    _check_keys("[course]", head, _COURSE_KEYS)
    _check_keys("[limits]", data["limits"], _LIMIT_KEYS, _ALL_LIMITS)
    limits = _limits("[limits]", Limits(**data["limits"]), {})
    modules = tuple(_module(index, entry) for index, entry in enumerate(data["module"], 1))
    checkpoints = tuple(
        _checkpoint(index, entry, limits) for index, entry in enumerate(data["checkpoint"], 1)
    )
    return Course(
        root=root,
        limits=limits,
        modules=modules,
        checkpoints=checkpoints,
        phases=tuple(head["phases"]),
        **{key: head[key] for key in _COURSE_KEYS if key != "phases"},
    )


def _module(index: int, entry: dict[str, Any]) -> Module:
    place = f"[[module]] {entry.get('name', f'number {index}')}"
    _check_keys(place, entry, _MODULE_KEYS, _OPTIONAL)
    number, _, topic = entry["name"].partition("_")
    if not (is_number(number) and topic and is_word(f"_{topic}")):
        raise _mistake(place, f"name {entry['name']!r}", "write two digits and a word: '02_tensor'")
    for target, names in entry["exports"].items():
        if not is_dotted(target):
            fix = "write Python names with dots between them: 'core.tensor'"
            raise _mistake(place, f"export target {target!r}", fix)
        if not _is_a(names, list[str]):
            raise _mistake(place, f"exports of {target!r}", 'write a list of names: ["Tensor"]')
        if wrong := [name for name in names if not is_word(name)]:
            fix = "write names as in Python: 'Tensor'"
            raise _mistake(place, f"public name {wrong[0]!r} of {target!r}", fix)
    return Module(
        name=entry["name"],
        needs=tuple(entry["needs"]),
        exports={target: tuple(names) for target, names in entry["exports"].items()},
        points=entry["points"],
        written=entry["written"],
        example=entry.get("example", ""),
    )


def _checkpoint(index: int, entry: dict[str, Any], limits: Limits) -> Checkpoint:
    place = f"[[checkpoint]] {entry.get('id', f'number {index}')}"
    _check_keys(place, entry, _CHECKPOINT_KEYS, _OWN_LIMITS)
    if not is_number(entry["id"]):
        raise _mistake(place, f"id {entry['id']!r}", "write two digits: '05'")
    if not (entry["name"] and is_word(f"_{entry['name'].lower()}")):
        fix = "write one word of letters and digits: 'Foundation' (its file is called like it)"
        raise _mistake(place, f"name {entry['name']!r}", fix)
    return Checkpoint(**entry | {"limits": _limits(place, limits, entry.get("limits", {}))})


def _limits(place: str, limits: Limits, own: dict[str, Any]) -> Limits:
    """The course's limits with those of a checkpoint in their place."""
    _check_keys(f"{place} limits", own, {}, _ALL_LIMITS)
    changed = replace(limits, **own)
    for key in _ALL_LIMITS:
        _check_amount(place, key, getattr(changed, key))
    return changed


def _check_keys(
    place: str, entry: Mapping[str, Any], required: _Kinds, optional: _Kinds = MappingProxyType({})
) -> None:
    keys = {**required, **optional}
    for key in entry:
        if key not in keys:
            valid = ", ".join(keys)
            raise _mistake(place, f"unknown key {key!r}{nearest(key, keys)}", f"valid: {valid}")
    for key, kind in keys.items():
        if key not in entry and key in required:
            raise _mistake(place, f"key {key!r} is missing", f"add it, a {_kind_name(kind)}")
        if key in entry and not _is_a(entry[key], kind):
            raise _mistake(place, f"{key} = {entry[key]!r}", f"write a {_kind_name(kind)}")
        for text in _texts(entry.get(key)):
            if not is_line(text):
                fix = f"write at most {LONGEST_LINE} characters, without newlines and controls"
                raise _mistake(place, f"{key} = {text!r}", fix)


def _texts(value: object) -> list[str]:
    """The strings that are shown or used: of a value, or of a list's elements."""
    elements = value if isinstance(value, list) else [value]
    return [element for element in elements if isinstance(element, str)]


def _is_a(value: object, kind: Any) -> bool:
    if isinstance(kind, GenericAlias):
        (inner,) = kind.__args__
        return type(value) is list and all(type(element) is inner for element in value)
    return type(value) is kind


def _kind_name(kind: Any) -> str:
    names = {int: "whole number", str: "string", bool: "true or false", dict: "table"}
    return names[kind] if kind in names else f"list of {names[kind.__args__[0]]}s"


def _check_folders(course: Course) -> None:
    """The package and the sources: folders below the course, apart from its own."""
    sources = safe_path(course.sources)
    if sources is None or sources.parts[0].startswith(("-", "~", ".")):
        fix = "write a folder below the course: 'src_modules'"
        raise _mistake("[course]", f"sources = {course.sources!r}", fix)
    if not is_package(course.package):
        fix = "write a Python name that is not one of Python's own modules: 'tinytorch'"
        raise _mistake("[course]", f"package = {course.package!r}", fix)
    if folded(course.package) in {folded(name) for name in (*_OUR_FOLDERS, sources.parts[0])}:
        fix = "choose another name: that folder is for other files"
        raise _mistake("[course]", f"package = {course.package!r}", fix)
    if reason := leads_out(course.root, course.root / sources / "any"):
        fix = "put the folder itself below the course"
        raise _mistake("[course]", f"sources = {course.sources!r} {reason}", fix)


def _check_modules(course: Course) -> None:
    _check_unique("[[module]]", "name", [module.name for module in course.modules])
    _check_unique("[[module]]", "number", [module.id for module in course.modules])
    targets = [target for module in course.modules for target in module.exports]
    _check_unique("[[module]]", "export target", targets)
    _check_files(targets)
    if course.import_first:
        _check_known("[course]", "import_first", course.import_first, targets)
    names = [n for module in course.modules for public in module.exports.values() for n in public]
    _check_unique("[[module]]", "public name", names)
    for module in course.modules:
        for need in module.needs:
            _check_known(f"[[module]] {module.name}", "needs", need, course.module_by_name)
    _check_no_cycle(course)
    _check_order(course)
    for module in course.modules:
        _check_amount(f"[[module]] {module.name}", "points", module.points)


def _check_files(targets: Sequence[str]) -> None:
    """No target's file is another's but for case, nor has the name of another's folder."""
    _check_unique("[[module]]", "export target, but for case,", [folded(t) for t in targets])
    parts = [folded(target).split(".") for target in targets]
    folders = {".".join(words[:end]) for words in parts for end in range(1, len(words))}
    for target in targets:
        if folded(target) in folders:
            fix = "a file and a folder of one name hide each other; rename one"
            raise _mistake("[[module]]", f"export target {target!r} is a folder, too", fix)


def _check_no_cycle(course: Course) -> None:
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            raise _mistake(f"[[module]] {name}", f"needs form a cycle: {cycle}", "remove one need")
        if name not in done:
            for need in course.module_by_name[name].needs:
                visit(need, [*path, name])
            done.add(name)

    for module in course.modules:
        visit(module.name, [])


def _check_order(course: Course) -> None:
    for module in course.modules:
        for need in module.needs:
            if need > module.name:
                place = f"[[module]] {module.name}"
                raise _mistake(place, f"needs the later {need!r}", "a module needs earlier ones")


def _check_checkpoints(course: Course) -> None:
    _check_unique("[[checkpoint]]", "id", [c.id for c in course.checkpoints])
    _check_unique("[[checkpoint]]", "name", [c.name.lower() for c in course.checkpoints])
    _check_unique("[[checkpoint]]", "module", [c.module for c in course.checkpoints])
    for checkpoint in course.checkpoints:
        place = f"[[checkpoint]] {checkpoint.id}"
        _check_known(place, "module", checkpoint.module, course.module_by_name)
        _check_known(place, "phase", checkpoint.phase, course.phases)
        _check_amount(place, "points", checkpoint.points)
        if course.is_written(checkpoint) and not (course.root / checkpoint.file).is_file():
            fix = "add the file, or set `written = false` in its module"
            raise _mistake(place, f"{checkpoint.file} is missing", fix)
    total = sum(checkpoint.points for checkpoint in course.checkpoints)
    if total != course.points:
        found = f"points = {course.points}, but the checkpoints add up to {total}"
        raise _mistake("[course]", found, f"write points = {total}, or change a checkpoint's")


def _check_unique(place: str, what: str, values: Sequence[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise _mistake(f"{place} {value}", f"{what} {value!r} stands twice", "rename one")
        seen.add(value)


def _check_known(place: str, key: str, value: str, valid: Iterable[str]) -> None:
    choices = list(valid)
    if value not in choices:
        hint = nearest(value, choices)
        raise _mistake(place, f"{key} {value!r} is unknown{hint}", f"valid: {', '.join(choices)}")


def _check_amount(place: str, key: str, number: int) -> None:
    if number <= 0:
        raise _mistake(place, f"{key} = {number}", "write a positive whole number")
    if number > LARGEST_NUMBER:
        raise _mistake(place, f"{key} = {number}", f"write at most {LARGEST_NUMBER}")


def _mistake(place: str, found: str, fix: str) -> CourseError:
    return CourseError(one_line(f"{COURSE_FILE}: {place}: {found}; {fix}.", _LONGEST_MESSAGE))
