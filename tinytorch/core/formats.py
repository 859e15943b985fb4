# Generated from src_modules/15_mlops.py. Do not edit: write in src_modules/15_mlops.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=35f0ac4a62a99b5a code=7f5627a99da67494 content=2a8906560c7e247a
# %% src_modules/15_mlops.py:78
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


# %% src_modules/15_mlops.py:169
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


# %% src_modules/15_mlops.py:327
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


# %% src_modules/15_mlops.py:470
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


# %% src_modules/15_mlops.py:516
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


# %% src_modules/15_mlops.py:591
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


# %% src_modules/15_mlops.py:670
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


# %% src_modules/15_mlops.py:722
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


# %% src_modules/15_mlops.py:862
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


# %% src_modules/15_mlops.py:902
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
