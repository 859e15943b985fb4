"""Quantized inference: bytes and time beside float32, and beside other makers of int8 products.

One thread each, in turn. No bound on a time: NumPy has no product of bytes, and what the processor
has decides how far the peers are ahead.
"""

import numpy as np
import pytest

import tinytorch as tt

SIZES = {"1 row": 1, "64 rows": 64}
WIDTH = 1024


def layer_and_input(rows):
    tt.manual_seed(0)
    layer = tt.Linear(WIDTH, WIDTH)
    return layer, tt.QuantizedLinear(layer), tt.randn(rows, WIDTH)


@pytest.mark.parametrize("name", SIZES)
def test_against_float32(versus, name):
    layer, small, x = layer_and_input(SIZES[name])
    off = np.abs(small(x).numpy() - layer(x).numpy()).max() / np.abs(layer(x).numpy()).max()
    assert off < 0.02 and tt.model_size(small) < 0.26 * tt.model_size(layer)
    with tt.no_grad():
        versus(f"QuantizedLinear {WIDTH}, {name} / Linear", lambda: small(x), lambda: layer(x), 20)


@pytest.mark.parametrize("name", SIZES)
def test_against_matmul_with_int32(versus, name):
    """The simple way to the same integers."""
    _, small, x = layer_and_input(SIZES[name])
    values = tt.quantize(x).values
    weight = small.weight.numpy()

    def simple():
        return np.matmul(values, weight.T, dtype=np.int32)

    np.testing.assert_array_equal(tt.integer_product(values, weight), simple())
    versus(
        f"integer_product {WIDTH}, {name} / matmul, int32",
        lambda: tt.integer_product(values, weight),
        simple,
        rounds=5,
        holds=lambda found: found.ratio < 0.5,
    )


@pytest.mark.parametrize("name", SIZES)
def test_against_onnxruntime(versus, name):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    helper, types = onnx.helper, onnx.TensorProto
    _, small, x = layer_and_input(SIZES[name])
    weight = np.ascontiguousarray(small.weight.numpy().T)
    graph = helper.make_graph(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["values", "scale", "zero"]),
            helper.make_node("MatMulInteger", ["values", "weight", "zero"], ["y"]),
        ],
        "product",
        [helper.make_tensor_value_info("x", types.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", types.INT32, None)],
        [onnx.numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    feed = {"x": x.numpy()}
    versus(
        f"QuantizedLinear {WIDTH}, {name} / ONNX Runtime",
        lambda: small(x),
        lambda: session.run(None, feed),
        rounds=20,
    )
