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

_AGAIN = 1.0  # seconds between two rings: the code may catch the first exception
_SHORTEST = 1e-6  # a timer of 0 seconds would be switched off


class _Silence:
    """Counts the active `silenced` blocks. It is global, because signals are."""

    depth = 0


def can_ring() -> bool:
    """Whether an alarm can be set here: in the main thread, where the system has the signal."""
    is_main = threading.current_thread() is threading.main_thread()
    return sys.platform != "win32" and is_main


@contextmanager
def alarm(seconds: float, over: Callable[[], BaseException | None]) -> Iterator[None]:
    """Raise the exception that `over` returns in the body after `seconds`, and again each second.

    `over` is called at each ring; if it returns None, nothing is raised. Where no alarm can be
    set, the body runs without a limit.
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
    finally:  # also if the alarm rang before `running` was set: it rings every second
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        if left:
            left -= time.monotonic() - started
            signal.setitimer(signal.ITIMER_REAL, max(left, _SHORTEST), again)


@contextmanager
def silenced() -> Iterator[None]:
    """Delay alarms until the body has ended.

    For code that must not be interrupted, such as ending a process. It has its own time limit.
    """
    _Silence.depth += 1
    try:
        yield
    finally:
        _Silence.depth -= 1


def ring_within(seconds: float) -> None:
    """If an alarm is set, let it ring after at most `seconds`."""
    if sys.platform == "win32" or not can_ring():
        return
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if left > seconds:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, _SHORTEST), _AGAIN)
