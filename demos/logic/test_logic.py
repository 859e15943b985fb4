"""The gates at the corners and between them, against the definition; and XOR by every neuron."""

import numpy as np
import pytest

pytestmark = pytest.mark.demo("logic")

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
GATES = {
    "AND": lambda x, y: x and y,
    "OR": lambda x, y: x or y,
    "NOT": lambda x, y: not x,
    "NAND": lambda x, y: not (x and y),
}


@pytest.mark.hint("sigmoid(x @ w + b): compare each part with a hand-worked number.")
@pytest.mark.parametrize("gate", GATES)
def test_gate(check, run_program, gate):
    """One neuron is a gate"""
    found = np.asarray(run_program("program.py", inputs=CORNERS)["gates"][gate])
    wanted = np.array([GATES[gate](bool(x), bool(y)) for x, y in CORNERS])
    check.equal(found.shape, (4,))
    error = float(abs(found - wanted).max())
    check.true(error < 0.01, f"{gate} is {found.round(3)}, expected {wanted.astype(int)}")


@pytest.mark.hint("The number of right answers of each neuron: print those of the first ten.")
def test_no_neuron_is_xor(check, run_program):
    """Counts what each of 9,261 neurons gets right of XOR, and none gets more than 3 of 4"""
    found = run_program("program.py", inputs=CORNERS)
    tried = np.asarray(found["tried"], np.float64)
    sure = CORNERS @ tried[:2] + tried[2]
    right = np.where(np.array([[0], [1], [1], [0]]) == 1, sure > 0, sure < 0).sum(axis=0)
    check.equal(tried.shape, (3, 9261))
    check.close(np.asarray(found["right"], np.float64), right.astype(float))
    check.equal(int(right.max()), 3)
