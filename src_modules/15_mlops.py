# %% [markdown]
r"""
# Module 15: MLOps

## Introduction

A trained model in memory is of use to nobody else. To be used, it is written to a file that other
programs can trust, answers over the network, and is watched: the world changes after the training
has ended. All of that is ordinary code, in which each mistake is silent until it is expensive.

You will build

1. `save_model` and `load_model`, which detect a damaged file;
2. `save_safetensors`, `load_safetensors` and `export_onnx`, which other tools read;
3. `ModelRegistry`, which knows all versions, where each came from, and which one is in production;
4. `ModelServer` and `serve`, an HTTP endpoint, with `Metrics`, and `ModelMonitor`;
5. `DriftDetector`, `RetrainingTrigger` and `Canary`, which notice that something got worse.
"""

# %% [markdown]
r"""
## Mathematical Background

**Two samples from one distribution?** The *Kolmogorov-Smirnov* statistic $D$ is the largest
distance between the shares of both samples that are at most $x$. With a = 1, 2, 4 and b = 3, 5:

    x              1     2     3     4     5
    share of a    1/3   2/3   2/3   1     1
    share of b     0     0    1/2   1/2   1        D = 2/3, at x = 2

How often is $D$ that large if both come from one distribution? Sorted together, each order of the
$n$ a's and $m$ b's is equally likely: a path from (0, 0) to (n, m), one step right for an a, one
step up for a b. After i steps right and j up, the distance is $|i/n - j/m|$. The *p-value* is the
share of paths that somewhere reach a distance of $D$ or more. Here, 6 of the 10 paths do: p = 0.6.

    j=2   *   *   o   o        * : |i/3 - j/2| is at least 2/3
    j=1   o   o   o   o        the four paths that meet no star: abaab, ababa, baaab, baaba
    j=0   o   o   *   *
         i=0  1   2   3

Count them without listing them: the last step to $(i, j)$ came from the left with probability
$i / (i + j)$, from below with $j / (i + j)$. So the share of paths to $(i, j)$
that have met a star is $B(i, j) = 1$ at a star, and elsewhere

$$B(i, j) = \frac{i}{i+j} B(i-1, j) + \frac{j}{i+j} B(i, j-1), \qquad B(0, 0) = 0$$

**Many tests.** With 20 features and 1 % each, 18 % of all clean days would raise an alarm. If each
feature gets 1 % / 20, at most 1 % do (Bonferroni).

**Population stability index**, a size and not a test: the shares $p_k$ of the reference and $q_k$
of the live data in bins give $\sum_k (q_k - p_k) \ln(q_k / p_k)$. Below 0.1 is taken as stable,
above 0.25 as a shift. Shares of 0.5, 0.5 that become 0.8, 0.2 give 0.3 ln 1.6 - 0.3 ln 0.4 = 0.42.
"""

# %% [markdown]
r"""
## Implementation

### Exercise 1: a model in a file

**Why.** A bit that flips on a disk changes a weight, and a model answers a little wrongly, for
ever. A *checksum* is a number computed from all bytes; another bit gives another number. The file
is an `.npz`, which NumPy reads without pickle (opening a pickle can run any program):

    model.npz
      model.json          {"format": 1, "layers": {...}, "sha256": "5f3a..."} as UTF-8, uint8
      tensor/0.weight     float32 (16, 64)
      tensor/0.bias       float32 (16,)

Given are: the table `LAYERS` of what makes another layer like this one, `described` and `built`,
which go from a model to plain JSON and back, and `write_bytes`. `write_arrays` and `read_arrays` of
module 11 write a file so that it is there whole or not at all, and read it without pickle.
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.formats
#| export
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.core.activations import GELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh  # isort: skip
from tinytorch.core.activations import gelu, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh  # isort: skip
from tinytorch.core.attention import MultiHeadAttention
from tinytorch.core.dense import Sequential
from tinytorch.core.layers import Flatten, Linear, Module
from tinytorch.core.normalization import BatchNorm1d, BatchNorm2d, LayerNorm
from tinytorch.core.regularization import Dropout
from tinytorch.core.spatial import AvgPool2d, Conv2d, GlobalAvgPool2d, MaxPool2d
from tinytorch.core.tensor import Tensor, engine
from tinytorch.core.training import read_arrays, write_arrays

LAYERS: dict[type, Callable[[Any], list]] = {  # layer -> the arguments that make one like it
    Linear: lambda of: [of.weight.shape[1], of.weight.shape[0], of.bias is not None],
    Flatten: lambda of: [of.start_dim],
    LeakyReLU: lambda of: [of.negative_slope],
    Softmax: lambda of: [of.dim],
    Conv2d: lambda of: [
        of.weight.shape[1], of.weight.shape[0], of.kernel_size, of.stride, of.padding,
        of.bias is not None,
    ],
    BatchNorm1d: lambda of: [of.num_features, of.eps, of.momentum],
    BatchNorm2d: lambda of: [of.num_features, of.eps, of.momentum],
    LayerNorm: lambda of: [of.normalized_shape, of.eps],
    Dropout: lambda of: [of.p],
    MultiHeadAttention: lambda of: [of.out_proj.weight.shape[0], of.num_heads],
    **dict.fromkeys((MaxPool2d, AvgPool2d), lambda of: [of.kernel_size, of.stride]),
    **dict.fromkeys((ReLU, Sigmoid, Tanh, GELU, GlobalAvgPool2d), lambda of: []),
}  # fmt: skip
BY_NAME = {kind.__name__: kind for kind in LAYERS}
FUNCTIONS = {
    "relu": relu, "leaky_relu": leaky_relu, "sigmoid": sigmoid, "tanh": tanh, "softmax": softmax,
    "log_softmax": log_softmax, "gelu": gelu,
}  # fmt: skip


def described(layer: Any, seen: list | None = None) -> dict[str, Any]:
    """A model as plain JSON; the arguments of what is no layer of this course are None."""
    seen = [] if seen is None else seen
    if any(layer is other for other in seen):  # one layer in two places
        return {"kind": "again", "arguments": [[layer is other for other in seen].index(True)]}
    seen.append(layer)
    if isinstance(layer, Sequential):
        return {"kind": "Sequential", "arguments": [described(inner, seen) for inner in layer.layers]}
    for name, function in FUNCTIONS.items():
        if layer is function:
            return {"kind": name, "arguments": []}
    arguments = LAYERS[type(layer)](layer) if type(layer) in LAYERS else None
    return {"kind": type(layer).__name__, "arguments": arguments}


def built(description: Mapping[str, Any], made: list | None = None) -> Any:
    """The model of which `described` made this. ValueError where only its class knows how."""
    made, (kind, arguments) = [] if made is None else made, (description["kind"], description["arguments"])
    if kind == "again":
        return made[arguments[0]]
    place = len(made)
    made.append(None)
    if kind == "Sequential":
        made[place] = Sequential(*[built(inner, made) for inner in arguments])
    elif kind in FUNCTIONS:
        made[place] = FUNCTIONS[kind]
    elif kind in BY_NAME and arguments is not None:
        made[place] = BY_NAME[kind](*[tuple(a) if isinstance(a, list) else a for a in arguments])
    else:
        raise ValueError(f"it holds a {kind}, which is no layer of this course: give load_model a model")
    return made[place]


def write_bytes(path: str | Path, content: bytes) -> None:
    """Put a file in its place at once, when it is whole."""
    path = Path(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# %% nbgrader={"grade": false, "grade_id": "mlops-save", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
FORMAT, PREFIX, TEXT = 1, "tensor/", "model.json"


def checksum(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 as hexadecimal text, of the description and every array: name, dtype, shape, bytes.

    TODO: 1. begin with `hashlib.sha256(json.dumps(description, sort_keys=True).encode())`;
          2. for each name, sorted, `update` it with the text f"{name} {dtype.str} {shape}" and with
             the bytes of the array, `array.tobytes()`; 3. return its `hexdigest()`.
    """
    ### BEGIN SOLUTION
    found = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
    ### END SOLUTION


def save_model(path: str | Path, model: Module) -> None:
    """Write a model to one .npz file, as drawn above; an older file of this name is replaced.
    The model, its mode included, stays as it is.

    TODO: 1. make {"format": FORMAT, "layers": described(model)};
          2. add its checksum with the arrays of `model.state_dict()`, under "sha256";
          3. write the arrays, with PREFIX before each name, and the JSON under the name TEXT:
             `np.frombuffer(text.encode(), np.uint8)`.
    """
    ### BEGIN SOLUTION
    arrays = model.state_dict()
    description = {"format": FORMAT, "layers": described(model)}
    description["sha256"] = checksum(description, arrays)
    text = np.frombuffer(json.dumps(description).encode(), np.uint8)
    write_arrays(path, {TEXT: text, **{PREFIX + name: array for name, array in arrays.items()}})
    ### END SOLUTION


def load_model(path: str | Path, model: Module | None = None) -> Module:
    """The model of a file that `save_model` wrote.

    model: to be filled, in the mode that it is in; None: a new one is built, in evaluation mode,
        which works for layers of this course in Sequential

    Raises FileNotFoundError, and ValueError, before anything has changed: for a file that another
    program wrote or that is damaged (the checksum differs), for one of a newer format, whose number
    it names, and for a model that does not fit.

    TODO: 1. `read_arrays`, refuse a file without TEXT, and parse it; 2. refuse a "format" above
             FORMAT; 3. take the names without PREFIX, and "sha256" out of the description, and
             compare the checksum; 4. build or take the model, and load the state into it; turn its
             RuntimeError into a ValueError. In a new model, assign the arrays: so dtypes stay.
    """
    ### BEGIN SOLUTION
    members = read_arrays(path)
    if TEXT not in members:
        raise ValueError(f"{path} was not written by save_model: it has no {TEXT}")
    try:
        description = json.loads(members.pop(TEXT).tobytes())
        version, wanted = description["format"], description.pop("sha256")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} is damaged: {TEXT} cannot be read; use another copy") from None
    if version != FORMAT:
        raise ValueError(f"{path} has format {version!r}, this version reads {FORMAT}: update tinytorch")
    arrays = {name.removeprefix(PREFIX): array for name, array in members.items()}
    if checksum(description, arrays) != wanted:
        raise ValueError(f"{path} is damaged: its checksum differs; use another copy")
    is_new = model is None
    try:
        model = built(description["layers"]).eval() if model is None else model
        model.load_state_dict(arrays)
    except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not fit: {error}") from None
    for name, tensor in model.named_tensors() if is_new else ():
        tensor.data = arrays[name]
    return model
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: a model in a file

Saves a network with every kind of state, and reads it back; then flips one bit, and raises the
number of the format. A check that has never refused anything is not known to work.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-files", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from tempfile import TemporaryDirectory

from tinytorch.core.tensor import manual_seed, randn


def refused(error: type[Exception], call: Callable, *mentions: str) -> None:
    try:
        call()
    except error as raised:
        assert all(text in str(raised) for text in mentions), f"{raised} should mention {mentions}"
    else:
        raise AssertionError(f"{error.__name__} expected, mentioning {mentions}")


def a_network() -> Sequential:
    manual_seed(3)
    layers = [Conv2d(1, 3, 3, padding=1), BatchNorm2d(3), relu, MaxPool2d(2), Flatten()]
    model = Sequential(*layers, Dropout(0.5), Linear(12, 4), LeakyReLU(0.2))
    model(randn(6, 1, 4, 4))  # moves the running statistics
    return model.eval()


def rewritten(path: Path, change: Callable) -> None:
    members = dict(np.load(path))
    change(members)
    np.savez(path, **members)


def test_unit_model_file():
    model, x = a_network(), randn(2, 1, 4, 4)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        save_model(path, model)
        loaded = load_model(path)
        assert not loaded.training and np.array_equal(loaded(x).numpy(), model(x).numpy())
        refused(ValueError, lambda: load_model(path, Sequential(Linear(3, 2))), "1.weight")
        rewritten(path, lambda members: members[PREFIX + "6.weight"].__imul__(np.float32(1.001)))
        refused(ValueError, lambda: load_model(path), "checksum")
        newer = json.dumps({"format": 99, "layers": {}, "sha256": ""}).encode()
        rewritten(path, lambda members: members.update({TEXT: np.frombuffer(newer, np.uint8)}))
        refused(ValueError, lambda: load_model(path), "99")
        path.write_bytes(path.read_bytes()[:200])
        refused(ValueError, lambda: load_model(path), "cut off")


# %% [markdown]
r"""
### Exercise 2: safetensors

Weights are exchanged in *safetensors*: three parts, no code, and a reader needs no more than this.

    8 bytes     length of the header, an unsigned integer, lowest byte first ("<Q" of struct)
    header      JSON, then spaces until its length is a multiple of 8
    data        all arrays, one after the other, without gaps

    {"__metadata__":{"by":"me"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}

Arrays stand in the order of CODES below, and within a dtype in the order of their names; offsets
count from the start of the data. **The bytes of an array are those in C order**, whatever its
memory looks like. A transposed array shares the memory of the other one, and only its strides
differ:

    memory            0 1 2 3 4 5
    a      (2, 3)     0 1 2 / 3 4 5        strides (12, 4)     written: 0 1 2 3 4 5
    a.T    (3, 2)     0 3 / 1 4 / 2 5      strides (4, 12)     written: 0 3 1 4 2 5

One version of the library itself wrote the memory of `a.T`, under the shape of `a.T`.
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-safetensors", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
import struct

CODES = {
    "U64": "<u8", "I64": "<i8", "F64": "<f8", "F32": "<f4", "U32": "<u4", "I32": "<i4",
    "F16": "<f2", "U16": "<u2", "I16": "<i2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip


def save_safetensors(path: str | Path, tensors: Mapping[str, Any],
                     metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors, such as a state dict, byte for byte as the safetensors library does.

    tensors: name -> Tensor or array of a dtype of CODES, any strides    metadata: text -> text

    Raises TypeError for another dtype, and for metadata that is not text.

    TODO: 1. make arrays in C order, lowest byte first: `np.asarray(a, dtype=..., order="C")`;
          2. sort them by the place of their dtype in CODES, then by name; 3. make the header, first
             "__metadata__" where there is any; `json.dumps(header, ensure_ascii=False,
             separators=(",", ":"))`; 4. pad it with spaces, and write all with `write_bytes`.
    HINT: `array.dtype.newbyteorder("<").str` is the text in CODES.
    """
    ### BEGIN SOLUTION
    metadata, codes, found = dict(metadata or {}), {text: code for code, text in CODES.items()}, []
    if not all(isinstance(part, str) for pair in metadata.items() for part in pair):
        raise TypeError(f"metadata is text for text, got {metadata!r}")
    for name, value in tensors.items():
        array = value.data if isinstance(value, Tensor) else np.asarray(value)
        text = array.dtype.newbyteorder("<").str
        if text not in codes or name == "__metadata__":
            raise TypeError(f"safetensors cannot hold {name!r} of dtype {array.dtype}")
        place = list(CODES).index(codes[text])
        found.append((place, name, codes[text], np.asarray(array, dtype=text, order="C")))
    found.sort(key=lambda entry: entry[:2])
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for _, name, code, array in found:
        offsets = [end, end := end + array.nbytes]
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write_bytes(path, struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for *_, a in found))
    ### END SOLUTION


def load_safetensors(path: str | Path) -> dict[str, np.ndarray]:
    """Name -> array of a safetensors file, in the order of the data; arrays of their own.

    Raises ValueError for a file that is cut off, or whose header is no JSON, has an unknown dtype,
    gives an array another number of bytes than its shape needs, or leaves gaps, overlaps or a rest.

    TODO: 1. unpack the length, parse the header, drop "__metadata__"; 2. go through the entries by
             their offsets, and check that each begins where the last one ended and is as long as
             its shape and dtype say; 3. the last one must end where the file does.
    HINT: `np.frombuffer(data[start:end], dtype).reshape(shape).copy()`
    """
    ### BEGIN SOLUTION
    content = Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    data, end, found = memoryview(content)[8 + length :], 0, {}
    try:
        if len(content) < 8 + length:
            raise ValueError("is cut off")
        header = json.loads(content[8 : 8 + length], object_pairs_hook=once)
        header.pop("__metadata__", None)
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            (start, stop), dtype = entry["data_offsets"], np.dtype(CODES[entry["dtype"]])
            size = int(np.prod(entry["shape"], dtype=object)) * dtype.itemsize
            if start != end or stop - start != size or stop > len(data):
                raise ValueError(f"has wrong offsets for {name!r}: {start} to {stop}, of {len(data)}")
            found[name], end = np.frombuffer(data[start:stop], dtype).reshape(entry["shape"]).copy(), stop
        if end != len(data):
            raise ValueError(f"has {len(data) - end} bytes that belong to no tensor")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no good safetensors file: {error}") from None
    return found
    ### END SOLUTION


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object as a dict. ValueError for a name that stands in it twice. Given."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"has a name twice: {[name for name, _ in pairs]}")
    return dict(pairs)


# %% [markdown]
"""
### 🧪 Unit test: safetensors

Writes the example, byte by byte, the transposed one beside it; reads a state dict back; and reads
files that are cut, longer, or have a hole.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-safetensors", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_safetensors():
    a = np.arange(6, dtype=np.int8).reshape(2, 3)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "w.safetensors"
        save_safetensors(path, {"a": a, "b": a.T, "c": np.float32(1.5)}, {"by": "me"})
        written = path.read_bytes()
        header, data = written[8:-16].decode(), written[-16:]
        assert int.from_bytes(written[:8], "little") == len(header) and len(header) % 8 == 0
        assert header.startswith('{"__metadata__":{"by":"me"},"c":{"dtype":"F32","shape":[],')
        assert data == np.float32(1.5).tobytes() + bytes([0, 1, 2, 3, 4, 5, 0, 3, 1, 4, 2, 5])
        state = a_network().state_dict()
        save_safetensors(path, state)
        loaded, written = load_safetensors(path), path.read_bytes()
        assert set(loaded) == set(state) and all(np.array_equal(loaded[n], state[n]) for n in state)
        for wrong in (written[:-1], written + b"\0", written[:40], written.replace(b"F32", b"F99")):
            path.write_bytes(wrong)
            refused(ValueError, lambda: load_safetensors(path), "safetensors")
    refused(TypeError, lambda: save_safetensors(path, {"z": np.array([1j])}), "complex128")


# %% [markdown]
r"""
### Exercise 3: ONNX

*ONNX* is a file format for whole models: a graph of standard operators, and the weights. Programs
such as ONNX Runtime compute it without Python, and without your framework.

**Protocol buffers** are how the file is written: each *field* has a number and a type, packed into
one integer `number * 8 + type`, and then its value. Integers are *varints*: seven bits in a byte,
the lowest first; the eighth bit says that more follow. With 300 in field 1, and "ab" in field 2:

    300 = 0b10_0101100      field 1, type 0 (varint)    08   ac 02
    "ab"                    field 2, type 2 (bytes)     12   02 61 62       first their length
    1.5                     field 2, type 5 (4 bytes)   15   00 00 c0 3f

A message is its fields, one after the other; a message in a field is its bytes (type 2).

**The graph is recorded, not written down.** `engine.recorder` of module 02 sees every operation
with its operands. So run the model once on an example, and translate what happened. A model with
`forward` code of its own, such as a GPT block, needs nothing more:

    x ---> linear ----> relu ----> linear          recorded
            |                        |
    x ---> Gemm -----> Relu -----> Gemm            in the file; "0.weight" and others are constants
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-protobuf", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def varint(number: int) -> bytes:
    """An integer in groups of seven bits, the lowest first. A negative one as number + 2^64.

    TODO: while more than seven bits are left, write the lowest seven with 0x80 added.
    """
    ### BEGIN SOLUTION
    number, found = number % 2**64, bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
    ### END SOLUTION


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One field: an int as a varint (type 0), a float in 4 bytes (5, "<f"), text and bytes (2)."""
    ### BEGIN SOLUTION
    if isinstance(value, int):
        return varint(number * 8) + varint(value)
    if isinstance(value, float):
        return varint(number * 8 + 5) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number * 8 + 2) + varint(len(content)) + content
    ### END SOLUTION


# %% [markdown]
r"""
The messages below are given; the numbers are those of `onnx.proto`. So is `Graph`, which collects
nodes and gives a name to everything: `graph.add("Relu", "x")` adds a node and returns the name of
its result, `graph.constant(array)` returns the name of an array that is stored in the file.

You write the rules: how an operation of this course becomes nodes. Most are one operator of the
same inputs, and stand in SAME. Yours are the others, with the attributes that ONNX asks for:

| operation | nodes |
|---|---|
| linear | Gemm(x, w, b, transB=1) for (N, in); else Transpose(w, perm=[1, 0]), MatMul, Add |
| conv2d | Conv(x, w, b, kernel_shape, strides, pads=[top, left, bottom, right]) |
| max_pool2d, avg_pool2d | MaxPool, AveragePool(x, kernel_shape, strides) |
| batch_norm | BatchNormalization(x, w, b, mean, var, epsilon) |
| layer_norm | LayerNormalization(x, w, b, axis, epsilon), axis counted from the end |
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-graph", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
NUMBERS = {"float32": 1, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float64": 11}


def tensor_message(name: str, array: np.ndarray) -> bytes:
    """TensorProto: sizes, dtype, name and bytes. ValueError for a dtype that ONNX lacks here."""
    if array.dtype.name not in NUMBERS:
        raise ValueError(f"cannot export {name!r}: dtype {array.dtype}")
    sizes = b"".join(field(1, size) for size in array.shape)
    content = np.asarray(array, array.dtype.newbyteorder("<"), order="C").tobytes()
    return sizes + field(2, NUMBERS[array.dtype.name]) + field(8, name) + field(9, content)


def attribute_message(name: str, value: Any) -> bytes:
    """AttributeProto: a float, an integer or a list of integers, and which of them it is."""
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, int(one)) for one in value) + field(20, 7)


def value_message(name: str, array: np.ndarray, batch: int) -> bytes:
    """ValueInfoProto: a name, a dtype and sizes, of which the first may be any: "N"."""
    sizes = [field(1, size) for size in array.shape]
    if array.ndim and array.shape[0] == batch:
        sizes[0] = field(2, "N")
    shape = field(2, b"".join(field(1, size) for size in sizes))
    return field(1, name) + field(2, field(1, field(1, NUMBERS[array.dtype.name]) + shape))


class Graph:
    """What is collected while a model runs: nodes, constants, and a name for every array."""

    def __init__(self, named: Mapping[int, str]) -> None:
        self.named, self.nodes, self.constants = named, [], {}
        self.names: dict[int, str] = {}  # id of a Tensor that was recorded -> its name
        self.kept: list[Any] = []  # so that no id is used twice

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        names = [f"y{len(self.nodes)}" + "_" * more for more in range(outputs)]
        parts = [field(1, name) for name in inputs] + [field(2, name) for name in names]
        parts += [field(3, f"{operator}{len(self.nodes)}"), field(4, operator)]
        parts += [field(5, attribute_message(*pair)) for pair in attributes.items()]
        self.nodes.append(field(1, b"".join(parts)))
        return names[0]

    def constant(self, array: Any, name: str = "") -> str:
        name = name or f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def input_name(self, operand: Any, array: Any, like: np.ndarray) -> str:
        """The name of an operand: recorded before, or a constant, such as a parameter."""
        if id(operand) in self.names:
            return self.names[id(operand)]
        self.kept.append(operand)
        constant = np.asarray(array) if hasattr(array, "dtype") else np.asarray(array, like.dtype)
        name = self.constant(constant, self.named.get(id(operand), ""))
        if isinstance(operand, Tensor):
            self.names[id(operand)] = name
        return name

    def record(self, name: str, result: Tensor, operands: Any, arrays: Any, options: dict,
               _: Any) -> None:
        """The recorder: translate one operation by its rule."""
        if name not in RULES:
            raise ValueError(f"export_onnx has no rule for the operation {name!r}")
        pairs = zip(operands, arrays, strict=True)
        inputs = [self.input_name(operand, array, result.data) for operand, array in pairs]
        self.names[id(result)] = RULES[name](self, inputs, arrays, result.data, **options)
        self.kept.append(result)


# %% nbgrader={"grade": false, "grade_id": "mlops-rules", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
# A rule: (graph, names of the inputs, their arrays, the output, **options) -> name of the output.
SAME = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow",
    "negative": "Neg", "matmul": "MatMul", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
    "absolute": "Abs", "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "gelu": "Gelu",
    "where": "Where",
}  # fmt: skip


def linear_rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray) -> str:
    """x W^T + b. TODO: as in the table; inputs are two names without a bias, three with one."""
    ### BEGIN SOLUTION
    if arrays[0].ndim == 2:
        return graph.add("Gemm", *inputs, transB=1)
    product = graph.add("MatMul", inputs[0], graph.add("Transpose", inputs[1], perm=[1, 0]))
    return graph.add("Add", product, inputs[2]) if len(inputs) == 3 else product
    ### END SOLUTION


def sizes_of(value: Any) -> list[int]:
    """A size, or a pair for rows and columns, as a pair. Given."""
    return [value, value] if isinstance(value, int) else list(value)


def conv_rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray, stride: Any = 1,
              padding: Any = 0) -> str:
    """TODO: a node Conv; the weight is (out, in, kh, kw), and `pads` are four numbers."""
    ### BEGIN SOLUTION
    kernel, pads = list(arrays[1].shape[2:]), sizes_of(padding)
    return graph.add("Conv", *inputs, kernel_shape=kernel, strides=sizes_of(stride), pads=pads * 2)
    ### END SOLUTION


def pool_rule(operator: str) -> Callable:
    """The rule of one kind of pooling. TODO: no stride means that of the kernel."""

    def rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray, kernel_size: Any,
             stride: Any = None) -> str:
        ### BEGIN SOLUTION
        kernel = sizes_of(kernel_size)
        strides = kernel if stride is None else sizes_of(stride)
        return graph.add(operator, *inputs, kernel_shape=kernel, strides=strides)
        ### END SOLUTION

    return rule


def batch_norm_rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray, statistics: Any,
                    training: bool, eps: float) -> str:
    """TODO: five inputs: the three, and constants of both statistics, in the dtype of the weight.

    In training, ONNX takes the batch's own: add training_mode=1 and outputs=3, the output and two
    running statistics.
    """
    ### BEGIN SOLUTION
    both = [graph.constant(np.asarray(s, arrays[1].dtype)) for s in statistics]
    form = {"training_mode": 1, "outputs": 3} if training else {}
    return graph.add("BatchNormalization", *inputs, *both, epsilon=float(eps), **form)
    ### END SOLUTION


def layer_norm_rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray,
                    eps: float = 1e-5) -> str:
    """TODO: a node LayerNormalization; the weight spans as many of the last dimensions."""
    ### BEGIN SOLUTION
    return graph.add("LayerNormalization", *inputs, axis=-arrays[1].ndim, epsilon=float(eps))
    ### END SOLUTION


# %% [markdown]
r"""
The other rules are given, as they show what differs between two formats. A reshape keeps the size
-1 first, so that the file takes batches of any size. A query that may attend to nothing gets zeros
here, and NaN from a softmax of four -inf: so the scores get a large negative number, and the
weights are set to 0 afterwards.
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-given-rules", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
def attention_rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray,
                   mask: Any = None) -> str:
    q, k, v = inputs
    axes = list(range(arrays[1].ndim))
    scale = graph.constant(np.asarray(1 / np.sqrt(arrays[0].shape[-1]), output.dtype))
    turned = graph.add("Transpose", k, perm=[*axes[:-2], axes[-1], axes[-2]])
    scores = graph.add("MatMul", graph.add("Mul", q, scale), turned)
    if mask is None:
        return graph.add("MatMul", graph.add("Softmax", scores, axis=-1), v)
    may, low = graph.constant(mask), graph.constant(np.asarray(-1e30, output.dtype))
    weights = graph.add("Softmax", graph.add("Where", may, scores, low), axis=-1)
    weights = graph.add("Where", may, weights, graph.constant(np.zeros((), output.dtype)))
    return graph.add("MatMul", weights, v)


def reshape_rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray, shape: Any) -> str:
    return graph.add("Reshape", *inputs, graph.constant(np.int64([-1, *output.shape[1:]][: output.ndim])))


def select_rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray, index: Any) -> str:
    if not isinstance(index, int):
        raise ValueError(f"export_onnx has a rule for x[number] alone, got x[{index!r}]")
    return graph.add("Gather", *inputs, graph.constant(np.int64(index)), axis=0)


def reduce_rule(operator: str) -> Callable:
    def rule(graph: Graph, inputs: list, arrays: Any, output: np.ndarray, dim: Any = None,
             keepdim: bool = False) -> str:
        axes = [] if dim is None else [graph.constant(np.int64(np.ravel(dim)))]
        return graph.add(operator, *inputs, *axes, keepdims=int(keepdim))

    return rule


RULES: dict[str, Callable] = {
    "linear": linear_rule, "conv2d": conv_rule, "max_pool2d": pool_rule("MaxPool"),
    "avg_pool2d": pool_rule("AveragePool"), "batch_norm": batch_norm_rule,
    "layer_norm": layer_norm_rule, "attention": attention_rule, "reshape": reshape_rule,
    "select": select_rule, "reduce_sum": reduce_rule("ReduceSum"),
    "reduce_max": reduce_rule("ReduceMax"), "reduce_min": reduce_rule("ReduceMin"),
    "leaky_relu": lambda g, i, a, y, negative_slope=0.01: g.add("LeakyRelu", *i, alpha=float(negative_slope)),
    "softmax": lambda g, i, a, y, dim=-1: g.add("Softmax", *i, axis=dim),
    "log_softmax": lambda g, i, a, y, dim=-1: g.add("LogSoftmax", *i, axis=dim),
    "global_avg_pool2d": lambda g, i, a, y: g.add("Flatten", g.add("GlobalAveragePool", *i), axis=1),
    "permute": lambda g, i, a, y, dims: g.add("Transpose", *i, perm=[d % y.ndim for d in dims]),
    "join": lambda g, i, a, y, dim=0: g.add("Concat", *i, axis=dim),
    **{name: lambda g, i, a, y, to=to: g.add(to, *i) for name, to in SAME.items()},
}  # fmt: skip


# %% nbgrader={"grade": false, "grade_id": "mlops-onnx", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def traced(model: Callable, x: Tensor, graph: Graph) -> Tensor:
    """Run the model with `graph.record` as the recorder, and return its output.

    TODO: keep `engine.recorder` and `engine.grad_enabled`, set the one to `graph.record` and the
        other to True, call the model, and put both back, whatever happens.
    """
    ### BEGIN SOLUTION
    before = engine.recorder, engine.grad_enabled
    engine.recorder, engine.grad_enabled = graph.record, True
    try:
        return model(x)
    finally:
        engine.recorder, engine.grad_enabled = before
    ### END SOLUTION


def export_onnx(path: str | Path, model: Module, example: Any, training: bool = False) -> None:
    """Write a model as ONNX (opset 20): input "x", output "y", batches of any size.

    example: an input of the model; sizes after the first are those that the file takes
    training: the form in which BatchNorm takes the statistics of the batch; by default the one in
        which it takes the running ones, whatever mode the model is in

    The model is as before afterwards: its modes, its statistics. Raises ValueError for an operation
    without a rule, for Dropout in training, and where the output was not computed from the input.

    TODO: 1. keep each module's `training` and the state, set the mode, and run `traced`; put back
             what was there, whatever happens; 2. refuse an output that has no name;
          3. put GraphProto together: nodes, field(2, a name), field(5, tensor_message(...)) for
             each constant, field(11, value_message(...)) for the input, field(12, ...) for the output;
          4. write ModelProto: field(1, 9), the version of the format, field(2, "tinytorch"),
             field(7, graph), field(8, field(1, "") + field(2, 20)), the version of the operators.
    HINT: one node more, field(1, field(1, its name) + field(2, "y") + field(4, "Identity")), gives
        the output the name "y".
    """
    x = Tensor(np.array(example.data if isinstance(example, Tensor) else example))
    graph = Graph({id(tensor): name for name, tensor in model.named_tensors()})
    graph.names[id(x)] = "x"
    ### BEGIN SOLUTION
    modules = [module for _, module in model.named_modules()]
    if training and any(isinstance(module, Dropout) and module.p for module in modules):
        raise ValueError("Dropout draws anew for each batch, and a file cannot: export with training=False")
    modes, state = [module.training for module in modules], model.state_dict()
    try:
        y = traced(model.train(training), x, graph)
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode
        model.load_state_dict(state)
    if id(y) not in graph.names:
        raise ValueError("the output was not computed from the input by operations of this course")
    parts = [*graph.nodes, field(1, field(1, graph.names[id(y)]) + field(2, "y") + field(4, "Identity"))]
    parts += [field(2, type(model).__name__)]
    parts += [field(5, tensor_message(name, array)) for name, array in graph.constants.items()]
    parts += [field(11, value_message("x", x.data, len(x.data)))]
    parts += [field(12, value_message("y", y.data, len(x.data)))]
    versions = field(1, 9) + field(2, "tinytorch") + field(8, field(1, "") + field(2, 20))
    write_bytes(path, versions + field(7, b"".join(parts)))
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: ONNX

Writes the integers of the example, and reads an exported network with a small reader of its own:
the operators must be there in order, the weights by name. The course's own tests let ONNX Runtime
compute it.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-onnx", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def fields(message: bytes) -> list[tuple[int, Any]]:
    """The fields of a message: (number, value), as `field` wrote them."""

    def integer() -> int:
        nonlocal place
        found = shift = 0
        while True:
            byte = message[place]
            place, found, shift = place + 1, found | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return found

    place, found = 0, []
    while place < len(message):
        number, kind = divmod(integer(), 8)
        length = {2: integer, 5: lambda: 4}.get(kind)
        if length is None:
            found.append((number, integer()))
        else:
            size = length()
            found.append((number, message[place : place + size]))
            place += size
    return found


def test_unit_onnx():
    assert field(1, 300).hex() == "08ac02" and field(2, "ab").hex() == "12026162"
    assert field(2, 1.5).hex() == "150000c03f" and varint(-1) == b"\xff" * 9 + b"\1"
    model = a_network().train()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        before = model.state_dict()
        export_onnx(path, model, randn(2, 1, 4, 4))
        graph = fields(dict(fields(path.read_bytes()))[7])
        # A node may be followed by Identity, which only gives a name.
        operators = [dict(fields(node))[4].decode() for number, node in graph if number == 1]
        wanted = ["Conv", "BatchNormalization", "Relu", "MaxPool", "Reshape", "Gemm", "LeakyRelu"]
        assert [name for name in operators if name != "Identity"] == wanted
        constants = [dict(fields(tensor)) for number, tensor in graph if number == 5]
        weights = {tensor[8].decode(): tensor[9] for tensor in constants}
        assert weights["6.weight"] == model[6].weight.data.tobytes()
        assert model.training and all(np.array_equal(before[n], a) for n, a in model.state_dict().items())
        refused(ValueError, lambda: export_onnx(path, model, randn(2, 1, 4, 4), training=True), "Dropout")


# %% [markdown]
r"""
### Exercise 4: a registry

**Why.** "Which model answers our users, what was it trained from, and how do we get the last one
back?" A registry is a folder that only grows: a version is never changed, and a change of stage is
one more event. So nothing can be lost, and the past can be asked.

    registry/digits/versions/1/       model.npz  info.json  {"parent": null, "metrics": {...}, ...}
                             2/       model.npz  info.json  {"parent": 1, ...}
    registry/digits/production/1/     event.json            {"version": 1}
                               2/     event.json            {"version": 2}
                               3/     event.json            {"rollback": true}     now: version 1

**Two writers at once.** Whoever reads a list, adds to it and writes it back loses what another one
added between. Here each writer fills a folder of its own, and then *renames* it to the next free
number. Of two renames to one name the system lets one succeed; the other takes the next number:

    A    fill .a1/            rename .a1 -> 7   done
    B         fill .b2/            rename .b2 -> 7   refused       rename .b2 -> 8   done
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-append", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
import re
import shutil
import tempfile
import time


def numbered(folder: Path) -> list[int]:
    """The numbers of the folders in it, sorted; none where it does not exist. Given."""
    return sorted(int(path.name) for path in folder.glob("[0-9]*")) if folder.is_dir() else []


def append(folder: Path, fill: Callable[[Path], None]) -> int:
    """Add a folder with the next free number, from 1 on, and return the number.

    fill: writes the files, into a new folder that it is given

    TODO: 1. make a temporary folder in it: `tempfile.mkdtemp(prefix=".", dir=folder)`; 2. fill it;
          3. rename it to the next number, with `os.rename` or `Path.rename`, again and
             again while that raises OSError and the number is taken; 4. remove it if `fill` fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ### BEGIN SOLUTION
    part = Path(tempfile.mkdtemp(prefix=".", dir=folder))
    try:
        fill(part)
        while True:
            number = max(numbered(folder), default=0) + 1
            try:
                part.rename(folder / str(number))
                return number
            except OSError:
                if not (folder / str(number)).exists():
                    raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "mlops-registry", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class ModelRegistry:
    """All versions of all models of a team, in a folder that many programs may use at once.

    name: of a model or a stage: letters, digits, "-", "_" and ".", the first one a letter or digit;
        else ValueError, as it becomes the name of a folder
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def place(self, *names: str) -> Path:
        """The folder of these names. Given."""
        for name in names:
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII):
                raise ValueError(f"a name is made of letters, digits, '-', '_' and '.', got {name!r}")
        return self.folder.joinpath(*names)

    def register(self, name: str, model: Module, metrics: Mapping[str, float] | None = None,
                 parent: int | None = None) -> int:
        """Save one more version of a model, and return its number.

        metrics: what was measured    parent: the version that it was trained from, else ValueError

        TODO: `append` to the folder "versions": model.npz, and info.json with "parent", "metrics"
            and "created", which is `time.time()`.
        """
        ### BEGIN SOLUTION
        if parent is not None:
            self.info(name, parent)

        def fill(folder: Path) -> None:
            save_model(folder / "model.npz", model)
            info = {"parent": parent, "metrics": dict(metrics or {}), "created": time.time()}
            (folder / "info.json").write_text(json.dumps(info), "utf-8")

        return append(self.place(name, "versions"), fill)
        ### END SOLUTION

    def versions(self, name: str) -> list[int]:
        """The numbers of all versions, sorted."""
        ### BEGIN SOLUTION
        return numbered(self.place(name, "versions"))
        ### END SOLUTION

    def info(self, name: str, version: int) -> dict[str, Any]:
        """{"parent": ..., "metrics": ..., "created": ...} of a version. ValueError for none."""
        ### BEGIN SOLUTION
        if version not in self.versions(name):
            raise ValueError(f"{name} has no version {version!r}, only {self.versions(name)}")
        return json.loads((self.place(name, "versions", str(version)) / "info.json").read_text("utf-8"))
        ### END SOLUTION

    def lineage(self, name: str, version: int) -> list[int]:
        """The version, the one that it was trained from, and so on, to the first."""
        ### BEGIN SOLUTION
        found: list[int] = []
        while version is not None:
            found, version = [*found, version], self.info(name, version)["parent"]
        return found
        ### END SOLUTION

    def promote(self, name: str, version: int, stage: str = "production") -> None:
        """Put a version into a stage. TODO: check that it exists, append {"version": ...}."""
        ### BEGIN SOLUTION
        self.info(name, version)
        self.event(name, stage, {"version": version})
        ### END SOLUTION

    def event(self, name: str, stage: str, content: dict[str, Any]) -> None:
        """Append an event to a stage. Given."""
        if stage == "versions":
            raise ValueError("'versions' cannot be the name of a stage")
        append(
            self.place(name, stage),
            lambda folder: (folder / "event.json").write_text(json.dumps(content), "utf-8"),
        )

    def history(self, name: str, stage: str = "production") -> list[int]:
        """The versions that a rollback can go back to, and last the current one.

        TODO: go through the events; a version joins the list, a rollback removes the last one.
        """
        ### BEGIN SOLUTION
        folder, found = self.place(name, stage), []
        for number in numbered(folder):
            event = json.loads((folder / str(number) / "event.json").read_text("utf-8"))
            found = [*found, event["version"]] if "version" in event else found[:-1]
        return found
        ### END SOLUTION

    def rollback(self, name: str, stage: str = "production") -> int:
        """Go back to what was in the stage before. Returns that version; ValueError for none."""
        ### BEGIN SOLUTION
        if len(self.history(name, stage)) < 2:
            raise ValueError(f"{name}: nothing to go back to in {stage}, its history is {self.history(name, stage)}")
        self.event(name, stage, {"rollback": True})
        return self.history(name, stage)[-1]
        ### END SOLUTION

    def load(self, name: str, version: int | None = None, stage: str = "production") -> Module:
        """A version, or the one in the stage. ValueError for none, or one that is damaged."""
        ### BEGIN SOLUTION
        if version is None and not self.history(name, stage):
            raise ValueError(f"{name} has no version in {stage}: promote one of {self.versions(name)}")
        version = self.history(name, stage)[-1] if version is None else version
        self.info(name, version)
        return load_model(self.place(name, "versions", str(version)) / "model.npz")
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: a registry

Lets eight threads register at once, and compares what each of them wrote with what is there; then
goes through promotions and rollbacks.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-registry", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.tensor import zeros


def constant_model(value: float) -> Sequential:
    """(N, 2) -> (N, 1), always this value."""
    model = Sequential(Linear(2, 1))
    model[0].weight.data, model[0].bias.data = np.zeros((1, 2), np.float32), np.float32([value])
    return model


def test_unit_registry():
    with TemporaryDirectory() as folder:
        registry, numbers = ModelRegistry(Path(folder) / "all"), {}

        def work(value: int) -> None:
            for more in (0, 100):
                numbers[registry.register("m", constant_model(value + more))] = value + more

        threads = [threading.Thread(target=work, args=(value,)) for value in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert registry.versions("m") == list(range(1, 17)) == sorted(numbers)
        x = zeros(1, 2)
        assert all(registry.load("m", n)(x).item() == value for n, value in numbers.items())
        last = registry.register("m", constant_model(5), {"accuracy": 0.9}, parent=3)
        assert registry.lineage("m", last) == [17, 3] and registry.info("m", 17)["metrics"] == {"accuracy": 0.9}
        for version in (3, 17, 4):
            registry.promote("m", version)
        assert registry.rollback("m") == 17 and registry.load("m")(x).item() == 5
        assert registry.rollback("m") == 3 and registry.history("m") == [3]
        refused(ValueError, lambda: registry.rollback("m"), "nothing to go back to")
        refused(ValueError, lambda: registry.load("m", stage="staging"), "staging")
        refused(ValueError, lambda: registry.promote("m", 99), "99")
        refused(ValueError, lambda: registry.versions("../m"), "../m")


# %% [markdown]
r"""
### Exercise 5: numbers that can be asked for

*Prometheus* asks each server for its numbers every few seconds, as text at `/metrics`. A *counter*
only grows; a *histogram* counts how many values were at most 0.001, 0.01, ... Each family stands
together, after two lines about it. Three values 0.003, 0.02 and 9 become

    # HELP request_seconds Time to answer
    # TYPE request_seconds histogram
    request_seconds_bucket{le="0.005"} 1        buckets are cumulative: at most 0.005,
    request_seconds_bucket{le="0.05"} 2         at most 0.05,
    request_seconds_bucket{le="+Inf"} 3         and all
    request_seconds_sum 9.023
    request_seconds_count 3

**One NaN poisons a sum for ever**: NaN + 1 is NaN. What is not finite is counted apart.
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-metrics", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.mlops
import copy
import io
import json  # noqa: F811 - this file stands for two
import math
import re  # noqa: F811
import socket
import threading  # noqa: F811
import time  # noqa: F811
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import Any

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Module
from tinytorch.core.tensor import Tensor

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def labelled(name: str, labels: Mapping[str, Any]) -> str:
    """A name with its labels: `requests_total{path="/a",status="200"}`. Given."""
    escape = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
    texts = {key: "".join(escape.get(c, c) for c in str(value)) for key, value in labels.items()}
    inside = ",".join(f'{key}="{text}"' for key, text in texts.items())
    return f"{name}{{{inside}}}" if inside else name


class Metrics:
    """Counters and histograms that many threads may change, as Prometheus reads them.

    counters, histograms: name -> what it is, in words. Names of counters end with "_total".
    """

    def __init__(self, counters: Mapping[str, str], histograms: Mapping[str, str]) -> None:
        self.counters = {**counters, "invalid_values_total": "Values that were not finite, left out"}
        self.histograms, self._lock = dict(histograms), threading.Lock()
        self._counts = {name: Counter() for name in self.counters}
        self._values: dict[str, list] = {name: [0] * (len(BUCKETS) + 1) for name in histograms}
        self._sums = dict.fromkeys(histograms, 0.0)

    def count(self, name: str, amount: float = 1, **labels: Any) -> None:
        """Add to a counter, for these labels. ValueError for less than 0, or what is not finite."""
        ### BEGIN SOLUTION
        if not 0 <= amount < math.inf:
            raise ValueError(f"a counter only grows, by a finite amount; got {amount!r}")
        with self._lock:
            self._counts[name][labelled(name, labels)] += amount
        ### END SOLUTION

    def observe(self, name: str, value: float) -> None:
        """Add a value to a histogram. What is not finite: invalid_values_total{metric=name}.

        TODO: under `self._lock`, find the first of BUCKETS that is at least the value (the last
            place is for all that is larger), and add 1 there, and the value to the sum.
        """
        ### BEGIN SOLUTION
        if not math.isfinite(value):
            return self.count("invalid_values_total", metric=name)
        with self._lock:
            self._values[name][int(np.searchsorted(BUCKETS, value))] += 1
            self._sums[name] += value
        return None
        ### END SOLUTION

    def text(self) -> str:
        """Everything, in the format of the example; a line break at the end of each line.

        TODO: for each counter HELP, TYPE ... counter, and its lines "name{labels} value"; a counter
            that never counted is 0, unless it has labels. For each histogram as above.
        """
        ### BEGIN SOLUTION
        lines = []
        with self._lock:
            for name, words in self.counters.items():
                lines += [f"# HELP {name} {words}", f"# TYPE {name} counter"]
                lines += [f"{key} {value}" for key, value in self._counts[name].items()]
            for name, words in self.histograms.items():
                sums = np.cumsum(self._values[name]).tolist()
                lines += [f"# HELP {name} {words}", f"# TYPE {name} histogram"]
                bounds = [*map(str, BUCKETS), "+Inf"]
                lines += [f'{name}_bucket{{le="{le}"}} {n}' for le, n in zip(bounds, sums, strict=True)]
                lines += [f"{name}_sum {self._sums[name]}", f"{name}_count {sums[-1]}"]
        return "\n".join([*lines, ""])
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: metrics

The example, a NaN that must not be in the sum, and labels with a quote in them.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-metrics", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_metrics():
    metrics = Metrics({"asked_total": "Requests"}, {"request_seconds": "Time to answer"})
    for value in (0.003, math.nan, 0.02, math.inf, 9, 0.005):
        metrics.observe("request_seconds", value)
    metrics.count("asked_total", 2, path='a"b')
    metrics.count("asked_total", path='a"b')
    lines = metrics.text().splitlines()
    assert 'request_seconds_bucket{le="0.005"} 2' in lines and "request_seconds_count 4" in lines
    assert 'request_seconds_bucket{le="5.0"} 3' in lines and 'request_seconds_bucket{le="+Inf"} 4' in lines
    assert "request_seconds_sum 9.028" in lines and 'asked_total{path="a\\"b"} 3' in lines
    assert 'invalid_values_total{metric="request_seconds"} 2' in lines
    assert "# TYPE asked_total counter" in lines and metrics.text().endswith("\n")
    refused(ValueError, lambda: metrics.count("asked_total", math.nan), "nan")


# %% [markdown]
r"""
### Exercise 6: a server

A client sends `POST /predict` with `{"inputs": [[...], ...]}`, and gets `{"outputs": [[...],
...]}`. Clients are slow, vanish, and send anything. What a server owes each of them is a status and
a reason:

| status | when |
|---|---|
| 200 | an answer |
| 400 | no JSON, another shape, NaN or infinity, or so many rows that no batch holds them |
| 404, 405 | another path; a path that takes another method |
| 408, 411, 413, 431 | the request did not arrive in time, has no length, or is too large |
| 500 | the model failed, or gave NaN |
| 503, 504 | the queue is full, or the server is closing; the model took too long |

**Batches.** One row of a matrix product costs nearly as much as many, since the weights must be
read anyway. So requests wait for each other, for a few milliseconds at most:

    requests     a(2 rows)   b(1)   c(1)                         d(1)
    queue        a      ab      abc        -> one call of the    d
                                              model with 4 rows  ...
    answers      a: rows 0-1    b: row 2    c: row 3

**A queue needs a bound.** If more requests come than are answered, a queue without one grows until
all of them wait for ever. With one, the surplus is told at once to come again.

Given are: `Refused`, an exception with a status; `read_request`, which reads one HTTP request from
a socket before a deadline; `send`, which answers; and the threads of `ModelServer`. You write how
rows are read, how batches are made, and what is answered.
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-http", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export core.mlops
class Refused(Exception):
    """A request that is answered by a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Timed(io.RawIOBase):
    """What a socket receives until a deadline, then Refused(408), and up to `room` bytes."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.connection, self.seconds, self.deadline = connection, seconds, time.monotonic() + seconds
        self.room = 2**16  # for the first line and the headers

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.connection.settimeout(max(self.deadline - time.monotonic(), 1e-3))
        try:
            count = self.connection.recv_into(buffer)
        except TimeoutError:
            raise Refused(408, f"the request did not arrive within {self.seconds:g} s") from None
        self.room -= count
        if self.room < 0:
            raise Refused(431, f"the headers are larger than {2**16} bytes")
        return count


def read_request(connection: socket.socket, seconds: float, max_body: int) -> tuple[str, str, bytes]:
    """Method, path and body of one HTTP request, all of which arrives within `seconds`.

    Raises Refused for what is no request, late or too large; ConnectionError if the client left."""
    source = Timed(connection, seconds)
    reader = io.BufferedReader(source)
    words = reader.readline(2**13).decode("latin-1").split()
    if not words:
        raise ConnectionError("the client has gone")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refused(400, f"no HTTP request: {' '.join(words)[:80]!r}")
    try:
        headers = parse_headers(reader)
    except HTTPException as error:
        raise Refused(431, f"the headers are too large: {error}") from None
    length = headers.get("Content-Length", "0" if words[0] != "POST" else "missing").strip()
    if "Transfer-Encoding" in headers or length == "missing":
        raise Refused(411, "send the length of the body as Content-Length")
    if not re.fullmatch("[0-9]{1,18}", length):
        raise Refused(400, f"Content-Length is a number of bytes, got {length[:80]!r}")
    if int(length) > max_body:
        raise Refused(413, f"the body has {length} bytes, at most {max_body} are read")
    if "Expect" in headers:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    source.room += int(length)
    if len(body := reader.read(int(length))) < int(length):
        raise ConnectionError("the client has gone")
    return words[0], words[1].partition("?")[0], body


def send(connection: socket.socket, seconds: float, status: int, kind: str, text: str) -> None:
    """Answer, and end the connection so that the answer arrives even if a body was not read."""
    body = text.encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\n"
    head += f"Content-Length: {len(body)}\r\n"
    head += "Retry-After: 1\r\n" * (status == 503) + "Connection: close\r\n\r\n"
    connection.settimeout(seconds)
    connection.sendall(head.encode() + body)
    connection.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + min(seconds, 1)
    while status != 200 and (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        if not connection.recv(2**16):
            return


# %% nbgrader={"grade": false, "grade_id": "mlops-rows", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.mlops
def rows_of(body: bytes, shape: tuple[int, ...], most: int) -> np.ndarray:
    """The inputs of a request, float32 (N, *shape), N from 1 to `most`. Refused(400) else.

    TODO: 1. parse the JSON: an object with "inputs"; `parse_constant` of `json.loads` is called for
             NaN and Infinity, which are no JSON;
          2. make `np.array(inputs, dtype=object)`, and check its shape and that every element is
             an int or a float, no bool;
          3. make it float32, and check that all is finite: 1e39 is too large for it.
    HINT: what a client sends may be nested a thousand deep (RecursionError) or have a number of 400
        digits (OverflowError). Say in the reason what was expected, and what was found.
    """
    ### BEGIN SOLUTION
    try:
        inputs = json.loads(body, parse_constant=not_a_number)["inputs"]
        array = np.array(inputs, dtype=object)
    except (KeyError, TypeError):
        raise Refused(400, 'send a JSON object with "inputs", such as {"inputs": [[1.0, 2.0]]}') from None
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {error}") from None
    if array.shape[1:] != shape or not 1 <= len(array) <= most:
        wanted = f"(N, {', '.join(map(str, shape))}) with N from 1 to {most}"
        raise Refused(400, f"inputs have the shape {wanted}, got {array.shape}")
    if not all(type(element) in (int, float) for element in array.flat):
        raise Refused(400, "inputs are numbers, and nothing else")
    try:
        with np.errstate(over="ignore"):
            rows = array.astype(np.float32)
    except OverflowError:
        rows = np.float32([np.inf])
    if not np.isfinite(rows).all():
        raise Refused(400, "inputs are finite numbers; one is too large for float32")
    return rows
    ### END SOLUTION


def not_a_number(text: str) -> float:
    """What `json.loads` is given for NaN and Infinity. Given."""
    raise ValueError(f"{text} is not allowed")


# %% nbgrader={"grade": false, "grade_id": "mlops-server", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.mlops
class ModelServer:
    """Answers HTTP requests with a copy of a model, in batches.

    input_shape: of one row    max_batch: rows in one call of the model
    max_wait: seconds that a request waits for others    max_queue: requests that wait at a time
    max_body: bytes    timeout: seconds for a request to arrive, to be computed, and to be sent
    max_connections: that are open at a time

    A thread calls the model, one batch at a time; each connection has a thread of its own.
    """

    def __init__(self, model: Module, input_shape: tuple[int, ...], *, max_batch: int = 32,
                 max_wait: float = 0.002, max_queue: int = 128, max_body: int = 2**20,
                 timeout: float = 5.0, max_connections: int = 256) -> None:
        self.model, self.input_shape = copy.deepcopy(model).eval(), tuple(input_shape)
        self.max_batch, self.max_wait, self.max_queue = max_batch, max_wait, max_queue
        self.max_body, self.timeout, self.max_connections = max_body, timeout, max_connections
        self.metrics = Metrics(
            {"requests_total": "Requests by path and status", "rows_total": "Rows that were answered"},
            {"request_seconds": "Time to answer", "batch_rows": "Rows in a call of the model"},
        )
        self._waiting: deque[tuple[np.ndarray, Future]] = deque()
        self._changed, self._closing = threading.Condition(), False
        self._open, self._room = set(), threading.Semaphore(max_connections)
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._pool, self._listener = ThreadPoolExecutor(max_connections), None
        self._worker.start()

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """The outputs of rows (N, *input_shape), computed together with those of other threads.

        Raises Refused: 503 if `max_queue` requests wait already, or the server is closing; 504
        after `timeout` seconds; what the thread of the model found.

        TODO: under `self._changed`, refuse, or append (rows, Future()) to `self._waiting` and
            `notify()`. Then wait for its `result(self.timeout)`; cancel it on a TimeoutError.
        """
        ### BEGIN SOLUTION
        future: Future = Future()
        with self._changed:
            if self._closing:
                raise Refused(503, "the server is closing")
            if len(self._waiting) >= self.max_queue:
                raise Refused(503, f"{self.max_queue} requests are waiting already; try again later")
            self._waiting.append((rows, future))
            self._changed.notify()
        try:
            return future.result(self.timeout)
        except TimeoutError:
            future.cancel()
            raise Refused(504, f"the model took longer than {self.timeout:g} s") from None
        ### END SOLUTION

    def _take(self) -> list[tuple[np.ndarray, Future]]:
        """Wait for the next batch, and take it from the queue; nothing once the server has closed.

        TODO: under `self._changed`: 1. `wait()` until something waits, or the server is closing;
              2. until `max_wait` seconds have passed, or `max_batch` rows wait, or it is closing,
                 `wait(seconds that are left)`; 3. take from the left what fits into `max_batch`.
        """
        ### BEGIN SOLUTION
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            end = time.monotonic() + self.max_wait
            while not self._closing and sum(len(rows) for rows, _ in self._waiting) < self.max_batch:
                if (left := end - time.monotonic()) <= 0:
                    break
                self._changed.wait(left)
            batch, room = [], self.max_batch
            while self._waiting and len(self._waiting[0][0]) <= room:
                batch.append(self._waiting.popleft())
                room -= len(batch[-1][0])
            return batch
        ### END SOLUTION

    def _work(self) -> None:
        """The thread of the model: batch by batch, until there is none. Given."""
        while taken := self._take():
            batch = [(rows, future) for rows, future in taken if future.set_running_or_notify_cancel()]
            if batch:
                self._answer_batch([rows for rows, _ in batch], [future for _, future in batch])

    def _answer_batch(self, rows: list[np.ndarray], futures: list[Future]) -> None:
        """Call the model once for all rows, and give each future its own.

        TODO: 1. concatenate, and call the model, with no_grad; 2. cut the output at the borders:
                 `np.split(output, np.cumsum(lengths)[:-1])`; 3. `set_result`, or `set_exception` of
                 Refused(500, ...) for those whose output is not finite, for all if it raised.
        """
        ### BEGIN SOLUTION
        together = np.concatenate(rows)
        self.metrics.observe("batch_rows", len(together))
        try:
            with no_grad():
                outputs = self.model(Tensor(together)).data
            parts = np.split(outputs, np.cumsum([len(part) for part in rows])[:-1])
        except Exception as error:  # a model may raise anything, and the next batch must go on
            for future in futures:
                future.set_exception(Refused(500, f"the model failed: {type(error).__name__}"))
            return
        for part, future in zip(parts, futures, strict=True):
            if np.isfinite(part).all():
                future.set_result(part)
            else:
                future.set_exception(Refused(500, "the model gave numbers that are not finite"))
        ### END SOLUTION

    def answer(self, method: str, path: str, body: bytes = b"") -> tuple[int, str, str]:
        """Status, content type and text for one request; it never raises.

        GET /health    {"status": "ok"}, or 503 and {"status": "closing"}
        GET /metrics   the text of `self.metrics`, as "text/plain; version=0.0.4; charset=utf-8"
        POST /predict  {"outputs": [...]}; all refusals are {"error": "the reason"}

        TODO: 404 for another path, 405 for another method; count requests_total with path ("other"
            for a 404) and status, rows_total, and observe request_seconds of /predict.
        """
        ### BEGIN SOLUTION
        start, known = time.perf_counter(), {"/health": "GET", "/metrics": "GET", "/predict": "POST"}
        status, kind, text = 200, "application/json", ""
        try:
            if path not in known:
                raise Refused(404, f"there is no {path[:80]!r}, only {', '.join(known)}")
            if method != known[path]:
                raise Refused(405, f"{path} takes {known[path]}, got {method[:80]!r}")
            if path == "/metrics":
                kind, text = "text/plain; version=0.0.4; charset=utf-8", self.metrics.text()
            elif path == "/health":
                status, text = (503, '{"status": "closing"}') if self._closing else (200, '{"status": "ok"}')
            else:
                outputs = self.predict(rows_of(body, self.input_shape, self.max_batch))
                text = json.dumps({"outputs": outputs.tolist()})
                self.metrics.count("rows_total", len(outputs))
        except Refused as refusal:
            status, text = refusal.status, json.dumps({"error": str(refusal)})
        if path == "/predict":
            self.metrics.observe("request_seconds", time.perf_counter() - start)
        self.metrics.count("requests_total", path=path if path in known else "other", status=status)
        return status, kind, text
        ### END SOLUTION

    def serve_connection(self, connection: socket.socket) -> None:
        """Answer one request from a connected socket, and close it; it never raises. Given."""
        self._open.add(connection)
        with connection, suppress(OSError):  # which the socket raises once the client has gone
            try:
                answer = self.answer(*read_request(connection, self.timeout, self.max_body))
            except Refused as refusal:
                self.metrics.count("requests_total", path="other", status=refusal.status)
                answer = refusal.status, "application/json", json.dumps({"error": str(refusal)})
            send(connection, self.timeout, *answer)
        self._open.discard(connection)

    def start(self, host: str = "127.0.0.1", port: int = 0) -> "ModelServer":
        """Listen; port 0 takes any free one. Sets `url`. OSError if the port is taken. Given."""
        self._listener = socket.create_server((host, port), backlog=128)
        self._listener.settimeout(0.1)
        self.url = f"http://{host}:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def _accept(self) -> None:
        """Give each connection a thread. Where `max_connections` are open, others wait outside."""
        while not self._closing:
            if not self._room.acquire(timeout=0.1):
                continue
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                self._room.release()
                time.sleep(0 if isinstance(error, TimeoutError) else 0.05)  # no descriptor is left
                continue
            done = self._pool.submit(self.serve_connection, connection)
            done.add_done_callback(lambda _: self._room.release())

    def close(self) -> None:
        """Take no more requests, answer those that wait, and end every thread and socket. Given."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._listener is not None:
            self._accepting.join()
            self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # whoever is still waiting for a request
        self._pool.shutdown()
        self._worker.join()

    def __enter__(self) -> "ModelServer":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def serve(model: Module, input_shape: tuple[int, ...], host: str = "127.0.0.1", port: int = 0,
          **settings: Any) -> ModelServer:
    """A server that listens; `with serve(model, (64,)) as server:` closes it at the end.

    settings: those of ModelServer. OSError if the port is taken.
    """
    ### BEGIN SOLUTION
    server = ModelServer(model, input_shape, **settings)
    try:
        return server.start(host, port)
    except OSError:
        server.close()
        raise
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: a server

Sends good requests from eight threads at once, which must share calls of the model; then everything
that must be refused. One request goes over a real socket, at both ends of which we are.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-server", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def asked(server: ModelServer, inputs: Any) -> Any:
    status, _, text = server.answer("POST", "/predict", json.dumps({"inputs": inputs}).encode())
    return (status, json.loads(text).get("outputs") or json.loads(text)["error"])


def test_unit_server():
    model = Sequential(Linear(3, 2))
    with ModelServer(model, (3,), max_wait=0.2, max_batch=8) as server:
        found: dict[int, Any] = {}
        threads = [
            threading.Thread(target=lambda i=i: found.update({i: asked(server, [[i, 1, 2]])}))
            for i in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for i, (status, outputs) in found.items():
            assert status == 200 and np.allclose(outputs, model(Tensor([[float(i), 1, 2]])).numpy(), atol=1e-5)
        assert "batch_rows_count 1" in server.metrics.text().splitlines(), "eight rows, one call"
        wrong = {"shape": [[1, 2]], "too large": [[1, 2, 1e39]], "numbers": [[1, 2, True]], "N from 1": []}
        for reason, inputs in wrong.items():
            status, text = asked(server, inputs)
            assert status == 400 and reason in text, (inputs, text)
        for body in (b"{", b'{"inputs": [[1, 2, NaN]]}', b"[1]", b"[" * 100_000, b'{"x": 1}', b"\xff"):
            assert server.answer("POST", "/predict", body)[0] == 400, body[:40]
        assert [server.answer(*request)[0] for request in (("GET", "/"), ("GET", "/predict"))] == [404, 405]
        here, there = socket.socketpair()
        here.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        server.serve_connection(there)
        assert here.recv(1000).endswith(b'{"status": "ok"}')
        here.close()
    assert asked(server, [[1, 2, 3]])[0] == 503


# %% [markdown]
r"""
### Exercise 7: is it still as good?

A `ModelMonitor` keeps the last requests, and says which limit they break. Of n sorted times, the
percentile p is number `int(n * p)`, counted from 0: of 1, 2, 3, 10 ms, p50 is 3 and p99 is 10.

Labels come late or never, but inputs come at once. `DriftDetector` compares each feature of live
inputs with those of the training, by the p-value of the Mathematical Background. Two traps:

- **dtypes.** 0.1 as float32 is not 0.1 as float64, but 0.10000000149. Of few-valued data in two
  dtypes no values are equal, and D is large for nothing. Both become the narrower dtype first.
- **ties.** Equal numbers of both samples are passed in one step. So compare the shares after the
  last of them: `np.searchsorted(sorted, x, side="right")` counts the numbers that are at most x.
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-drift", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.mlops
EXACT = 4_000_000  # n m up to which all paths are counted: 2,000 numbers against 2,000


def kolmogorov_smirnov(a: Any, b: Any) -> tuple[float, float]:
    """D and its p-value for two samples (n,) and (m,), two-sided; exact where n m <= EXACT.

    Larger samples take Kolmogorov's series, 2 sum (-1)^(k-1) exp(-2 k^2 z^2) over k = 1, 2, ...,
    with z = D sqrt(n m / (n + m)); that is 1 for z < 0.2.

    TODO: 1. sort both; at all their numbers, count how many of a and of b are at most that; the
             distance in units of 1 / (n m) is |i m - j n|, an integer; take the largest;
          2. go through the steps k = 1 to n + m. `met[i]` is B(i, k - i): each step it becomes
             (i * met[i - 1] + (k - i) * met[i]) / k, and 1 where the distance is that large.
    HINT: i goes from 0 to n, but in step k only max(0, k - m) <= i <= min(n, k) can be; set a row
        of indices, and leave the others as they are.
    """
    a, b = (np.sort(np.asarray(x).ravel()) for x in (a, b))
    n, m = len(a), len(b)
    if not n or not m or np.isnan([*a[-1:], *b[-1:]]).any():
        raise ValueError("both samples need numbers, and no NaN")
    ### BEGIN SOLUTION
    both = np.concatenate([a, b])
    largest = int(np.abs(np.searchsorted(a, both, "right") * m - np.searchsorted(b, both, "right") * n).max())
    if n * m > EXACT:
        z = largest / math.sqrt(n * m * (n + m))
        terms = [(-1) ** (k - 1) * math.exp(-2 * k * k * z * z) for k in range(1, 101)]
        return largest / (n * m), 1.0 if z < 0.2 else min(2 * sum(terms), 1.0)
    met = np.zeros(n + 1)
    for k in range(1, n + m + 1):
        low, high = max(0, k - m), min(n, k)
        i = np.arange(low, high + 1)
        before = np.concatenate([[0.0], met])[low : high + 1]  # met[i - 1]
        now = (i * before + (k - i) * met[low : high + 1]) / k
        met[low : high + 1] = np.where(np.abs(i * m - (k - i) * n) >= largest, 1.0, now)
    return largest / (n * m), float(met[n])
    ### END SOLUTION


def population_stability_index(reference: Any, live: Any, bins: int = 10) -> float:
    """The sum of (q - p) ln(q / p) over bins that each hold an equal share of the reference.

    A share is (count + 0.5) / (n + 0.5 * number of bins), so that none is 0.

    TODO: 1. edges: `np.unique` of the quantiles 1/bins, 2/bins, ... of the reference; so there is
             one bin more than edges; 2. the bin of a number: `np.searchsorted(edges, x)`;
          3. count with `np.bincount(..., minlength=...)`, make shares, and add up.
    """
    ### BEGIN SOLUTION
    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))
    shares = []
    for sample in (reference, live):
        counts = np.bincount(np.searchsorted(edges, np.ravel(sample)), minlength=len(edges) + 1)
        shares.append((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))
    p, q = shares
    return float(((q - p) * np.log(q / p)).sum())
    ### END SOLUTION


class DriftDetector:
    """Says which features of live data come from another distribution than the reference.

    reference: (n, F) numbers    false_alarm_rate: how often `check` may alarm for clean data
    """

    def __init__(self, reference: Any, false_alarm_rate: float = 0.01) -> None:
        self.reference = np.asarray(reference)
        if self.reference.ndim != 2 or not self.reference.size or not 0 < false_alarm_rate < 1:
            raise ValueError(
                f"DriftDetector takes (n, F) numbers and a rate from 0 to 1, got shape"
                f" {self.reference.shape} and {false_alarm_rate!r}"
            )
        self.false_alarm_rate = false_alarm_rate

    def check(self, live: Any) -> dict[str, Any]:
        """Compare live data (m, F) with the reference; ValueError for another number of features.

        "drifted": the features, as a list of columns    "p_values", "psi": (F,), one for each

        TODO: 1. give both the narrower dtype, if both are floating; 2. a p-value and a stability
            index for each column; 3. a feature has drifted if its p-value is below the rate / F.
        """
        ### BEGIN SOLUTION
        live, reference = np.asarray(live), self.reference
        if live.ndim != 2 or live.shape[1] != reference.shape[1]:
            raise ValueError(f"live data are (m, {reference.shape[1]}), got shape {live.shape}")
        if live.dtype.kind == reference.dtype.kind == "f":
            narrow = min(live.dtype, reference.dtype, key=lambda dtype: dtype.itemsize)
            live, reference = live.astype(narrow), reference.astype(narrow)
        columns = list(zip(reference.T, live.T, strict=True))
        p_values = np.array([kolmogorov_smirnov(*pair)[1] for pair in columns])
        psi = np.array([population_stability_index(*pair) for pair in columns])
        drifted = np.flatnonzero(p_values < self.false_alarm_rate / len(columns)).tolist()
        return {"drifted": drifted, "p_values": p_values, "psi": psi}
        ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "mlops-monitor", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.mlops
class ModelMonitor:
    """Keeps what became of the last `window` requests."""

    def __init__(self, window: int = 1000) -> None:
        if window < 1:
            raise ValueError(f"a window holds one request at least, got {window!r}")
        self.window = window
        self._rows: deque[tuple[float, bool, bool | None]] = deque(maxlen=window)

    def record(self, seconds: float, ok: bool = True, correct: bool | None = None) -> None:
        """One request: how long it took, whether it was answered, and whether the answer was right
        (None: nobody knows yet). ValueError for seconds that are negative or not finite."""
        ### BEGIN SOLUTION
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds are a finite number of at least 0, got {seconds!r}")
        self._rows.append((float(seconds), bool(ok), correct))
        ### END SOLUTION

    def summary(self) -> dict[str, float | None]:
        """"count", "error_rate" (of all), "p50", "p99" (seconds, of all), "accuracy" (of those of
        which it is known). What nothing is known of is None."""
        ### BEGIN SOLUTION
        rows, times = list(self._rows), sorted(seconds for seconds, _, _ in self._rows)
        known = [bool(correct) for _, _, correct in rows if correct is not None]
        return {
            "count": len(rows),
            "error_rate": sum(not ok for _, ok, _ in rows) / len(rows) if rows else None,
            "p50": times[int(len(rows) * 0.5)] if rows else None,
            "p99": times[int(len(rows) * 0.99)] if rows else None,
            "accuracy": sum(known) / len(known) if known else None,
        }
        ### END SOLUTION

    def alarms(self, **limits: float) -> list[str]:
        """The names of limits that are broken: `alarms(error_rate=0.01, p99=0.2, accuracy=0.9)`.

        An accuracy is too low below its limit, all others are too high above it. What is None
        breaks none. ValueError for a name that `summary` does not have.
        """
        ### BEGIN SOLUTION
        found = self.summary()
        if unknown := [name for name in limits if name not in found]:
            raise ValueError(f"a limit is one of {', '.join(found)}, got {unknown[0]!r}")
        signs = {name: -1 if name == "accuracy" else 1 for name in limits}
        return [n for n, limit in limits.items() if found[n] is not None and (found[n] - limit) * signs[n] > 0]
        ### END SOLUTION


class RetrainingTrigger:
    """Says when to train again: after `patience` checks in a row with drift, or when the accuracy
    has fallen by more than `drop` below `baseline`; then not again for `cooldown` checks."""

    def __init__(self, baseline: float, drop: float = 0.05, patience: int = 3,
                 cooldown: int = 10) -> None:
        self.baseline, self.drop, self.patience, self.cooldown = baseline, drop, patience, cooldown
        self.in_a_row, self.rest = 0, 0

    def check(self, drifted: bool, accuracy: float | None = None) -> str:
        """One more check. Returns the reason to train, "drift" or "accuracy", or "".

        TODO: count drift in a row, also while it rests; a check that rests gives ""; a reason
            starts the cooldown and the count anew. Of two, it is the accuracy. NaN is no drop.
        """
        ### BEGIN SOLUTION
        self.in_a_row = self.in_a_row + 1 if drifted else 0
        if self.rest:
            self.rest -= 1
            return ""
        reason = "drift" if self.in_a_row >= self.patience else ""
        if accuracy is not None and accuracy < self.baseline - self.drop:
            reason = "accuracy"
        if reason:
            self.in_a_row, self.rest = 0, self.cooldown
        return reason
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: drift and monitors

The example, and samples of which p is known from all orders; 200 clean days, of which no more than
the rate may alarm; one feature out of twenty that is moved.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-drift", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_unit_kolmogorov_smirnov():
    assert np.allclose(kolmogorov_smirnov([1, 2, 4], [3, 5]), (2 / 3, 0.6))
    assert np.allclose(kolmogorov_smirnov([1, 2, 3, 4], [5, 6, 7]), (1, 2 / 35))
    assert kolmogorov_smirnov([1, 1, 2], [1, 1, 2]) == (0, 1)
    refused(ValueError, lambda: kolmogorov_smirnov([1, math.nan], [1]), "NaN")
    assert math.isclose(population_stability_index([0] * 1000 + [1] * 1000, [0] * 1600 + [1] * 400), 0.4157, rel_tol=0.01)


def test_unit_drift():
    draw = np.random.default_rng(0)
    detector, alarms = DriftDetector(draw.standard_normal((200, 5)), 0.1), 0
    for _ in range(100):
        alarms += bool(detector.check(draw.standard_normal((60, 5)))["drifted"])
    assert alarms <= 20, f"{alarms} alarms of 100 for clean data, at a rate of 0.1"
    many = DriftDetector(draw.standard_normal((400, 20)))
    live = draw.standard_normal((200, 20))
    live[:, 13] += 0.6
    assert many.check(live)["drifted"] == [13]
    few = np.round(draw.random((300, 2)), 1)
    assert DriftDetector(few).check(few.astype(np.float32))["drifted"] == []


def test_unit_monitor():
    monitor = ModelMonitor(4)
    assert monitor.alarms(p99=0) == [] and monitor.summary()["p50"] is None
    for seconds, ok, correct in ((99, False, False), (1, True, None), (10, True, True), (3, False, None), (2, True, False)):
        monitor.record(seconds, ok, correct)
    assert monitor.summary() == {"count": 4, "error_rate": 0.25, "p50": 3, "p99": 10, "accuracy": 0.5}
    assert monitor.alarms(error_rate=0.2, p99=10, accuracy=0.9) == ["error_rate", "accuracy"]
    trigger = RetrainingTrigger(0.9, patience=2, cooldown=3)
    checks = [(True, 0.9), (False, 0.9), (True, None), (True, 0.5), (True, 0.1), (False, 0.1), (True, 0.9), (True, 0.9)]
    assert [trigger.check(*check) for check in checks] == ["", "", "", "accuracy", "", "", "", "drift"]


# %% [markdown]
r"""
### Exercise 8: a canary

Miners took a canary along: it noticed bad air before they did. A new version first answers a small
share of the requests; if more of them fail than by chance, all go back to the old one.

**By chance?** Of 100 requests of each, 1 failed with the old version and 7 with the new one. If
both were equally good, which 100 of the 200 went to the new one would be luck, and the 8 failures
could be anywhere. The probability that 7 or more of them fall on the new one is (Fisher's exact
test)

$$p = \sum_{i \ge 7} \binom{8}{i} \binom{192}{100 - i} \Big/ \binom{200}{100} = 0.032$$

**Looking often is cheating.** Who tests after every request finds a p below 0.05 sooner or later.
So look only when the new version has answered 50, 100, 200, ... requests, and allow half as much
each time: rate/2, rate/4, rate/8, ... add up to the rate at most.
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-canary", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.mlops
class Canary:
    """Gives a share of the requests to a new model, and goes back to the old one by itself.

    share: of the requests for the new model    minimum: how many it answers before the first look
    false_alarm_rate: how often an equally good model may be rolled back
    on_rollback: called once, without arguments, such as `lambda: registry.rollback("digits")`
    seed: of the draws that choose    state: "running" or "rolled back"
    """

    def __init__(self, stable: Callable, candidate: Callable, share: float = 0.1, minimum: int = 50,
                 false_alarm_rate: float = 0.05, on_rollback: Callable | None = None,
                 seed: int = 0) -> None:
        if not 0 < share < 1 or minimum < 1:
            raise ValueError(f"the share is between 0 and 1 and the minimum at least 1, got {share!r}, {minimum!r}")
        self.models = {"stable": stable, "candidate": candidate}
        self.share, self.minimum, self.false_alarm_rate = share, minimum, false_alarm_rate
        self.on_rollback, self.state, self.looks = on_rollback, "running", 0
        self.done, self.failed = Counter(), Counter()
        self._draws, self._lock = np.random.default_rng(seed), threading.Lock()

    def predict(self, x: Any) -> tuple[Any, str]:
        """The output, and which model gave it. If the new one raises, or gives what is not finite,
        that is a failure, and the old one answers.

        TODO: while running, draw `self._draws.random()`: below the share, it is the new one's turn.
        """
        ### BEGIN SOLUTION
        with self._lock:
            chosen = self.state == "running" and self._draws.random() < self.share
        if chosen:
            try:
                output = self.models["candidate"](x)
                if np.isfinite(output.data if isinstance(output, Tensor) else output).all():
                    return output, "candidate"
            except Exception:  # whatever it raises, the user gets an answer
                pass
            self.record("candidate", False)
        return self.models["stable"](x), "stable"
        ### END SOLUTION

    def record(self, which: str, ok: bool) -> None:
        """What became of an answer of "stable" or "candidate". May roll back.

        TODO: under `self._lock`, count it in `done` and, if not ok, in `failed`. If the new model
            has now answered minimum * 2^looks, look: add 1 to `looks`, and roll back if the p-value
            is at most rate / 2^looks. Call `on_rollback` after the lock is free.
        """
        if which not in self.models:
            raise ValueError(f"an answer is of 'stable' or 'candidate', got {which!r}")
        ### BEGIN SOLUTION
        with self._lock:
            self.done[which] += 1
            self.failed[which] += not ok
            if which != "candidate" or self.state != "running" or self.done[which] < self.minimum * 2**self.looks:
                return
            self.looks += 1
            if self.p_value() > self.false_alarm_rate / 2**self.looks:
                return
            self.state = "rolled back"
        if self.on_rollback is not None:
            self.on_rollback()
        ### END SOLUTION

    def p_value(self) -> float:
        """How probable so many failures of the new model are, or more, if both are equally good.

        HINT: `math.comb(n, k)`; integers of Python have no end, and their quotient is a float.
        """
        ### BEGIN SOLUTION
        done, failed = sum(self.done.values()), sum(self.failed.values())
        mine = self.done["candidate"]
        ways = (math.comb(failed, i) * math.comb(done - failed, mine - i)
                for i in range(self.failed["candidate"], min(failed, mine) + 1))  # fmt: skip
        return sum(ways) / math.comb(done, mine)
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: a canary

The example; a new model that fails five times as often, which must go; and one that raises, whose
users must not notice.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-canary", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_canary():
    canary = Canary(abs, abs, minimum=1000)
    for which, failures in (("stable", 1), ("candidate", 7)):
        for number in range(100):
            canary.record(which, number >= failures)
    assert math.isclose(canary.p_value(), 0.0324, rel_tol=0.02) and canary.state == "running"
    draw, calls = np.random.default_rng(1), []
    canary = Canary(lambda x: x, lambda x: x + 1, 0.3, on_rollback=lambda: calls.append("back"))
    for _ in range(3000):
        output, which = canary.predict(0)
        assert output == {"stable": 0, "candidate": 1}[which]
        canary.record(which, draw.random() > {"stable": 0.03, "candidate": 0.15}[which])
    assert canary.state == "rolled back" and calls == ["back"] and canary.predict(0) == (0, "stable")
    assert 40 < canary.done["candidate"] < 1000
    broken = Canary(lambda x: x, lambda x: 1 / 0, 0.5, minimum=10)
    for _ in range(100):
        assert broken.predict(7) == (7, "stable")
        broken.record("stable", True)
    assert broken.state == "rolled back"
    refused(ValueError, lambda: canary.record("other", True), "other")


# %% [markdown]
r"""
## Systems Analysis

- **Memory**: what does a file take on its way to the disk, and what does a request?
- **Computational complexity**: how does an exact p-value grow with the samples?
- **Cache and hardware**: why does a batch cost hardly more than a row?
- **At scale**: how many requests does one process answer, and where does the time go?
"""

# %% nbgrader={"grade": false, "grade_id": "mlops-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.measuring import best_seconds, cpu_seconds, growth, peak_bytes


def a_large_network() -> Sequential:
    return Sequential(Linear(512, 1024), relu, Linear(1024, 10)).eval()


def analyze_memory() -> None:
    model, size = a_large_network(), sum(p.data.nbytes for p in a_large_network().parameters())
    with TemporaryDirectory() as folder:
        writers = {
            "save_model": lambda: save_model(Path(folder) / "a.npz", model),
            "save_safetensors": lambda: save_safetensors(Path(folder) / "a.st", model.state_dict()),
            "export_onnx": lambda: export_onnx(Path(folder) / "a.onnx", model, zeros(1, 512)),
        }
        for name, write in writers.items():
            print(f"  {name:16} holds {peak_bytes(write) / size:.1f} times the {size / 2**20:.1f} MiB of weights")
    body = json.dumps({"inputs": np.ones((32, 512)).tolist()}).encode()
    ratio = peak_bytes(lambda: rows_of(body, (512,), 32)) / (4 * 32 * 512)
    print(f"  reading a request of {len(body):,} bytes takes {ratio:.0f} times the bytes of its numbers")


def analyze_complexity() -> None:
    sizes, draw = (250, 500, 1000), np.random.default_rng(0)
    samples = [draw.random((2, size)) for size in sizes]
    times = [cpu_seconds(lambda pair=pair: kolmogorov_smirnov(*pair)) for pair in samples]
    for size, seconds in zip(sizes, times, strict=True):
        print(f"  the exact p-value of {size:4} against {size:4} numbers: {1e3 * seconds:5.1f} ms")
    print(f"  that grows with the size to the power {growth(sizes, times):.2f}")


def analyze_cache() -> None:
    model = a_large_network()
    for rows in (1, 4, 16, 64):
        x = randn(rows, 512)
        seconds = cpu_seconds(lambda x=x: model(x), 20)
        print(f"  {rows:2} rows in one call: {1e6 * seconds / rows:6.1f} us of processor time for each")


def analyze_scale() -> None:
    model, body = a_large_network(), json.dumps({"inputs": np.ones((1, 512)).tolist()}).encode()
    alone = best_seconds(lambda: model(zeros(1, 512)), 20)
    reading = best_seconds(lambda: rows_of(body, (512,), 32), 20)
    with ModelServer(model, (512,), max_wait=0) as server:
        answer = best_seconds(lambda: server.answer("POST", "/predict", body), 20)
    print(f"  the model {1e6 * alone:.0f} us, reading JSON {1e6 * reading:.0f} us,", end=" ")
    print(f"an answer with all {1e6 * answer:.0f} us: {1 / answer:,.0f} a second at most")


# %% [markdown]
r"""
## Testing

### 🧪 Unit test: over the network

Serves a model on a real port, and asks it as any program would; a client that sends half a request
must not keep the server from closing, and no thread may be left.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-network", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from urllib.error import HTTPError
from urllib.request import urlopen


def test_unit_network():
    before = threading.active_count()
    with serve(constant_model(3), (2,)) as server:
        half = socket.create_connection(server.url.removeprefix("http://").split(":"))
        half.sendall(b"POST /predict HTTP/1.1\r\nContent-")
        with urlopen(f"{server.url}/predict", b'{"inputs": [[1, 2], [3, 4]]}', timeout=5) as reply:
            assert json.load(reply) == {"outputs": [[3.0], [3.0]]}
        try:
            urlopen(f"{server.url}/predict", b'{"inputs": [1, 2]}', timeout=5)
        except HTTPError as error:
            assert error.code == 400 and "(N, 2)" in json.load(error)["error"]
            error.close()
        else:
            raise AssertionError("a wrong shape must be refused")
        with urlopen(f"{server.url}/metrics", timeout=5) as reply:
            assert 'requests_total{path="/predict",status="400"} 1' in reply.read().decode()
    half.close()
    assert threading.active_count() == before


# %% [markdown]
r"""
## Integration

### 🧪 Integration test: from training to a file

Saves a trained network in all three formats: each must hold the same numbers.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-formats", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_integration_formats():
    model = a_network()
    with TemporaryDirectory() as folder:
        save_model(Path(folder) / "m.npz", model)
        save_safetensors(Path(folder) / "m.st", load_model(Path(folder) / "m.npz").state_dict())
        other = a_network()
        other[6].weight.data = other[6].weight.data * 0
        other.load_state_dict(load_safetensors(Path(folder) / "m.st"))
        export_onnx(Path(folder) / "m.onnx", other, randn(1, 1, 4, 4))
        assert model[6].weight.data.tobytes() in (Path(folder) / "m.onnx").read_bytes()


# %% [markdown]
r"""
## Production Context

- **PyTorch's** `torch.save` is a pickle in a zip: loading one may run any program, so today it
  reads tensors alone unless asked otherwise. Your state dicts have its names and shapes, both ways:
  `torch_model.load_state_dict({k: torch.from_numpy(v) for k, v in model.state_dict().items()})`.
- **MLflow** is a registry like yours, with a database; stages are *aliases* there.
- **Triton, TorchServe, vLLM** batch as you did. vLLM lets requests join and leave between tokens.
- **Evidently, Alibi Detect** watch for drift; with many samples, any test finds some, and a size
  such as the stability index says whether it matters.
"""

# %% [markdown]
r"""
## Comprehensive Testing

### 🧪 Comprehensive test: a bad version comes, and goes

Two versions in a registry, one of which is broken; a canary notices, and the registry goes back.
"""

# %% nbgrader={"grade": true, "grade_id": "test-mlops-rollback", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_rollback():
    with TemporaryDirectory() as folder:
        registry = ModelRegistry(folder)
        for value in (1.0, 2.0):
            registry.promote("m", registry.register("m", constant_model(value)))
        canary = Canary(
            registry.load("m", 1), registry.load("m"), 0.2, on_rollback=lambda: registry.rollback("m")
        )
        for _ in range(2000):
            output, which = canary.predict(zeros(1, 2))
            canary.record(which, output.item() == 1.0)
        assert canary.state == "rolled back" and registry.history("m") == [1]
        with ModelServer(registry.load("m"), (2,)) as server:
            assert asked(server, [[0, 0]]) == (200, [[1.0]])


# %% nbgrader={"grade": false, "grade_id": "mlops-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for analysis in (analyze_memory, analyze_complexity, analyze_cache, analyze_scale):
        print(f"\n{analysis.__name__.removeprefix('analyze_').capitalize()}")
        analysis()

# %% [markdown]
r"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "mlops-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Memory and performance.** Reading a request as JSON took many times the bytes of its numbers, and
more time than the model. What would you send instead, and what would a client lose by it?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "mlops-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Systems architecture.** A request waits up to `max_wait` for others. When does that make the
answers of a busy server come *sooner*, and who pays for it on a quiet day?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "mlops-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Production engineering.** Your detector alarms every Saturday. Nothing is broken. What do you
change: the rate, the reference, or the alarm?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "mlops-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Scaling.** With ten servers, each has its own queue, metrics and canary. Which of your numbers can
be added up, which cannot, and what must they share?
"""

# %% [markdown]
r"""
## 🎯 MODULE SUMMARY: MLOps

Your models leave the process that trained them: as files that others read and that detect damage,
as versions with a past, and as a server that answers under load. What you built notices when the
world changes, and goes back to what worked.

**Next:** `pytest --checkpoint 14`, then module 16: a GPT of your own, which can be exported and
served with what you wrote here.
"""
