"""Loads files of every bad kind, and tells what was said and what was changed."""

import pickle
import tempfile
from pathlib import Path

import numpy as np


class Trap:
    """Unpickling it leaves a trace."""

    sprung = False

    def __reduce__(self):
        return spring, ()


def spring():
    Trap.sprung = True


def main(tt):
    model, other = tt.Linear(40, 3), tt.Linear(40, 3)
    optimizer = tt.SGD(model.parameters(), lr=0.1, momentum=0.9)
    adam = tt.Adam(other.parameters(), lr=0.2)
    for owner, stepper in ((model, optimizer), (other, adam)):
        owner(tt.ones(2, 40)).sum().backward()
        stepper.step()

    def situation():
        arrays = [np.asarray(v) for v in [*optimizer.state_dict().values(), *model.parameters()]]
        return [array.tolist() for array in arrays]

    def tried(path):
        before = situation()
        try:
            tt.load_checkpoint(path, model, optimizer)
        except Exception as error:
            return kind_of(error), path.name in str(error), situation() == before
        return "nothing", False, False

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        good = folder / "good"
        tt.save_checkpoint(good, other, tt.SGD(other.parameters(), lr=0.2, momentum=0.5))
        content = good.read_bytes()
        place = content.index(other.weight.numpy().tobytes()) + 100
        files = {
            "missing": None,
            "empty": b"",
            "cut off": content[: len(content) // 2],
            "cut off at its end": content[:-10],
            "damaged": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            "text": b"weights: 1, 2, 3\n" * 99,
            "a pickle": pickled(),
            "foreign": arrays(folder, weight=np.ones((3, 40)), bias=np.ones(3)),
            "an array of pickles": arrays(folder, weight=np.array([pickled(), Trap()], object)),
            "of another optimizer": saved(tt, folder, other, adam),
            "without an optimizer": saved(tt, folder, other, None),
            "of another model": saved(tt, folder, tt.Linear(40, 4), optimizer),
        }
        found = {}
        for name, content in files.items():
            path = folder / f"{name.replace(' ', '-')}.npz"
            if content is not None:
                path.write_bytes(content)
            found[name] = tried(path)
        return {
            "files": found,
            "pickle was run": Trap.sprung,
            "failed save": failed_save(tt, good, model),
        }


def kind_of(error):
    kinds = (FileNotFoundError, ValueError)
    return next((k.__name__ for k in kinds if isinstance(error, k)), type(error).__name__)


def pickled():
    return pickle.dumps({"weight": [1, 2, 3]})


def arrays(folder, **named):
    np.savez(folder / "arrays.npz", **named)
    return (folder / "arrays.npz").read_bytes()


def saved(tt, folder, *parts):
    tt.save_checkpoint(folder / "saved", *parts)
    return (folder / "saved").read_bytes()


def failed_save(tt, path, model):
    """What a checkpoint is refused for, and whether the one that was there is still there, alone."""
    before, files = path.read_bytes(), sorted(path.parent.iterdir())
    try:
        tt.save_checkpoint(path, model, hook=failed_save)
    except Exception as error:
        same = path.read_bytes() == before and sorted(path.parent.iterdir()) == files
        return type(error).__name__, same
    return "nothing", False
