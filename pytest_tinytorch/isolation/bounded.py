"""Parses submitted sources and notebooks in a process with limits of time and memory.

    grader --a request: JSON, one line--> this file as a program --an answer, one line--> grader

`grading.prepare`, `hooks.export` and `submissions.notebooks` call `Bounded` in graded runs.
Python's parser can need a hundred times the memory of what it parses, and minutes. One process
serves all requests; if a request kills it, the next one starts another. Locally a source is parsed
in process.
"""

import atexit
import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pytest_tinytorch.export.cells import Remark, SourceError
from pytest_tinytorch.export.effects import Effects, Return, Write, effects
from pytest_tinytorch.export.notebook import NotebookRefused, source_of_notebook
from pytest_tinytorch.export.outline import functions
from pytest_tinytorch.export.render import Rendered, refused, rendered
from pytest_tinytorch.isolation import reaper

# In addition to the memory of the empty process. A submission may cost the grader 200 MiB; the rest
# is for the text and the answer in the grader's own process.
MEMORY_MIB = 150
SECONDS = 3.5  # of processor time, for all sources of a submission
SECONDS_OF_NOTEBOOKS = 1.0  # for all notebooks of a submission
SECONDS_OF_OUTLINES = 0.5  # to find the functions in which the tests of a checkpoint failed
_WALL_SECONDS = 120  # where processor time cannot be limited
_USUAL_START = 0.1  # seconds that the process takes to start; a slower machine gets more
_BOOT = "import sys; sys.path.insert(0, {!r}); from {} import serve; serve()"


class GaveUp(Exception):
    """A request failed. The message is shown after the name of a file."""


class Bounded:
    """Sends the requests of a graded run. Each submission has its own processor time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._left = seconds

    def render(self, source: str, targets: tuple[str, ...], text: str) -> Rendered:
        """`render.rendered`; if the process dies, that is an error of the source."""
        try:
            made = self._ask("render", source, targets, text)
        except GaveUp as error:
            return refused(source, targets, text, SourceError(str(error), 1))
        wrong = made["error"]
        return Rendered(
            made["texts"],
            SourceError(*wrong) if wrong else None,
            tuple(Remark(*remark) for remark in made["remarks"]),
        )

    def notebook(self, content: bytes) -> tuple[str, list[str]]:
        """`notebook.source_of_notebook`. Raises NotebookRefused."""
        try:
            made = self._ask("notebook", base64.b64encode(content).decode())
        except GaveUp as error:
            raise NotebookRefused(str(error)) from None
        if made["refused"]:
            raise NotebookRefused(made["refused"])
        return made["source"], made["notes"]

    def functions(self, text: str) -> tuple[tuple[int, int, str], ...]:
        """`outline.functions`; empty if the process dies."""
        try:
            return tuple((first, last, name) for first, last, name in self._ask("functions", text))
        except GaveUp:
            return ()

    def effects(self, text: str) -> tuple[Effects, ...]:
        """`effects.effects`; empty if the process dies."""
        try:
            made = self._ask("effects", text)
        except GaveUp:
            return ()
        return tuple(
            Effects(
                first,
                name,
                tuple(Return(*entry) for entry in returns),
                tuple(Write(*entry) for entry in writes),
            )
            for first, name, returns, writes in made
        )

    def _ask(self, call: str, *arguments: Any) -> Any:
        if self._left <= 0:
            raise GaveUp("was not read: other files of the submission took all its time")
        answer, seconds = _reader.ask(call, arguments, self._left)
        self._left -= seconds
        if answer is None:
            raise GaveUp("takes too much time or memory to read; make it smaller and simpler")
        if "failed" in answer:
            raise GaveUp(f"cannot be read ({answer['failed']})")
        return answer["made"]


class _Reader:
    """The process. It starts at the first request, and again after it has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, call: str, arguments: Any, seconds: float) -> tuple[Any, float]:
        """The answer (None if the process ended instead), and the processor time."""
        request = json.dumps({"call": call, "arguments": arguments, "seconds": seconds})
        for _ in range(2):  # the process may have ended since the last request
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            timer = threading.Timer(_WALL_SECONDS, process.kill)
            timer.daemon = True
            try:
                timer.start()
                process.stdin.write(request.encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                self.stop()
                continue
            except BaseException:  # an alarm: the next request must not receive this answer
                self.stop()
                raise
            finally:
                timer.cancel()
            return self._answer(line, seconds)
        return None, seconds

    def _answer(self, line: bytes, seconds: float) -> tuple[Any, float]:
        answer = json.loads(line) if line.endswith(b"\n") else {"ends": True}
        if answer["ends"]:
            self.stop()
        found = answer if _is_answered(answer) else None
        return found, answer.get("seconds", seconds)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            atexit.unregister(self.stop)
            process.kill()
            process.communicate()
            reaper.is_done(process.pid)

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            where = str(Path(__file__).parents[2])
            code = _BOOT.format(where, __name__)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"LC_ALL": "C.UTF-8", **_system()},
                start_new_session=True,
            )
            reaper.is_ours(self._process.pid)
            atexit.register(self.stop)
        return self._process


def _system() -> dict[str, str]:
    return {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


_reader = _Reader()


def serve() -> None:
    """Runs in the process: reads one request per line, writes one answer per line."""
    answers, sys.stdout = sys.stdout, sys.stderr
    slowness = max(1.0, time.process_time() / _USUAL_START)
    _limit_memory()
    reaper.hide()
    for line in sys.stdin:
        request = json.loads(line)
        started = time.process_time()
        with _time_limit(request["seconds"] * slowness):
            answer = _answer(request)
        answer["seconds"] = (time.process_time() - started) / slowness
        ends = not _is_answered(answer) or _is_fragmented()
        answers.write(json.dumps({**answer, "ends": ends}) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer, or the reason of a failure; neither if memory ran out."""
    try:
        return {"made": _CALLS[request["call"]](*request["arguments"])}
    except MemoryError:
        return {}
    except Exception as error:  # a parser may raise anything for strange input
        return {"failed": f"{type(error).__name__}: {error}"[:300]}


def _is_answered(answer: dict[str, Any]) -> bool:
    return "made" in answer or "failed" in answer


def _is_fragmented() -> bool:
    """Whether the peak of memory was so high that the next request might run out of memory."""
    # The peak in `getrusage` includes the parent's from before the start; this one does not.
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return False
    peak = re.search(r"VmHWM:\s*(\d+) kB", status)
    return peak is not None and int(peak[1]) > MEMORY_MIB * 1024 // 2


def _render(source: str, targets: list[str], text: str) -> dict[str, Any]:
    made = rendered(source, tuple(targets), text)
    error = made.error
    return {
        "texts": made.texts,
        "error": [error.message, error.line, error.column, error.text] if error else None,
        "remarks": [[remark.line, remark.message] for remark in made.remarks],
    }


def _notebook(content: str) -> dict[str, Any]:
    try:
        source, notes = source_of_notebook(base64.b64decode(content))
    except NotebookRefused as error:
        return {"refused": str(error)}
    return {"refused": "", "source": source, "notes": notes}


_CALLS: dict[str, Callable[..., Any]] = {
    "render": _render,
    "notebook": _notebook,
    "functions": functions,
    "effects": effects,
}


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        limit = used + MEMORY_MIB * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Let the system kill this process after so much processor time."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.01))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    serve()
