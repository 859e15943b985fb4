"""Loads files of every bad kind, and tells what was said and what was changed."""

import os
import pickle
import tempfile
import zipfile
from pathlib import Path

import numpy as np


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def main(tt):
    model, other = tt.Linear(40, 3), tt.Linear(40, 3)
    optimizer = tt.SGD(model.parameters(), lr=0.1, momentum=0.9)
    adam = tt.Adam(other.parameters(), lr=0.2)
    for owner, stepper in ((model, optimizer), (other, adam)):
        owner(tt.ones(2, 40)).sum().backward()
        stepper.step()

    def situation():
        weights = [parameter.numpy() for parameter in model.parameters()]
        arrays = [np.asarray(v) for v in [*optimizer.state_dict().values(), *weights]]
        return [array.tolist() for array in arrays]

    def tried(path):
        before = situation()
        try:
            tt.load_checkpoint(path, model, optimizer)
        except Exception as error:
            return kind_of(error), path.name in str(error), situation() == before
        return "nothing", False, False

    with tempfile.TemporaryDirectory() as folder:
        folder, sprung = Path(folder), Path(folder) / "sprung"
        good = folder / "good"
        tt.save_checkpoint(good, other, tt.SGD(other.parameters(), lr=0.2, momentum=0.5))
        content = good.read_bytes()
        place = inside(good)
        files = {
            "missing": None,
            "empty": b"",
            "cut off": content[: len(content) // 2],
            "cut off at its end": content[:-10],
            "damaged": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            "text": b"weights: 1, 2, 3\n" * 99,
            "a pickle": pickle.dumps(Trap(sprung)),
            "foreign": arrays(folder, weight=np.ones((3, 40)), bias=np.ones(3)),
            "an array of pickles": arrays(folder, weight=np.array([Trap(sprung)], object)),
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
            "pickle was run": sprung.exists(),
            "failed save": not_saved(good, lambda: tt.save_checkpoint(good, model, hook=not_saved)),
            "full disk": on_a_full_disk(good, lambda: tt.save_checkpoint(good, model)),
        }


def inside(path):
    """A place in the middle of the largest member of a zip archive."""
    with zipfile.ZipFile(path) as archive:
        member = max(archive.infolist(), key=lambda member: member.compress_size)
    lengths = path.read_bytes()[member.header_offset + 26 : member.header_offset + 30]
    name, extra = lengths[:2], lengths[2:]
    start = 30 + int.from_bytes(name, "little") + int.from_bytes(extra, "little")
    return member.header_offset + start + member.compress_size // 2


def kind_of(error):
    kinds = (FileNotFoundError, ValueError)
    return next((k.__name__ for k in kinds if isinstance(error, k)), type(error).__name__)


def arrays(folder, **named):
    np.savez(folder / "arrays.npz", **named)
    return (folder / "arrays.npz").read_bytes()


def saved(tt, folder, *parts):
    tt.save_checkpoint(folder / "saved", *parts)
    return (folder / "saved").read_bytes()


def not_saved(path, save):
    """What was raised, and whether the checkpoint that was there is still there, alone."""
    before, files = path.read_bytes(), sorted(path.parent.iterdir())
    try:
        save()
    except Exception as error:
        same = path.read_bytes() == before and sorted(path.parent.iterdir()) == files
        return type(error).__name__, same
    return "nothing", False


def on_a_full_disk(path, save):
    """The same while no file may grow beyond 1,000 bytes; as wanted, where no limit can be set."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    except (ImportError, OSError, ValueError):
        return "OSError", True
    try:
        return not_saved(path, save)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
