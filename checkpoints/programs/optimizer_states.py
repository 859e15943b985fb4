"""Takes a state, steps on, and lets two others step on from that state, one after the other."""

from typing import Any


def main(tt: Any, kind: str, settings: dict) -> list:
    """Where all three are in the end: at the same place, if states are copies, out and in."""
    first = tt.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = getattr(tt, kind)([first], **settings)
    step(tt, optimizer, first, [1.0, -0.5])
    state, reached = optimizer.state_dict(), first.numpy().tolist()
    step(tt, optimizer, first, [-3.0, 4.0])
    places = [first.numpy().tolist()]
    for _ in range(2):
        p = tt.Tensor(reached, requires_grad=True)
        other = getattr(tt, kind)([p])
        other.load_state_dict(state)
        step(tt, other, p, [-3.0, 4.0])
        places.append(p.numpy().tolist())
    return places


def step(tt: Any, optimizer: Any, p: Any, gradient: list) -> None:
    p.grad = tt.Tensor(gradient)
    optimizer.step()
