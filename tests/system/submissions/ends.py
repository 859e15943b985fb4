"""Submissions that end the process, or the test, before anybody can judge."""

from attack import Attack

_ENDS = "sys.exit() and quit() end the whole program"

ATTACKS = {
    "exit at import": Attack(top="import os\nos._exit(0)\n", says="exit code 0"),
    "exit in a call": Attack(relu="import os\nos._exit(0)", says="exit code 0"),
    "exit with another code": Attack(relu="import os\nos._exit(5)", says="exit code 5"),
    "sys.exit at import": Attack(top="import sys\nsys.exit(0)\n", says=_ENDS),
    "sys.exit in a call": Attack(relu="import sys\nsys.exit(0)", says=_ENDS),
    "quit from the site module": Attack(
        relu="import site\nsite.setquit()\nquit()", says=_ENDS
    ),
    "a class derived from SystemExit": Attack(
        relu="class Passed(SystemExit):\n    code = 0\nraise Passed", says="Passed"
    ),
    "keyboard interrupt": Attack(relu="raise KeyboardInterrupt", says="KeyboardInterrupt"),
    "keyboard interrupt at import": Attack(
        top="raise KeyboardInterrupt\n", says="KeyboardInterrupt"
    ),
    "generator exit": Attack(relu="raise GeneratorExit", says="GeneratorExit"),
    "stop iteration": Attack(relu="raise StopIteration", says="StopIteration"),
    "killing itself": Attack(relu="import os\nos.kill(os.getpid(), 9)", says="SIGKILL"),
    "abort": Attack(relu="import os\nos.abort()", says="SIGABRT"),
    "a segmentation fault": Attack(relu="import ctypes\nctypes.string_at(0)", says="SIGSEGV"),
    "an alarm": Attack(
        relu="import signal, time\nsignal.alarm(1)\ntime.sleep(5)", says="SIGALRM"
    ),
    "a timer that exits later": Attack(
        top="import os, threading\nthreading.Timer(0.3, os._exit, [0]).start()\n",
        relu="import time\ntime.sleep(1)\nreturn x",
        says="exit code 0",
    ),
    "an exit handler that exits with 0": Attack(
        top="import atexit, os, sys\natexit.register(os._exit, 0)\nsys.exit(1)\n",
        says=_ENDS,
    ),
    "another program in place of its own": Attack(
        relu="import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'print(1)'])",
        confined="PermissionError",
    ),
    "a skip of unittest": Attack(
        relu="import unittest\nraise unittest.SkipTest('not today')", says="SkipTest: not today"
    ),
    "a class called Skipped": Attack(
        relu="class Skipped(BaseException):\n    msg = 'no'\nraise Skipped('no')",
        says="Skipped: no",
    ),
    "a class called XFailed": Attack(
        relu="class XFailed(Exception):\n    pass\nraise XFailed('expected')",
        says="XFailed: expected",
    ),
    "a class called Exit": Attack(
        relu="class Exit(Exception):\n    returncode = 0\nraise Exit('done')", says="Exit: done"
    ),
    "a class called Failed, with the words of a timeout": Attack(
        relu="class Failed(Exception):\n    pass\nraise Failed('Timeout (>1.0s)')",
        says="Failed: Timeout",
    ),
    "a skip of pytest": Attack(
        top="import pytest\npytest.skip('no', allow_module_level=True)\n",
        says="No module named 'pytest'",
    ),
    "a group of skips": Attack(
        relu="import unittest\nraise ExceptionGroup('g', [unittest.SkipTest('no')])",
        says="ExceptionGroup",
    ),
    "an exception whose words are a trap": Attack(
        relu=(
            "class Trap(Exception):\n    def __str__(self):\n        raise SystemExit(0)\n"
            "raise Trap"
        ),
        says="cannot be read",
    ),
    "an exception whose words never end": Attack(
        relu=(
            "class Trap(Exception):\n    def __str__(self):\n        while True:\n"
            "            pass\nraise Trap"
        ),
        says="2 s, the time limit",
    ),
    "an exception that is its own cause": Attack(
        relu="error = ValueError('round')\nerror.__cause__ = error\nraise error", says="round"
    ),
    "an exception of a hundred thousand words": Attack(
        relu="raise ValueError('word ' * 100000)", says="[...]"
    ),
    "a class made by a lying metaclass": Attack(
        top=(
            "class Meta(type):\n    __name__ = property(lambda self: 1 / 0)\n"
            "    mro = lambda self: [self, *Exception.__mro__]\n"
        ),
        relu="class Odd(Exception, metaclass=Meta):\n    pass\nraise Odd('odd')",
        says="odd",
    ),
}  # fmt: skip
