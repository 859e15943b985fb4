"""Reads `course.toml` into frozen dataclasses: every name, number and order of the course.

`hooks.options` and `cli.here` call `load_course`. Reading order: the dataclasses, the loader, the
checks. Each check raises a CourseError of one line that names the file, the entry and the fix. The
file may be a student's, so `names` checks all that becomes a path, a module or a node id.
"""

import tomllib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from types import GenericAlias, MappingProxyType
from typing import Any, ClassVar

from pytest_tinytorch.core.discovery import COURSE_FILE, LARGEST_COURSE
from pytest_tinytorch.core.errors import CourseError, nearest
from pytest_tinytorch.core.groups import COLLECTED, Group, Kind
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
LARGEST_NUMBER = 1_000_000  # for points, seconds, MiB, ...
_MOST_DOTS = 100  # on a line: tomllib's memory grows with the square of a key's parts
_LONGEST_MESSAGE = 2000
COLLECTION_FOLDERS = tuple(kind.plural for kind in COLLECTED)
_OUR_FOLDERS = (
    *(*COLLECTION_FOLDERS, Kind.DEMO.plural),
    *("integration", "data", "hidden", "tests", "pytest_tinytorch"),
)
_ALL = "all"  # selects all of a kind, so it cannot be an id


@dataclass(frozen=True)
class Limits:
    """The resources that the student's process may use while one collection runs in isolation.

    `seconds_per_test` also holds for tests that run in pytest's own process.
    """

    seconds_per_call: int
    seconds_per_test: int
    seconds_per_checkpoint: int
    memory_mib: int  # address space
    scratch_mib: int  # all files together
    open_files: int
    processes: int  # including threads; used if the sandbox has its own user or namespace
    reply_mib: int = 64  # one reply of student code


@dataclass(frozen=True)
class Module:
    """One chapter of the course: a literate source and the package files it exports to."""

    name: str
    needs: tuple[str, ...]
    exports: Mapping[str, tuple[str, ...]]  # "core.tensor" -> public names
    points: int
    written: bool
    example: str = ""  # a network that can be built after it, such as "MLP([784, 256, 10])"

    @property
    def id(self) -> str:
        return self.name.partition("_")[0]

    @property
    def topic(self) -> str:
        return self.name.partition("_")[2]


@dataclass(frozen=True, kw_only=True)
class Collection(ABC):
    """A file of tests: a checkpoint, a milestone, or a demo, which has no points.

    Only `core.course` and `hooks.options` distinguish the kinds.
    """

    kind: ClassVar[Kind]

    id: str
    name: str
    question: str  # the line under the heading; of a milestone its claim, of a demo what it shows
    you_can: str
    points: int
    limits: Limits

    @property
    def group(self) -> Group:
        return Group(self.kind, self.id)

    @property
    @abstractmethod
    def file(self) -> str:
        """The file of its tests, relative to the course's folder."""

    @property
    @abstractmethod
    def modules(self) -> tuple[str, ...]:
        """The names of the modules whose code it tests, without the modules that those need."""

    @property
    def about(self) -> str:
        """The name of the one module that it is about; "" if it is about several."""
        return ""

    @property
    @abstractmethod
    def facts(self) -> dict[str, object]:
        """The fields that only this kind has, as plain data."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Collection):
    """A file of tests about one module, and the capability that it shows."""

    kind = Kind.CHECKPOINT

    phase: str
    module: str

    @property
    def file(self) -> str:
        return f"{self.kind.plural}/checkpoint_{self.id}_{self.name.lower()}.py"

    @property
    def modules(self) -> tuple[str, ...]:
        return (self.module,)

    @property
    def about(self) -> str:
        return self.module

    @property
    def facts(self) -> dict[str, object]:
        return {"phase": self.phase, "module": self.module}


@dataclass(frozen=True, kw_only=True)
class ProgramCollection(Collection):
    """A program that uses some modules, and a file of tests of what it shows."""

    needs: tuple[str, ...]
    written: bool

    @property
    def folder(self) -> str:
        return f"{self.kind.plural}/{self.id}"

    @property
    def program(self) -> str:
        return f"{self.folder}/program.py"

    @property
    def file(self) -> str:
        return f"{self.folder}/test_{self.id}.py"

    @property
    def modules(self) -> tuple[str, ...]:
        return self.needs

    @property
    def facts(self) -> dict[str, object]:
        return {"needs": list(self.needs)}


@dataclass(frozen=True, kw_only=True)
class Demo(ProgramCollection):
    """A short program that shows what some modules can do together. It has no points."""

    kind = Kind.DEMO

    points: int = 0
    you_can: str = ""

    @property
    def command(self) -> str:
        """The command that shows it: it runs the program, and not the tests."""
        return f"tito demo {self.id}"


@dataclass(frozen=True, kw_only=True)
class Milestone(ProgramCollection):
    """A program that uses several modules, and a file of tests of its claim."""

    kind = Kind.MILESTONE

    ladder: str
    number: int  # in its ladder, from 1: the order of the entries
    year: int | None  # of the moment in history that it repeats
    demo: str = ""  # the id of a demo of the same idea, which needs no other module

    @property
    def facts(self) -> dict[str, object]:
        place = {"ladder": self.ladder, "number": self.number, "year": self.year}
        return place | super().facts


@dataclass(frozen=True)
class Course:
    """The whole course, and its folder on this machine."""

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
    milestones: tuple[Milestone, ...] = ()
    ladders: tuple[str, ...] = ()  # of milestones
    demos: tuple[Demo, ...] = ()

    @property
    def collections(self) -> tuple[Collection, ...]:
        """The collections that have points, in the order in which they are run and shown."""
        return (*self.checkpoints, *self.milestones)

    @property
    def programs(self) -> tuple[Milestone | Demo, ...]:
        """The collections that have a program, which checkpoints unlock."""
        return (*self.milestones, *self.demos)

    @property
    def with_and_without_points(self) -> tuple[Collection, ...]:
        """The collections with points, and those without."""
        return (*self.collections, *self.demos)

    @cached_property
    def module_by_name(self) -> dict[str, Module]:
        return {module.name: module for module in self.modules}

    @cached_property
    def _collection_by_group(self) -> dict[Group, Collection]:
        return {collection.group: collection for collection in self.with_and_without_points}

    def collection_of(self, group: Group) -> Collection | None:
        """The collection that a group's (also hidden) tests are about; None for modules."""
        return self._collection_by_group.get(group.about)

    def limits_of(self, group: Group) -> Limits:
        """The limits for a group's tests: its collection's, or the course's."""
        found = self.collection_of(group)
        return found.limits if found else self.limits

    @property
    def package_folder(self) -> Path:
        return self.root / self.package

    def source_file(self, module: Module) -> Path:
        return self.root / self.sources / f"{module.name}.py"

    def integration_file(self, module: Module) -> Path:
        """The file of tests of a module together with the modules it needs. It may not exist."""
        return self.root / "integration" / f"integration_{module.name}.py"

    def source_name(self, module: Module) -> str:
        """The source's path as messages show it: `src_modules/02_tensor.py`."""
        return f"{self.sources}/{module.name}.py"

    def target_file(self, target: str) -> Path:
        """`core.tensor` -> the generated file."""
        return self.package_folder.joinpath(*target.split(".")).with_suffix(".py")

    def module_of(self, checkpoint: Checkpoint) -> Module:
        return self.module_by_name[checkpoint.module]

    def checkpoint_of(self, module: Module) -> Checkpoint | None:
        return next((c for c in self.checkpoints if c.module == module.name), None)

    def modules_of(self, collection: Collection) -> tuple[Module, ...]:
        """All modules whose code a collection uses, in the order of the course.

        A program names them all in its `needs`. A checkpoint names the module that it is about; the
        others follow from that module's `needs`, which are those of its tests, too.
        """
        found = tuple(self.module_by_name[name] for name in collection.modules)
        if isinstance(collection, ProgramCollection):
            return tuple(module for module in self.modules if module in found)
        return self.with_needs(*found)

    def needs_of(self, collection: Collection) -> tuple[Module, ...]:
        """The same without the module that the collection is about."""
        return tuple(m for m in self.modules_of(collection) if m.name != collection.about)

    def required_by(self, program: ProgramCollection) -> tuple[Checkpoint, ...]:
        """The checkpoints that unlock a milestone or demo: those of the modules in its `needs`."""
        modules = (self.module_by_name[name] for name in program.needs)
        found = (self.checkpoint_of(module) for module in modules)
        return tuple(checkpoint for checkpoint in found if checkpoint is not None)

    def is_written(self, collection: Collection) -> bool:
        """Whether it is there: it is not planned itself, nor is a module whose code it tests."""
        planned = isinstance(collection, ProgramCollection) and not collection.written
        modules = (self.module_by_name[name] for name in collection.modules)
        return not planned and all(module.written for module in modules)

    def with_needs(self, *modules: Module) -> tuple[Module, ...]:
        """The modules and all that they need, directly or not, in the order of the course."""
        wanted = {module.name for module in modules}
        pending = list(modules)
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
    _check_milestones(course)
    _check_demos(course)
    _check_collections(course)
    return course


def _read(path: Path) -> dict[str, Any]:
    try:
        text = read_plain(path, LARGEST_COURSE).decode("utf-8").replace("\r\n", "\n")
        if any(line.count(".") > _MOST_DOTS for line in text.split("\n")):
            raise ValueError(f"a line has more than {_MOST_DOTS} dots")
        return tomllib.loads(text)
    except OSError as error:
        raise CourseError(f"{COURSE_FILE} cannot be read: {error.strerror}: {path}") from None
    except (ValueError, RecursionError) as error:  # also for numbers that are too long
        reason = one_line(str(error))
        raise CourseError(f"{COURSE_FILE} is not valid TOML: {reason}. Fix that line.") from None


_Kinds = Mapping[str, Any]  # key -> type, or list[type]
_TABLES = list[dict]  # type: ignore[type-arg]  # checked at run time, element by element

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
_OPTIONAL_COURSE: _Kinds = {"ladders": list[str]}
_OPTIONAL: _Kinds = {"example": str}  # of a module
_OWN_LIMITS: _Kinds = {"limits": dict}  # of a collection that has its own limits
_CHECKPOINT_KEYS: _Kinds = {
    "id": str,
    "name": str,
    "phase": str,
    "module": str,
    "question": str,
    "you_can": str,
    "points": int,
}
_MILESTONE_KEYS: _Kinds = {
    "id": str,
    "name": str,
    "ladder": str,
    "needs": list[str],
    "claim": str,
    "you_can": str,
    "points": int,
    "written": bool,
}
_OPTIONAL_MILESTONE: _Kinds = {"year": int, "demo": str, **_OWN_LIMITS}
_DEMO_KEYS: _Kinds = {
    "id": str,
    "name": str,
    "needs": list[str],
    "shows": str,
    "written": bool,
}


def _course(root: Path, data: dict[str, Any]) -> Course:
    tables = {
        "format": int,
        "course": dict,
        "limits": dict,
        "module": _TABLES,
        "checkpoint": _TABLES,
    }
    _check_keys("the file", data, tables, {"milestone": _TABLES, "demo": _TABLES})
    if data["format"] != FORMAT:
        raise _mistake("format", f"{data['format']} is unknown", f"this harness reads {FORMAT}")
    head = data["course"]
    _check_keys("[course]", head, _COURSE_KEYS, _OPTIONAL_COURSE)
    _check_keys("[limits]", data["limits"], _LIMIT_KEYS, _ALL_LIMITS)
    limits = _limits("[limits]", Limits(**data["limits"]), {})
    modules = tuple(_module(index, entry) for index, entry in enumerate(data["module"], 1))
    checkpoints = tuple(
        _checkpoint(index, entry, limits) for index, entry in enumerate(data["checkpoint"], 1)
    )
    milestones = tuple(
        _milestone(index, entry, limits) for index, entry in enumerate(data.get("milestone", []), 1)
    )
    demos = tuple(
        _demo(index, entry, limits) for index, entry in enumerate(data.get("demo", []), 1)
    )
    return Course(
        root=root,
        limits=limits,
        modules=modules,
        checkpoints=checkpoints,
        milestones=_numbered(milestones),
        ladders=tuple(head.get("ladders", ())),
        demos=demos,
        phases=tuple(head["phases"]),
        **{key: head[key] for key in _COURSE_KEYS if key != "phases"},
    )


def _module(index: int, entry: dict[str, Any]) -> Module:
    place = f"[[module]] {entry.get('name', f'number {index}')}"
    _check_keys(place, entry, _MODULE_KEYS, _OPTIONAL)
    number, _, topic = entry["name"].partition("_")
    if not (is_number(number) and topic and is_word(f"_{topic}")):
        raise _mistake(place, f"name {entry['name']!r}", "write two digits and a name: '02_tensor'")
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
        fix = "write letters and digits without spaces: 'Foundation' (it names the file)"
        raise _mistake(place, f"name {entry['name']!r}", fix)
    return Checkpoint(**entry | {"limits": _limits(place, limits, entry.get("limits", {}))})


def _milestone(index: int, entry: dict[str, Any], limits: Limits) -> Milestone:
    place = f"[[milestone]] {entry.get('id', f'number {index}')}"
    _check_keys(place, entry, _MILESTONE_KEYS, _OPTIONAL_MILESTONE)
    _check_words(place, entry, "xor")
    return Milestone(
        id=entry["id"],
        name=entry["name"],
        ladder=entry["ladder"],
        number=0,  # see `_numbered`
        year=entry.get("year"),
        demo=entry.get("demo", ""),
        written=entry["written"],
        needs=tuple(entry["needs"]),
        question=entry["claim"],
        you_can=entry["you_can"],
        points=entry["points"],
        limits=_limits(place, limits, entry.get("limits", {})),
    )


def _demo(index: int, entry: dict[str, Any], limits: Limits) -> Demo:
    place = f"[[demo]] {entry.get('id', f'number {index}')}"
    _check_keys(place, entry, _DEMO_KEYS, _OWN_LIMITS)
    _check_words(place, entry, "vision")
    return Demo(
        id=entry["id"],
        name=entry["name"],
        needs=tuple(entry["needs"]),
        question=entry["shows"],
        written=entry["written"],
        limits=_limits(place, limits, entry.get("limits", {})),
    )


def _check_words(place: str, entry: Mapping[str, Any], example: str) -> None:
    """Check the id, the name and the needs of a milestone or demo."""
    word = entry["id"]
    if not is_word(word) or word != word.lower() or word == _ALL:
        fix = f"write a word in lower case other than {_ALL!r}, such as {example!r}"
        raise _mistake(place, f"id {word!r}", fix)
    for key in ("name", "needs"):
        if not entry[key]:
            raise _mistake(place, f"{key} = {entry[key]!r}", "write at least one word")


def _numbered(milestones: Iterable[Milestone]) -> tuple[Milestone, ...]:
    """The same, each with its number in its ladder: 1 for the first entry of a ladder."""
    count: Counter[str] = Counter()
    found = []
    for milestone in milestones:
        count[milestone.ladder] += 1
        found.append(replace(milestone, number=count[milestone.ladder]))
    return tuple(found)


def _limits(place: str, limits: Limits, own: dict[str, Any]) -> Limits:
    """The course's limits, replaced by a collection's own where it has some."""
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
    """The strings in a value: itself, or the elements of a list."""
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
    """Check the package's and the sources' folders: below the course, none of its own folders."""
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
    """Check that no two targets differ only in case, and none is the folder of another."""
    _check_unique("[[module]]", "export target (ignoring case)", [folded(t) for t in targets])
    parts = [folded(target).split(".") for target in targets]
    folders = {".".join(path[:end]) for path in parts for end in range(1, len(path))}
    for target in targets:
        if folded(target) in folders:
            fix = "a file and a folder of one name hide each other; rename one"
            raise _mistake("[[module]]", f"export target {target!r} is also a folder", fix)


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


def _check_programs(programs: Sequence[ProgramCollection]) -> None:
    """Check that the programs of one kind have names of their own."""
    for program in programs[:1]:
        _check_unique(f"[[{program.kind}]]", "id", [p.id for p in programs])
        _check_unique(f"[[{program.kind}]]", "name", [p.name.lower() for p in programs])


def _check_needs(course: Course, program: ProgramCollection) -> None:
    for need in program.needs:
        _check_known(f"[[{program.kind}]] {program.id}", "needs", need, course.module_by_name)


def _check_milestones(course: Course) -> None:
    _check_programs(course.milestones)
    _check_unique("[course]", "ladder", course.ladders)
    for milestone in course.milestones:
        place = f"[[milestone]] {milestone.id}"
        _check_needs(course, milestone)
        _check_ladder(place, milestone.ladder, course.ladders)
        if milestone.year is not None and not 1 <= milestone.year <= 9999:
            raise _mistake(place, f"year = {milestone.year}", "write a year, such as 1957")
        if milestone.demo:
            _check_known(place, "demo", milestone.demo, (demo.id for demo in course.demos))


def _check_demos(course: Course) -> None:
    _check_programs(course.demos)
    _check_unique("[[demo]]", "id", [program.id for program in course.programs])
    for demo in course.demos:
        _check_needs(course, demo)


def _check_ladder(place: str, ladder: str, ladders: Sequence[str]) -> None:
    if not ladders:
        fix = f'name the ladders in [course]: ladders = ["{ladder}"]'
        raise _mistake(place, f"ladder {ladder!r} is unknown", fix)
    _check_known(place, "ladder", ladder, ladders)


def _check_collections(course: Course) -> None:
    """Check the collections that have points: these, the file of tests, and the sum of points.

    A copy of a course for grading has no demos.
    """
    for collection in course.collections:
        place = f"[[{collection.kind}]] {collection.id}"
        _check_amount(place, "points", collection.points)
        if course.is_written(collection) and not (course.root / collection.file).is_file():
            where = "it" if isinstance(collection, ProgramCollection) else "its module"
            fix = f"add the file, or set `written = false` in {where}"
            raise _mistake(place, f"{collection.file} is missing", fix)
    total = sum(collection.points for collection in course.collections)
    if total != course.points:
        kinds = dict.fromkeys(collection.kind.plural for collection in course.collections)
        found = f"points = {course.points}, but the {' and '.join(kinds)} add up to {total}"
        raise _mistake("[course]", found, f"write points = {total}, or change a checkpoint's")


def _check_unique(place: str, what: str, values: Sequence[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise _mistake(f"{place} {value}", f"{what} {value!r} appears twice", "rename one")
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
