#!/usr/bin/env bash
# PyTorch 2.13.0 and ONNX Runtime 1.31.1 quantize numbers half-way between two steps differently
# where the zero point is odd, with the same scale, zero point and rounding (half to even).
# A good guess: the same bytes. ONNX rounds x / s and then adds z; PyTorch adds z and then rounds.
# Seen for 0.5, 1.5, 2.5, -0.5 with s = 1 and z = 3: 3 5 5 3 (ONNX), 4 4 6 2 (PyTorch).
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 torch==2.13.0 onnx==1.23.2 onnxruntime==1.31.1 <<'PY'
import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper


def by_onnx(x, zero):
    info = helper.make_tensor_value_info
    given = [numpy_helper.from_array(np.float32(1), "s"), numpy_helper.from_array(np.uint8(zero), "z")]
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])], "quantize",
        [info("x", TensorProto.FLOAT, [4])], [info("y", TensorProto.UINT8, [4])], given,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0].tolist()


def by_torch(x, zero):
    return torch.quantize_per_tensor(torch.tensor(x), 1.0, zero, torch.quint8).int_repr().tolist()


ties = np.array([0.5, 1.5, 2.5, -0.5], np.float32)
print("odd zero point: ONNX", by_onnx(ties, 3), "PyTorch", by_torch(ties, 3))
assert by_onnx(ties, 3) == [3, 5, 5, 3] and by_torch(ties, 3) == [4, 4, 6, 2]
assert by_onnx(ties, 4) == by_torch(ties, 4)
PY
