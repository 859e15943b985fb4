"""One random transform, applied to the same image again and again."""

from typing import Any

import numpy as np


def main(tt: Any, kind: str, settings: dict, image: np.ndarray, times: int) -> dict:
    """What came out each time, in the order of the calls; how many of it are Tensors; and what has
    become of the image, which is given as an array and as a Tensor in turns."""
    transform = getattr(tt, kind)(**settings)
    given, tensor = image.copy(), tt.Tensor(image.copy())
    made = [transform(tensor if number % 2 else given) for number in range(times)]
    return {
        "made": [np.asarray(one) for one in made],
        "tensors": sum(isinstance(one, tt.Tensor) for one in made),
        "images": [given, tensor.numpy()],
    }
