#!/usr/bin/env bash
# ONNX Runtime 1.31.1: ArgMax of a row with a NaN finds it only where it comes first.
# A good guess: the place of the NaN, as NumPy and PyTorch say, or that of the largest number.
# Seen for a NaN in the first, second and third place of three: 0, 2, 1. The last two are the
# largest numbers; the first is the NaN. So an exported classifier hides some broken rows.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1 <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

info = helper.make_tensor_value_info
graph = helper.make_graph(
    [helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)], "argmax",
    [info("x", TensorProto.FLOAT, [3, 3])], [info("y", TensorProto.INT64, [3])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
x = np.array([[np.nan, 1, 2], [1, np.nan, 2], [1, 2, np.nan]], np.float32)
found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
print("ONNX Runtime", found, "NumPy", x.argmax(axis=1))
assert found.tolist() == [0, 2, 1] and x.argmax(axis=1).tolist() == [0, 1, 2]
PY
