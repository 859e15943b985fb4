"""A small package in a sandbox: what tests do with its objects, and what happens when it dies."""

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pytest_tinytorch.core.course import Limits
from pytest_tinytorch.core.errors import CheckFailed, CheckMisused
from pytest_tinytorch.core.records import Reason
from pytest_tinytorch.fixtures.comparison import Check
from pytest_tinytorch.isolation.child import protocol
from pytest_tinytorch.isolation.failures import (
    Died,
    Forged,
    NotStarted,
    OutOfTime,
    SandboxFailure,
    StudentError,
)
from pytest_tinytorch.isolation.levels import Level, missing
from pytest_tinytorch.isolation.pool import SandboxPool
from pytest_tinytorch.isolation.proxy import Proxy, kind_of

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))

LIMITS = Limits(5, 10, 60, 1024, 8, 64, 64)
PACKAGE = '''
import contextlib
import os
import sys
import time

import numpy as np

class ShapeError(ValueError):
    pass

class Box:
    """A list of numbers with every operator."""
    label = "box"
    __array_ufunc__ = None  # `array + box` is the box's to answer

    def __init__(self, values):
        self.values = np.asarray(values, dtype=float)
        self.items = {"first": 1, "rest": (2, [3.5, None])}

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return self.values[index] if not isinstance(index, tuple) else repr(index)

    def __setitem__(self, index, value):
        self.values[index] = value

    def __delitem__(self, index):
        self.values = np.delete(self.values, index)

    def __iter__(self):
        return iter(self.values.tolist())

    def __float__(self):
        return float(self.values[0])

    def __int__(self):
        return 7

    __index__ = __int__

    def __bool__(self):
        return bool(self.values.any())

    def __neg__(self):
        return Box(-self.values)

    def __abs__(self):
        return Box(abs(self.values))

    def __round__(self, digits=None):
        return ("round", digits)

    def __enter__(self):
        self.inside = True
        return self

    def __exit__(self, *error):
        self.inside = False
        return True

    def __eq__(self, other):
        return Box(self.values == np.asarray(other))

    def __lt__(self, other):
        return True

    def __call__(self, *args, **kwargs):
        return [*args, kwargs]

    def __repr__(self):
        return "Box!"

    def fail(self):
        raise ShapeError("bad shape")

for sign in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split():
    setattr(Box, f"__{sign}__", lambda self, other, s=sign: (s, "left", float(self), other))
    setattr(Box, f"__r{sign}__", lambda self, other, s=sign: (s, "right", float(self), other))

class Agreeing:
    def __init__(self, truth):
        self.truth = truth

    def __eq__(self, other):
        return self.truth

def agree(truth):
    return Agreeing(eval(truth))

def echo(value):
    return value

def name(value):
    return type(value).__name__

def count():
    yield from range(3)

@contextlib.contextmanager
def letting_through():
    try:
        yield
    finally:
        pass

@contextlib.contextmanager
def holding():
    with contextlib.suppress(Exception):
        yield

def fail(kind, *words):
    try:
        raise KeyError("first")
    except KeyError as error:
        raise kind(*words) from error

def leave(code):
    os._exit(code)

def spin():
    while True:
        pass

def work(rounds):
    return sum(range(rounds))

def spin_whatever_happens():
    while True:
        try:
            spin()
        except BaseException:
            pass

def hold(mib):
    kept = np.ones(mib * 2**17)
    return kept.nbytes

def say(text):
    print(text)
    print("error", file=sys.stderr)

def litter(mib):
    for number in range(mib):
        with open(f"litter{number}", "wb") as file:
            file.write(bytes(2**20))
        print(number)
        time.sleep(0.02)

def take_back():
    replies = int(sys.argv[2])
    again = os.open(f"/proc/self/fd/{replies}", os.O_RDONLY | os.O_NONBLOCK)
    while True:
        try:
            os.write(replies, b"x")
            os.read(again, 1)
        except OSError:
            pass

def lie():
    os.write(int(sys.argv[2]), b"no reply at all")
    return 1
'''
PROGRAM = """
def main(net, start, table):
    class Special(net.Box):
        pass

    return {"sum": float(net.Box([start]).values.sum()) + table.sum(), "name": Special.__name__}
"""
SETTINGS = "import sys\nimport numpy as np\nnp.seterr(over='ignore')\nsys.setrecursionlimit(2345)\n"
DOOR = """
def __getattr__(name):
    if name in ("broken", "also_broken"):
        import os
        os._exit(3)
    import net.core
    return getattr(net.core, name)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("student") / "net"
    folder.mkdir()
    (folder / "__init__.py").write_text(DOOR)
    (folder / "core.py").write_text(PACKAGE)
    (folder / "settings.py").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def pool(package: Path) -> Iterator[SandboxPool]:
    pool = SandboxPool(Level("process"), package, LIMITS, {"broken": "b", "also_broken": "b"})
    pool.begin("00", LIMITS, 1)
    yield pool
    pool.close()


@pytest.fixture
def net(pool: SandboxPool) -> Proxy:
    pool.begin("00", LIMITS, 1)
    return pool.package


def test_attributes_are_read_set_and_deleted(net):
    box = net.Box([1, 2])
    assert box.label == "box"
    assert box.items == {"first": 1, "rest": (2, [3.5, None])}
    box.label = np.float32(2)
    assert type(box.label) is np.float32
    del box.label
    assert box.label == "box"
    assert not hasattr(box, "missing") and not hasattr(net, "missing")
    assert "values" in dir(box)


def test_calls_take_and_give_every_kind_of_value(net):
    box = net.Box([0])
    values = [
        1, 2**100, 1.5, None, True, "text", b"bytes", (1, (2,)), [1, [2]], {"a": {"b": 1}},
        slice(1, None, 2), Ellipsis, np.float32, float, np.dtype("f4"), 1j, range(3), {1},
    ]  # fmt: skip
    for value in values:
        arrived = net.echo(value)
        assert arrived == value and type(arrived) is type(value)
    assert box(1, key=2) == [1, {"key": 2}]
    assert net.name(np.float32(1)) == "float32" and net.name(np.ones(2)) == "ndarray"
    back = net.echo([box, {"box": box}])
    assert kind_of(back[0]) == kind_of(back[1]["box"]) == "Box"


@pytest.mark.parametrize(
    "sign",
    ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"],
)
@pytest.mark.parametrize("other", [3, np.array([1.0, 2.0])], ids=["number", "array"])
def test_operators_are_the_students_on_either_side(net, sign, other):
    box = net.Box([5])
    names = {"box": box, "other": other}
    left = eval(f"box {sign} other", names)
    right = eval(f"other {sign} box", names)
    assert (left[1], right[1]) == ("left", "right")
    assert left[0] == right[0] and left[2] == right[2] == 5.0
    np.testing.assert_array_equal(left[3], other)
    np.testing.assert_array_equal(right[3], other)


def test_unary_operators_and_conversions(net):
    box = net.Box([-1.5, 2])
    np.testing.assert_array_equal(np.asarray(-box), [1.5, -2])
    np.testing.assert_array_equal(np.asarray(abs(box)), [1.5, 2])
    assert (float(box), int(box), len(box), bool(box), bool(net.Box([0]))) == (
        -1.5,
        7,
        2,
        True,
        False,
    )
    assert (round(box), round(box, 2)) == (("round", None), ("round", 2))
    assert [10, 20, 30, 40, 50, 60, 70, 80][box] == 80
    assert (repr(box), str(box), f"{box}") == ("Box!", "Box!", "Box!")


def test_indexing_and_iteration(net):
    box = net.Box([1, 2, 3])
    assert box[1] == 2.0
    np.testing.assert_array_equal(box[::2], [1, 3])
    assert box[0, ..., None, 1:2] == "(0, Ellipsis, None, slice(1, 2, None))"
    box[0] = 9
    del box[1]
    assert list(box) == [9.0, 3.0] and [*net.count()] == [0, 1, 2]
    counting = net.count()
    assert next(counting) == 0 and next(counting) == 1
    assert list(zip(net.count(), box, strict=False)) == [(0, 9.0), (1, 3.0)]


def test_context_managers_do_not_swallow_what_a_test_raises(net):
    box = net.Box([1])
    with box as inside:
        assert inside.inside is True
    assert box.inside is False
    with pytest.raises(CheckFailed, match="Box swallowed the exception of its `with` block"), box:
        1 / 0  # noqa: B018
    assert box.inside is False
    with pytest.raises(AssertionError, match="a check"), box:
        raise AssertionError("a check")
    with pytest.raises(ZeroDivisionError), net.letting_through():
        1 / 0  # noqa: B018
    with pytest.raises(CheckFailed, match="_GeneratorContextManager swallowed"), net.holding():
        1 / 0  # noqa: B018


def test_two_handles_are_no_plain_values(net):
    box = net.Box([1])
    with pytest.raises(CheckFailed, match="type Box, expected a plain string, number or list"):
        Check().equal(box, box)
    with pytest.raises(TypeError, match="Object of type object of your code is not JSON"):
        json.dumps(box)


def test_isinstance_asks_the_other_side(net):
    box = net.Box([1])
    assert isinstance(box, net.Box) and not isinstance(box, net.ShapeError)
    assert not isinstance(5, net.Box)
    assert issubclass(net.ShapeError, net.ShapeError)


def test_arrays_are_plain_and_zero_dimensions_stay_zero(net):
    array = np.asarray(net.Box(3.0))
    assert type(array) is np.ndarray and array.shape == ()
    assert np.asarray(net.Box([1]), dtype="f4").dtype == np.float32
    assert net.echo(np.zeros((0, 3))).shape == (0, 3)


def test_objects_that_are_no_arrays_are_named(net):
    with pytest.raises(CheckFailed, match="an object of type function"):
        np.asarray(net.echo)
    box = net.Box([1])
    box.values = "text"
    with pytest.raises(ValueError, match="not producing an array"):
        np.asarray(box)


def test_comparisons_never_give_a_truth_value(net):
    box = net.Box([1, 2])
    np.testing.assert_array_equal(np.asarray(box == [1, 0]), [1, 0])
    with pytest.raises(CheckFailed, match="comparing Box objects gives no reliable True or False"):
        bool(box == [1, 2])
    with pytest.raises(CheckFailed, match=r"type Box < 3 gave True: comparing Box objects"):
        _ = box < 3
    with pytest.raises(CheckFailed, match="`in` is not supported on an object of type Box"):
        _ = 1 in box
    with pytest.raises(CheckFailed, match="type Box != 3 gave True"):
        assert box != 3


@pytest.mark.parametrize("truth", ["1", "'yes'", "[True]", "np.True_", "np.array([True])"])
def test_what_a_comparison_gives_is_not_true_in_another_form(net, truth):
    agreeing = net.agree(truth)
    with pytest.raises(CheckFailed, match="no reliable True or False"):
        assert agreeing == 3
    with pytest.raises(CheckFailed, match="no reliable True or False"):
        assert (agreeing, 2) == (3, 2)
    with pytest.raises(CheckFailed, match="no reliable True or False"):
        assert 3 in [agreeing]


def test_numbers_that_a_comparison_gives_are_numbers(net):
    compared = net.agree("np.array([[True, False]])") == 3
    assert np.asarray(compared).tolist() == [[True, False]]
    assert compared.shape == (1, 2) and not compared.all()
    assert np.asarray(net.agree("np.True_") == 3).shape == ()


def test_exceptions_have_their_bases_words_and_lines(net):
    with pytest.raises(ValueError, match="bad shape") as caught:
        net.Box([1]).fail()
    assert type(caught.value).__name__ == "ShapeError"
    assert [place[2] for place in caught.value.frames] == ["Box.fail"]
    with pytest.raises(IndexError) as caught:
        net.Box([1])[5]
    assert [place[0] for place in caught.value.frames] == ["core.py"]
    with pytest.raises(StudentError) as caught:
        net.fail(net.ShapeError, "a", "b")
    assert str(caught.value.__cause__) == "'first'"
    assert isinstance(caught.value.__cause__, KeyError)


def test_nothing_that_a_test_defines_goes_in(net):
    with pytest.raises(CheckMisused, match="an object of type function, defined in the test"):
        net.echo(lambda: 1)
    with pytest.raises(CheckMisused, match="an object of type generator"):
        net.echo(n for n in ())
    assert net.echo(1) == 1


def test_what_is_too_large_to_go_in_was_made_of_what_came_out(net, monkeypatch):
    monkeypatch.setattr(protocol, "LARGEST_PAYLOAD", 100)
    with pytest.raises(CheckFailed, match="from your results cannot be sent: a value"):
        net.echo(np.ones(13))
    assert net.echo(1) == 1


def test_numpy_and_others_find_no_protocols_of_their_own(net):
    box = net.Box([1])
    for name in ("__array_interface__", "__array_struct__", "__array_function__", "__len_hint__"):
        assert not hasattr(box, name)
    assert net.Box.__name__ == "Box"


def test_an_object_is_forgotten_with_its_last_handle(net, pool):
    box = net.Box([1])
    number, again = box._number, Proxy(pool, pool._generation, box._number, "Box")
    assert repr(again) == "Box!"
    del box, again
    net.echo(1)  # what was forgotten here is told with the next request
    with pytest.raises(StudentError, match=str(number)):
        repr(Proxy(pool, pool._generation, number, "Box"))


def test_death_of_the_process_fails_one_test_and_a_new_one_begins(net, pool):
    box = net.Box([1])
    with pytest.raises(Died, match="exit code 4"):
        net.leave(4)
    with pytest.raises(Died, match="belongs to a process of your code that has ended"):
        box.label = 1
    assert net.echo(3) == 3


def test_a_death_at_import_happens_once(net, pool):
    with pytest.raises(Died, match="exit code 3"):
        _ = net.broken
    assert net.echo(1) == 1
    generation = pool._generation
    for name in ("broken", "also_broken"):  # two names of one file
        with pytest.raises(Died, match="exit code 3"):
            getattr(net, name)
    assert pool._generation == generation and net.echo(2) == 2


def test_no_test_can_catch_the_end_of_a_process(net):
    with pytest.raises(Died), contextlib.suppress(Exception):
        net.leave(0)


def test_what_is_no_reply_ends_the_process(net):
    with pytest.raises(Forged, match="sent an invalid reply"):
        net.lie()
    assert net.echo(1) == 1


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"seconds_per_call": 1}, "stopped after 1 s, the time limit of one call"),
        ({"seconds_per_test": 1}, "stopped after 1 s, the time limit of one test"),
        ({"seconds_per_checkpoint": 1}, "stopped after 1 s, the time limit of one checkpoint"),
    ],
    ids=["call", "test", "checkpoint"],
)
def test_deadlines(pool, changed, words):
    limits = replace(LIMITS, **changed)
    pool.begin(f"late {changed}", limits, 1)
    started = time.monotonic()
    with pytest.raises(OutOfTime, match=words) as caught:
        pool.package.spin()
    assert [frame[2] for frame in caught.value.frames] == ["spin"]
    assert time.monotonic() - started < 4
    if "seconds_per_call" not in changed:
        with pytest.raises(OutOfTime, match="not run: 1 s"):
            pool.package.echo(1)
    pool.begin(f"late {changed}", limits, 1)  # the next test
    if "seconds_per_checkpoint" in changed:
        with pytest.raises(OutOfTime, match="not run: 1 s, the time limit of one checkpoint"):
            pool.package.echo(1)
    else:
        assert pool.package.echo(1) == 1


def test_who_does_not_let_itself_be_interrupted_is_ended_as_soon(pool):
    pool.begin("deaf", replace(LIMITS, seconds_per_call=1), 1)
    started = time.monotonic()
    with pytest.raises(OutOfTime, match="stopped after 1 s") as caught:
        pool.package.spin_whatever_happens()
    # One second, one more to say where it is; the machine may be busy.
    assert caught.value.frames == () and time.monotonic() - started < LIMITS.seconds_per_test


def test_memory_has_a_limit(pool):
    pool.begin("small", replace(LIMITS, memory_mib=400), 1)
    with pytest.raises(MemoryError):
        pool.package.hold(300)
    assert pool.package.hold(10) == 10 * 2**20


def test_the_disk_has_a_limit_also_for_those_who_talk_meanwhile(net):
    with pytest.raises(Died, match="wrote more than 8 MiB"):
        net.litter(60)
    assert net.echo(1) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="opens its own pipe by way of /proc")
def test_a_reply_that_is_taken_back_is_the_end_of_the_process(net):
    with pytest.raises(SandboxFailure):
        net.take_back()
    assert net.echo(1) == 1


def test_what_was_printed_is_kept_apart(net, pool):
    pool.output()
    net.say("hello")
    assert pool.output().split() == ["hello", "error"]
    net.say("x" * 60_000)
    text = pool.output()
    assert text.startswith("[...]") and 16_000 < len(text) < 17_000
    assert pool.output() == ""


def test_tests_of_one_process_do_not_hear_of_each_other(net, pool):
    source = (
        "import numpy as np\ndef main(net):\n    return [float(np.random.rand()), np.geterr()]\n"
    )
    change = (
        "import numpy as np\ndef main(net):\n    np.seterr(all='raise')\n    np.random.rand()\n"
    )
    pool.begin("00", LIMITS, 5)
    first = pool.ask("program", source, {})
    pool.begin("00", LIMITS, 5)
    pool.ask("program", change, {})
    pool.begin("00", LIMITS, 5)
    assert pool.ask("program", source, {}) == first
    pool.begin("00", LIMITS, 6)
    assert pool.ask("program", source, {})[0] != first[0]


def test_what_a_file_sets_when_it_is_imported_holds_for_all_tests(pool):
    load = "def main(net):\n    import net.settings\n"
    change = (
        "import sys\nimport numpy as np\n"
        "def main(net):\n    np.seterr(over='raise')\n    sys.setrecursionlimit(3456)\n"
    )
    tell = (
        "import sys\nimport numpy as np\n"
        "def main(net):\n    return [np.geterr()['over'], sys.getrecursionlimit()]\n"
    )
    pool.begin("settings", LIMITS, 1)
    assert pool.ask("program", tell, {}) == ["warn", 1000]
    pool.ask("program", load, {})
    for _ in range(2):
        pool.begin("settings", LIMITS, 1)
        assert pool.ask("program", tell, {}) == ["ignore", 2345]
        pool.ask("program", change, {})


def test_programs_of_the_course_run_on_the_students_side(net, pool):
    result = pool.ask("program", PROGRAM, {"start": 2.0, "table": np.ones(3)})
    assert result == {"sum": 5.0, "name": "Special"}


def test_processor_time_is_measured_from_outside(net, pool):
    lying = "import time\ndef main(net):\n    time.process_time = time.perf_counter = lambda: 0.0\n"
    pool.ask("program", lying, {})
    net.work(10)
    sandbox = pool.sandbox()
    before = sandbox.processor_seconds()
    time.sleep(0.1)  # time that passes is no processor time
    idle = sandbox.processor_seconds()
    net.work(3_000_000)
    busy = sandbox.processor_seconds()
    assert idle - before < 0.05
    assert busy - idle > 0.01


def test_peak_memory_is_measured_from_outside(pool):
    pool.begin("memory", LIMITS, 1)
    pool.package.hold(1)
    sandbox = pool.sandbox()
    lying = (
        "import tracemalloc\ndef main(net):\n    tracemalloc.get_traced_memory = lambda: (0, 0)\n"
    )
    pool.ask("program", lying, {})
    for mib in (20, 64):
        sandbox.forget_peak()
        held, _ = sandbox.memory()
        pool.package.hold(mib)
        after, peak = sandbox.memory()
        assert mib * 0.95 < (peak - held) / 2**20 < mib * 1.1 + 2
        assert (after - held) / 2**20 < 2  # and it was given back


def test_the_environment_of_a_sandbox_has_nothing_of_ours(pool, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    pool.begin("environment", LIMITS, 1)
    pool.package.echo(1)
    pool.begin("environment again", LIMITS, 1)  # a spare one may have been started before
    source = "import os\ndef main(net):\n    return dict(os.environ)\n"
    environment = pool.ask("program", source, {})
    assert "SECRET_TOKEN" not in environment and "PATH" not in environment
    assert environment["PYTHONHASHSEED"] == "0" and environment["OPENBLAS_NUM_THREADS"] == "1"
    descriptors = "import os\ndef main(net):\n    return len(os.listdir('/proc/self/fd'))\n"
    assert pool.ask("program", descriptors, {}) <= 6  # 0, 1, 2, two pipes, the folder itself


def test_other_packages_are_not_there(net, pool):
    source = "def main(net):\n    import pytest\n"
    with pytest.raises(ModuleNotFoundError):
        pool.ask("program", source, {})


def test_nothing_is_left_behind(package):
    pool = SandboxPool(Level("process"), package, LIMITS, {})
    pool.begin("00", LIMITS, 1)
    pool.package.echo(1)
    process, folder = pool.sandbox()._process.pid, pool._places.root
    assert folder.is_dir()
    pool.close()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_full_disk_is_not_the_students_fault(package, monkeypatch):
    pool = SandboxPool(Level("process"), package, LIMITS, {})
    with contextlib.closing(pool), monkeypatch.context() as disk:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        disk.setattr("pytest_tinytorch.isolation.workspace._copy_sources", full)
        pool.prepare()  # nobody needs it yet
        with pytest.raises(NotStarted) as failure:
            pool.package.echo(1)
        assert "no space for a sandbox in" in failure.value.message
        assert failure.value.reason is Reason.HARNESS
        disk.undo()
        assert pool.package.echo(1) == 1


def test_a_package_that_cannot_be_loaded(tmp_path):
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "__init__.py").write_text("import nothing_like_that\n")
    pool = SandboxPool(Level("process"), folder, LIMITS, {})
    try:
        pool.begin("00", LIMITS, 1)
        with pytest.raises(Died, match="exit code 1"):
            pool.package.echo(1)
    finally:
        pool.close()
