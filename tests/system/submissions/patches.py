"""Submissions that change what a judge would rest on, or answer for themselves."""

from attack import Attack

_DIFFERS = "largest difference"

ATTACKS = {
    "numpy's assertions replaced": Attack(
        top=(
            "import numpy as np\nnp.testing.assert_allclose = lambda *a, **k: None\n"
            "np.testing.assert_array_equal = np.testing.assert_allclose\n"
        ),
        says=_DIFFERS,
    ),
    "numpy's comparisons replaced": Attack(
        top=(
            "import numpy as np\nnp.allclose = np.array_equal = np.isclose = "
            "lambda *a, **k: True\nnp.abs = lambda x: 0 * x\nnp.all = lambda *a: True\n"
        ),
        says=_DIFFERS,
    ),
    "numpy's arrays replaced": Attack(
        top="import numpy as np\nnp.array = np.asarray = lambda *a, **k: [0, 2]\n",
        says="TypeError",
    ),
    "another module called numpy": Attack(
        top=(
            "import sys, types\nfake = types.ModuleType('numpy')\n"
            "fake.asarray = lambda x: 0\nsys.modules['numpy'] = fake\n"
        ),
        says="TypeError",
        ops="import numpy as np\n\n\ndef relu(x):\n    return x - None\n",
    ),
    "built-in functions replaced": Attack(
        top=(
            "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.abs = lambda x: 0\n"
            "builtins.all = builtins.any = lambda x: True\n"
        ),
    ),
    "clocks replaced": Attack(
        top=(
            "import time\ntime.monotonic = time.time = time.perf_counter = time.process_time = "
            "lambda: 0.0\n"
        ),
        relu="while True:\n    pass",
        says="2 s, the time limit",
    ),
    "json, struct and os.write replaced": Attack(
        top=(
            "import json, os, struct\njson.loads = json.dumps = lambda *a: None\n"
            "struct.pack = lambda *a: b''\nos.write = lambda *a: 0\nos.read = lambda *a: b''\n"
        ),
        says=_DIFFERS,
    ),
    "what every test begins with replaced": Attack(
        top=(
            "import random, sys\nimport numpy as np\nnp.seterr = np.random.seed = None\n"
            "random.seed = sys.setrecursionlimit = None\n"
        ),
        says=_DIFFERS,
        test="00/test_relu_of_random_numbers",
    ),
    "operators replaced": Attack(
        top="import operator\noperator.eq = operator.getitem = lambda *a: True\n", says=_DIFFERS
    ),
    "the host's own functions replaced": Attack(
        top=(
            "import sys\nhost = sys.modules['__main__']\n"
            "host.Host.answer = lambda self, sequence, body, payload: "
            "host.frame(sequence, [True], [])\n"
        ),
        says="got shape ()",
    ),
    "the host's encoder replaced": Attack(
        top=(
            "import sys\nhost = sys.modules['__main__']\n"
            "host.Encoder.encode = lambda self, value: {'a': ['<f8', [10**12]]}\n"
        ),
        says="invalid value",
    ),
    "every frame searched for what is expected": Attack(
        relu=(
            "import sys\nframe = sys._getframe()\nwhile frame is not None:\n"
            "    for value in [*frame.f_locals.values()]:\n"
            "        if isinstance(value, np.ndarray) and value.tolist() == [0.0, 2.0]:\n"
            "            return value\n"
            "    frame = frame.f_back\nreturn np.full(2, 5.0)"
        ),
        says="got 5.0",
    ),
    "every object searched for a judge": Attack(
        relu=(
            "import gc\nfor thing in gc.get_objects():\n"
            "    if type(thing).__name__ in ('Check', 'TestReport', 'Item', 'Function', 'Config'):\n"
            "        return np.array([0.0, 2.0])\nreturn np.full(2, 5.0)"
        ),
        says="got 5.0",
    ),
    "an object equal to everything": Attack(
        top=(
            "class Always:\n    def __eq__(self, other):\n        return True\n"
            "    __lt__ = __gt__ = __le__ = __ge__ = __ne__ = __eq__\n"
            "    __sub__ = __rsub__ = __abs__ = lambda self, *a: self\n"
            "    __bool__ = lambda self: True\n    shape = (2,)\n    dtype = 'float64'\n\n\n"
        ),
        relu="return Always()",
        says="an object of type Always",
    ),
    "a box that is equal to every box": Attack(
        ops=(
            "class Box:\n    def __init__(self, values):\n        self.values = values\n"
            "    def __add__(self, other):\n        return [2, 3, 4]\n"
            "    def __eq__(self, other):\n        return True\n"
            "    def total(self):\n        return 6.0\n"
        ),
        test="00/test_box",
        says="expected an array of shape (3,)",
    ),
    "an array whose class decides": Attack(
        top=(
            "import numpy as np\nclass Sure(np.ndarray):\n"
            "    def __array_function__(self, *a, **k):\n        return True\n"
            "    def __array_ufunc__(self, *a, **k):\n        return np.zeros(2)\n"
            "    def __eq__(self, other):\n        return np.ones(2, bool)\n\n\n"
        ),
        relu="return np.full(2, 9.0).view(Sure)",
        says="got 9.0",
    ),
    "a float that is never far": Attack(
        top=(
            "class Near(float):\n    __sub__ = __rsub__ = lambda self, other: 0.0\n"
            "    __eq__ = lambda self, other: True\n    __hash__ = float.__hash__\n\n\n"
        ),
        relu="return Near(3.0)",
        says="got shape ()",
    ),
    "a string that is equal": Attack(
        top="class Same(str):\n    __eq__ = lambda self, other: True\n    __hash__ = str.__hash__\n",
        relu="return Same('x')",
        says="an object of type Same",
    ),
    "an object that says it is an array": Attack(
        top=(
            "import numpy as np\nclass Liar:\n    __class__ = np.ndarray\n    shape = (2,)\n"
            "    dtype = np.dtype('f8')\n\n\n"
        ),
        relu="return Liar()",
        says="expected an array of shape (2,)",
    ),
    "an array of objects": Attack(
        relu="return np.array([{}, {}], dtype=object)", says="an array of dtype object"
    ),
    "not a number, everywhere": Attack(relu="return np.full(2, np.nan)", says="got nan"),
    "nothing": Attack(relu="return None", says="got None, expected an array of shape (2,)"),
    "an empty array": Attack(relu="return np.empty((0, 2))", says="got shape (0, 2)"),
    "an array that broadcasts": Attack(relu="return np.zeros((1, 2))", says="got shape (1, 2)"),
    "an array as large as memory": Attack(
        relu="return np.broadcast_to(np.float64(0), (2**40,))", says="MemoryError"
    ),
    "nested without end": Attack(
        relu="value = []\nvalue.append(value)\nreturn value", says="RecursionError"
    ),
    "a finder in front of every import": Attack(
        top=(
            "import sys\nclass Finder:\n    def find_spec(self, name, path=None, target=None):\n"
            "        raise SystemExit(0)\nsys.meta_path.insert(0, Finder())\n"
        ),
        says=_DIFFERS,
    ),
    "import itself replaced": Attack(
        top="import builtins\nbuiltins.__import__ = lambda *a, **k: None\n",
    ),
    "the path emptied": Attack(top="import sys\nsys.path.clear()\nsys.modules.clear()\n"),
    "what is printed says passed": Attack(
        top="print('7 passed in 0.01s')\nprint('::set-output name=score::100')\n", says=_DIFFERS
    ),
    "standard output closed": Attack(
        top="import os\nos.close(1)\nos.close(2)\n", says=_DIFFERS
    ),
    "the answers of the visible tests": Attack(
        relu="return np.array([0.0, 2.0])",
        points=7,
        test="00/test_relu_of_random_numbers",
        says="got shape (2,), expected (3, 4)",
    ),
    "chance": Attack(
        relu="import random\nreturn np.array([0.0, random.SystemRandom().choice([1, 2])])",
        points=(5, 7),
        test="00/test_relu_of_random_numbers",
    ),
    "an answer that changes from call to call": Attack(
        top="calls = []\n",
        relu="calls.append(1)\nreturn np.maximum(x, 0) + len(calls)",
        says=_DIFFERS,
    ),
    "numpy told to raise": Attack(
        top="import numpy as np\nnp.seterr(all='raise')\nnp.set_printoptions(precision=0)\n",
        says=_DIFFERS,
    ),
}  # fmt: skip
