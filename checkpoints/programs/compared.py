"""Compares two actions that turn the clock themselves, or that really work."""


def main(tt, kind, a=1.0, b=1.0, first=0.0, repeats=10, work=None):
    """What `compare` says, and in which order the actions were called."""
    if kind == "real":
        arrays = {"a": work, "b": work}

        def real(times):
            return lambda: [arrays["a"] @ arrays["b"] for _ in range(times)]

        tries = [tt.compare(real(int(a)), real(int(b)), repeats=repeats) for _ in range(3)]
        return {"verdicts": [found["verdict"] for found in tries]}
    clock, calls = {"now": 7.0}, []

    def taking(name, seconds):
        def action():
            clock["now"] += seconds + (0.0 if name in calls else first)
            calls.append(name)

        return action

    found = tt.compare(taking("a", a), taking("b", b), repeats=repeats, clock=lambda: clock["now"])
    return {"found": found, "calls": "".join(calls)}
