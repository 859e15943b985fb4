"""Submissions whose tree holds more than sources: configuration, shadows, links, devices."""

import os

from attack import Attack

_DIFFERS = "largest difference"
_ALL_PASS = """
import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome, report.longrepr = "passed", None
    report.tinytorch = dict(getattr(report, "tinytorch", {}), outcome="passed", reason="")
    return report
"""
_SHADOW = "raise SystemExit(0)\n"


def _link(name: str, target: str):
    def lay(root):
        (root / name).unlink()
        (root / name).symlink_to(target)

    return lay


def _pipe(root):
    (root / "src/01_ops.py").unlink()
    os.mkfifo(root / "src/01_ops.py")


def _folder(root):
    (root / "src/01_ops.py").unlink()
    (root / "src/01_ops.py").mkdir()


def _linked_folder(root):
    (root / "src").rename(root / "elsewhere")
    (root / "src").symlink_to(root / "elsewhere")


def _bytecode(root):
    """A planted cache of the checkpoint, as pytest would have written it."""
    folder = root / "checkpoints/__pycache__"
    folder.mkdir()
    for tag in ("cpython-311", "cpython-311-pytest-9.2.0"):
        (folder / f"checkpoint_00_ops.{tag}.pyc").write_bytes(b"\xa7\r\r\n" + bytes(12))


ATTACKS = {
    "a conftest that lets all pass": Attack(
        files={"conftest.py": _ALL_PASS}, says=_DIFFERS
    ),
    "a conftest beside the checkpoints": Attack(
        files={"checkpoints/conftest.py": _ALL_PASS}, says=_DIFFERS
    ),
    "a conftest beside the sources": Attack(files={"src/conftest.py": _ALL_PASS}, says=_DIFFERS),
    "options in pytest.ini": Attack(
        files={"pytest.ini": "[pytest]\naddopts = -k nothing --co --seed=7 -p no:tinytorch\n"},
        says=_DIFFERS,
    ),
    "options in pyproject.toml": Attack(
        files={"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--deselect checkpoints'\n"},
        says=_DIFFERS,
    ),
    "options in tox.ini and setup.cfg": Attack(
        files={
            "tox.ini": "[pytest]\naddopts = --version\n",
            "setup.cfg": "[tool:pytest]\naddopts = --help\n",
        },
        says=_DIFFERS,
    ),
    "options in the environment": Attack(
        environment={"PYTEST_ADDOPTS": "-k nothing", "PYTEST_PLUGINS": "evil"},
        files={"evil.py": _ALL_PASS},
        says=_DIFFERS,
    ),
    "sitecustomize and a path file": Attack(
        environment={"PYTHONPATH": "@ROOT@", "PYTHONSTARTUP": "@ROOT@/sitecustomize.py"},
        files={"sitecustomize.py": "import builtins\nbuiltins.float = int\n", "x.pth": _SHADOW},
        says=_DIFFERS,
    ),
    "shadows of the packages of the judge": Attack(
        files={
            f"{folder}{name}.py": _SHADOW
            for folder in ("", "src/", "checkpoints/")
            for name in ("numpy", "pytest", "hypothesis", "rich", "xdist", "jupytext")
        },
        says=_DIFFERS,
    ),
    "shadows of the standard library": Attack(
        files={
            f"{folder}{name}.py": _SHADOW
            for folder in ("", "src/", "checkpoints/")
            for name in ("json", "random", "hmac", "tempfile", "string", "socket")
        },
        says=_DIFFERS,
    ),
    "a package of its own beside the generated one": Attack(
        files={"net/__init__.py": "relu = None\n", "net/core/extra.py": _SHADOW}, says=_DIFFERS
    ),
    "planted bytecode": Attack(lay=_bytecode, says=_DIFFERS),
    "a source that is a link to a system file": Attack(
        lay=_link("src/01_ops.py", "/etc/passwd"), says="comes with module 01_ops"
    ),
    "a source that is a link to the rest of the tree": Attack(
        lay=_link("src/01_ops.py", "02_more.py"), says="comes with module 01_ops"
    ),
    "a folder of sources that is a link": Attack(
        lay=_linked_folder, points=0, says="comes with module 01_ops"
    ),
    "a source that is a device": Attack(
        lay=_link("src/01_ops.py", "/dev/zero"), says="comes with module 01_ops"
    ),
    "a source that is a pipe": Attack(lay=_pipe, says="comes with module 01_ops"),
    "a source that is a folder": Attack(lay=_folder, says="comes with module 01_ops"),
    "a source of two million bytes": Attack(
        ops="x = '" + "a" * 2_000_000 + "'\n", says="comes with module 01_ops"
    ),
    "a source that is not a text": Attack(
        lay=lambda root: (root / "src/01_ops.py").write_bytes(bytes(range(256)) * 9),
    ),
    "a source that is empty": Attack(
        lay=lambda root: (root / "src/01_ops.py").write_text(""), says="is not defined yet"
    ),
    "a source that does not compile": Attack(top="def broken(:\n", says="does not compile"),
    "a source that breaks the parser": Attack(top=f"x = {'-' * 100_000}1\n"),
    "a source of parentheses": Attack(top=f"x = {'(' * 5000}1{')' * 5000}\n"),
    "a source that imports a later module": Attack(
        top="from net.core.more import scale\nimport net.core.none\n", says="net.core.none"
    ),
    "marks that name other files": Attack(
        top='"""\n# %% /etc/passwd:1\n"""\nfirst = 1 / 0\n',
        says="division by zero",
        never="root:",
    ),
    "nothing at all": Attack(
        lay=lambda root: [path.unlink() for path in (root / "src").iterdir()],
        points=0,
        says="comes with module 01_ops",
    ),
}  # fmt: skip
