"""Costs that are known: what `memory`, `scaling`, `speed` and `gradcheck` say of them."""

import multiprocessing
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_tinytorch.core.course import Limits
from pytest_tinytorch.core.errors import CheckFailed, CheckMisused
from pytest_tinytorch.fixtures import measure
from pytest_tinytorch.fixtures.gradients import GradCheck, GradientWrong
from pytest_tinytorch.fixtures.measure import (
    Estimate,
    OwnMeter,
    SandboxMeter,
    SelfReportMeter,
    Usage,
    estimate,
    meter_of,
    slope,
)
from pytest_tinytorch.fixtures.measuring import Memory, Scaling, Speed
from pytest_tinytorch.isolation.levels import Level, missing

SIZES = (100, 200, 400)
LIMITS = Limits(20, 60, 600, 1024, 8, 64, 64)


class Clock:
    """A meter of a process in which calls take as long as they say."""

    def __init__(self, noise=()):
        self.now, self.noise, self.peak = 0.0, list(noise), 0

    def takes(self, seconds):
        factor = self.noise.pop(0) if self.noise else 1
        self.noise.append(factor)
        self.now += seconds * factor

    def seconds(self):
        return self.now

    @contextmanager
    def usage(self):
        self.peak = 0
        used = Usage()
        yield used
        used.peak = self.peak


def power(clock, exponent):
    return lambda n: lambda: clock.takes(1e-6 * n**exponent)


@pytest.mark.parametrize("exponent", [0, 1, 1.5, 2, 3])
def test_the_exponent_of_a_power_is_found(exponent):
    clock = Clock()
    found = Scaling(clock)(power(clock, exponent), SIZES)
    assert found.value == pytest.approx(exponent, abs=1e-6)
    assert found.low <= found.value <= found.high


def test_what_grows_too_fast_is_told_with_all_numbers():
    clock = Clock()
    with pytest.raises(CheckFailed) as caught:
        Scaling(clock)(power(clock, 3), SIZES, at_most=2.3)
    assert str(caught.value) == (
        "time grows with the size to the power 3.00 (3.00 to 3.00), expected at most 2.3"
        " (size: time of one call: 100: 1e+03 ms, 200: 8e+03 ms, 400: 6.4e+04 ms)"
    )


def test_what_grows_too_slowly_is_told_too():
    clock = Clock()
    with pytest.raises(
        CheckFailed, match=r"power 1\.00 .* expected at least 1\.7 and at most 2\.3"
    ):
        Scaling(clock)(power(clock, 1), SIZES, at_least=1.7, at_most=2.3)
    Scaling(clock)(power(clock, 2), SIZES, at_least=1.7, at_most=2.3)


def test_the_peak_of_memory_has_an_exponent():
    clock = Clock()

    def prepared(n):
        def call():
            clock.peak = 8 * n**2

        return call

    found = Scaling(clock)(prepared, SIZES, of="memory", at_most=2.2, at_least=1.8)
    assert found.value == pytest.approx(2)
    with pytest.raises(CheckFailed, match=r"memory grows .* power 2\.00 .*100: 0\.0763 MiB"):
        Scaling(clock)(prepared, SIZES, of="memory", at_most=1.5)


def test_a_reading_that_was_disturbed_does_not_decide():
    """One reading in seven takes ten times as long: the median is not moved."""
    clock = Clock(noise=[1, 1, 1, 1, 1, 1, 10])
    assert Scaling(clock)(power(clock, 2), SIZES, at_most=2.3).value < 2.3


def test_a_check_is_made_three_times_before_it_fails():
    clock, tries = Clock(), []

    def prepared(n):
        if n == SIZES[0]:
            tries.append(n)
        exponent = 3 if len(tries) < 3 else 2
        return lambda: clock.takes(1e-6 * n**exponent)

    Scaling(clock)(prepared, SIZES, at_most=2.3)
    assert len(tries) == 3


@pytest.mark.parametrize("sizes", [(), (1, 2), (4, 4, 4), (0, 1, 2)])
def test_sizes_that_show_no_growth(sizes):
    with pytest.raises(CheckMisused, match="at least three different positive ones"):
        Scaling(Clock())(lambda n: None, sizes)


def test_what_can_grow():
    with pytest.raises(CheckMisused, match='write "time" or "memory"'):
        Scaling(Clock())(lambda n: None, SIZES, of="space")


def test_a_ratio_is_that_of_processor_times(monkeypatch):
    clock, here = Clock(), Clock()
    monkeypatch.setattr(measure, "OwnMeter", lambda: here)
    found = Speed(clock)(lambda: clock.takes(0.03), lambda: here.takes(0.01), at_most=3.5)
    assert found.value == pytest.approx(3)
    with pytest.raises(CheckFailed, match=r"takes 3\.00 .* expected at most 2\.5"):
        Speed(clock)(lambda: clock.takes(0.03), lambda: here.takes(0.01), at_most=2.5)


def test_an_estimate_is_the_median_between_the_second_on_either_side():
    assert estimate([9, 1, 8, 2, 7, 3, 6, 4, 5]) == Estimate(5, 2, 8)
    assert str(Estimate(1.5, 1.25, 2)) == "1.50 (1.25 to 2.00)"


def test_a_slope_is_that_of_the_logarithms():
    assert slope((1, 10, 100), (5, 50, 500)) == pytest.approx(1)
    # By hand: x = 0, 1, 2; y = 0, 1, 1 in powers of 2 -> (0*-1 + 1*0 + 1*1) / 2 = 0.5
    assert slope((1, 2, 4), (1, 2, 2)) == pytest.approx(0.5)


# --- real processes -----------------------------------------------------------------------------


def spin(rounds):
    total = 0
    for number in range(rounds):
        total += number
    return total


def test_loops_in_this_process():
    scaling = Scaling(OwnMeter())
    scaling(lambda n: lambda: spin(n), (2000, 4000, 8000), at_most=1.4, at_least=0.6)
    with pytest.raises(CheckFailed):
        scaling(lambda n: lambda: spin(n * n // 100), (400, 800, 1600), at_most=1.4)


def test_a_loop_against_half_of_it():
    speed = Speed(OwnMeter())
    speed(lambda: spin(8000), lambda: spin(8000), at_most=1.8)
    with pytest.raises(CheckFailed):
        speed(lambda: spin(40_000), lambda: spin(8000), at_most=1.8)


def test_time_that_passes_costs_nothing():
    meter = OwnMeter()
    before = meter.seconds()
    time.sleep(0.05)
    assert meter.seconds() - before < 0.03


@pytest.mark.parametrize("mib", [1, 20])
def test_peak_and_retained_bytes_in_this_process(mib):
    kept = []
    with Memory(OwnMeter())() as used:
        np.ones(mib * 2**17)
        kept.append(np.ones(mib * 2**16))
    assert used.peak / 2**20 == pytest.approx(mib, rel=0.55) and used.peak >= mib * 2**20
    assert used.retained / 2**20 == pytest.approx(mib / 2, rel=0.05)


CODE = """
import tracemalloc
import numpy as np
kept = []

def spin(rounds):
    total = 0
    for number in range(rounds):
        total += number
    return total

def hold(mib):
    return float(np.ones(mib * 2**17).sum())

def keep(mib):
    kept.append(np.ones(mib * 2**17))

def is_traced():
    return tracemalloc.is_tracing()
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    if reason := missing("process"):
        pytest.skip(reason)
    from pytest_tinytorch.isolation.pool import SandboxPool

    folder: Path = tmp_path_factory.mktemp("student") / "net"
    folder.mkdir()
    (folder / "__init__.py").write_text(CODE)
    pool = SandboxPool(Level("process"), folder, LIMITS, {})
    pool.begin("00", LIMITS, 1)
    yield pool
    pool.close()


@pytest.fixture(params=[SandboxMeter, SelfReportMeter])
def meter(request, pool):
    """Both ways to measure a sandbox: from outside, and told from inside."""
    if request.param is SandboxMeter and sys.platform != "linux":
        pytest.skip("another process is measured on Linux alone")
    return request.param(pool)


@pytest.mark.parametrize("system, kind", [("linux", SandboxMeter), ("darwin", SelfReportMeter)])
def test_a_sandbox_is_measured_from_outside_where_the_system_can(monkeypatch, pool, system, kind):
    monkeypatch.setattr(measure.sys, "platform", system)
    assert type(meter_of(pool)) is kind


def test_loops_in_a_sandbox(pool, meter):
    net, scaling = pool.package, Scaling(meter)
    scaling(lambda n: lambda: net.spin(n), (20_000, 40_000, 80_000), at_most=1.4, at_least=0.6)
    with pytest.raises(CheckFailed):
        scaling(lambda n: lambda: net.spin(n * n // 100), (1000, 2000, 4000), at_most=1.4)
    Speed(meter)(lambda: net.spin(80_000), lambda: spin(80_000), at_most=2.5)
    with pytest.raises(CheckFailed):
        Speed(meter)(lambda: net.spin(400_000), lambda: spin(40_000), at_most=4)


def test_peak_and_retained_bytes_of_a_sandbox(pool, meter):
    memory = Memory(meter)
    with memory() as used:
        pool.package.hold(40)
        pool.package.keep(16)
    assert used.peak / 2**20 == pytest.approx(40, abs=4)
    assert used.retained / 2**20 == pytest.approx(16, abs=2)


def test_growth_of_memory_in_a_sandbox(pool, meter):
    net = pool.package
    found = Scaling(meter)(lambda n: lambda: net.hold(n), (16, 32, 64), of="memory", at_most=1.2)
    assert found.value == pytest.approx(1, abs=0.2)


def test_measuring_ends_where_the_body_fails(pool):
    """What is measured next is not slowed down by it, and starts from nothing."""
    memory = Memory(SelfReportMeter(pool))
    with pytest.raises(ZeroDivisionError), memory():
        pool.package.keep(16)
        raise ZeroDivisionError
    assert not pool.package.is_traced()
    with memory() as used:
        pass
    assert used.peak < 2**20


@pytest.mark.parametrize("told", [None, "1", [1], (1.0, 2), 3])
def test_what_a_sandbox_tells_of_itself_has_a_form(told):
    meter = SelfReportMeter(SimpleNamespace(ask=lambda operation: told))
    with pytest.raises(
        CheckFailed,
        match=re.escape(f"invalid processor time from the process of your code: {told!r}"),
    ):
        meter.seconds()
    words = re.escape(f"invalid memory from the process of your code: {told!r}")
    with pytest.raises(CheckFailed, match=words), meter.usage():
        pass


def busy() -> None:
    while True:
        spin(100_000)


@pytest.mark.slow
def test_no_false_alarm_beside_two_busy_processes(monkeypatch):
    """3,000 checks of right code, with the margins that checkpoints use."""
    monkeypatch.setattr(measure, "_SHORTEST", 0.0005)
    others = [multiprocessing.Process(target=busy, daemon=True) for _ in range(2)]
    for other in others:
        other.start()
    try:
        scaling, speed = Scaling(OwnMeter()), Speed(OwnMeter())
        alarms = 0
        for _ in range(1500):
            try:
                scaling(lambda n: lambda: spin(n), (500, 1000, 2000), at_most=1.5, at_least=0.5)
                speed(lambda: spin(1000), lambda: spin(1000), at_most=2)
            except CheckFailed:
                alarms += 1
        assert alarms == 0
    finally:
        for other in others:
            other.kill()


# --- gradients ------------------------------------------------------------------------------------


class Scalar:
    """Just enough of a Tensor: a polynomial with a gradient that may be wrong."""

    factor, offset, shape_of = 1.0, 0.0, staticmethod(lambda grad: grad)

    def __init__(self, data, requires_grad=False):
        self.data, self.grad = np.asarray(data, dtype=np.float64), None

    def __array__(self, dtype=None, copy=None):
        return self.data


def cubes(x):
    out = Scalar(Scalar.offset + x.data**3)

    def backward(gradient):
        slopes = Scalar.factor * 3 * x.data**2 * gradient.data
        x.grad = None if Scalar.factor == 0 else Scalar(Scalar.shape_of(slopes))

    out.backward = backward
    return out


def cubes_of_arrays(a):
    return a**3


@pytest.fixture
def gradcheck(monkeypatch):
    monkeypatch.setattr(Scalar, "factor", 1.0)
    monkeypatch.setattr(Scalar, "offset", 0.0)
    monkeypatch.setattr(Scalar, "shape_of", staticmethod(lambda grad: grad))
    return GradCheck(SimpleNamespace(Tensor=Scalar))


def test_right_gradients_pass(gradcheck):
    gradcheck(cubes, cubes_of_arrays, np.array([[1.0, -2.0], [0.0, 3.0]]))
    gradcheck(cubes, cubes_of_arrays, np.array(2.0))


@pytest.mark.parametrize(
    "factor, words",
    [
        (2.0, r"gradient of argument 1 at \[1, 1\] is .* by central differences .* \(3 of 4"),
        (np.nan, r"gradient of argument 1 at \[0, 0\] is nan, by central differences"),
        (1.001, r"gradient of argument 1 at \[1, 1\] is"),
        (0, "gradient of argument 1 is None: no operation on it was recorded"),
    ],
    ids=["twice", "nan", "nearly", "none"],
)
def test_wrong_gradients_are_told_with_the_worst_element(gradcheck, monkeypatch, factor, words):
    monkeypatch.setattr(Scalar, "factor", factor)
    with pytest.raises(CheckFailed, match=words):
        gradcheck(cubes, cubes_of_arrays, np.array([[1.0, -2.0], [0.0, 3.0]]))


def test_a_gradient_of_another_shape(gradcheck, monkeypatch):
    monkeypatch.setattr(Scalar, "shape_of", staticmethod(lambda grad: grad.sum(axis=0)))
    with pytest.raises(CheckFailed, match=r"has shape \(2,\), expected \(2, 2\)"):
        gradcheck(cubes, cubes_of_arrays, np.ones((2, 2)))


def test_a_gradient_of_outputs_mixed_up_is_not_right(gradcheck, monkeypatch):
    monkeypatch.setattr(Scalar, "shape_of", staticmethod(lambda grad: grad[::-1]))
    with pytest.raises(CheckFailed):
        gradcheck(
            cubes, cubes_of_arrays, np.array([1.0, 1.0])
        )  # alike, and yet each has a weight of its own


def test_a_wrong_output_comes_before_its_gradient(gradcheck, monkeypatch):
    monkeypatch.setattr(Scalar, "offset", 0.5)
    words = r"^the output of cubes at \[0\] is 1.5, expected 1 \(2 of 2 .*\); fix it before"
    with pytest.raises(CheckFailed, match=words) as caught:
        gradcheck(cubes, cubes_of_arrays, np.array([1.0, 2.0]), name="cubes")
    assert not isinstance(caught.value, GradientWrong)  # which would lead to the gradient's rule


@pytest.mark.parametrize(
    "output, words",
    [
        (SimpleNamespace(), "the output is an object of type SimpleNamespace, expected a Tensor"),
        (np.ones((2, 1)), r"the output has shape \(2, 1\), expected \(2,\)"),
        (np.array([1.0, np.nan]), r"the output at \[1\] is nan, expected 8"),
    ],
    ids=["object", "shape", "nan"],
)
def test_an_output_that_cannot_be_differentiated(gradcheck, output, words):
    with pytest.raises(CheckFailed, match=words):
        gradcheck(lambda x: output, cubes_of_arrays, np.array([1.0, 2.0]))


def test_a_gradient_that_is_no_tensor(gradcheck):
    def marked(x):
        out = Scalar(x.data**3)
        out.backward = lambda gradient: setattr(x, "grad", SimpleNamespace())
        return out

    with pytest.raises(CheckFailed, match="argument 1 is an object of type SimpleNamespace, exp"):
        gradcheck(marked, cubes_of_arrays, np.array([1.0]))


@pytest.mark.parametrize(
    "what, name",
    [
        ("input", "argument 1 of cubes"),
        ("output", "its output"),
        ("gradient", "the gradient that was given"),
    ],
)
def test_a_walk_back_that_writes_into_what_it_uses(gradcheck, what, name):
    def writing(x):
        out = cubes(x)
        right = out.backward

        def backward(gradient):
            right(gradient)
            {"input": x, "output": out, "gradient": gradient}[what].data[0] += 1

        out.backward = backward
        return out

    said = f"the output of cubes: backward\\(\\) changed {name}; a rule makes a new array"
    with pytest.raises(CheckFailed, match=said):
        gradcheck(writing, cubes_of_arrays, np.array([1.0, 2.0]), name="cubes")


def test_no_displaced_input_reaches_the_code_that_is_checked(gradcheck):
    """Whoever gives a constant for neighbours has a gradient of 0, and would agree with itself."""
    seen = []

    def recognizes_neighbours(x):
        seen.append(x.data.copy())
        out = Scalar(seen[0] ** 3)
        out.backward = lambda gradient: setattr(x, "grad", Scalar(0 * x.data))
        return out

    with pytest.raises(CheckFailed, match="is 0, by central differences"):
        gradcheck(recognizes_neighbours, cubes_of_arrays, np.array([1.0, 2.0]))
    assert len(seen) == 1


def test_a_function_is_told_by_its_name(gradcheck, monkeypatch):
    monkeypatch.setattr(Scalar, "factor", 2.0)
    with pytest.raises(CheckFailed, match="the gradient of argument 1 of cubes at"):
        gradcheck(cubes, cubes_of_arrays, np.array([1.0]), name="cubes")


class Line:
    """A layer, weight * x + bias, whose rules may forget something."""

    def __init__(self, forgets=""):
        self.weight, self.bias = Scalar(np.float32([2, 3])), Scalar(np.float32([0, 1]))
        self.forgets = forgets

    def named_parameters(self):
        yield "weight", self.weight
        yield "bias", self.bias

    def __call__(self, x):
        out = Scalar(self.weight.data * x.data + self.bias.data)

        def backward(gradient):
            g = gradient.data
            for name, of, found in (
                ("input", x, g * self.weight.data),
                ("weight", self.weight, (g * x.data).sum(axis=0)),
                ("bias", self.bias, g.sum(axis=0)),
            ):
                old = 0 if of.grad is None else of.grad.data
                of.grad = Scalar(old + found * (self.forgets != name))

        out.backward = backward
        return out


def line(x, parameters):
    return parameters["weight"] * x + parameters["bias"]


def test_right_gradients_of_a_layer_pass_again_and_again(gradcheck):
    layer, x = Line(), np.array([[1.0, -1.0], [0.5, 2.0], [3.0, 0.0]])
    gradcheck.layer(layer, line, x, "Line")
    gradcheck.layer(layer, line, x, "Line")
    assert layer.weight.data.tolist() == [2, 3] and layer.bias.data.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["input", "weight", "bias"])
def test_what_a_layer_forgets_is_named(gradcheck, name):
    with pytest.raises(CheckFailed, match=rf"the gradient of {name} of Line at \[.*\] is 0, by"):
        gradcheck.layer(Line(forgets=name), line, np.array([[1.0, -1.0], [0.5, 2.0]]), "Line")


def test_a_layer_hides_a_parameter(gradcheck, monkeypatch):
    monkeypatch.setattr(Line, "named_parameters", lambda self: [("w", self.weight)])
    with pytest.raises(CheckFailed, match=r"of Line gives \['w'\], expected 'weight' among them"):
        gradcheck.layer(Line(), line, np.ones((1, 2)), "Line")


def test_a_layer_needs_float64(gradcheck):
    with pytest.raises(CheckMisused, match="takes float64 arrays; the input: float32"):
        gradcheck.layer(Line(), line, np.ones((1, 2), np.float32), "Line")


@pytest.mark.parametrize("array", [np.ones(2, np.float32), [1.0, 2.0]], ids=["float32", "list"])
def test_differences_need_float64(gradcheck, array):
    with pytest.raises(CheckMisused, match=r"takes float64 arrays; argument 1: (float32|list)"):
        gradcheck(cubes, cubes_of_arrays, array)
