"""Saves a model, loads it, and loads what was done to the file since; and writes safetensors."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def layers_of(tt: Any, specification: list) -> list:
    """[["Linear", 3, 2], "relu", ["Sequential", [...]]] as layers; a number repeats a layer."""
    layers: list = []
    for entry in specification:
        if isinstance(entry, int):
            layers.append(layers[entry])
        elif isinstance(entry, str):
            layers.append(getattr(tt, entry))
        elif entry[0] == "Sequential":
            layers.append(tt.Sequential(*layers_of(tt, entry[1])))
        else:
            layers.append(getattr(tt, entry[0])(*entry[1:]))
    return layers


def model_of(tt: Any, specification: list, state: dict | None) -> Any:
    model = tt.Sequential(*layers_of(tt, specification))
    if state is not None:
        model.load_state_dict(state)
    return model


def main(tt: Any, kind: str, **inputs: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"model": saved, "damaged": damaged, "write": written, "read": read}
        kinds |= {"onnx": onnx, "no onnx": no_onnx}
        return kinds[kind](tt, Path(folder), **inputs)


def content(path: Path) -> np.ndarray:
    return np.frombuffer(path.read_bytes(), np.uint8)


def said(call: Any) -> str:
    """What was raised: its type and its text."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was raised"


def saved(tt: Any, folder: Path, specification: list, state: dict, x: np.ndarray) -> dict:
    path = folder / "model.npz"
    for values in ({name: 0 * array for name, array in state.items()}, state):
        model = model_of(tt, specification, values)
        tt.save_model(path, model)  # the second replaces the first
    loaded, other = tt.load_model(path), model_of(tt, specification, None)
    same = tt.load_model(str(path), other) is other
    modes = [model.training, other.training]
    with np.load(path, allow_pickle=False) as file:
        members = sorted(file.files)
        description = json.loads(file["model.json"].tobytes())
    return {
        "output": loaded(tt.Tensor(x)).data,
        "mode": bool(loaded.training),
        "modes": [bool(mode) for mode in modes],
        "dtypes": dtypes_kept(tt, folder),
        "given": {"same": same, "output": other.eval()(tt.Tensor(x)).data},
        "members": members,
        "format": description["format"],
        "files": sorted(file.name for file in folder.iterdir()),
    }


def dtypes_kept(tt: Any, folder: Path) -> list[str]:
    """The dtypes of a Linear that was loaded, whose weight is float64."""
    path, double = folder / "dtypes.npz", tt.Linear(2, 3)
    double.weight.data = double.weight.data.astype(np.float64)
    tt.save_model(path, tt.Sequential(double))
    found = tt.load_model(path).state_dict()
    path.unlink()
    return [array.dtype.name for array in found.values()]


def damaged(tt: Any, folder: Path, specification: list, state: dict) -> dict:
    """What load_model says to files that are not what was saved; the model stays as it is."""
    path, found = folder / "model.npz", {}
    tt.save_model(path, model_of(tt, specification, state))
    whole = path.read_bytes()
    with np.load(path) as file:
        members = dict(file)
    largest = max((n for n in members if n != "model.json"), key=lambda n: members[n].size)
    other = members[largest].copy()
    other.reshape(-1)[-1] += other.dtype.type(1e-3)
    description = json.loads(members["model.json"].tobytes())
    newer = np.frombuffer(json.dumps(description | {"format": 77}).encode(), np.uint8)
    layers = json.dumps(description).replace("0.25", "0.75")
    files = {
        "another number": {**members, largest: other},
        "another shape": {**members, largest: members[largest].reshape(-1)},
        "another description": {**members, "model.json": np.frombuffer(layers.encode(), np.uint8)},
        "newer": {**members, "model.json": newer},
        "no JSON": {**members, "model.json": np.frombuffer(b"{", np.uint8)},
        "foreign": {"weights": np.ones(3)},
    }
    model = model_of(tt, specification, state)
    for name, arrays in files.items():
        np.savez(path, **arrays)
        found[name] = said(lambda: tt.load_model(path, model))
    for name, bytes_ in {"cut off": whole[:-30], "text": b"not a model"}.items():
        path.write_bytes(bytes_)
        found[name] = said(lambda: tt.load_model(path, model))
    path.write_bytes(whole)
    small = tt.Sequential(tt.Linear(2, 2))
    found["another model"] = said(lambda: tt.load_model(path, small))
    found["missing"] = said(lambda: tt.load_model(folder / "nothing.npz", model))
    kept = model.state_dict()
    found["kept"] = all(bool((kept[name] == array).all()) for name, array in state.items())
    return found


def written(tt: Any, folder: Path, tensors: dict, turned: list, metadata: dict) -> dict:
    """The bytes of a safetensors file. turned: names of which the transposed array is written."""
    path = folder / "w.safetensors"
    arrays = {n: np.array(a, order="F") if n not in turned else a.T for n, a in tensors.items()}
    arrays |= {name: tt.Tensor(array) for name, array in arrays.items() if name.startswith("t")}
    arrays["half"] = arrays["half"].astype(">f2")  # the highest byte first in memory
    given = dict(arrays)
    tt.save_safetensors(path, arrays, metadata)
    plain = folder / "plain.safetensors"
    tt.save_safetensors(plain, {"a": np.ones(2, np.float32)})
    without = content(plain)
    plain.unlink()
    return {
        "bytes": content(path),
        "plain": without,
        "kept": list(given) == list(arrays) and all(given[n] is arrays[n] for n in given),
        "back": {name: np.asarray(a) for name, a in tt.load_safetensors(str(path)).items()},
        "complex": said(lambda: tt.save_safetensors(path, {"z": np.array([1j])})),
        "number": said(lambda: tt.save_safetensors(path, {}, {"a": 1})),
        "files": sorted(file.name for file in folder.iterdir()),
    }


def read(tt: Any, folder: Path, files: dict) -> dict:
    """Name -> the tensors of a file, or what was said about it."""
    found: dict[str, Any] = {}
    for name, text in files.items():
        path = folder / name
        path.write_bytes(text.encode("latin-1"))
        try:
            found[name] = {n: np.asarray(a) for n, a in tt.load_safetensors(path).items()}
            fixed = [n for n, a in found[name].items() if not a.flags.writeable]
            found[name] |= {"cannot be written": fixed} if fixed else {}
        except ValueError as error:
            found[name] = f"ValueError: {error}"
    return found


def onnx(
    tt: Any,
    folder: Path,
    specification: list,
    state: dict | None,
    x: np.ndarray,
    training: bool = False,
) -> dict:
    """The bytes of an exported model, its weights, and whether it is as it was."""
    path = folder / "m.onnx"
    model = block_of(tt) if specification == ["block"] else model_of(tt, specification, state)
    model.train()
    inner = [module for _, module in model.named_modules() if module is not model]
    if not training:
        for module in inner[:1]:
            module.eval()  # as one that is not to learn any more
    before, modes = model.state_dict(), [module.training for module in inner]
    tt.export_onnx(path, model, tt.Tensor(x), **({"training": True} if training else {}))
    after = model.state_dict()
    same = all(bool((before[name] == array).all()) for name, array in after.items())
    same = same and model.training and modes == [module.training for module in inner]
    return {"bytes": content(path), "state": before, "same": same, "learns": learns(tt)}


def learns(tt: Any) -> bool:
    """Whether gradients come back, as they do where the engine is as before."""
    layer = tt.Linear(2, 1)
    layer(tt.ones(1, 2)).sum().backward()
    return layer.weight.grad is not None


def no_onnx(tt: Any, folder: Path) -> dict:
    """What export_onnx says to models that cannot be exported; what becomes of files and engine."""

    class Elsewhere(tt.Module):
        """Its output is computed from its input, but not by operations that a recorder sees."""

        def forward(self, x: Any) -> Any:
            return tt.Tensor(x.data * 2)

    class Broken(tt.Module):
        def forward(self, x: Any) -> Any:
            raise OSError("the disk is gone")

    path, x = folder / "m.onnx", tt.ones(2, 3)
    path.write_bytes(b"an older file")
    dropout = tt.Sequential(tt.Linear(3, 2), tt.Dropout(0.5))
    calls = {
        "Dropout in training": lambda: tt.export_onnx(path, dropout, x, training=True),
        "an output from elsewhere": lambda: tt.export_onnx(path, Elsewhere(), x),
        "a model that raises": lambda: tt.export_onnx(path, Broken(), x),
    }
    found = {name: [said(call), learns(tt)] for name, call in calls.items()}
    return {"said": found, "kept": path.read_bytes() == b"an older file"}


def block_of(tt: Any) -> Any:
    """A block of a GPT: attention and a small network, each added to its input."""

    class Block(tt.Module):
        def __init__(self) -> None:
            self.norm1, self.norm2 = tt.LayerNorm(6), tt.LayerNorm(6)
            self.attention = tt.MultiHeadAttention(6, 2)
            self.linear1, self.linear2 = tt.Linear(6, 10), tt.Linear(10, 6)

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm1(x), tt.causal_mask(x.shape[1]))
            return x + self.linear2(tt.gelu(self.linear1(self.norm2(x))))

    tt.manual_seed(4)
    model = Block()
    for parameter in model.parameters():
        parameter.data = parameter.data + 0.3 * tt.randn(*parameter.shape).data
    return model
