"""relu_inplace on an array, and on a Tensor, on the student's side."""

from typing import Any

import numpy as np


def main(tt: Any, numbers: np.ndarray) -> dict[str, Any]:
    array, tensor = numbers.copy(), tt.Tensor(numbers.copy())
    view, inside = array[:], tensor.data
    first, second = tt.relu_inplace(array), tt.relu_inplace(tensor)
    return {
        "array": view,
        "tensor": inside,
        "same array": first is array,
        "same tensor": second is tensor,
        "kept its array": tensor.data is inside,
    }
