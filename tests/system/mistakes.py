"""Typical mistakes of students, one each, and how a failed run names them.

Each is a replacement in the reference source. `test_mistakes` makes it, and runs the module's
checkpoint and its inline tests.
"""

from dataclasses import dataclass

NOT_FOUND = ("", "")  # no inline test finds the mistake


@dataclass(frozen=True)
class Lookalike:
    """Another mistake, that a message for one of the typical ones would not explain."""

    module: str
    old: str
    new: str
    says: str  # a part of the first message
    never: str  # what a message for the typical mistake would say
    checkpoint: str = ""


@dataclass(frozen=True)
class Mistake:
    module: str
    old: str
    new: str
    says: str  # a part of the first message; {line} stands for the number of `line`
    line: str  # the student's own line that is shown first
    # What the inline tests say, and the line, if they differ.
    inline: tuple[str, str] | None = None
    checkpoint: str = ""  # if it is not the module's own
    is_slow: bool = False  # waits for a time limit
    isolated: bool = False  # its run in isolation is quick enough for every day


MISTAKES: dict[str, Mistake] = {
    "return forgotten in add": Mistake(
        "02_tensor",
        "    return a + b\n",
        "    a + b\n",
        "add returned None: is a `return` missing?",
        "a + b",
        isolated=True,
    ),
    "return forgotten in a property": Mistake(
        "02_tensor",
        "        return self.data.shape\n        ###",
        "        self.data.shape\n        ###",
        "Tensor.shape returned None: is a `return` missing?",
        "self.data.shape",
    ),
    "repr prints": Mistake(
        "02_tensor",
        '        return f"Tensor({numbers}, dtype={self.dtype}{flag})"\n',
        '        print(f"Tensor({numbers}, dtype={self.dtype}{flag})")\n',
        "Tensor.__repr__ returned None: is a `return` missing?",
        'print(f"Tensor({numbers}, dtype={self.dtype}{flag})")',
        inline=NOT_FOUND,
    ),
    "return forgotten in stack": Mistake(
        "02_tensor",
        "    return concatenate(rows, dim=place)\n",
        "    concatenate(rows, dim=place)\n",
        "stack returned None: is a `return` missing?",
        "concatenate(rows, dim=place)",
    ),
    "return forgotten in item": Mistake(
        "02_tensor",
        "        return self.data.item()\n        ###",
        "        self.data.item()\n        ###",
        "Tensor.item returned None: is a `return` missing?",
        "self.data.item()",
    ),
    "returns what sort returns": Mistake(
        "02_tensor",
        "    return np.concatenate(arrays, axis=dim)\n",
        "    joined = np.concatenate(arrays, axis=dim)\n    return joined.sort()\n",
        "join returned None: `.sort()` changes its object and returns None",
        "return joined.sort()",
    ),
    "bracket too many": Mistake(
        "02_tensor",
        "    return a + b\n",
        "    return a + b)\n",
        "src_modules/02_tensor.py:{line} does not compile: unmatched ')'",
        "return a + b)",
        isolated=True,
    ),
    "colon forgotten": Mistake(
        "02_tensor",
        "        if self.data.ndim == 0:\n",
        "        if self.data.ndim == 0\n",
        "src_modules/02_tensor.py:{line} does not compile: expected ':'",
        "if self.data.ndim == 0",
    ),
    "indented too far": Mistake(
        "02_tensor",
        "    return a - b\n",
        "      return a - b\n    return a\n",
        "src_modules/02_tensor.py:{line} does not compile: unexpected indent",
        "return a - b",
    ),
    "tabs and spaces": Mistake(
        "02_tensor",
        '        if self.data.size != 1:\n            raise ValueError(f"item()',
        '        if self.data.size != 1:\n\t    raise ValueError(f"item()',
        "does not compile: inconsistent use of tabs and spaces in indentation",
        'raise ValueError(f"item() needs exactly one element, this has shape {self.shape}")',
    ),
    "string not closed": Mistake(
        "02_tensor",
        '        raise ValueError("stack needs at least one Tensor, got an empty sequence")',
        '        raise ValueError("stack needs at least one Tensor)',
        "does not compile: unterminated string literal",
        'raise ValueError("stack needs at least one Tensor)',
    ),
    "import of a package that is not given": Mistake(
        "02_tensor",
        "import numpy as np\n\n\n# %% nbgrader",
        "import numpy as np\nimport xgboost\n\n\n# %% nbgrader",
        "No module named 'xgboost'; your code may import NumPy and Python's standard library only",
        "import xgboost",
        isolated=True,
    ),
    "cell not exported": Mistake(
        "02_tensor",
        '"grade_id": "tensor-arithmetic", "locked": false, "schema_version": 3, "solution": true, "task": false}\n#| export\n',
        '"grade_id": "tensor-arithmetic", "locked": false, "schema_version": 3, "solution": true, "task": false}\n',
        "`add`, `subtract`, `multiply`, ... are written in src_modules/02_tensor.py:{line}, but their cell has no `#| export`",
        "def add(a, b):",
        isolated=True,
    ),
    "cell of public functions not exported": Mistake(
        "02_tensor",
        '"grade_id": "tensor-creation", "locked": false, "schema_version": 3, "solution": true, "task": false}\n#| export\n',
        '"grade_id": "tensor-creation", "locked": false, "schema_version": 3, "solution": true, "task": false}\n',
        "`zeros`, `ones`, `randn`, ... are written in src_modules/02_tensor.py:{line}, but their cell has no `#| export`",
        'def zeros(*shape: Any, dtype: Any = np.float32) -> "Tensor":',
    ),
    "directive misspelt": Mistake(
        "03_activations",
        '"grade_id": "activations-softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}\n#| export\n',
        '"grade_id": "activations-softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}\n#| exprot\n',
        "`softmax`, `softmax_gradient`, `log_softmax`, ... are written in src_modules/03_activations.py:{line}, but their cell says `#| exprot`, which exports nothing",
        "def softmax(a, dim=-1):",
    ),
    "function misspelt": Mistake(
        "02_tensor",
        "def multiply(a, b)",
        "def mulitply(a, b)",
        "`multiply` is not defined: did you mean `mulitply`, src_modules/02_tensor.py:{line}?",
        "def mulitply(a, b):",
        isolated=True,
    ),
    "class misspelt": Mistake(
        "03_activations",
        "class Sigmoid",
        "class Sigmoids",
        "`Sigmoid` is not defined: did you mean `Sigmoids`, src_modules/03_activations.py:{line}?",
        "class Sigmoids:",
    ),
    "variable misspelt": Mistake(
        "02_tensor",
        "    return np.concatenate(arrays, axis=dim)\n",
        "    result = np.concatenate(arrays, axis=dim)\n    return resutl\n",
        "`resutl` is not defined: did you mean `result`?",
        "return resutl",
    ),
    "module not imported": Mistake(
        "02_tensor",
        "    return np.sqrt(a)\n",
        "    return math.sqrt(a)\n",
        "`math` is not defined: is `import math` missing?",
        "return math.sqrt(a)",
    ),
    "in place": Mistake(
        "02_tensor",
        "    return a + b\n",
        "    a += b\n    return a\n",
        "add changed its operand",
        "a += b",
        isolated=True,
    ),
    "in place for equal shapes": Mistake(
        "02_tensor",
        "    return a * b\n",
        "    if np.shape(a) == np.shape(b):\n        a *= b\n        return a\n    return a * b\n",
        "multiply changed its operand",
        "a *= b",
    ),
    "out= into the operand": Mistake(
        "02_tensor",
        "    return np.exp(a)\n",
        "    return np.exp(a, out=a)\n",
        "exp changed its operand",
        "return np.exp(a, out=a)",
    ),
    "array instead of a Tensor": Mistake(
        "02_tensor",
        '    return _wrap(np.asarray(operation(_operand("compare", a), _operand("compare", b))))',
        '    return np.asarray(operation(_operand("compare", a), _operand("compare", b)))',
        "compare returned a NumPy array, expected a Tensor",
        'return np.asarray(operation(_operand("compare", a), _operand("compare", b)))',
        isolated=True,
    ),
    "list instead of a Tensor": Mistake(
        "02_tensor",
        "    return _wrap(np.zeros(_plain_dims(shape), dtype))",
        "    return np.zeros(_plain_dims(shape), dtype).tolist()",
        "zeros returned an object of type list, expected a Tensor",
        "return np.zeros(_plain_dims(shape), dtype).tolist()",
    ),
    "_node not set": Mistake(
        "02_tensor",
        "        self._node: Any = None\n",
        "",
        "Tensor.__init__ must set _node",
        "self.requires_grad = requires_grad",
        inline=("__init__ must set _node to None", "self.requires_grad = requires_grad"),
    ),
    "_node not set, seen by a later module": Mistake(
        "02_tensor",
        "        self._node: Any = None\n",
        "",
        "Tensor.__init__ must set `_node`: it is in `__slots__`",
        "def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False) -> None:",
        inline=NOT_FOUND,
        checkpoint="08",
    ),
    "operands exchanged": Mistake(
        "02_tensor",
        "    return a - b\n",
        "    return b - a\n",
        "x - y: largest difference 2: got 1.0, expected -1.0",
        "return b - a",
        inline=("assert [[0.0, 0.0, -", "return b - a"),
    ),
    "error not raised": Mistake(
        "02_tensor",
        '            raise TypeError("len() of a scalar Tensor: it has no dimensions")\n        return self.data.shape[0]\n',
        "            return 1\n        return self.data.shape[0]\n",
        "nothing was raised, expected TypeError\nin: len(tt.Tensor(1.0))",
        "return 1",
        inline=NOT_FOUND,
    ),
    "self forgotten": Mistake(
        "02_tensor",
        "    def item(self) -> float",
        "    def item() -> float",
        "Tensor.item has no argument: is `self` missing?",
        "def item() -> float | int | bool:",
        isolated=True,
    ),
    "input()": Mistake(
        "02_tensor",
        "    return np.log(a)\n",
        "    base = input()\n    return np.log(a)\n",
        "tests have no keyboard: remove `input()`, and use an argument instead",
        "base = input()",
        isolated=True,
    ),
    "endless loop": Mistake(
        "02_tensor",
        "    return np.abs(a)\n",
        "    while True:\n        a = np.abs(a)\n",
        "the time limit of one",
        "a = np.abs(a)",
        is_slow=True,
    ),
    "endless recursion": Mistake(
        "02_tensor",
        "        return self.data.ndim\n",
        "        return self.ndim\n",
        "Tensor.ndim calls itself again and again: RecursionError: maximum recursion depth exceeded",
        "return self.ndim",
    ),
    "sys.exit on import": Mistake(
        "02_tensor",
        "import numpy as np\n\n\n# %% nbgrader",
        "import numpy as np\nsys.exit()\n\n\n# %% nbgrader",
        "sys.exit() and quit() end the whole program: remove the call",
        "sys.exit()",
        isolated=True,
    ),
    "axis for dim": Mistake(
        "02_tensor",
        "    return np.sum(a, axis=dim, keepdims=keepdim)\n",
        "    return np.sum(a, dim=dim, keepdims=keepdim)\n",
        "sum() got an unexpected keyword argument 'dim'",
        "return np.sum(a, dim=dim, keepdims=keepdim)",
    ),
    "keepdim ignored": Mistake(
        "02_tensor",
        "    return np.max(a, axis=dim, keepdims=keepdim)\n",
        "    return np.max(a, axis=dim)\n",
        "x.max(dim=dim, keepdim=keep): got shape (), expected (1,)",
        "return np.max(a, axis=dim)",
        inline=NOT_FOUND,
    ),
    "not written": Mistake(
        "02_tensor",
        "    return a @ b\n",
        "    raise NotImplementedError\n",
        "not written yet: matmul",
        "raise NotImplementedError",
    ),
    "overflow in softmax": Mistake(
        "03_activations",
        "    exponentials = np.exp(a - np.max(a, axis=dim, keepdims=True))",
        "    exponentials = np.exp(a)",
        "overflow encountered in exp",
        "exponentials = np.exp(a)",
    ),
    "wrong axis in softmax": Mistake(
        "03_activations",
        "np.sum(exponentials, axis=dim, keepdims=True)",
        "np.sum(exponentials)",
        "tt.softmax(x, dim=dim): largest difference",
        "return exponentials / np.sum(exponentials)",
        inline=("assert False", "return exponentials / np.sum(exponentials)"),
    ),
    "rule gives an array": Mistake(
        "03_activations",
        "    return (grad * output * (1 - output),)\n",
        "    return grad * output * (1 - output)\n",
        "sigmoid_gradient must return a tuple, one gradient for each input: `(x,)`",
        "return grad * output * (1 - output)",
        checkpoint="08",
    ),
    "relu in place": Mistake(
        "03_activations",
        "    return np.clip(a, 0, np.inf)\n",
        "    a[a < 0] = 0\n    return a\n",
        "relu changed its operand",
        "a[a < 0] = 0",
    ),
    "object forgets its option": Mistake(
        "03_activations",
        "        return leaky_relu(x, negative_slope=self.negative_slope)",
        "        return leaky_relu(x)",
        "weak(x): largest difference 0.96 at [0]",
        "return leaky_relu(x)",
        inline=("assert (np.float32(-0.01) == -0.5)", "return leaky_relu(x)"),
    ),
    "dot for a batch": Mistake(
        "02_tensor",
        "    return a @ b\n",
        "    return np.dot(a, b)\n",
        "tt.Tensor(a) @ tt.Tensor(b): got shape (5, 3, 5, 2), expected (5, 3, 2)",
        "return np.dot(a, b)",
        inline=NOT_FOUND,
    ),
    "a dimension too many": Mistake(
        "03_activations",
        "    return a * probability, probability\n",
        "    return a * probability * np.ones(1), probability\n",
        "tt.gelu(x): got shape (1,), expected ()",
        "return a * probability * np.ones(1), probability",
        inline=NOT_FOUND,
    ),
}

LOOKALIKES: dict[str, Lookalike] = {
    "None that is right, beside a wrong value": Lookalike(
        "04_layers",
        "Parameter(zeros(out_features)) if bias else None",
        "Parameter(zeros(out_features))",
        "Linear(3, 2, bias=False).bias must be None",
        "returned None",
    ),
    "helper that returns None on purpose, and a wrong value": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    def note(value):\n        value.shape\n\n    note(a)\n    return a + b\n",
        "x - y: largest difference",
        "returned None",
    ),
    "helper that returns None on purpose, and an error about another None": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    def note(value):\n        value.shape\n\n    note(a)\n    return a - None\n",
        "NoneType",
        "returned None",
    ),
    "None from a lookup": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    return {}.get('difference')\n",
        "dtype object",
        "is a `return` missing",
    ),
    "error that names an array": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    raise TypeError('cannot subtract a numpy.ndarray')\n",
        "TypeError: cannot subtract a numpy.ndarray",
        "expected a Tensor",
    ),
    "gradient of another signature": Lookalike(
        "09_autograd",
        "        slopes[index] = (above - function()) / (2 * eps)\n",
        "        slopes[index] = (above - function()) / eps\n",
        "",
        "must return a tuple",
    ),
    "name that resembles nothing": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    return outcome_xyz\n",
        "name 'outcome_xyz' is not defined",
        "did you mean",
    ),
    "exported name used before it is defined": Lookalike(
        "02_tensor",
        "engine = Engine()\n",
        "engine = Engine()\nfirst = _is_operand(engine)\n",
        "name '_is_operand' is not defined",
        "cell",
    ),
    "function without arguments, given one": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    def difference():\n        return a - b\n\n    return difference(a)\n",
        "takes 0 positional arguments but 1 was given",
        "`self`",
    ),
    "static method, given an argument too many": Lookalike(
        "02_tensor",
        "    @property\n    def ndim(self) -> int:",
        "    @staticmethod\n    def kinds():\n        return 'biuf'\n\n"
        "    @property\n    def ndim(self) -> int:\n        self.kinds(1)",
        "Tensor.kinds() takes 0 positional arguments but 1 was given",
        "`self`",
    ),
    "attribute misspelt": Lookalike(
        "02_tensor",
        "        return self.data.shape\n        ###",
        "        return self.dat.shape\n        ###",
        "'Tensor' object has no attribute 'dat'",
        "must set",
    ),
    "in place, in its own copy": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    a = np.array(a)\n    a += b\n    return a\n",
        "",
        "changed its operand",
    ),
    "in place, in its own array that is too small": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    total = np.zeros(1)\n    total += a\n    return total - b\n",
        "",
        "changed its operand",
    ),
    "end of a file": Lookalike(
        "02_tensor",
        "    return np.log(a)\n",
        "    raise EOFError('Ran out of input')\n",
        "EOFError: Ran out of input",
        "keyboard",
    ),
    "error that ends no program": Lookalike(
        "02_tensor",
        "    return np.log(a)\n",
        "    raise RuntimeError('sys.exit')\n",
        "RuntimeError: sys.exit",
        "end the whole program",
    ),
    "part of NumPy that is not there": Lookalike(
        "02_tensor",
        "import numpy as np\n\n\n# %% nbgrader",
        "import numpy as np\nimport numpy.tensors\n\n\n# %% nbgrader",
        "No module named 'numpy.tensors'",
        "may import",
    ),
    "recursion refused once": Lookalike(
        "02_tensor",
        "    return a - b\n",
        "    raise RecursionError('too deep')\n",
        "RecursionError: too deep",
        "again and again",
    ),
}
