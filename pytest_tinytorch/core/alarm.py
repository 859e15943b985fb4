"""Ends a piece of work in this process by an exception when its time limit is over.

`hooks.timing` sets an alarm for each phase of a test, `grading.prepare` for each step that
prepares a submission. Alarms can be nested: the outer alarm is paused while an inner one is set.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN = 1.0  # seconds between two rings: the code that is ended may catch whatever it gets
_SHORTEST = 1e-6  # a timer of 0 would be none


class _Silence:
    """How many `silenced` blocks the process is in: signals belong to the whole process."""

    depth = 0


def can_ring() -> bool:
    """Whether an alarm can be set here: in the main thread, where the system has the signal."""
    is_main = threading.current_thread() is threading.main_thread()
    return sys.platform != "win32" and is_main


@contextmanager
def alarm(seconds: float, over: Callable[[], BaseException | None]) -> Iterator[None]:
    """Raise what `over` returns in the body when `seconds` have passed, and again each second.

    `over` is called at each ring; for None nothing is raised. Where no alarm can be set, the body
    simply runs.
    """
    if sys.platform == "win32" or not can_ring():
        yield
        return
    running = True

    def ring(_number: int, _frame: FrameType | None) -> None:
        if running and not _Silence.depth and (error := over()) is not None:
            raise error

    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        try:
            yield
        finally:
            running = False
    finally:  # also where the bell rang just before `running` was set: it rings once a second
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        if left:
            left -= time.monotonic() - started
            signal.setitimer(signal.ITIMER_REAL, max(left, _SHORTEST), again)


@contextmanager
def silenced() -> Iterator[None]:
    """No alarm rings in the body, which has a limit of its own; one that is over rings after it.

    For code that must not be left half done, such as the end of a process.
    """
    _Silence.depth += 1
    try:
        yield
    finally:
        _Silence.depth -= 1


def ring_within(seconds: float) -> None:
    """Let the alarm that is set, if one is, ring after `seconds` at the latest."""
    if sys.platform == "win32" or not can_ring():
        return
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if left > seconds:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, _SHORTEST), _AGAIN)
