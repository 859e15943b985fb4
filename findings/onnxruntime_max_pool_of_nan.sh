#!/usr/bin/env bash
# ONNX Runtime 1.31.1: whether MaxPool hands on a NaN depends on its place in the window, and on
# whether the node's second, optional output (the indices) is connected.
# A good guess: a NaN wins, as in PyTorch and NumPy, or is ignored; the same with either output.
# Seen for the windows [NaN, 1] and [2, NaN]: 1 and 2 with one output; NaN and 2 with two.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1 <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def pooled(outputs):
    info = helper.make_tensor_value_info
    kinds = {"y": TensorProto.FLOAT, "indices": TensorProto.INT64}
    graph = helper.make_graph(
        [helper.make_node("MaxPool", ["x"], outputs, kernel_shape=[2], strides=[2])], "pool",
        [info("x", TensorProto.FLOAT, [1, 1, 4])], [info(name, kinds[name], None) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    x = np.array([[[np.nan, 1, 2, np.nan]]], np.float32)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(["y"], {"x": x})[0].ravel()


one, two = pooled(["y"]), pooled(["y", "indices"])
print("one output ", one)
print("two outputs", two)
assert one.tolist() == [1, 2]
assert np.isnan(two[0]) and two[1] == 2
PY
