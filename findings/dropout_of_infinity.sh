#!/usr/bin/env bash
# Dropout of an infinite activation, in training (PyTorch 2.13.0, ONNX Runtime 1.31.1).
# A good guess: a dropped number is 0, whatever it was; that is what dropping means.
# Seen: in both, a dropped infinity is NaN, as the mask is multiplied. With p = 1 all of them are.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 torch==2.13.0 onnx==1.23.2 onnxruntime==1.31.1 <<'PY'
import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper

x = np.full(64, np.inf, np.float32)
torch.manual_seed(0)
half, whole = (torch.nn.functional.dropout(torch.tensor(x), p).numpy() for p in (0.5, 1.0))
info = helper.make_tensor_value_info
graph = helper.make_graph(
    [helper.make_node("Dropout", ["x", "ratio", "training"], ["y"], seed=0)], "dropout",
    [info("x", TensorProto.FLOAT, [64])], [info("y", TensorProto.FLOAT, [64])],
    [helper.make_tensor("ratio", TensorProto.FLOAT, [], [0.5]),
     helper.make_tensor("training", TensorProto.BOOL, [], [True])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
runtime = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
for name, y in (("PyTorch, p = 0.5", half), ("PyTorch, p = 1", whole), ("ONNX Runtime", runtime)):
    print(f"{name:17} {np.isnan(y).sum():2} NaN, {np.isinf(y).sum():2} inf, {(y == 0).sum()} zeros")
for y in (half, runtime):
    assert np.isnan(y).any() and np.isinf(y).any() and not (y == 0).any()
assert np.isnan(whole).all()
PY
