"""Right submissions that nobody expected: each gets all points."""

from attack import Unusual

UNUSUAL = {
    "floats of 64 bits inside": Unusual(
        ("return np.maximum(x, 0)", "return np.maximum(np.asarray(x, dtype=np.float64), 0)")
    ),
    "floats of 32 bits inside": Unusual(
        ("return np.maximum(x, 0)", "return np.maximum(np.asarray(x, dtype=np.float32), 0)")
    ),
    "written as a product": Unusual(("return np.maximum(x, 0)", "return x * (x > 0)")),
    "written as loops": Unusual(
        (
            "return np.maximum(x, 0)",
            "return np.array([v if v > 0 else 0.0 for v in x.ravel()]).reshape(x.shape)",
        )
    ),
    "lists instead of arrays": Unusual(
        ("return np.maximum(x, 0)", "return np.array(np.maximum(x, 0).tolist())")
    ),
    "an array that is not contiguous": Unusual(
        ("return np.maximum(x, 0)", "return np.repeat(np.maximum(x, 0), 2, axis=-1)[..., ::2]")
    ),
    "an array in another byte order": Unusual(
        ("return np.maximum(x, 0)", "return np.maximum(x, 0).astype('>f8')")
    ),
    "an array that cannot be written to": Unusual(
        (
            "return np.maximum(x, 0)",
            "x = np.maximum(x, 0)\n    x.flags.writeable = False\n    return x",
        )
    ),
    "an array of a class of its own": Unusual(
        ("def relu(", "class Own(np.ndarray):\n    pass\n\n\ndef relu("),
        ("return np.maximum(x, 0)", "return np.maximum(x, 0).view(Own)"),
    ),
    "a box in place of an array": Unusual(
        ("return np.maximum(x, 0)", "return Box(np.maximum(x, 0))")
    ),
    "an exception of its own": Unusual(
        ("def mean(", "class Empty(ValueError):\n    pass\n\n\ndef mean("),
        ("raise ValueError(", "raise Empty("),
    ),
    "an exception with two parents": Unusual(
        ("def mean(", "class Empty(IndexError, ValueError):\n    pass\n\n\ndef mean("),
        ("raise ValueError(", "raise Empty("),
    ),
    "an exception that comes from another": Unusual(
        (
            '    if len(values) == 0:\n        raise ValueError("the mean of an empty list")\n',
            "    try:\n        values[0]\n    except IndexError as error:\n"
            '        raise ValueError("the mean of an empty list") from error\n',
        )
    ),
    "helpers of its own": Unusual(
        ("def relu(", "def _bend(v):\n    return np.maximum(v, 0)\n\n\ndef relu("),
        ("return np.maximum(x, 0)", "return _bend(x)"),
    ),
    "callable objects in place of functions": Unusual(
        (
            "def relu(x):\n    return np.maximum(x, 0)",
            "class Relu:\n    def __call__(self, x):\n        return np.maximum(x, 0)\n\n\nrelu = Relu()",
        )
    ),
    "functions made by functions": Unusual(
        (
            "def relu(x):\n    return np.maximum(x, 0)",
            "import functools\n\nrelu = functools.partial(np.maximum, 0)",
        )
    ),
    "decorated functions": Unusual(
        (
            "def relu(",
            "import functools\n\n\ndef same(f):\n    @functools.wraps(f)\n    def inner(*args):\n"
            "        return f(*args)\n    return inner\n\n\n@same\ndef relu(",
        )
    ),
    "a box derived from another": Unusual(
        ("class Box:\n", "class Base:\n    pass\n\n\nclass Box(Base):\n")
    ),
    "a box with slots": Unusual(("class Box:\n", "class Box:\n    __slots__ = ('values',)\n\n")),
    "a box that is a data class": Unusual(
        (
            "class Box:\n    def __init__(self, values):\n        self.values = np.asarray(values)\n",
            "from dataclasses import dataclass\n\n\n@dataclass(eq=False)\nclass Box:\n"
            "    values: object\n\n    def __post_init__(self):\n"
            "        self.values = np.asarray(self.values)\n",
        )
    ),
    "a box with attributes computed when asked": Unusual(
        (
            "        self.values = np.asarray(values)\n",
            "        self._kept = np.asarray(values)\n\n    @property\n    def values(self):\n"
            "        return self._kept.copy()\n",
        )
    ),
    "a box that says little": Unusual(
        ("    def total(", "    def __repr__(self):\n        return ''\n\n    def total(")
    ),
    "prints in every function": Unusual(
        ("return np.maximum(x, 0)", "print('relu of', x)\n    return np.maximum(x, 0)")
    ),
    "many prints": Unusual(
        ("return np.maximum(x, 0)", "print('x' * 3_000_000)\n    return np.maximum(x, 0)")
    ),
    "words on the error output": Unusual(
        ("import numpy as np\n", "import sys\nimport numpy as np\nsys.stderr.write('loading')\n")
    ),
    "warnings": Unusual(
        (
            "return np.maximum(x, 0)",
            "import warnings\n    warnings.warn('careful')\n    return np.log(np.exp(np.maximum(x, 0)))",
        )
    ),
    "threads": Unusual(
        (
            "return np.maximum(x, 0)",
            "from concurrent.futures import ThreadPoolExecutor\n"
            "    with ThreadPoolExecutor(2) as pool:\n"
            "        return np.array(list(pool.map(lambda row: np.maximum(row, 0), x)))",
        )
    ),
    "a thread that goes on": Unusual(
        (
            "import numpy as np\n",
            "import threading\nimport numpy as np\n"
            "threading.Thread(target=threading.Event().wait, daemon=True).start()\n",
        )
    ),
    "slow, within the limit": Unusual(
        ("return np.maximum(x, 0)", "import time\n    time.sleep(0.5)\n    return np.maximum(x, 0)")
    ),
    "files of its own in the scratch folder": Unusual(
        (
            "return np.maximum(x, 0)",
            "import tempfile\n    with tempfile.TemporaryFile() as file:\n        np.save(file, x)\n"
            "        file.seek(0)\n        return np.maximum(np.load(file), 0)",
        )
    ),
    "a cache on disk in its home": Unusual(
        (
            "return np.maximum(x, 0)",
            "from pathlib import Path\n    path = Path.home() / 'cache.npy'\n    np.save(path, x)\n"
            "    return np.maximum(np.load(path), 0)",
        )
    ),
    "settings of numpy": Unusual(
        (
            "import numpy as np\n",
            "import numpy as np\nnp.seterr(all='raise')\nnp.set_printoptions(precision=2)\n",
        )
    ),
    "random numbers of its own": Unusual(
        ("import numpy as np\n", "import numpy as np\nnp.random.seed(0)\nnoise = np.random.rand()\n")
    ),
    "another recursion limit": Unusual(
        ("import numpy as np\n", "import sys\nimport numpy as np\nsys.setrecursionlimit(5000)\n")
    ),
    "modules of the standard library": Unusual(
        (
            "return sum(values) / len(values)",
            "import decimal, fractions, statistics\n    return float(statistics.fmean(values))",
        )
    ),
    "much memory, given back": Unusual(
        ("return np.maximum(x, 0)", "np.ones(2**24).sum()\n    return np.maximum(x, 0)")
    ),
    "type hints and docstrings": Unusual(
        ("def relu(x):\n", 'def relu(x: "np.ndarray") -> "np.ndarray":\n    """Bends."""\n')
    ),
    "names in another script": Unusual(
        ("def relu(x):\n    return np.maximum(x, 0)", "def relu(größe):\n    return np.maximum(größe, 0)")
    ),
    "extra files in the tree": Unusual(
        files={"notes.md": "mine", "src/draft.py": "broken(", "data/own.bin": "x" * 10_000}
    ),
    "a notebook's leftovers": Unusual(
        files={".ipynb_checkpoints/01_ops-checkpoint.py": "x", "src/.DS_Store": "x"}
    ),
    "a coding line": Unusual(("import numpy as np\n", "# -*- coding: latin-1 -*-\nimport numpy as np\n")),
    "a megabyte of comments": Unusual(
        ("import numpy as np\n", "import numpy as np\n" + "# as it was said\n" * 60_000)
    ),
    "brackets as deep as Python likes": Unusual(
        ("import numpy as np\n", f"import numpy as np\nx = {'[' * 90}{']' * 90}\n")
    ),
    "a number of four thousand digits": Unusual(
        ("import numpy as np\n", f"import numpy as np\nx = {'7' * 4000}\n")
    ),
    "newlines of another system": Unusual(newline="\r\n"),
    "a mark of byte order": Unusual(encoding="utf-8-sig"),
}  # fmt: skip
