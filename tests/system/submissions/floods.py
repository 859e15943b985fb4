"""Submissions that use up what there is: time, memory, disk, processes, words."""

from arena import WRONG
from attack import Attack

_LIMIT = "2 s, the time limit"


def _mean(code: str) -> str:
    """The wrong module with another body of `mean`, which a property is about."""
    return WRONG.replace("    return 1e9\n", "".join(f"    {line}\n" for line in code.split("\n")))


ATTACKS = {
    "a loop": Attack(relu="while True:\n    pass", says=_LIMIT),
    "a loop at import": Attack(top="while True:\n    pass\n", says=_LIMIT),
    "a loop that catches everything": Attack(
        relu=(
            "while True:\n    try:\n        while True:\n            pass\n"
            "    except BaseException:\n        pass"
        ),
        says=_LIMIT,
    ),
    "a loop in C": Attack(relu="return sum(range(10**12))", says=_LIMIT),
    "a sleep": Attack(relu="import time\ntime.sleep(1000)", says=_LIMIT),
    "deaf to signals": Attack(
        relu=(
            "import signal\nfor number in range(1, 32):\n    try:\n"
            "        signal.signal(number, signal.SIG_IGN)\n    except OSError:\n        pass\n"
            "while True:\n    pass"
        ),
        says=_LIMIT,
    ),
    "an endless iterator": Attack(
        ops="def mean(values):\n    while True:\n        yield 1\n", test="00/test_mean_of_nothing",
        says="nothing was raised",
    ),
    "endless words about itself": Attack(
        top=(
            "class Endless:\n    def __repr__(self):\n        while True:\n            pass\n"
            "    __str__ = __repr__\n\n\n"
        ),
        relu="return Endless()",
        says="an object of type Endless",
    ),
    "a shape that never comes": Attack(
        ops=(
            "class Box:\n    def __init__(self, values):\n        pass\n    @property\n"
            "    def values(self):\n        while True:\n            pass\n"
            "    def __add__(self, other):\n        return self\n"
        ),
        test="00/test_box",
        says="an object of type Box",
    ),
    "a shape without end": Attack(
        ops=(
            "import numpy as np\n\n\nclass Box:\n    dtype = 'float32'\n"
            "    shape = range(2**26)\n    def __init__(self, values):\n        pass\n"
            "    def __add__(self, other):\n        return self\n"
        ),
        test="00/test_box",
        says="an object of type Box",
    ),
    "memory": Attack(relu="return np.ones(2**30)", says="MemoryError"),
    "a reply larger than any test needs": Attack(
        relu="return np.zeros(2**23 + 1)", says="too large to send: the limit is"
    ),
    "large replies again and again": Attack(ops=_mean("return np.zeros(2**22)")),
    "an array that takes long to go through": Attack(
        ops=(
            "import numpy as np\n\n\nclass Box:\n    def __init__(self, values):\n        pass\n"
            "    def __add__(self, other):\n        return np.array([2, 3, 4])\n    @property\n"
            "    def values(self):\n        return np.zeros(2**26 - 4096, np.int8)\n"
        ),
        test="00/test_box",
        says=_LIMIT,
    ),
    "a wrong answer that takes its time, to a property": Attack(
        ops=_mean("import time\ntime.sleep(0.3)\nreturn 1e9"), test="00/test_mean", says=_LIMIT
    ),
    "a right answer that takes its time, to a property": Attack(
        ops=_mean("import time\ntime.sleep(0.3)\nreturn sum(values) / len(values)"),
        test="00/test_mean",
        says=_LIMIT,
    ),
    "memory, bit by bit": Attack(
        relu="kept = []\nwhile True:\n    kept.append(bytearray(2**20))"
    ),
    "memory that is shared": Attack(
        relu="import mmap\nmmap.mmap(-1, 2**33)\nreturn x", says="memory"
    ),
    "a recursion": Attack(relu="return relu(x)", says="RecursionError"),
    "a recursion without a limit": Attack(
        relu="import sys\nsys.setrecursionlimit(10**9)\nreturn relu(x)",
    ),
    "a recursion in C": Attack(
        top=(
            "class Deep:\n    def __add__(self, other):\n        return other + self\n"
            "    __radd__ = __add__\n\n\n"
        ),
        relu="import sys\nsys.setrecursionlimit(10**9)\nreturn Deep() + Deep()",
    ),
    "a large file": Attack(
        relu="with open('x', 'wb') as file:\n    while True:\n        file.write(bytes(2**20))",
        test="00/test_relu",
    ),
    "many files": Attack(
        relu=(
            "number = 0\nwhile True:\n    number += 1\n"
            "    open(f'{number}', 'wb').write(bytes(2**16))"
        ),
    ),
    "many files, and a word after each": Attack(
        relu=(
            "import os, time\nnumber = 0\nwhile True:\n    number += 1\n"
            "    open(f'{number}', 'wb').write(bytes(2**18))\n    os.write(1, b'.')\n"
            "    time.sleep(0.02)\n"
        ),
    ),
    "folders in folders": Attack(
        relu=(
            "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\n"
            "return x"
        ),
            ),
    "a folder that cannot be read": Attack(
        relu="import os\nos.mkdir('locked', 0o000)\nopen('kept', 'w').write('x')\nreturn x",
        says="largest difference",
    ),
    "words without end": Attack(relu="while True:\n    print('word ' * 1000)", says="stopped"),
    "words of errors without end": Attack(
        relu="import os\nwhile True:\n    os.write(2, b'error ' * 1000)", says="stopped"
    ),
    "processes without end": Attack(
        relu=(
            "import os, time\nnumber = 0\nwhile number < 40:\n    try:\n        pid = os.fork()\n"
            "    except OSError:\n        break\n    if pid == 0:\n        time.sleep(600)\n"
            "    number += 1\nreturn np.full(2, float(number > 0) * 778 - 1)"
        ),
        confined="got -1.0",
    ),
    "threads without end": Attack(
        relu=(
            "import threading, time\nwhile True:\n"
            "    threading.Thread(target=time.sleep, args=(600,)).start()"
        ),
    ),
    "threads left behind": Attack(
        top=(
            "import threading\ndef spin():\n    while True:\n        pass\n"
            "for _ in range(2):\n    threading.Thread(target=spin, daemon=True).start()\n"
        ),
        says="largest difference",
    ),
    "open files without end": Attack(
        relu="kept = []\nwhile True:\n    kept.append(open('x', 'w'))", says="Too many open files"
    ),
    "numbers that all have one hash": Attack(
        relu="return {n * (2**61 - 1): 0 for n in range(8000)}", says="a very large number"
    ),
    "a list of ten million": Attack(relu="return [1] * 10_000_000", says="too large to send"),
}  # fmt: skip
