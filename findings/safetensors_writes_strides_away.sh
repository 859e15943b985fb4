#!/usr/bin/env bash
# safetensors 0.8.0, NumPy 2.4.6: `safetensors.numpy.save` writes a transposed array as its memory
# lies, under the shape of the transposed array. It is loaded with other numbers in it.
# A good guess: the numbers are saved as they are indexed, as `numpy.save` does, or refused.
# Seen: [[0, 3], [1, 4], [2, 5]] comes back as [[0, 1], [2, 3], [4, 5]], without a warning.
# For users: call `numpy.ascontiguousarray` before saving.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 safetensors==0.8.0 <<'PY'
import numpy as np
from safetensors.numpy import load, save

saved = np.arange(6, dtype=np.float32).reshape(2, 3).T
loaded = load(save({"t": saved}))["t"]
print("saved ", saved.tolist())
print("loaded", loaded.tolist())
assert loaded.tolist() == [[0, 1], [2, 3], [4, 5]]
assert load(save({"t": np.ascontiguousarray(saved)}))["t"].tolist() == saved.tolist()
PY
