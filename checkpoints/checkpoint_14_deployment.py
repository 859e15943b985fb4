"""Checkpoint 14: models in files that others read, in a registry, behind a server, and watched.

Files are read here by NumPy and by two small readers, of safetensors and of ONNX, whose operators
are computed in float64. p-values are compared with counts of paths in whole numbers. What needs
threads, sockets or files runs beside the student's code, in programs.
"""

import itertools
import json
import math
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("14")


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def left_alone(check, run_program, calls):
    """These calls, function -> arguments, change none of what they are given."""
    for name, places in run_program("programs/arrays_kept.py", calls=calls).items():
        told = f"{name} changed its argument {', '.join(str(place + 1) for place in places)}"
        check.true(len(places) == 0, f"{told}: sort a copy, and leave the data as they are")


# A network with every kind of state, as a program builds it, and as NumPy computes it.
NETWORK = [
    ["Conv2d", 2, 3, 3, 2, 1],
    ["BatchNorm2d", 3],
    "relu",
    ["Dropout", 0.25],
    ["Flatten"],
    ["Sequential", [["Linear", 27, 5], ["LayerNorm", 5], ["LeakyReLU", 0.25]]],
    ["Linear", 5, 5],
    -1,  # the same layer again
    "tanh",
]


def network_state():
    shapes = {"0.weight": (3, 2, 3, 3), "0.bias": (3,), "1.weight": (3,), "1.bias": (3,)}
    shapes |= {"1.running_mean": (3,), "1.running_var": (3,)}
    shapes |= {"5.0.weight": (5, 27), "5.0.bias": (5,), "5.1.weight": (5,), "5.1.bias": (5,)}
    shapes |= {"6.weight": (5, 5), "6.bias": (5,)}
    state = {name: drawn(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    state["1.running_var"] = state["1.running_var"] ** 2 + np.float32(0.5)
    return state | {"1.num_batches_tracked": np.array(12)}


def network_output(s, x):
    """NETWORK in evaluation, in float64."""
    s = {name: array.astype(np.float64) for name, array in s.items()}
    x = conv(x, s["0.weight"], s["0.bias"], (2, 2), (1, 1, 1, 1))
    x = normalized(x, s["1.running_mean"], s["1.running_var"], s["1.weight"], s["1.bias"], 1e-5)
    x = np.maximum(x, 0).reshape(len(x), -1) @ s["5.0.weight"].T + s["5.0.bias"]
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    x = (x - mean) / np.sqrt(var + 1e-5) * s["5.1.weight"] + s["5.1.bias"]
    x = np.where(x > 0, x, 0.25 * x)
    for _ in range(2):
        x = x @ s["6.weight"].T + s["6.bias"]
    return np.tanh(x)


# --- files ------------------------------------------------------------------------------------


@pytest.mark.points(1)
@pytest.mark.hint("The .npz holds model.json and one array for each entry of the state dict.")
def test_saved_models(check, run_program):
    """Saves a model to one file without pickle, and builds the same model of it again"""
    state, x = network_state(), drawn(4, 2, 6, 6, seed=50)
    found = run_program(
        "programs/model_files.py", kind="model", specification=NETWORK, state=state, x=x
    )
    expected = network_output(state, x)
    check.close(found["output"], expected, rtol=1e-4, atol=1e-5)
    check.true(not found["mode"], "a model that is built from a file should be in evaluation mode")
    check.true(found["given"]["same"], "load_model(path, model) should return that model")
    check.close(found["given"]["output"], expected, rtol=1e-4, atol=1e-5)
    check.equal(found["members"], sorted(["model.json", *(f"tensor/{name}" for name in state)]))
    check.equal(found["format"], 1)
    check.equal(found["files"], ["model.npz"])
    modes = "saving a model, or loading into one, changed its mode"
    check.true(list(found["modes"]) == [True, True], modes)
    check.equal(found["dtypes"], ["float64", "float32"])


@pytest.mark.points(1)
@pytest.mark.hint("Compare the checksum before anything of the file is used.")
@pytest.mark.depends(on="test_saved_models")
def test_damaged_models(check, run_program):
    """Refuses a file in which a number changed, one that is cut off, a newer and a foreign one"""
    found = run_program(
        "programs/model_files.py", kind="damaged", specification=NETWORK, state=network_state()
    )
    for what in (
        "another number",
        "another shape",
        "another description",
        "no JSON",
        "foreign",
        "cut off",
        "text",
        "another model",
    ):
        check.true(
            found[what].startswith("ValueError"),
            f"{what}: load_model said {found[what]!r}, expected a ValueError",
        )
    newer = found["newer"]
    check.true(
        newer.startswith("ValueError") and "77" in newer,
        f"a file of format 77: load_model said {newer!r}, expected a ValueError that names 77",
    )
    check.true(
        found["missing"].startswith("FileNotFoundError"),
        f"a missing file: {found['missing']!r}, expected FileNotFoundError",
    )
    check.true(found["kept"], "a refused file should leave the model as it was")


def as_safetensors(tensors, metadata=None):
    """The file, by hand: tensors is a list of (name, code, array) in the order of the data."""
    header = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name, code, array in tensors:
        raw = np.ascontiguousarray(array).tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.points(1)
@pytest.mark.hint("What counts is the order of the indices, not that of the memory: order='C'.")
def test_safetensors_written(check, run_program):
    """Writes safetensors byte for byte, also of transposed, strided, empty and single numbers"""
    tensors = {
        "z": drawn(2, 3),
        "turned": drawn(3, 4, seed=1),
        "é": drawn(2, 3, 4, seed=2),
        "flags": np.array([[True, False, False]]),
        "half": drawn(3, seed=3).astype(np.float16),
        "bytes": np.arange(-3, 3, dtype=np.int8).reshape(2, 3),
        "count": np.array(7),
        "wide": drawn(2, 2, seed=4).astype(np.float64),
        "none": np.zeros((0, 3), np.float32),
    }
    turned = ["turned", "bytes", "é"]
    found = run_program(
        "programs/model_files.py",
        kind="write",
        tensors=tensors,
        turned=turned,
        metadata={"format": "np"},
    )
    meant = {name: array.T if name in turned else array for name, array in tensors.items()}
    codes = (("I64", "int64"), ("F64", "float64"), ("F32", "float32"), ("F16", "float16"))
    codes = (*codes, ("I8", "int8"), ("BOOL", "bool"))
    ordered = [
        (name, code, meant[name])
        for code, dtype in codes
        for name in sorted(meant)
        if meant[name].dtype == dtype
    ]
    wanted = as_safetensors(ordered, {"format": "np"})
    written = check.array(found["bytes"]).tobytes()
    length = int.from_bytes(wanted[:8], "little") + 8
    check.equal(written[8:length].decode("utf-8", "replace"), wanted[8:length].decode())
    check.true(written == wanted, "the data after the header are not the arrays in C order")
    for name, array in meant.items():
        check.shape(check.array(found["back"][name]), array.shape)
        check.dtype(found["back"][name], array.dtype.name)
        if array.size:
            check.equal(check.array(found["back"][name]), array)
    for what in ("complex", "number"):
        check.true(
            found[what].startswith("TypeError"), f"{what}: {found[what]!r}, expected TypeError"
        )
    check.equal(found["files"], ["w.safetensors"])
    plain = as_safetensors([("a", "F32", np.ones(2, np.float32))])
    check.equal(check.array(found["plain"]).tobytes(), plain)
    check.true(found["kept"], "save_safetensors changed the dict of tensors that it was given")


@pytest.mark.points(1)
@pytest.mark.hint("Each array begins where the one before it ends; the last one ends the file.")
def test_safetensors_read(check, run_program):
    """Reads files that others wrote, in any order, and refuses those that are damaged"""
    arrays = [("b", "I32", np.int32([[1, -2]])), ("a", "F32", drawn(3)), ("c", "U8", np.uint8([9]))]
    good = as_safetensors(arrays, {"by": "others"})
    length = int.from_bytes(good[:8], "little")
    text = good[8 : 8 + length].decode()

    def with_header(changed):
        return struct.pack("<Q", len(changed)) + changed.encode() + good[8 + length :]

    files = {
        "good": good,
        "cut": good[:-2],
        "longer": good + b"\0",
        "header cut": good[:30],
        "nothing": b"",
        "long header": struct.pack("<Q", 2**62) + good[8:],
        "no JSON": with_header(text.replace('{"__', '["__', 1)),
        "unknown dtype": with_header(text.replace("F32", "F31")),
        "another shape": with_header(text.replace('"shape":[3]', '"shape":[4]')),
        "negative": with_header(text.replace('"shape":[1,2]', '"shape":[-1,-2]')),
        "overlap": with_header(text.replace("[8,20]", "[4,16]")),
        "hole": with_header(text.replace("[20,21]", "[21,22]")) + b"\0",
        "no offsets": with_header(text.replace("data_offsets", "data_offset5")),
    }
    texts = {name: content.decode("latin-1") for name, content in files.items()}
    found = run_program("programs/model_files.py", kind="read", files=texts)
    for name, code, array in arrays:
        check.equal(check.array(found["good"][name]), array)
        check.dtype(found["good"][name], array.dtype.name)
        del code
    check.true(
        "cannot be written" not in found["good"],
        "load_safetensors gives arrays that cannot be written: copy what the file holds",
    )
    check.equal(len(found["good"]), 3)
    for name in files:
        if name != "good":
            check.true(
                isinstance(found[name], str),
                f"{name}: load_safetensors read a damaged file, expected a ValueError",
            )


# --- ONNX, read and computed by NumPy -----------------------------------------------------------


def fields_of(message):
    """(number, value) of each field of a protocol buffer: an int, or bytes."""
    place, found = 0, []

    def integer():
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place, value, shift = place + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while place < len(message):
        number, kind = divmod(integer(), 8)
        if kind == 0:
            found.append((number, integer()))
            continue
        size = {1: 8, 5: 4}.get(kind) or integer()
        found.append((number, message[place : place + size]))
        place += size
    return found


def all_of(message, number):
    return [value for n, value in fields_of(message) if n == number]


def signed(value):
    return value - 2**64 if value >= 2**63 else value


def integers(message, number):
    """A repeated integer, packed or not."""
    found = []
    for value in all_of(message, number):
        if isinstance(value, int):
            found.append(signed(value))
        else:
            found += [signed(v) for _, v in fields_of(b"".join(b"\x08" + c for c in split(value)))]
    return found


def split(packed):
    """The varints of a packed list."""
    start = 0
    for end, byte in enumerate(packed, 1):
        if byte < 128:
            yield packed[start:end]
            start = end


DTYPES = {1: "<f4", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8"}


def tensor_of(message):
    """The name and the array of a TensorProto, whose numbers stand in it as bytes or one by one."""
    kind, shape = all_of(message, 2)[0], integers(message, 1)
    names, raw = all_of(message, 8), all_of(message, 9)
    if raw:
        array = np.frombuffer(raw[0], DTYPES[kind])
    elif kind == 1:
        array = np.frombuffer(b"".join(all_of(message, 4)), "<f4")
    else:
        array = np.array(integers(message, 7 if kind == 7 else 5), DTYPES[kind])
    return (names[0].decode() if names else ""), array.reshape(shape)


def attributes_of(node):
    found = {}
    for message in all_of(node, 5):
        kind, name = all_of(message, 20)[0], all_of(message, 1)[0].decode()
        if kind == 1:
            found[name] = struct.unpack("<f", all_of(message, 2)[0])[0]
        elif kind == 2:
            found[name] = signed(all_of(message, 3)[0])
        elif kind == 3:
            found[name] = all_of(message, 4)[0].decode()
        elif kind == 4:
            found[name] = tensor_of(all_of(message, 5)[0])[1]
        else:
            found[name] = integers(message, 8)
    return found


def windows(x, kernel, strides, pads=(0, 0, 0, 0), fill=0.0):
    """(N, C, H', W', kh, kw) of images (N, C, H, W)."""
    x = np.pad(x, ((0, 0), (0, 0), *zip(pads[:2], pads[2:], strict=True)), constant_values=fill)
    seen = np.lib.stride_tricks.sliding_window_view(x, tuple(kernel), axis=(2, 3))
    return seen[:, :, :: strides[0], :: strides[1]]


def conv(x, weight, bias, strides, pads):
    x = np.einsum("nchwij,ocij->nohw", windows(x, weight.shape[2:], strides, pads), weight)
    return x if bias is None else x + bias[:, None, None]


def normalized(x, mean, var, weight, bias, eps):
    mean, var, weight, bias = (
        v.reshape(-1, *[1] * (x.ndim - 2)) for v in (mean, var, weight, bias)
    )
    return (x - mean) / np.sqrt(var + eps) * weight + bias


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


erf = np.vectorize(math.erf, otypes=[float])


def gelu(x):
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def op_batch_norm(a, x, w, b, mean, var):
    if a.get("training_mode"):
        axes = tuple(i for i in range(x.ndim) if i != 1)
        mean, var = x.mean(axes), x.var(axes)
    return normalized(x, mean, var, w, b, a.get("epsilon", 1e-5))


def op_layer_norm(a, x, w, b=0.0):
    axes = tuple(range(a.get("axis", -1) % x.ndim, x.ndim))
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + a.get("epsilon", 1e-5)) * w + b


def op_gemm(a, x, w, b=0.0):
    x, w = x.T if a.get("transA") else x, w.T if a.get("transB") else w
    return a.get("alpha", 1.0) * (x @ w) + a.get("beta", 1.0) * b


def op_conv(a, x, w, b=None):
    return conv(x, w, b, a.get("strides", [1, 1]), a.get("pads", [0, 0, 0, 0]))


def pooled(a, x, fill):
    kernel = a["kernel_shape"]
    return windows(x, kernel, a.get("strides", [1, 1]), a.get("pads", [0, 0, 0, 0]), fill)


def op_reshape(a, x, shape):
    return x.reshape([x.shape[i] if s == 0 else s for i, s in enumerate(shape.tolist())])


def op_slice(a, x, starts, ends, axes=None, steps=None):
    index = [slice(None)] * x.ndim
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[int(axis)] = slice(int(start), int(end), int(step))
    return x[tuple(index)]


def op_split(a, x, sizes=None):
    count = a.get("num_outputs", 1)
    cuts = count if sizes is None else np.cumsum(sizes)[:-1]
    return np.split(x, cuts, axis=a.get("axis", 0))


def reduced(function):
    def op(a, x, axes=None):
        axes = a.get("axes") if axes is None else axes
        dims = None if axes is None or not len(axes) else tuple(int(i) for i in axes)
        return function(x, axis=dims, keepdims=bool(a.get("keepdims", 1)))

    return op


def op_flatten(a, x):
    return x.reshape(math.prod(x.shape[: a.get("axis", 1)]), -1)


def op_squeeze(a, x, axes=None):
    return np.squeeze(x, None if axes is None else tuple(int(i) for i in axes))


def op_expand_dims(a, x, axes):
    return np.expand_dims(x, tuple(int(i) for i in axes))


OPERATORS = {
    "Gemm": op_gemm,
    "Conv": op_conv,
    "BatchNormalization": op_batch_norm,
    "LayerNormalization": op_layer_norm,
    "Reshape": op_reshape,
    "Flatten": op_flatten,
    "Slice": op_slice,
    "Split": op_split,
    "Squeeze": op_squeeze,
    "Unsqueeze": op_expand_dims,
    "MaxPool": lambda a, x: pooled(a, x, -np.inf).max((4, 5)),
    "AveragePool": lambda a, x: pooled(a, x, 0.0).mean((4, 5)),
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdims=True),
    "MatMul": lambda a, x, y: x @ y,
    "Add": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x / y,
    "Pow": lambda a, x, y: x**y,
    "Neg": lambda a, x: -x,
    "Exp": lambda a, x: np.exp(x),
    "Log": lambda a, x: np.log(x),
    "Sqrt": lambda a, x: np.sqrt(x),
    "Reciprocal": lambda a, x: 1 / x,
    "Abs": lambda a, x: np.abs(x),
    "Erf": lambda a, x: erf(x),
    "Gelu": lambda a, x: gelu(x),
    "Relu": lambda a, x: np.maximum(x, 0),
    "LeakyRelu": lambda a, x: np.where(x > 0, x, a.get("alpha", 0.01) * x),
    "Sigmoid": lambda a, x: 1 / (1 + np.exp(-x)),
    "Tanh": lambda a, x: np.tanh(x),
    "Softmax": lambda a, x: softmax(x, a.get("axis", -1)),
    "LogSoftmax": lambda a, x: np.log(softmax(x, a.get("axis", -1))),
    "Where": lambda a, c, x, y: np.where(c, x, y),
    "Transpose": lambda a, x: x.transpose(a.get("perm")),
    "Gather": lambda a, x, i: np.take(x, i.astype(int), axis=a.get("axis", 0)),
    "Concat": lambda a, *x: np.concatenate(x, axis=a["axis"]),
    "Identity": lambda a, x: x,
    "Dropout": lambda a, x, *_: x,
    "Constant": lambda a: a["value"],
    "Cast": lambda a, x: x.astype(DTYPES[a["to"]]),
    "ReduceMean": reduced(np.mean),
    "ReduceSum": reduced(np.sum),
    "ReduceMax": reduced(np.max),
}


def computed(check, content, x):
    """What the model in an ONNX file makes of x, in float64."""
    model = dict(fields_of(check.array(content).tobytes()))
    check.true(7 in model, f"the file has no graph (field 7 of ModelProto), only {sorted(model)}")
    graph = model[7]
    arrays = dict(tensor_of(message) for message in all_of(graph, 5))
    arrays = {n: a.astype(np.float64) if a.dtype == "<f4" else a for n, a in arrays.items()}
    inputs = [all_of(message, 1)[0].decode() for message in all_of(graph, 11)]
    given = [name for name in inputs if name not in arrays]
    check.equal(given, ["x"])
    arrays["x"] = x.astype(np.float64)
    for node in all_of(graph, 1):
        operator, names = all_of(node, 4)[0].decode(), [n.decode() for n in all_of(node, 1)]
        check.true(operator in OPERATORS, f"{operator} is no operator that this test computes")
        unknown = [name for name in names if name and name not in arrays]
        check.true(not unknown, f"{operator} takes {unknown}, which no node before it makes")
        result = OPERATORS[operator](attributes_of(node), *[arrays[n] for n in names if n])
        outputs = [name.decode() for name in all_of(node, 2)]
        several = result if isinstance(result, list) else [result]
        arrays |= dict(zip(outputs, several, strict=False))
    (output,) = [all_of(message, 1)[0].decode() for message in all_of(graph, 12)]
    check.equal(output, "y")
    return arrays["y"]


@pytest.mark.points(2)
@pytest.mark.hint("Compare operator by operator: pads are top, left, bottom, right; transB is 1.")
def test_onnx_network(check, run_program):
    """Exports a network as ONNX that computes the same for other batches, and stays as it was"""
    state, x = network_state(), drawn(3, 2, 6, 6, seed=60)
    found = run_program(
        "programs/model_files.py", kind="onnx", specification=NETWORK, state=state, x=x
    )
    for batch in (x, drawn(1, 2, 6, 6, seed=61), drawn(5, 2, 6, 6, seed=62)):
        y = computed(check, found["bytes"], batch)
        check.close(y, network_output(state, batch), rtol=1e-5, atol=1e-5)
    check.true(found["same"], "the export changed a mode or a running statistic of the model")
    check.true(
        found["learns"], "after the export, no gradient comes back: what does the engine do?"
    )
    refused = run_program("programs/model_files.py", kind="no onnx")
    for what, (said, learns) in refused["said"].items():
        wanted = "OSError" if what == "a model that raises" else "ValueError"
        check.true(said.startswith(wanted), f"{what}: {said!r}, expected {wanted}")
        check.true(learns, f"after {what}, no gradient comes back: put back what the engine had")
    check.true(refused["kept"], "where a model is refused, an older file should stay as it was")


LAYERS = {
    "convolution": ([["Conv2d", 2, 3, [3, 2], [2, 1], [0, 2]]], (2, 2, 7, 6)),
    "no bias": ([["Conv2d", 2, 4, 2, 1, 0, False], "sigmoid"], (2, 2, 5, 5)),
    "max": ([["MaxPool2d", 3, 2]], (2, 2, 8, 7)),
    "mean": ([["AvgPool2d", [2, 3]]], (2, 2, 7, 7)),
    "global mean": ([["GlobalAvgPool2d"], ["Linear", 2, 3, False]], (2, 2, 5, 3)),
    "rows": ([["Linear", 4, 3], ["LayerNorm", [5, 3]], "gelu"], (2, 5, 4)),
    "activations": ([["Sigmoid"], ["GELU"], ["Softmax", 1], ["Tanh"], ["ReLU"]], (2, 4, 3)),
    "logarithms": ([["LeakyReLU", 0.3], "log_softmax"], (3, 4)),
}


def layer_output(name, s, x):
    """What LAYERS compute, in float64."""
    x = x.astype(np.float64)
    if name == "convolution":
        return conv(x, s["0.weight"], s["0.bias"], (2, 1), (0, 2, 0, 2))
    if name == "no bias":
        return 1 / (1 + np.exp(-conv(x, s["0.weight"], None, (1, 1), (0, 0, 0, 0))))
    if name == "max":
        return windows(x, (3, 3), (2, 2)).max((4, 5))
    if name == "mean":
        return windows(x, (2, 3), (2, 3)).mean((4, 5))
    if name == "global mean":
        return x.mean((2, 3)) @ s["1.weight"].T
    if name == "rows":
        x = x @ s["0.weight"].T + s["0.bias"]
        return gelu(op_layer_norm({"axis": -2}, x, s["1.weight"], s["1.bias"]))
    if name == "activations":
        return np.maximum(np.tanh(softmax(gelu(1 / (1 + np.exp(-x))), 1)), 0)
    return np.log(softmax(np.where(x > 0, x, 0.3 * x)))


@pytest.mark.points(1)
@pytest.mark.hint("Which layer is named in the message? Export it alone and look at its node.")
def test_onnx_layers(check, run_program):
    """Exports layers with pairs, strides and odd sizes, without a bias, and for rows in rows"""
    for name, (specification, shape) in LAYERS.items():
        x = 2 * drawn(*shape, seed=7)
        found = run_program(
            "programs/model_files.py", kind="onnx", specification=specification, state=None, x=x
        )
        state = {key: check.array(a).astype(np.float64) for key, a in found["state"].items()}
        y, expected = computed(check, found["bytes"], x), layer_output(name, state, x)
        off = abs(y - expected).max() if y.shape == expected.shape else np.inf
        wrong = f"{name}: the file computes {y.shape}, off by {off:.2g} from {expected.shape}"
        check.true(bool(off < 1e-4), f"{wrong}; look at {specification}")


@pytest.mark.points(1)
@pytest.mark.hint("What a recorder sees is exported, whatever `forward` the model has.")
@pytest.mark.depends(on="test_onnx_layers")
def test_onnx_block(check, run_program):
    """Exports a block of a GPT with a causal mask, and BatchNorm as it is in training"""
    x = drawn(2, 5, 6)
    found = run_program(
        "programs/model_files.py", kind="onnx", specification=["block"], state=None, x=x
    )
    s = {key: check.array(a).astype(np.float64) for key, a in found["state"].items()}
    for batch in (x, drawn(3, 5, 6, seed=1)):
        rows = op_layer_norm({}, batch.astype(np.float64), s["norm1.weight"], s["norm1.bias"])
        qkv = rows @ s["attention.in_proj_weight"].T + s["attention.in_proj_bias"]
        q, k, v = qkv.reshape(-1, 5, 3, 2, 3).transpose(2, 0, 3, 1, 4)
        scores = np.where(np.tril(np.ones((5, 5))), q @ k.swapaxes(2, 3) / math.sqrt(3), -np.inf)
        heads = (softmax(scores) @ v).swapaxes(1, 2).reshape(-1, 5, 6)
        y = batch + heads @ s["attention.out_proj.weight"].T + s["attention.out_proj.bias"]
        rows = op_layer_norm({}, y, s["norm2.weight"], s["norm2.bias"])
        rows = gelu(rows @ s["linear1.weight"].T + s["linear1.bias"])
        y = y + rows @ s["linear2.weight"].T + s["linear2.bias"]
        check.close(computed(check, found["bytes"], batch), y, rtol=1e-5, atol=1e-5)
    x, specification = drawn(6, 3, seed=2) * 4 + 1, [["BatchNorm1d", 3]]
    found = run_program(
        "programs/model_files.py",
        kind="onnx",
        specification=specification,
        state=None,
        x=x,
        training=True,
    )
    rows = x.astype(np.float64)
    rows = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
    check.close(computed(check, found["bytes"], x), rows, rtol=1e-5, atol=1e-5)
    check.true(found["same"], "the export changed the running statistics of the model")


# --- a registry -------------------------------------------------------------------------------


@pytest.mark.points(1)
@pytest.mark.hint("Keep events, and go through them: a rollback takes the last promotion away.")
@pytest.mark.depends(on="test_saved_models")
def test_registry(check, run_program):
    """Keeps versions with their origin, puts them into stages, and goes back step by step"""
    found = run_program("programs/registry.py", kind="stages", promoted=[1, 4, 2])
    check.equal(found["numbers"], [1, 2, 3, 4])
    check.equal(found["versions"], [1, 2, 3, 4])
    check.equal(found["other model"], 1)
    check.equal(found["values"], [10.0, 20.0, 30.0, 40.0])
    check.equal(found["lineage"], [[1], [2, 1], [3], [4, 2, 1]])
    check.equal(found["info"], {"parent": 2, "metrics": {"accuracy": 0.4}})
    check.equal(found["history"], [1, 4, 2])
    check.equal(found["production"], 20.0)
    check.equal(found["back"], [4, 1])
    check.equal(found["after"], 10.0)
    check.equal(found["staging"], 30.0)
    check.equal((found["back in staging"], found["production then"]), (3, 10.0))
    names = ["../m", "a/b", "", ".", "a\\b", "/m"]
    found = run_program("programs/registry.py", kind="refused", names=names)
    check.equal(found.pop("versions"), [1])
    check.equal(found.pop("left"), [])
    check.equal(found.pop("metrics that are no JSON"), "TypeError")
    for what, said in found.items():
        check.true(said == "ValueError", f"{what}: {said}, expected ValueError")


@pytest.mark.points(2)
@pytest.mark.hint("Reading a list and writing it back loses what others wrote between: rename.")
@pytest.mark.depends(on="test_registry")
def test_registry_at_once(check, run_program):
    """Loses nothing when eight writers register and promote at the same time"""
    found = run_program("programs/registry.py", kind="at once", writers=8, each=5)
    check.equal(found["errors"], [])
    check.equal(found["numbers"], list(range(1, 41)))
    check.equal(found["versions"], list(range(1, 41)))
    check.equal(found["wrong"], [])
    check.equal(found["history"], list(range(1, 41)))


# --- numbers for Prometheus -------------------------------------------------------------------


def samples_of(check, text):
    """Family -> type, and sample -> value, of the text format; families must stand together."""
    types, values, current = {}, {}, ""
    check.equal(type(text).__name__, "str")
    lines = re.findall("[^\n]*\n?", str(text))[:-1]
    check.true(lines and lines[-1][-1] == "\n", "the text should end with a line break")
    for line in map(str.rstrip, lines):
        words = line.split(" ", 3)
        if line.startswith("# TYPE "):
            check.true(words[2] not in types, f"{words[2]} has two families")
            current, types[words[2]] = words[2], words[3]
        elif line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            inside = name.startswith(current) and bool(current)
            check.true(inside, f"{line!r} stands in the family of {current!r}")
            check.true(name not in values, f"{name!r} stands there twice")
            values[name] = float(value)
    return types, values


@pytest.mark.points(1)
@pytest.mark.hint("Buckets are cumulative; a value that equals a bound is in its bucket.")
def test_metrics(tt, check):
    """Writes counters and histograms as text that Prometheus reads"""
    metrics = tt.Metrics({"asked_total": "Requests"}, {"seconds": "Time", "rows": "Rows"})
    for path, times in (("/a", 3), ('say "hi"\n\\', 2)):
        for _ in range(times):
            metrics.count("asked_total", path=path, status=200)
    metrics.count("asked_total", 2.5, path="/a", status=400)
    values = [0.0004, 0.005, 0.0051, 0.3, 0.3, 7.0]
    for value in values:
        metrics.observe("seconds", value)
    types, found = samples_of(check, metrics.text())
    check.equal(
        {name: types.get(name) for name in ("asked_total", "seconds", "rows")},
        {"asked_total": "counter", "seconds": "histogram", "rows": "histogram"},
    )
    check.equal(found['asked_total{path="/a",status="200"}'], 3.0)
    check.equal(found['asked_total{path="/a",status="400"}'], 2.5)
    check.equal(found['asked_total{path="say \\"hi\\"\\n\\\\",status="200"}'], 2.0)
    bounds = [name for name in found if name.startswith("seconds_bucket")]
    for name in bounds:
        bound = float(name.split('"')[1].replace("+Inf", "inf"))
        check.equal((name, found[name]), (name, float(sum(v <= bound for v in values))))
    check.true('seconds_bucket{le="+Inf"}' in bounds, f"no bucket +Inf, only {bounds}")
    check.true(len(bounds) > 5, f"only the buckets {bounds}")
    check.close(found["seconds_sum"], sum(values))
    check.equal((found["seconds_count"], found["rows_count"], found["rows_sum"]), (6.0, 0.0, 0.0))


@pytest.mark.points(1)
@pytest.mark.hint("NaN + 1 is NaN for ever: count what is not finite, and leave it out.")
@pytest.mark.depends(on="test_metrics")
def test_metrics_stay_finite(tt, check):
    """Keeps sums free of NaN and infinity, and counts how many there were"""
    metrics = tt.Metrics({"asked_total": "Requests"}, {"seconds": "Time"})
    for value in (1.5, float("nan"), float("inf"), 0.25, -float("inf")):
        metrics.observe("seconds", value)
    for wrong in (float("nan"), float("inf"), -1):
        with check.raises(ValueError, mentions=(str(wrong),)):
            metrics.count("asked_total", wrong)
    metrics.count("asked_total")
    _, found = samples_of(check, metrics.text())
    check.equal((found["seconds_sum"], found["seconds_count"]), (1.75, 2.0))
    check.equal(found['seconds_bucket{le="+Inf"}'], 2.0)
    check.equal(found.get('invalid_values_total{metric="seconds"}'), 3.0)
    check.equal(found["asked_total"], 1.0)


# --- a server ---------------------------------------------------------------------------------

WEIGHT, BIAS = drawn(2, 3, seed=8), drawn(2, seed=9)


def asked(inputs):
    return json.dumps({"inputs": inputs})


@pytest.mark.points(1)
@pytest.mark.hint("Look at the status first, then at the text that came with it.")
def test_server_answers(check, run_program):
    """Answers with the numbers of the model in evaluation, tells its health and its metrics"""
    rows = drawn(4, 3, seed=10).astype(float).tolist()
    requests = [["POST", "/predict", asked(rows[:1])], ["POST", "/predict", asked(rows)]]
    requests += [["POST", "/predict", asked([[1, 2, -3]])], ["GET", "/health", ""]]
    requests += [["GET", "/metrics", ""]]
    found = run_program(
        "programs/served.py",
        kind="answers",
        weight=WEIGHT,
        bias=BIAS,
        requests=requests,
        settings={},
    )
    check.equal([status for status, _, _ in found], [200] * 5)
    check.equal([kind for _, kind, _ in found[:4]], ["application/json"] * 4)
    for (_, _, text), inputs in zip(found[:3], (rows[:1], rows, [[1, 2, -3]]), strict=True):
        outputs = np.array(json.loads(text)["outputs"])
        check.close(outputs, np.array(inputs) @ WEIGHT.T + BIAS, rtol=1e-4, atol=1e-5)
    check.equal(json.loads(found[3][2]), {"status": "ok"})
    kind, text = found[4][1:]
    check.true(kind.startswith("text/plain") and "version=0.0.4" in kind, f"metrics are {kind!r}")
    types, values = samples_of(check, text)
    check.equal(values['requests_total{path="/predict",status="200"}'], 3.0)
    check.equal(values['requests_total{path="/health",status="200"}'], 1.0)
    check.equal((values["rows_total"], values["request_seconds_count"]), (6.0, 3.0))
    check.equal(types["request_seconds"], "histogram")


BAD = {
    "no JSON": "{",
    "empty": "",
    "a list": "[[1, 2, 3]]",
    "a number": "7",
    "another name": '{"rows": [[1, 2, 3]]}',
    "one row without its list": asked([1, 2, 3]),
    "two numbers": asked([[1, 2]]),
    "rows of two lengths": asked([[1, 2, 3], [1, 2]]),
    "three dimensions": asked([[[1, 2, 3]]]),
    "no rows": asked([]),
    "more rows than a batch": asked([[1, 2, 3]] * 9),
    "NaN": '{"inputs": [[1, 2, NaN]]}',
    "infinity": '{"inputs": [[1, 2, -Infinity]]}',
    "too large for float32": '{"inputs": [[1, 2, 1e39]]}',
    "too large for float64": '{"inputs": [[1, 2, 1e999]]}',
    "an integer of 400 digits": '{"inputs": [[1, 2, %s]]}' % ("9" * 400),
    "text": asked([[1, 2, "3"]]),
    "null": asked([[1, 2, None]]),
    "true": asked([[1, 2, True]]),
    "an object": asked({"a": [1, 2, 3]}),
    "nothing": asked(None),
    "a deep list": "[" * 5000,
    "no UTF-8": "\xff\xfe\xfd",
}


@pytest.mark.points(2)
@pytest.mark.hint("Whatever a client sends, it gets a status of 4xx and a reason as JSON.")
@pytest.mark.depends(on="test_server_answers")
def test_server_refuses(check, run_program):
    """Refuses whatever is no array of finite numbers of the right shape, with a reason"""
    requests = [["POST", "/predict", body] for body in BAD.values()]
    requests += [["GET", "/nothing", ""], ["GET", "/predict", ""], ["POST", "/metrics", ""]]
    requests += [["POST", "/predict", asked([[1, 2, 3]] * 8)], ["GET", "/metrics", ""]]
    found = run_program(
        "programs/served.py",
        kind="answers",
        weight=WEIGHT,
        bias=BIAS,
        requests=requests,
        settings={"max_batch": 8},
    )
    for what, (status, _, text) in zip(BAD, found, strict=False):
        check.true(status == 400, f"{what}: answered with {status} {text[:80]}, expected 400")
        reason = json.loads(text).get("error")
        check.true(bool(reason), f"{what}: no reason under 'error', only {text[:80]}")
    check.equal([status for status, _, _ in found[-5:]], [404, 405, 405, 200, 200])
    for status, _, text in found[-5:-2]:
        check.true(bool(json.loads(text).get("error")), f"{status} without a reason: {text}")
    _, values = samples_of(check, found[-1][2])
    check.equal(values['requests_total{path="/predict",status="400"}'], float(len(BAD)))
    check.equal(values['requests_total{path="other",status="404"}'], 1.0)
    check.equal(values["rows_total"], 8.0)


@pytest.mark.points(1)
@pytest.mark.hint("Wait max_wait seconds for others; one call of the model for all that wait.")
@pytest.mark.depends(on="test_server_answers")
def test_server_batches(check, run_program, measured):
    """Computes requests together, gives each its own rows, and stays within the largest batch"""
    rows = drawn(12, 2, seed=11).astype(float).tolist()
    found = run_program(
        "programs/served.py",
        kind="batches",
        rows=rows,
        settings={"max_batch": 5, "max_wait": 0.5},
    )
    check.equal([answer and answer[0] for answer in found["answers"]], [200] * 12)
    for row, (_, outputs) in zip(rows, found["answers"], strict=True):
        check.close(np.array(outputs), 2 * np.array([row]), rtol=1e-5)
    sizes = found["sizes"]
    check.equal(sum(sizes), 12)
    measured(f"12 requests at once, answered by {len(sizes)} calls of the model")
    check.true(max(sizes) <= 5, f"batches of {sizes} rows, expected at most 5")
    check.true(len(sizes) <= 5, f"{len(sizes)} calls of the model for 12 requests at once: {sizes}")
    _, values = samples_of(check, found["metrics"])
    check.equal((values["batch_rows_count"], values["batch_rows_sum"]), (float(len(sizes)), 12.0))
    for count, pause, settings in (
        (1, 0.0, {"max_wait": 0.05}),
        (2, 0.15, {"max_wait": 3.0, "max_batch": 2}),  # the second comes while the first waits
    ):
        found = run_program(
            "programs/served.py", kind="batches", rows=rows[:count], pause=pause, settings=settings
        )
        check.equal((found["sizes"], found["answers"][-1][0]), ([count], 200))


@pytest.mark.points(1)
@pytest.mark.hint("A queue without a bound makes everybody wait: 503 at once is better.")
@pytest.mark.depends(on="test_server_answers")
def test_server_under_pressure(check, run_program):
    """Tells surplus requests at once to come again, and survives a model that fails"""
    found = run_program("programs/served.py", kind="full", queue=3, more=4)
    check.equal(found["quick"], [503] * 4)
    check.equal(found["all"], [200] * 4 + [503] * 4)
    check.equal(found["closed"], 503)
    found = run_program("programs/served.py", kind="broken")
    check.equal({kind: found[kind][0] for kind in "124"}, {"1": 500, "2": 500, "4": 200})
    check.equal(found["3"][0], 504)
    check.true("secret" not in found["text"], f"the text of the error is private: {found['text']}")
    check.equal(list(found["after"]), [200, [[5.0]]])


@pytest.mark.points(1)
@pytest.mark.hint("serve_connection and close are given: what do they call, and what does it do?")
@pytest.mark.depends(on=["test_server_answers", "test_server_refuses"])
def test_server_on_a_socket(check, run_program):
    """Answers over real sockets, whatever arrives there, and leaves no thread behind"""
    bodies = [asked([[1, 2, 3]]), asked([[1, 2]]), "{"]
    found = run_program(
        "programs/served.py", kind="sockets", weight=WEIGHT, bias=BIAS, bodies=bodies
    )
    check.equal([reply["status"] for reply in found["good"]], [200, 400, 400])
    expected = np.array([[1, 2, 3]]) @ WEIGHT.T + BIAS
    for reply in (found["good"][0], found["in pieces"], found["two parts"], found["after"]):
        check.equal(reply["status"], 200)
        check.close(np.array(json.loads(reply["body"])["outputs"]), expected, rtol=1e-4)
    names = ("health", "large", "no length", "bad length", "no HTTP")
    statuses = {name: found[name]["status"] for name in names}
    check.equal(statuses, dict(zip(names, (200, 413, 411, 400, 400), strict=True)))
    for name in (*names, "after"):
        reply = found[name]
        length = f"content-length: {len(reply['body'])}\r\n"
        check.true(length in reply["head"] + "\r\n", f"{name}: {reply['head']!r} has no {length!r}")
        check.true(reply["ended"] and reply["closed"], f"{name}: the connection is still open")
    check.true(found["gone"], "a client that vanished still has a thread")
    check.equal(found["threads"], 0)


@pytest.mark.points(1)
@pytest.mark.hint("The deadline is one for the whole request, however often a byte arrives.")
@pytest.mark.depends(on="test_server_on_a_socket")
def test_server_and_slow_clients(check, run_program):
    """Ends a connection whose request does not arrive in time, and closes with clients inside"""
    found = run_program("programs/served.py", kind="slow", weight=WEIGHT, bias=BIAS)
    for name in ("dripping", "silent"):
        reply = found[name]
        check.true(reply["seconds"] < 5, f"{name}: was kept for {reply['seconds']:.1f} s of 0.4")
        check.equal((name, reply["status"], reply["ended"]), (name, 408, True))
    found = run_program(
        "programs/served.py", kind="network", weight=WEIGHT, bias=BIAS, body=asked([[1, 2, 3]])
    )
    check.equal(found["threads"], 0)
    if found["network"]:  # there is none in isolation
        expected = np.array([[1, 2, 3]]) @ WEIGHT.T + BIAS
        for reply in found["replies"]:
            head, _, body = reply.partition("\r\n\r\n")
            check.true(head.startswith("HTTP/1.1 200"), f"answered {reply[:80]!r}")
            check.close(np.array(json.loads(body)["outputs"]), expected, rtol=1e-4)
        check.true(found["seconds"] < 4, f"close() took {found['seconds']:.1f} s")
        check.true(not found["listens"], "the port still listens after close()")


# --- watching ---------------------------------------------------------------------------------


def largest_distance(a, b):
    """n m D: the largest |i m - j n| at all numbers of both samples."""
    counts = [((a <= x).sum(), (b <= x).sum()) for x in np.concatenate([a, b])]
    return max(abs(int(i) * len(b) - int(j) * len(a)) for i, j in counts)


def share_of_paths(n, m, largest):
    """The share of all orders of n and m numbers whose distance reaches `largest`, exactly."""
    inside = [0] * (n + 1)  # the paths to (i, j) that stay below it
    for j in range(m + 1):
        for i in range(n + 1):
            come = (inside[i] if j else 0) + (inside[i - 1] if i else 0) + (i == j == 0)
            inside[i] = come if abs(i * m - j * n) < largest else 0
    return 1 - inside[n] / math.comb(n + m, n)


@pytest.mark.points(1)
@pytest.mark.hint("i/n - j/m as i m - j n, in whole numbers; B is 1 where that is at least n m D.")
@given(
    sizes=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    seed=st.integers(0, 99),
    values=st.sampled_from([3, 1000]),
)
def test_kolmogorov_smirnov(tt, check, sizes, seed, values):
    """Finds how far two samples are apart, and exactly how probable that is"""
    draw = np.random.default_rng(seed)
    a, b = (draw.integers(0, values, size).astype(float) for size in sizes)
    for x, y in ((a, b), (b, a + 0.3 * values), (a, a)):
        largest = largest_distance(x, y)
        d, p = tt.kolmogorov_smirnov(x, y)
        check.close(float(d), largest / (len(x) * len(y)), rtol=1e-9)
        check.close(float(p), share_of_paths(len(x), len(y), largest), rtol=1e-6, atol=1e-9)


@pytest.mark.points(1)
@pytest.mark.hint("Count by hand: 3 against 2 numbers have 10 orders.")
@pytest.mark.depends(on="test_kolmogorov_smirnov")
def test_kolmogorov_smirnov_far_out(tt, check):
    """Is exact where p is tiny, and takes Kolmogorov's series for many numbers"""
    check.close(np.array(tt.kolmogorov_smirnov([1, 2, 4], [3, 5]), float), [2 / 3, 0.6])
    orders = list(itertools.combinations(range(7), 3))
    reach = [largest_distance(np.array(o), np.array([*set(range(7)) - set(o)])) for o in orders]
    p = float(tt.kolmogorov_smirnov([1, 2, 6], [3, 4, 5, 7])[1])
    wanted = largest_distance(np.array([1, 2, 6]), np.array([3, 4, 5, 7]))
    check.close(p, sum(r >= wanted for r in reach) / len(reach), rtol=1e-6)
    p = float(tt.kolmogorov_smirnov(np.arange(40), np.arange(100, 130))[1])
    check.close(p * math.comb(70, 30), 2.0, rtol=1e-6)
    x = np.arange(6000) / 6000
    d, p = tt.kolmogorov_smirnov(x, x * 1.03)
    z = float(d) * math.sqrt(3000)
    series = 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * z * z) for k in range(1, 50))
    check.close(float(p), series, rtol=0.05)
    check.close(float(tt.kolmogorov_smirnov(x, x[::2])[1]), 1.0, rtol=1e-3)
    for wrong in ([], [1.0, float("nan")]):
        with check.raises(ValueError):
            tt.kolmogorov_smirnov(wrong, [1.0, 2.0])


@pytest.mark.points(2)
@pytest.mark.hint("Each of F features gets the rate / F; both data sets one dtype, the narrower.")
@pytest.mark.depends(on="test_kolmogorov_smirnov")
def test_drift(tt, check, run_program):
    """Finds one moved feature of twenty, and alarms for clean data no more often than it may"""
    draw = np.random.default_rng(12)
    detector = tt.DriftDetector(draw.standard_normal((250, 20)).astype(np.float32))
    for column, change in ((13, 0.8), (0, -0.8), (19, 0.8)):
        live = draw.standard_normal((120, 20)).astype(np.float32)
        live[:, column] += np.float32(change)
        found = detector.check(live)
        check.equal([int(f) for f in found["drifted"]], [column])
        check.shape(check.array(found["p_values"]), (20,))
        check.true(int(check.array(found["psi"]).argmax()) == column, "psi is largest elsewhere")
    wide = draw.standard_normal((250, 4))
    live = draw.standard_normal((150, 4))
    live[:, 2] *= 2.5  # another width, the same mean
    check.equal([int(f) for f in tt.DriftDetector(wide).check(live)["drifted"]], [2])
    alarms = 0
    for _ in range(60):
        detector = tt.DriftDetector(draw.random((40, 10)), false_alarm_rate=0.05)
        alarms += len(detector.check(draw.random((30, 10)))["drifted"]) > 0
    check.true(alarms <= 11, f"{alarms} alarms for 60 clean data sets, at a rate of 0.05")
    few = np.round(draw.random((400, 3)), 1)
    for reference, live in ((few, few.astype(np.float32)), (few.astype(np.float32), few)):
        found = tt.DriftDetector(reference).check(live)
        check.equal([int(f) for f in found["drifted"]], [])
        check.close(check.array(found["p_values"]), [1.0, 1.0, 1.0])
        check.close(check.array(found["psi"]), [0.0, 0.0, 0.0], atol=1e-9)
    with check.raises(ValueError, mentions=("3",)):
        tt.DriftDetector(few).check(few[:, :2])
    # A p-value of 0.10 for one feature: which rate allows an alarm for it?
    one, other = np.arange(10.0)[:, None], np.arange(10.0)[:, None] + 4.5
    p = float(check.array(tt.DriftDetector(one).check(other)["p_values"])[0])
    for rate, found in ((p * 1.5, [0]), (p * 0.5, [])):
        check.equal([int(f) for f in tt.DriftDetector(one, rate).check(other)["drifted"]], found)
    shuffled = draw.permutation(few), draw.permutation(few)
    left_alone(check, run_program, {"DriftDetector.check": shuffled})
    for rate in (0, 1.5):
        with check.raises(ValueError, mentions=(str(rate),)):
            tt.DriftDetector(few, rate)


@pytest.mark.points(1)
@pytest.mark.hint("Edges are quantiles of the reference; a share has 0.5 added to its count.")
def test_stability_index(tt, check, run_program):
    """Measures the size of a shift over bins of the reference"""
    draw = np.random.default_rng(13)
    reference = draw.standard_normal(1000)
    both = reference, draw.standard_normal(90)
    calls = {"population_stability_index": both, "kolmogorov_smirnov": both}
    left_alone(check, run_program, calls)
    for bins, live in (
        (10, draw.standard_normal(700)),
        (10, draw.standard_normal(300) + 1),
        (10, np.full(50, 9.0)),
        (4, draw.standard_normal(500) - 1),
    ):
        edges = np.quantile(reference, np.arange(1, bins) / bins)
        counts = [[(np.digitize(s, edges, right=True) == k).sum() for k in range(bins)]
                  for s in (reference, live)]  # fmt: skip
        p, q = ((np.array(c) + 0.5) / (sum(c) + 0.5 * bins) for c in counts)
        expected = float(((q - p) * np.log(q / p)).sum())
        found = float(tt.population_stability_index(reference, live, bins))
        check.close(found, expected, rtol=1e-6)
    found = float(tt.population_stability_index(reference, reference[::-1] + 1))
    check.close(found, float(tt.population_stability_index(reference, reference + 1, 10)))
    few = np.repeat([0.0, 1.0], [500, 500])
    p, q = np.array([500.5, 500.5]) / 1001, np.array([160.5, 40.5]) / 201
    expected = float(((q - p) * np.log(q / p)).sum())
    live = np.repeat([0.0, 1.0], [160, 40])
    found = float(tt.population_stability_index(few, live, bins=4))
    edges = np.unique(np.quantile(few, [0.25, 0.5, 0.75]))
    counts = [np.bincount(np.searchsorted(edges, s), minlength=len(edges) + 1) for s in (few, live)]
    p, q = ((c + 0.5) / (c.sum() + 0.5 * len(c)) for c in counts)
    check.close(found, float(((q - p) * np.log(q / p)).sum()), rtol=1e-6)
    check.close(found, expected, rtol=0.05)


@pytest.mark.points(1)
@pytest.mark.hint("Keep the last `window` rows; sort the times for percentiles, number int(n * p).")
def test_monitor(tt, check):
    """Summarises the last requests, and names the limits that they break"""
    monitor = tt.ModelMonitor(window=50)
    check.equal(monitor.summary()["count"], 0)
    check.equal(monitor.alarms(p99=0.0, error_rate=0.0, accuracy=1.0), [])
    draw = np.random.default_rng(14)
    times = draw.permutation(np.arange(1, 81)) / 100
    for number, seconds in enumerate(times.tolist()):
        correct = None if number % 3 else number % 2 == 0
        monitor.record(seconds, number % 10 != 3, correct)
    last, numbers = np.sort(times[30:]), np.arange(30, 80)
    known = numbers[numbers % 3 == 0]
    expected = {
        "count": 50,
        "error_rate": 0.1,
        "p50": float(last[25]),
        "p99": float(last[49]),
        "accuracy": float((known % 2 == 0).mean()),
    }
    found = monitor.summary()
    check.equal(sorted(found), sorted(expected))
    for name, value in expected.items():
        check.close(float(found[name]), value)
    check.equal(monitor.alarms(error_rate=0.05, p50=9.0, p99=0.1), ["error_rate", "p99"])
    check.equal(monitor.alarms(error_rate=0.2, accuracy=0.99), ["accuracy"])
    check.equal(monitor.alarms(accuracy=0.1), [])
    check.equal(monitor.alarms(error_rate=0.1, count=50, p50=float(last[25])), [])
    for wrong in (float("nan"), -1.0):
        with check.raises(ValueError, mentions=(str(wrong),)):
            monitor.record(wrong)
    with check.raises(ValueError, mentions=("speed",)):
        monitor.alarms(speed=1.0)
    with check.raises(ValueError, mentions=("0",)):
        tt.ModelMonitor(0)


@pytest.mark.points(1)
@pytest.mark.hint("Drift counts in a row; after a reason, `cooldown` checks give none.")
def test_trigger(tt, check):
    """Asks for training after drift that lasts, or a loss of accuracy, and then waits"""
    none, drift = "", "drift"
    for checks, expected in (
        ([(True, None)] * 7, [none, none, drift, none, none, drift, none]),
        ([(True, None)] * 2 + [(False, None)] + [(True, None)] * 3, [none] * 5 + [drift]),
        ([(False, 0.9), (False, 0.81), (False, 0.79)], [none, none, "accuracy"]),
        ([(False, 0.5)] * 4, ["accuracy", none, none, "accuracy"]),
        ([(True, 0.9), (True, 0.9), (True, 0.2)], [none, none, "accuracy"]),
        ([(False, float("nan"))] * 2, [none, none]),
    ):
        trigger = tt.RetrainingTrigger(baseline=0.9, drop=0.1, patience=3, cooldown=2)
        check.equal([trigger.check(*one) for one in checks], expected)
    just = tt.RetrainingTrigger(baseline=0.75, drop=0.25)  # numbers without rounding
    check.equal([just.check(False, accuracy) for accuracy in (0.5, 0.4375)], [none, "accuracy"])


@pytest.mark.points(1)
@pytest.mark.hint("Of all failures, how many fall on the new model by chance: math.comb.")
def test_canary_p_value(check, run_program):
    """Knows how probable so many failures of a new model are if it is as good as the old one"""
    counts = [((100, 1), (100, 7)), ((900, 30), (60, 9)), ((50, 50), (5, 5)), ((40, 0), (8, 3)),
              ((30, 9), (20, 0))]  # fmt: skip
    found = run_program("programs/canaries.py", kind="p", counts=counts)
    for p, ((n, a), (m, b)) in zip(found, counts, strict=True):
        ways = [math.comb(a + b, i) * math.comb(n + m - a - b, m - i) for i in range(b, m + 1)]
        check.close(p, sum(ways) / math.comb(n + m, m), rtol=1e-9)


@pytest.mark.points(2)
@pytest.mark.hint("Look after minimum, 2 minimum, 4 minimum ... answers, with half the rate each.")
@pytest.mark.depends(on="test_canary_p_value")
def test_canary(check, run_program):
    """Rolls a worse model back by itself, once, and keeps one that is as good"""
    worse = run_program(
        "programs/canaries.py",
        kind="requests",
        seeds=6,
        count=2500,
        share=0.25,
        rates={"stable": 0.02, "candidate": 0.2},
    )
    check.equal(worse["states"], ["rolled back"] * 6)
    check.equal((worse["calls"], worse["late"]), (6, 0))
    share = float(np.mean(worse["shares"]))
    check.true(0.1 < share < 0.3, f"the new model answered {share:.0%} of 200, expected up to 25 %")
    check.true(max(worse["looks"]) < 1500, f"rolled back after {worse['looks']} requests")
    check.true(min(worse["looks"]) > 49, f"rolled back after {worse['looks']}, before 50 answers")
    good = run_program(
        "programs/canaries.py",
        kind="requests",
        seeds=30,
        count=1500,
        share=0.4,
        rates={"stable": 0.1, "candidate": 0.1},
    )
    back = good["states"].count("rolled back")
    check.true(back <= 6, f"{back} of 30 good models were rolled back, at a rate of 5 %")
    share = float(np.mean(good["shares"]))
    check.true(0.3 < share < 0.5, f"the new model answered {share:.0%}, expected 40 %")
    for output in (None, [float("nan")], [float("inf")]):
        found = run_program("programs/canaries.py", kind="raising", output=output)
        check.equal(found, {"answers": [[7, "stable"]] * 100, "state": "rolled back"})
