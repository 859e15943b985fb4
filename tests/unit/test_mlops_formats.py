"""Module 15 against ONNX Runtime, safetensors and PyTorch (each skipped where it is absent)."""

import subprocess
import sys

import numpy as np
import pytest

import tinytorch as tt

CONVOLUTIONS = {
    f"conv {kernel} {stride} {padding} {bias}": (
        lambda k=kernel, s=stride, p=padding, b=bias: tt.Conv2d(3, 4, k, s, p, b),
        (2, 3, 9, 7),
    )
    for kernel in (1, 3, (2, 3))
    for stride in (1, 2, (2, 1))
    for padding in (0, 1, (2, 0))
    for bias in (True, False)
}
LAYERS = {
    "linear": (lambda: tt.Linear(5, 3), (4, 5)),
    "linear without bias": (lambda: tt.Linear(5, 3, bias=False), (4, 5)),
    "linear of rows": (lambda: tt.Linear(5, 3), (4, 6, 5)),
    "linear of rows without bias": (lambda: tt.Linear(5, 3, bias=False), (4, 2, 6, 5)),
    "flatten": (lambda: tt.Flatten(), (4, 2, 3, 5)),
    "relu": (lambda: tt.ReLU(), (4, 5)),
    "leaky relu": (lambda: tt.LeakyReLU(0.2), (4, 5)),
    "sigmoid": (lambda: tt.Sigmoid(), (4, 5)),
    "tanh": (lambda: tt.Tanh(), (4, 5)),
    "softmax": (lambda: tt.Softmax(), (4, 5)),
    "softmax along channels": (lambda: tt.Softmax(dim=1), (4, 5, 2)),
    "gelu": (lambda: tt.GELU(), (4, 5)),
    "log softmax": (lambda: tt.log_softmax, (4, 5)),
    "max pool": (lambda: tt.MaxPool2d(2), (2, 3, 6, 6)),
    "max pool odd": (lambda: tt.MaxPool2d(3, 2), (2, 3, 8, 9)),
    "max pool pair": (lambda: tt.MaxPool2d((3, 2), (1, 2)), (2, 3, 8, 9)),
    "mean pool": (lambda: tt.AvgPool2d(2), (2, 3, 7, 6)),
    "mean pool odd": (lambda: tt.AvgPool2d((3, 2), 2), (2, 3, 8, 9)),
    "global mean": (lambda: tt.GlobalAvgPool2d(), (2, 3, 5, 7)),
    "batch norm of rows": (lambda: tt.BatchNorm1d(5), (6, 5)),
    "batch norm of channels": (lambda: tt.BatchNorm1d(5), (6, 5, 4)),
    "batch norm of images": (lambda: tt.BatchNorm2d(3), (6, 3, 5, 4)),
    "layer norm": (lambda: tt.LayerNorm(5), (6, 4, 5)),
    "layer norm of two": (lambda: tt.LayerNorm((4, 5), eps=1e-3), (6, 4, 5)),
    "dropout": (lambda: tt.Dropout(0.5), (6, 5)),
    "attention": (lambda: tt.MultiHeadAttention(6, 3), (2, 5, 6)),
    "block": (lambda: tt.TransformerBlock(8, 2), (2, 5, 8)),
    **CONVOLUTIONS,
}


def network(layer):
    """A Sequential of one layer, with numbers that no default has."""
    tt.manual_seed(1)
    model = tt.Sequential(layer)
    for name, tensor in model.named_tensors():
        if tensor.dtype == np.float32:
            noise = tt.randn(*tensor.shape).data * np.float32(0.3)
            tensor.data = tensor.data + (abs(noise) if name.endswith("var") else noise)
    return model


def inputs(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def runtime(path):
    """What ONNX Runtime computes of a file that the checker of ONNX accepts."""
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == ["x"]
    return lambda x: session.run(["y"], {"x": x})[0]


@pytest.mark.parametrize("layer, shape", LAYERS.values(), ids=LAYERS)
def test_onnx_runtime_agrees(tmp_path, layer, shape):
    model = network(layer()).train()
    tt.export_onnx(tmp_path / "m.onnx", model, tt.Tensor(inputs(shape)))
    assert model.training
    run, model = runtime(tmp_path / "m.onnx"), model.eval()
    for batch in (shape[0], 1, 7):
        x = inputs((batch, *shape[1:]), seed=batch)
        np.testing.assert_allclose(run(x), model(tt.Tensor(x)).numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in LAYERS if name.startswith("batch norm")])
def test_onnx_runtime_agrees_in_training(tmp_path, name):
    layer, shape = LAYERS[name]
    model, x = network(layer()), inputs(shape, seed=3) * 3 + 1
    before = model.state_dict()
    tt.export_onnx(tmp_path / "m.onnx", model, x, training=True)
    assert all(np.array_equal(before[n], array) for n, array in model.state_dict().items())
    found = runtime(tmp_path / "m.onnx")(x)
    np.testing.assert_allclose(found, model(tt.Tensor(x)).numpy(), rtol=1e-5, atol=1e-5)


class Everything(tt.Module):
    """Operators, reductions and joins, in a forward of its own."""

    def __init__(self):
        self.scale = tt.ones(4)

    def forward(self, x):
        y = (2 - x) * 3 / (x.abs() + 1.5) + self.scale
        y = tt.concatenate([y, x.exp(), -x], dim=1)
        y = y - y.mean(dim=1, keepdim=True) + y.max(dim=1, keepdim=True)
        y = (y * y + 1).sqrt().log() ** 2
        y = tt.where(tt.Tensor(np.arange(12) % 2 == 0), y, y.sum(dim=-1, keepdim=True))
        return y.reshape(len(x), 3, 4).permute(1, 0, 2)[-1].reshape(len(x), 4) @ self.table()

    def table(self):
        return tt.Tensor(np.arange(8, dtype=np.float32).reshape(4, 2) / 8)


def test_any_forward_is_exported(tmp_path):
    model, x = Everything(), inputs((3, 4))
    tt.export_onnx(tmp_path / "m.onnx", model, x)
    run = runtime(tmp_path / "m.onnx")
    np.testing.assert_allclose(run(x), model(tt.Tensor(x)).numpy(), rtol=1e-5, atol=1e-5)


def test_queries_that_may_attend_to_nothing(tmp_path):
    class Masked(tt.Module):
        def forward(self, x):
            mask = np.array([[True, False, True], [False] * 3, [True, True, True]])
            return tt.scaled_dot_product_attention(x, x, x, mask)

    x = inputs((2, 3, 4))
    tt.export_onnx(tmp_path / "m.onnx", Masked(), x)
    found = runtime(tmp_path / "m.onnx")(x)
    np.testing.assert_allclose(found, Masked()(tt.Tensor(x)).numpy(), rtol=1e-5, atol=1e-5)
    assert not found[:, 1].any()


def test_float64_stays_float64(tmp_path):
    model, x = network(tt.Linear(3, 2)), inputs((4, 3)).astype(np.float64)
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(np.float64)
    tt.export_onnx(tmp_path / "m.onnx", model, x)
    np.testing.assert_allclose(runtime(tmp_path / "m.onnx")(x), model(tt.Tensor(x)).numpy())


class Unrelated(tt.Module):
    def forward(self, x):
        return tt.Tensor(np.tanh(x.data))


class Sliced(tt.Module):
    def forward(self, x):
        return x[:, 1:]


@pytest.mark.parametrize(
    "model, says",
    [
        (Unrelated(), "was not computed from the input"),
        (Sliced(), "a rule for x[number] alone, got x[(slice(None, None, None), slice(1"),
    ],
    ids=["no trace", "a slice"],
)
def test_what_cannot_be_exported_is_refused(tmp_path, model, says):
    with pytest.raises(ValueError) as error:
        tt.export_onnx(tmp_path / "m.onnx", model, inputs((2, 3)))
    assert says in str(error.value)
    assert list(tmp_path.iterdir()) == []


# --- safetensors --------------------------------------------------------------------------------

DTYPES = ("uint64", "int64", "float64", "float32", "uint32", "int32")
DTYPES += ("float16", "uint16", "int16", "int8", "uint8", "bool")


def some_tensors():
    draw = np.random.default_rng(5)
    tensors = {
        f"{place}.{dtype}": (draw.random((2, 3)) * 5).astype(dtype)
        for place in ("b", "a", "é", 'quote"')
        for dtype in DTYPES
    }
    return tensors | {"none": np.zeros((0, 4), np.float32), "one": np.array(3.5)}


@pytest.mark.parametrize("metadata", [None, {"by": "mé\n"}], ids=["plain", "metadata"])
def test_the_bytes_are_those_of_the_library(tmp_path, metadata):
    library = pytest.importorskip("safetensors.numpy")
    tensors = some_tensors()
    tt.save_safetensors(tmp_path / "a", tensors, metadata)
    assert (tmp_path / "a").read_bytes() == library.save(tensors, metadata)
    loaded = tt.load_safetensors(tmp_path / "a")
    assert set(loaded) == set(tensors)
    for name, array in tensors.items():
        assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape
        np.testing.assert_array_equal(loaded[name], array)
        loaded[name][...] = 0  # arrays of their own


@pytest.mark.parametrize(
    "view",
    [lambda a: a.T, lambda a: a[:, ::2], lambda a: a[::-1], lambda a: a[1:, 1:], np.asfortranarray],
    ids=["transposed", "every second", "reversed", "a part", "Fortran order"],
)
def test_views_are_written_as_they_are_read(tmp_path, view):
    library = pytest.importorskip("safetensors.numpy")
    array = view(np.arange(12, dtype=np.float32).reshape(3, 4))
    tt.save_safetensors(tmp_path / "a", {"w": array})
    assert (tmp_path / "a").read_bytes() == library.save({"w": np.ascontiguousarray(array)})
    np.testing.assert_array_equal(library.load_file(tmp_path / "a")["w"], array)


def test_big_endian_numbers_are_written_little(tmp_path):
    tt.save_safetensors(tmp_path / "a", {"w": np.array([1, 256], ">i4")})
    np.testing.assert_array_equal(tt.load_safetensors(tmp_path / "a")["w"], [1, 256])


def test_what_the_library_wrote_is_read(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    tensors = some_tensors()
    library.save_file(tensors, tmp_path / "a", {"by": "them"})
    for name, array in tt.load_safetensors(tmp_path / "a").items():
        np.testing.assert_array_equal(array, tensors[name])


@pytest.mark.parametrize("change", ["cut", "longer", "twice", "offsets", "header"])
def test_both_refuse_what_is_damaged(tmp_path, change):
    library = pytest.importorskip("safetensors.numpy")
    good = library.save({"a": np.float32([1, 2]), "b": np.float32([3])})
    wrong = {
        "cut": good[:-1],
        "longer": good + b"\0",
        "twice": good.replace(b'"b"', b'"a"'),
        "offsets": good.replace(b"[8,12]", b"[4,8] "),
        "header": good[:8] + b"[" + good[9:],
    }[change]
    assert wrong != good
    (tmp_path / "w").write_bytes(wrong)
    with pytest.raises(Exception):  # noqa: B017 - it has exceptions of its own
        library.load(wrong)
    with pytest.raises(ValueError, match="is no good safetensors file"):
        tt.load_safetensors(tmp_path / "w")


# --- PyTorch --------------------------------------------------------------------------------------


def pairs():
    """The same network there and here."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    there = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(0.3), nn.Linear(8, 3, bias=False),
    )  # fmt: skip
    here = tt.Sequential(
        tt.Conv2d(2, 4, 3, padding=1), tt.BatchNorm2d(4), tt.ReLU(), tt.MaxPool2d(2), tt.Flatten(),
        tt.Linear(16, 8), tt.LayerNorm(8), tt.GELU(), tt.Dropout(0.3), tt.Linear(8, 3, bias=False),
    )  # fmt: skip
    x = inputs((6, 2, 4, 4))
    there(torch.from_numpy(x))  # moves the running statistics
    here(tt.Tensor(2 * x))
    return torch, there.eval(), here.eval(), x


def test_state_dicts_of_pytorch_in_both_directions():
    torch, there, here, x = pairs()
    here.load_state_dict(there.state_dict())
    wanted = there(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(here(tt.Tensor(x)).numpy(), wanted, atol=1e-5)
    _, other, _, _ = pairs()
    for parameter in other.parameters():
        parameter.data.zero_()
    state = here.state_dict()
    assert list(state) == list(there.state_dict())
    other.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    np.testing.assert_allclose(other(torch.from_numpy(x)).detach().numpy(), wanted, atol=1e-5)


def test_safetensors_carry_weights_to_pytorch_and_back(tmp_path):
    torch, there, here, x = pairs()
    library = pytest.importorskip("safetensors.torch")
    tt.save_safetensors(tmp_path / "a", here.state_dict())
    there.load_state_dict(library.load_file(tmp_path / "a"))
    wanted = here(tt.Tensor(x)).numpy()
    np.testing.assert_allclose(there(torch.from_numpy(x)).detach().numpy(), wanted, atol=1e-5)
    _, _, other, _ = pairs()
    library.save_file(there.state_dict(), tmp_path / "b")
    other.load_state_dict(tt.load_safetensors(tmp_path / "b"))
    np.testing.assert_allclose(other(tt.Tensor(x)).numpy(), wanted, atol=1e-6)


def test_attention_of_pytorch():
    torch = pytest.importorskip("torch")
    there, here = torch.nn.MultiheadAttention(8, 2, batch_first=True), tt.MultiHeadAttention(8, 2)
    here.load_state_dict(there.state_dict())
    x = inputs((2, 5, 8))
    wanted = there(*[torch.from_numpy(x)] * 3)[0].detach().numpy()
    np.testing.assert_allclose(here(tt.Tensor(x)).numpy(), wanted, atol=1e-5)


# --- save_model -----------------------------------------------------------------------------------


@pytest.mark.parametrize("layer, shape", LAYERS.values(), ids=LAYERS)
def test_every_layer_comes_back(tmp_path, layer, shape):
    model, x = network(layer()), tt.Tensor(inputs(shape))
    tt.save_model(tmp_path / "m.npz", model)
    if isinstance(model[0], tt.TransformerBlock):  # a class of a later module: give one
        with pytest.raises(ValueError, match=r"holds a TransformerBlock.*give load_model a model"):
            tt.load_model(tmp_path / "m.npz")
        loaded = tt.load_model(tmp_path / "m.npz", network(layer()))
    else:
        loaded = tt.load_model(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.eval()(x).numpy(), model.eval()(x).numpy())


def test_numbers_keep_their_dtype_and_shared_layers_stay_shared(tmp_path):
    layer = tt.Linear(4, 4)
    layer.weight.data = layer.weight.data.astype(np.float64)
    tt.save_model(tmp_path / "m.npz", tt.Sequential(layer, tt.relu, tt.Sequential(layer)))
    loaded = tt.load_model(tmp_path / "m.npz")
    assert loaded[2][0] is loaded[0] and loaded[0].weight.dtype == np.float64
    np.testing.assert_array_equal(loaded[0].weight.numpy(), layer.weight.detach().numpy())


def test_any_flipped_byte_is_noticed(tmp_path):
    """Every byte of the data, and of what describes them: nothing wrong is ever loaded."""
    path, model = tmp_path / "m.npz", tt.Sequential(tt.Linear(2, 2), tt.LeakyReLU(0.5))
    tt.save_model(path, model)
    whole, noticed = path.read_bytes(), 0
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        try:
            loaded = tt.load_model(path)
        except ValueError as error:
            noticed += 1
            assert str(path) in str(error)
        else:  # a byte that means nothing, such as the time of an entry
            assert loaded[1].negative_slope == 0.5
            for name, array in model.state_dict().items():
                np.testing.assert_array_equal(loaded.state_dict()[name], array)
    assert noticed > len(whole) / 7 * 0.5


def test_no_pickle_is_ever_opened(tmp_path):
    np.savez(tmp_path / "m.npz", **{"model.json": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(ValueError):
        tt.load_model(tmp_path / "m.npz")


# --- the registry and other processes -------------------------------------------------------------

WRITER = """
import sys, tinytorch as tt
registry = tt.ModelRegistry(sys.argv[1])
for turn in range(6):
    model = tt.Sequential(tt.Linear(1, 1))
    model[0].bias.data = model[0].bias.data * 0 + int(sys.argv[2]) + turn
    version = registry.register("m", model, {"wrote": int(sys.argv[2]) + turn})
    registry.promote("m", version)
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(100 * number)]) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    registry = tt.ModelRegistry(tmp_path)
    assert registry.versions("m") == list(range(1, 25))
    wrote = [registry.info("m", version)["metrics"]["wrote"] for version in range(1, 25)]
    assert sorted(wrote) == sorted(100 * n + turn for n in range(4) for turn in range(6))
    held = [int(registry.load("m", version)[0].bias.data.item()) for version in range(1, 25)]
    assert held == wrote and sorted(registry.history("m")) == list(range(1, 25))
    assert [path.name for path in tmp_path.rglob(".*")] == []


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    registry = tt.ModelRegistry(tmp_path)
    with pytest.raises(TypeError):
        registry.register("m", tt.Linear(1, 1), {"accuracy": object()})
    assert registry.versions("m") == [] and list((tmp_path / "m" / "versions").iterdir()) == []
