"""Module 12 against ONNX Runtime: quantization, products of integers (skipped without it)."""

import numpy as np
import pytest

import tinytorch as tt

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper, TYPES = onnx.helper, onnx.TensorProto
KINDS = {"float32": TYPES.FLOAT, "int8": TYPES.INT8, "int32": TYPES.INT32, "uint8": TYPES.UINT8}


def run(operator, result, *arrays, outputs="y", **attributes):
    """The first of the outputs of one ONNX operator, of the dtype `result`."""
    names = [f"x{number}" for number in range(len(arrays))]
    inputs = [
        helper.make_tensor_value_info(name, KINDS[array.dtype.name], array.shape)
        for name, array in zip(names, arrays, strict=True)
    ]
    output = helper.make_tensor_value_info("y", KINDS[result], None)
    node = helper.make_node(operator, names, list(outputs), **attributes)
    graph = helper.make_graph([node], operator, inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(zip(names, arrays, strict=True)))[0]


X = np.concatenate(
    [
        np.random.default_rng(0).standard_normal(200) * 50,
        np.arange(-20, 20) + 0.5,  # ties
        [1e6, -1e6, 127.5, -128.5, 0, -0.0],
    ]
).astype(np.float32)


@pytest.mark.parametrize("scale", [1.0, 0.37, 100.0])
@pytest.mark.parametrize("zero", [0, 1, -3, 127, -128])
def test_quantize_and_dequantize(scale, zero):
    found = tt.quantize(X, scale=scale, zero_point=zero)
    scales, zeros = np.asarray(scale, np.float32), np.asarray(zero, np.int8)
    wanted = run("QuantizeLinear", "int8", X, scales, zeros)
    np.testing.assert_array_equal(found.values, wanted)
    back = run("DequantizeLinear", "float32", wanted, scales, zeros)
    np.testing.assert_allclose(tt.dequantize(found).numpy(), back, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("symmetric", [True, False])
def test_quantize_along_an_axis(axis, symmetric):
    x = (X[:240] * 3 + 7).reshape(4, 6, 10)
    found = tt.quantize(x, axis=axis, symmetric=symmetric)
    arguments = np.asarray(found.scale), np.asarray(found.zero_point)
    wanted = run("QuantizeLinear", "int8", x, *arguments, axis=axis)
    np.testing.assert_array_equal(found.values, wanted)
    back = run("DequantizeLinear", "float32", wanted, *arguments, axis=axis)
    np.testing.assert_allclose(tt.dequantize(found).numpy(), back, rtol=1e-6)


@pytest.mark.parametrize("columns", [1, 7, 1024, 1025, 3000])
def test_products_of_integers(columns):
    draw = np.random.default_rng(columns)
    x, weight = (draw.integers(-128, 128, (n, columns)).astype(np.int8) for n in (5, 3))
    wanted = run("MatMulInteger", "int32", x, np.ascontiguousarray(weight.T))
    np.testing.assert_array_equal(tt.integer_product(x, weight), wanted)


def test_quantized_linear_is_what_the_operators_compute():
    """Row by row: each row has a scale of its own here, and is a batch of its own there."""
    tt.manual_seed(0)
    layer, x = tt.Linear(40, 6), tt.randn(5, 40).numpy()
    small = tt.QuantizedLinear(layer)
    weight, steps = small.weight.numpy(), small.scale.numpy()
    zero = np.zeros((), np.int8)
    for row, answer in zip(x, small(tt.Tensor(x)).numpy(), strict=True):
        scale = np.asarray(np.abs(row).max() / np.float32(127))
        values = run("QuantizeLinear", "int8", row[None], scale, zero)
        sums = run("MatMulInteger", "int32", values, np.ascontiguousarray(weight.T))
        wanted = sums[0] * (scale * steps) + layer.bias.numpy()
        np.testing.assert_allclose(answer, wanted, rtol=1e-5, atol=1e-6)


def test_a_loud_neighbour_changes_a_row_there_and_not_here():
    """DynamicQuantizeLinear has one scale for a batch: a row of small numbers is lost in it."""
    quiet = np.array([[0.02, -0.01, 0.03]], np.float32)
    loud = np.concatenate([quiet, [[90, 40, -7]]]).astype(np.float32)
    there = [run("DynamicQuantizeLinear", "uint8", x, outputs="ysz")[0] for x in (quiet, loud)]
    assert [len(set(row.tolist())) for row in there] == [3, 1]
    layer = tt.Linear(3, 3, bias=False)
    layer.weight.data = np.eye(3, dtype=np.float32)
    here = [tt.QuantizedLinear(layer)(tt.Tensor(x)).numpy()[0] for x in (quiet, loud)]
    np.testing.assert_array_equal(here[0], here[1])
    np.testing.assert_allclose(here[1], quiet[0], atol=0.03 / 254)
