#!/usr/bin/env bash
# ONNX Runtime 1.31.1: with dynamic quantization, the answer for one row depends on the other rows
# of its batch, because DynamicQuantizeLinear takes one scale for the whole tensor.
# A good guess: a batch is answered as its rows are, one by one, up to rounding.
# Seen: the row 0.1, 0.2, 0.4 alone becomes 0.100, 0.201, 0.400; beside a row with a 100 in it,
# 0, 0.392, 0.392. A server that batches requests of strangers changes their answers.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1 <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def first_row(x):
    """The first row after it was quantized, as numbers again."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"])], "dynamic",
        [info("x", TensorProto.FLOAT, None)],
        [info("y", TensorProto.UINT8, None), info("s", TensorProto.FLOAT, []), info("z", TensorProto.UINT8, [])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    y, s, z = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    return (y[0].astype(np.float64) - z) * s


row, loud = np.array([[0.1, 0.2, 0.4]], np.float32), np.array([[100, 0, 0]], np.float32)
alone, beside = first_row(row), first_row(np.concatenate([row, loud]))
print("alone", alone.round(3), "beside a loud row", beside.round(3))
assert np.allclose(alone, row[0], atol=2e-3)
assert np.allclose(beside, [0, 0.392, 0.392], atol=1e-3)
PY
