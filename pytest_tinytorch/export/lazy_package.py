"""The root of the student's package: resolves each public name when it is first used.

The export generates it. `import` works even if modules are unwritten or broken, because a file is
imported only when one of its names is used.
"""

import contextlib
import difflib
import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any, NoReturn

# <catalogue>
SOURCES: dict[str, tuple[str, str]] = {}
NAMES: dict[str, tuple[str, ...]] = {}
IMPORT_FIRST = ""
# </catalogue>

_FILE_OF = {name: file for file, names in NAMES.items() for name in names}

# File of the package -> the exception that it raised while it was imported.
import_failures: dict[str, BaseException] = {}
_started = False


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _existing()
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{_nearest(name)}")
    _import_first()
    file = _FILE_OF[name]
    if not _is_there(file):
        _refuse(f"{__name__}.{name} comes with {_absent(file)}")
    value = getattr(_load(file), name, _refuse)
    if value is _refuse:
        source, checkpoint = SOURCES[file]
        _refuse(
            f"{__name__}.{name} is not defined yet: write it in {source}, in a cell that begins"
            f" with `#| export`, then run `pytest --checkpoint {checkpoint}`"
        )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FILE_OF})


def _warn_of_older_exports() -> None:
    """For a source that is run as a script: name the other sources that changed after their export.

    It imports this package, so it would use the earlier version without a word.
    """
    script = Path(str(getattr(sys.modules.get("__main__"), "__file__", None) or "")).resolve()
    root = Path(__file__).resolve().parents[1]
    sources = {source: file for file, (source, _) in SOURCES.items()}
    if script not in [root / source for source in sources]:
        return
    for source, file in sources.items():
        path = root / source
        if path != script and path.is_file() and _is_older(file, path):
            number = path.name[:2]
            print(
                f"{source} changed after its export, and this run uses the earlier version:"
                f" run `tito export {number}`",
                file=sys.stderr,
            )


def _is_older(file: str, source: Path) -> bool:
    """Whether a file of the package was exported from another text than the source has now."""
    generated = Path(__file__).parent.joinpath(*file.split(".")).with_suffix(".py")
    try:
        text = source.read_bytes().decode("utf-8-sig", "surrogateescape")
        head = generated.read_bytes()[:1000].decode("utf-8", "replace")
    except OSError:
        return False
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    digest = hashlib.sha256(f"1\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f" source={digest} " not in head


def _load(file: str) -> Any:
    if file in import_failures:
        failure = import_failures[file]
        raise failure.with_traceback(failure.__traceback__)
    try:
        return importlib.import_module(f"{__name__}.{file}")
    except BaseException as failure:
        if not isinstance(failure, KeyboardInterrupt):
            import_failures[file] = failure
        raise


def _import_first() -> None:
    # The recorder of gradients is imported first, so that it records every operation. If it is
    # broken, everything without gradients still works, and `backward` raises the failure.
    global _started
    if _started:
        return
    _started = True
    if IMPORT_FIRST and _is_there(IMPORT_FIRST):
        with contextlib.suppress(Exception):
            _load(IMPORT_FIRST)


def _existing() -> list[str]:
    """The public names that exist now; a file that cannot be imported has none."""
    names = []
    for file, public in NAMES.items():
        try:
            module = _load(file) if _is_there(file) else None
        except Exception:
            module = None
        names += [name for name in public if hasattr(module, name)]
    return names


def _is_there(file: str) -> bool:
    if f"{__name__}.{file}" in sys.modules:
        return True
    return Path(__file__).parent.joinpath(*file.split(".")).with_suffix(".py").is_file()


def _absent(file: str) -> str:
    source, checkpoint = SOURCES[file]
    module = Path(source).stem
    if (Path(__file__).parents[1] / source).is_file():
        return f"module {module}, which is not exported: run `tito export {module[:2]}`"
    return (
        f"module {module}, which is not there yet: write it in {source},"
        f" then run `pytest --checkpoint {checkpoint}`"
    )


def _refuse(message: str) -> NoReturn:
    # `from package import name` replaces the text of an AttributeError, so it gets an ImportError.
    # Other callers get an AttributeError, so that hasattr() is False.
    caller = sys._getframe(2).f_code.co_name
    if caller == "_handle_fromlist":
        raise ImportError(message, name=__name__)
    raise AttributeError(message)


def _nearest(name: str) -> str:
    matches = difflib.get_close_matches(name, _FILE_OF, n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


_warn_of_older_exports()
