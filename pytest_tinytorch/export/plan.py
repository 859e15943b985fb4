"""Computes all changes of an export before anything is written.

`service` executes the plan; `hooks.export` shows it. Manual edits of generated files are saved as
`NAME.edited`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.free_path import free_path
from pytest_tinytorch.core.names import leads_out
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.export.line_map import position_in
from pytest_tinytorch.export.package import package_files
from pytest_tinytorch.export.render import (
    BROKEN,
    Rendered,
    digest,
    is_edited,
    read_stamp,
    rendered,
    source_digest,
)

LOCK = ".export.lock"
_LARGEST = 2**24  # bytes of a source or a generated file

# (source, files, text) -> the text of the files: `render.rendered`, or the same with limits.
Render = Callable[[str, tuple[str, ...], str], Rendered]


@dataclass(frozen=True)
class BrokenSource:
    """A source that does not compile, or cannot be split into cells."""

    module: str
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class OddDirective:
    """A line of a source that looks like a directive but exports nothing."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class KeptEdit:
    """A manual edit of a generated file, saved under another name."""

    file: str
    kept: str
    instead: str  # where to make the change: `src_modules/02_tensor.py:214`

    def __str__(self) -> str:
        return (
            f"{self.file} is generated, and was edited by hand. Your version is saved as"
            f" {self.kept}; make the change in {self.instead} instead."
        )


@dataclass(frozen=True)
class ExportReport:
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    broken: tuple[BrokenSource, ...] = ()
    kept: tuple[KeptEdit, ...] = ()
    odd: tuple[OddDirective, ...] = ()


class ExportPlan:
    """Collects the changes module by module; `changes` maps a path to its text, None to delete."""

    def __init__(self, course: Course, render: Render = rendered, once: bool = False) -> None:
        """once: also read a source that does not compile only once.

        This and the methods raise CourseError if a file would not be below the package.
        """
        self.course = course
        self._render, self._once = render, once
        self.changes: dict[Path, str | None] = {}
        self._broken: list[BrokenSource] = []
        self._kept: list[KeptEdit] = []
        self._odd: list[OddDirective] = []

    def add_package(self) -> None:
        for path, text in package_files(self.course).items():
            self._change(path, text)

    def add(self, module: Module) -> None:
        text = _read(self.course.source_file(module))
        if text is None:
            self._remove(module)
        elif not _is_current(self.course, module, text, also_broken=self._once):
            source = self.course.source_name(module)
            made = _exported(self.course, module, text, self._render)
            for target, new in made.texts.items():
                self._change(self.course.target_file(target), new)
            if (error := made.error) is not None:
                self._broken.append(BrokenSource(module.name, source, error.line, error.message))
            self._odd += [OddDirective(source, odd.line, odd.message) for odd in made.remarks]

    def report(self) -> ExportReport:
        kept = {entry.kept for entry in self._kept}
        names = {self._name(path): text for path, text in self.changes.items()}
        return ExportReport(
            written=tuple(n for n, text in names.items() if text is not None and n not in kept),
            removed=tuple(n for n, text in names.items() if text is None),
            broken=tuple(self._broken),
            kept=tuple(self._kept),
            odd=tuple(self._odd),
        )

    def _remove(self, module: Module) -> None:
        for target in module.exports:
            path = self.course.target_file(target)
            self._refuse_outside(path)
            on_disk = _read(path)
            if on_disk is None or read_stamp(on_disk) is None:
                continue  # no file, or one that no export wrote
            if is_edited(on_disk):
                self._keep(path, on_disk, self.course.source_name(module))
            self.changes[path] = None

    def _change(self, path: Path, new: str) -> None:
        self._refuse_outside(path)
        on_disk = _read(path)
        if on_disk == new:
            return
        if on_disk is not None and is_edited(on_disk):
            self._keep(path, on_disk, _instead(on_disk, new))
        self.changes[path] = new

    def _keep(self, path: Path, edited: str, instead: str) -> None:
        name = f"{path.name}.edited"
        kept = free_path(path.parent, name, is_free=lambda file: _read(file) in (None, edited))
        self.changes[kept] = edited
        self._kept.append(KeptEdit(self._name(path), self._name(kept), instead))

    def _refuse_outside(self, path: Path) -> None:
        """Raise CourseError if a path, with links resolved, is not below the package."""
        root, package = self.course.root, self.course.package_folder
        whole = "is a link" if package.is_symlink() else leads_out(root, package / "any")
        inside = [(file, leads_out(package, file)) for file in (path, package / LOCK)]
        for file, what in ((package, whole), *inside):
            if what:
                name = one_line(os.path.relpath(file, root)).replace(os.sep, "/")
                raise CourseError(f"{name} {what}, so nothing is exported; move it away")

    def _name(self, path: Path) -> str:
        return path.relative_to(self.course.root).as_posix()


def code_key(course: Course, module: Module) -> str:
    """The hash of the module's exported code (its AST); "" if it has no source."""
    text = _read(course.source_file(module))
    if text is None:
        return ""
    if _is_current(course, module, text):
        texts = [_read(course.target_file(target)) or "" for target in module.exports]
    else:
        texts = list(_exported(course, module, text, rendered).texts.values())
    keys = [stamp.code for stamp in map(read_stamp, texts) if stamp]
    return keys[0] if len(keys) == 1 else digest("\n".join(keys))


def _exported(course: Course, module: Module, text: str, render: Render) -> Rendered:
    return render(course.source_name(module), tuple(module.exports), text)


def _is_current(
    course: Course, module: Module, source_text: str, also_broken: bool = False
) -> bool:
    """Whether every file of the module was exported from exactly this text and compiles."""
    wanted = source_digest(source_text)
    for target in module.exports:
        on_disk = _read(course.target_file(target))
        stamp = read_stamp(on_disk or "")
        if on_disk is None or stamp is None or is_edited(on_disk):
            return False
        if stamp.source != wanted or (stamp.code == BROKEN and not also_broken):
            return False
    return True


def _read(path: Path) -> str | None:
    """The text of a file, without a byte-order mark; None if there is no file."""
    try:
        content = read_plain(path, _LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CourseError(f"{path.name} cannot be read: {error.strerror}: {path}") from None
    text = content.decode("utf-8-sig", errors="surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _instead(edited: str, new: str) -> str:
    """The place in the source to repeat an edit: the first line that differs, mapped back."""
    new_lines = tuple(new.split("\n"))
    pairs = enumerate(zip(edited.split("\n"), new_lines, strict=False), 1)
    differing = (n for n, (old, fresh) in pairs if old != fresh and not fresh.startswith("# "))
    position = position_in(new_lines, next(differing, len(new_lines)))
    return f"{position[0]}:{position[1]}" if position else "the source named in its first line"
