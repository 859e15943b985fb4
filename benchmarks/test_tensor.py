"""What the Tensor costs over the NumPy it is made of, and beside PyTorch where there is one."""

import numpy as np
import pytest

import tinytorch as tt


def many(action, times):
    """One measurement of an action that is too short for a clock."""

    def repeated() -> None:
        for _ in range(times):
            action()

    return repeated


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


CASES = {
    "add, 1 element": (((1,), (1,)), lambda a, b: a + b, 1000),
    "add, 1000 x 1000": (((1000, 1000), (1000, 1000)), lambda a, b: a + b, 3),
    "broadcast add, 512 x 512 and 512": (((512, 512), (512,)), lambda a, b: a + b, 10),
    "matmul, 256 x 256": (((256, 256), (256, 256)), lambda a, b: a @ b, 10),
}


@pytest.mark.parametrize("name", CASES)
def test_against_numpy(versus, name):
    shapes, operation, times = CASES[name]
    a, b = arrays(*shapes)
    x, y = tt.Tensor(a), tt.Tensor(b)
    np.testing.assert_array_equal(operation(x, y).numpy(), operation(a, b))
    versus(
        f"Tensor {name} / NumPy",
        many(lambda: operation(x, y), times),
        many(lambda: operation(a, b), times),
        rounds=20,
        holds=(lambda found: found.ratio < 2) if times < 1000 else None,
    )


@pytest.mark.parametrize("name", CASES)
def test_against_pytorch(versus, name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)
    shapes, operation, times = CASES[name]
    a, b = arrays(*shapes)
    x, y, p, q = tt.Tensor(a), tt.Tensor(b), torch.from_numpy(a), torch.from_numpy(b)
    np.testing.assert_allclose(
        operation(x, y).numpy(), operation(p, q).numpy(), rtol=1e-4, atol=1e-4
    )
    versus(
        f"Tensor {name} / PyTorch",
        many(lambda: operation(x, y), times),
        many(lambda: operation(p, q), times),
        rounds=20,
    )
