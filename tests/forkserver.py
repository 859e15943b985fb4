"""Runs many pytests in processes of their own, without paying for the imports each time.

Started as a program, it imports what every run needs, then forks a child for each request that it
reads from its standard input. A child is a fresh process in all that matters here: nothing of the
course or of an earlier run has been imported into it.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_tinytorch.plugin import HOOK_MODULES

PRELOADED = (
    "pytest",
    "numpy",
    "hypothesis.extra.numpy",
    "filelock",
    "rich.console",
    "rich.table",
    "rich.padding",
    "xdist.plugin",
    "xdist.dsession",
    "pytest_timeout",
    "pytest_benchmark.plugin",
    *(f"pytest_tinytorch.{name}" for name in HOOK_MODULES),
)
# pytest would say that it cannot rewrite the assertions of plugins that are there already.
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


class ForkServer:
    """The parent's side: `run` is `subprocess.run([python, "-m", "pytest", ...])`, only faster."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        if hasattr(os, "fork"):
            # Now, and not when it is first needed: by then a test may have set the environment for
            # its own run, to something that ends every Python. With bytecode, as a student's has.
            without = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
            self._process = subprocess.Popen(
                [sys.executable, __file__], env=without,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip

    def run(self, arguments: Sequence[str], folder: Path) -> pytest.RunResult:
        """pytest in a folder. With `--grade`, as the clean process that pytest then starts."""
        started = time.perf_counter()
        code, output, errors = self._run([*QUIET, *arguments], folder)
        seconds = time.perf_counter() - started
        return pytest.RunResult(code, output.splitlines(), errors.splitlines(), seconds)

    def stop(self) -> None:
        if self._process is not None:
            self._process.communicate()  # the end of its input is the end of its work

    def _run(self, arguments: Sequence[str], folder: Path) -> tuple[int, str, str]:
        if self._process is None:
            command = [sys.executable, "-m", "pytest", *arguments]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout, done.stderr
        assert self._process.stdin is not None and self._process.stdout is not None
        request = {"arguments": arguments, "folder": str(folder), "environment": dict(os.environ)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["output"], answer["errors"]


def serve() -> None:
    """The server's side: one request a line, one answer a line."""
    for name in PRELOADED:
        __import__(name)
    gc.freeze()  # what is here stays: a child's collections need not look at it
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            _become_pytest(request, output.fileno(), errors.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {"code": code, "output": _text(output), "errors": _text(errors)}


def _become_pytest(request: dict[str, Any], output: int, errors: int) -> None:
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = ["pytest", *request["arguments"]]
        # As with `python -m pytest`, and without the folder of this program.
        sys.path[0] = request["folder"]
        code = _grade() if "--grade" in sys.argv else int(pytest.main())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _grade() -> int:
    from pytest_tinytorch.grading.clean_process import clean_environment, main

    clean = clean_environment()
    os.environ.clear()
    os.environ.update(clean)
    return main(sys.argv[1:])


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


if __name__ == "__main__":
    serve()
