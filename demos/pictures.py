"""Draws what a demo found, as text for a terminal and as a PNG file.

The programs in the folders beside it call it. The text is plain ASCII of at most 80 columns. PNG
files need matplotlib.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

SHADES = np.array(list(" .:-=+*#%@"))


def options(doc, option="--seed", **settings):
    """The command line of a demo: `png`, the file for the picture or None, and an option of its
    own, which is `seed` by default."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    own = settings or {"type": a_seed, "default": 0, "help": "of what is random (default: 0)"}
    parser.add_argument(option, **own)
    parser.add_argument("--png", type=Path, metavar="FILE", help="also write the picture as PNG")
    found = parser.parse_args()
    if found.png is not None and (problem := _png_problem(found.png)):
        parser.exit(1, f"{parser.prog}: {problem}\n")
    return found


def a_seed(text):
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number from 0 to {2**32 - 1}")
    return int(text)


def _png_problem(path):
    """Why no PNG can be written there; None if it can. It is asked before anything is computed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return "--png needs matplotlib: pip install 'pytest-tinytorch[plot]'"
    if path.suffix.lower() != ".png":
        return f"--png {path}: give a file name that ends in .png"
    if not path.parent.is_dir():
        return f"--png {path}: there is no folder {path.parent}"
    return f"--png {path}: exists already; give another name" if path.exists() else None


def shaded(image, across=1):
    """An array (H, W) of numbers from 0 to 1 as H lines; each number is `across` letters wide."""
    steps = np.rint(np.clip(np.nan_to_num(image), 0, 1) * (len(SHADES) - 1)).astype(int)
    return ["".join(row) for row in np.repeat(SHADES[steps], across, axis=1)]


def halved(image):
    """The mean of each two rows (H, W) -> (H / 2, W): letters are twice as tall as wide."""
    return image.reshape(len(image) // 2, 2, -1).mean(axis=1)


def bars(values, labels, width=40):
    """A line for each number from 0 to 1."""
    filled = ["#" * round(value * width) for value in values]
    return [
        f"{label} {bar:{width}} {value:4.0%}"
        for label, bar, value in zip(labels, filled, values, strict=True)
    ]


def curve(values, height=10, width=60):
    """A curve of numbers >= 0 as lines, the largest at the top; a column is a mean of some."""
    finite = np.nan_to_num(np.asarray(values, np.float64), posinf=0)
    columns = [part.mean() for part in np.array_split(finite, width) if len(part)]
    top = max(columns) or 1
    rows = [round((1 - value / top) * (height - 1)) for value in columns]
    lines = ["".join("*" if row == y else " " for row in rows) for y in range(height)]
    names = {0: f"{top:.2f}", height - 1: "0.00"}
    return [f"{names.get(y, ''):>6} |{line}" for y, line in enumerate(lines)] + [
        f"{'':6} +{'-' * len(columns)}"
    ]


def beside(*pictures, gap=4):
    """Pictures of the same height in one row."""
    widths = [max(map(len, picture)) for picture in pictures]
    rows = zip(*pictures, strict=True)
    padded = ([f"{line:{w}}" for line, w in zip(row, widths, strict=True)] for row in rows)
    return [(" " * gap).join(row).rstrip() for row in padded]


def show(*pictures, captions):
    """Print pictures in one row, with a caption below each."""
    width = max(len(line) for picture in pictures for line in picture)
    named = zip(pictures, captions, strict=True)
    lines = beside(*([*picture, f"{caption:^{width}}"] for picture, caption in named))
    print("\n".join(f"  {line}".rstrip() for line in lines))


def save(path, *panels):
    """Write panels (caption, array) to `path`, if one is given: images (H, W) or curves (N,)."""
    if path is None:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(panels), 4), layout="constrained")
    for number, (caption, array) in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), number, title=caption)
        if np.ndim(array) == 2:
            axes.imshow(array, cmap="magma")
            axes.set_axis_off()
        else:
            axes.plot(array)
    try:
        figure.savefig(path)
    except OSError as error:
        sys.exit(f"--png {path}: cannot be written: {error.strerror}")
    print(f"written: {path}")
