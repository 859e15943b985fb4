"""Whether a state_dict keeps its numbers when the module that it came from gets other ones."""

import numpy as np


def main(tt):
    layer = tt.Linear(2, 1, bias=False)
    layer.weight.data = np.array([[1, 2]], np.float32)
    state = layer.state_dict()
    layer.load_state_dict({"weight": np.array([[5, 6]], np.float32)})
    return np.asarray(state["weight"]).ravel()
