"""One random transform, applied to the same image again and again."""

from typing import Any

import numpy as np


def main(tt: Any, kind: str, settings: dict, image: np.ndarray, times: int) -> list:
    """What came out each time, in the order of the calls."""
    transform = getattr(tt, kind)(**settings)
    return [np.asarray(transform(image)) for _ in range(times)]
