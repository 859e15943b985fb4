#!/usr/bin/env bash
# A NaN, quantized to uint8 with scale 0.1 and zero point 3 (PyTorch 2.13.0, ONNX Runtime 1.31.1).
# A good guess: one answer, or an error; and that the fake quantization of PyTorch, which a network
# is trained with, gives what its quantization gives afterwards.
# Seen: PyTorch quantizes it to 255, the largest number, and its fake quantization and ONNX Runtime
# to 0, the smallest. With int8 it is 127 and -128.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 torch==2.13.0 onnx==1.23.2 onnxruntime==1.31.1 <<'PY'
import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper

x, info = np.array([np.nan, 1], np.float32), helper.make_tensor_value_info
kinds = (
    (np.uint8, torch.quint8, TensorProto.UINT8),
    (np.int8, torch.qint8, TensorProto.INT8),
)
for dtype, quantized, proto in kinds:
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])], "quantize",
        [info("x", TensorProto.FLOAT, [2])], [info("y", proto, [2])],
        [helper.make_tensor("scale", TensorProto.FLOAT, [], [0.1]),
         helper.make_tensor("zero", proto, [], [3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    runtime = session.run(None, {"x": x})[0].tolist()
    given = torch.tensor(x)
    real = torch.quantize_per_tensor(given, 0.1, 3, quantized).int_repr().tolist()
    fake = torch.fake_quantize_per_tensor_affine(given, 0.1, 3, int(low), int(high))
    fake = (fake / 0.1 + 3).round().int().tolist()
    print(dtype.__name__, "PyTorch", real, "its fake quantization", fake, "ONNX Runtime", runtime)
    assert real == [high, 13] and fake == runtime == [low, 13]
PY
