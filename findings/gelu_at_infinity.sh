#!/usr/bin/env bash
# GELU at plus and minus infinity, where the limits are infinity and 0: three implementations, three
# answers (PyTorch 2.13.0 exact, PyTorch with the tanh formula, ONNX Runtime 1.31.1).
# A good guess: the limits, or NaN for both, in all of them.
# Seen: NaN, NaN; infinity, NaN; infinity, NaN. The exact one of PyTorch loses the infinity, too.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 torch==2.13.0 onnx==1.23.2 onnxruntime==1.31.1 <<'PY'
import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper

ends = np.array([np.inf, -np.inf, 3], np.float32)
info = helper.make_tensor_value_info
graph = helper.make_graph(
    [helper.make_node("Gelu", ["x"], ["y"])], "gelu",
    [info("x", TensorProto.FLOAT, [3])], [info("y", TensorProto.FLOAT, [3])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString())
exact = torch.nn.functional.gelu(torch.tensor(ends)).numpy()
formula = torch.nn.functional.gelu(torch.tensor(ends), approximate="tanh").numpy()
runtime = session.run(None, {"x": ends})[0]
print("PyTorch", exact, "with tanh", formula, "ONNX Runtime", runtime)
assert np.isnan(exact[:2]).all()
assert formula[0] == runtime[0] == np.inf and np.isnan([formula[1], runtime[1]]).all()
assert np.allclose([exact[2], formula[2], runtime[2]], 2.996, atol=1e-3)
PY
