"""The real demos: the reference passes, each broken module fails, and no other module is needed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from evidence import keep_evidence

from pytest_tinytorch.core.course import load_course

COURSE = load_course(Path(__file__).parents[2])
DEMOS = pytest.mark.parametrize("demo", COURSE.demos, ids=lambda demo: demo.id)

NEGATED = "right = {0}\n{0} = lambda self, other: -right(self, other)"
# Demo and module -> what is put at the end of the module's source. All but the last run without an
# error, and give a wrong result.
BROKEN = {
    "math": {"02": "Tensor.__mul__ = Tensor.__rmul__ = lambda self, other: self + other"},
    "logic": {
        "02": NEGATED.format("Tensor.__matmul__"),
        "03": "right = sigmoid\nsigmoid = lambda x: right(-x)",
    },
    "neuron": {
        "02": "Tensor.mean = Tensor.sum",
        "04": NEGATED.format("Linear.forward"),
    },
    "network": {
        "02": "Tensor.numpy = lambda self: -self.data",
        "03": "softmax = sigmoid",
        "04": NEGATED.format("Linear.forward"),
        "05": "Sequential.forward = lambda self, x: self[0](x)",
    },
    "vision": {
        "02": "Tensor.sqrt = lambda self: self",
        "04": "Module.load_state_dict = lambda self, state, strict=True: None",
        "06": NEGATED.format("Conv2d.forward"),
    },
    "attention": {
        "02": NEGATED.format("Tensor.__matmul__"),
        "03": "softmax = sigmoid",
        "04": "Module.__call__ = lambda self, x: x",
        "07": "scaled_dot_product_attention = lambda q, k, v, mask=None: v",
    },
    "training": {
        "02": "Tensor.log = lambda self: self",
        "03": "right = sigmoid\nsigmoid = lambda x: right(-x)",
        "04": "right = Linear.forward\nLinear.forward = lambda self, x: right(self, x) + 1",
        "05": "MLP.forward = lambda self, x: self[2](self[0](x))",
        "09": "right = engine.backward\n"
        "engine.backward = lambda output, gradient=None: right(output * 2, gradient)",
    },
    "language": {
        "02": "Tensor.numpy = lambda self: -self.data",
        "04": "right = Linear.forward\nLinear.forward = lambda self, x: right(self, x) * 0",
        "07": "MultiHeadAttention.forward = lambda self, x, mask=None: x * 0",
        "08": "LayerNorm.forward = lambda self, x: x * 0",
        "09": "engine.backward = lambda output, gradient=None: None",
        "10": "Adam.step = lambda self: None",
        "11": "right = cross_entropy\ncross_entropy = lambda *given, **more: -right(*given)",
        "16": "TinyGPT.generate = lambda self, ids, count, **more: Tensor(ids)",
        # Another nonlinearity would do as well: the network learns with what it has.
        "03": "def gelu(x): raise NotImplementedError('write gelu')",
    },
}
QUICK = ("07", "16")  # of language, which trains for seconds
EACH_BROKEN = [
    pytest.param(demo, module, id=f"{demo}-{module}", marks=[pytest.mark.slow] * is_slow)
    for demo, found in BROKEN.items()
    for module in found
    for is_slow in [demo == "language" and module not in QUICK]
]


@pytest.fixture
def unlocked(laboratory):
    """The laboratory, with evidence of all checkpoints."""
    keep_evidence(laboratory.course, *laboratory.course.checkpoints)
    return laboratory


@pytest.fixture
def parts(repository, tmp_path):
    """A course's folder with the given modules alone, and no sources: its path."""

    def lay_out(modules):
        core = tmp_path / "tinytorch/core"
        core.mkdir(parents=True)
        shutil.copytree(repository / "data", tmp_path / "data")
        shutil.copytree(repository / "demos", tmp_path / "demos")
        package = repository / "tinytorch"
        files = [package / "__init__.py", *package.glob("core/__init__.py")]
        files += [
            package / f"{target.replace('.', '/')}.py"
            for name in modules
            for target in COURSE.module_by_name[name].exports
        ]
        for file in files:
            shutil.copy(file, tmp_path / file.relative_to(repository))
        return tmp_path

    return lay_out


def run(folder, demo, *arguments):
    command = [sys.executable, demo.program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@DEMOS
def test_it_runs_with_its_modules_alone_and_ends_in_a_picture(parts, demo):
    done = run(parts(demo.needs), demo)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert done.stdout.isascii() and "\x1b" not in done.stdout and max(map(len, lines)) < 80
    assert any(len(set(line)) > 2 or "*" in line for line in lines)
    assert len(lines) >= 12 and f"pytest --demo {demo.id}" in lines[-1]


@pytest.mark.parametrize(
    "demo, absent",
    [(demo, need) for demo in COURSE.demos for need in demo.needs],
    ids=lambda value: getattr(value, "id", value),
)
def test_it_needs_each_of_its_modules(parts, demo, absent):
    done = run(parts([name for name in demo.needs if name != absent]), demo)
    assert done.returncode == 1
    assert f"module {absent}, which is not there yet" in done.stderr or absent[3:] in done.stderr


def test_the_reference_passes(unlocked):
    record = unlocked.run("--demo", "all")
    assert {str(group) for group in record.groups} == {f"demo {demo.id}" for demo in COURSE.demos}
    failed = {test.id: test.message for test in record.tests if not test.passed}
    assert failed == {} and len(record.tests) == 14
    assert sum(test.max_points for test in record.tests) == 0


def test_every_module_of_every_demo_is_broken_once():
    assert {demo: set(found) for demo, found in BROKEN.items()} == {
        demo.id: {name[:2] for name in demo.needs} for demo in COURSE.demos
    }


@pytest.mark.parametrize("demo, number", EACH_BROKEN)
def test_a_broken_module_fails_it(unlocked, demo, number):
    (module,) = [m for m in COURSE.modules if m.id == number]
    path = unlocked.course.source_file(module)
    before = path.read_text("utf-8")
    target = "core.normalization" if "LayerNorm" in BROKEN[demo][number] else ""
    path.write_text(f"{before}\n\n# %%\n#| export {target}\n{BROKEN[demo][number]}\n", "utf-8")
    try:
        record = unlocked.run("--demo", demo)
    finally:
        path.write_text(before, "utf-8")
    failed = [test for test in record.tests if not test.passed]
    assert failed and all(test.message for test in failed)
    assert not any("CheckMisused" in test.message for test in failed)  # a fault of the test
