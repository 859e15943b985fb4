"""Canaries: what they do with requests whose answers are right or wrong by a fixed list."""

from typing import Any

import numpy as np


def main(tt: Any, kind: str, **inputs: Any) -> Any:
    return {"p": p, "requests": requests, "raising": raising}[kind](tt, **inputs)


def p(tt: Any, counts: list) -> list:
    """The p-value after (done, failed) of the stable model and of the candidate."""
    found = []
    for stable, candidate in counts:
        canary = tt.Canary(abs, abs, minimum=10_000)
        for which, (done, failed) in (("stable", stable), ("candidate", candidate)):
            for number in range(done):
                canary.record(which, number >= failed)
        found.append(float(canary.p_value()))
    return found


def requests(tt: Any, seeds: int, count: int, share: float, rates: dict) -> dict:
    """As many canaries as seeds, each with so many requests; answers fail at these rates."""
    states, shares, calls, late, looks = [], [], 0, 0, []
    for seed in range(seeds):
        draw, called = np.random.default_rng([seed, 1]), []
        canary = tt.Canary(
            lambda x: x,
            lambda x: x + 1,
            share,
            on_rollback=lambda called=called: called.append(1),
            seed=seed,
        )
        asked = 0
        for number in range(count):
            output, which = canary.predict(0)
            if output != {"stable": 0, "candidate": 1}[which]:
                raise AssertionError(f"the output {output!r} is not that of the {which} model")
            if number < 200:
                asked += which == "candidate"
            late += which == "candidate" and bool(called)
            canary.record(which, bool(draw.random() >= rates[which]))
            if called and len(looks) <= seed:
                looks.append(number)
        states.append(canary.state)
        shares.append(asked / 200)
        calls += len(called)
    return {"states": states, "shares": shares, "calls": calls, "late": late, "looks": looks}


def raising(tt: Any, output: Any) -> dict:
    """A candidate that raises, or gives this output; the users must get the old model's answers."""

    def candidate(x: Any) -> Any:
        if output is None:
            raise OSError("broken")
        return tt.Tensor(output)

    canary = tt.Canary(lambda x: x, candidate, 0.5, minimum=10)
    answers = []
    for _ in range(100):
        answers.append(list(canary.predict(7)))
        canary.record(answers[-1][1], True)
    return {"answers": answers, "state": canary.state}
