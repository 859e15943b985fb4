"""Module 11 beyond its checkpoint: damage of every kind, Ctrl-C at any time, images of plots."""

import contextlib
import io
import re
import sys
import types
import warnings

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core import training
from tinytorch.core.tensor import engine


class Net(tt.Module):
    """A small network with weights, buffers and noise."""

    def __init__(self):
        self.first, self.norm, self.last = tt.Linear(4, 6), tt.BatchNorm1d(6), tt.Linear(6, 3)

    def forward(self, x):
        hidden = tt.relu(self.norm(self.first(x)))
        return self.last(hidden + tt.randn(*hidden.shape) if self.training else hidden)


def loader(count=20, size=8, **options):
    x = np.random.default_rng(0).standard_normal((count, 4)).astype(np.float32)
    return tt.DataLoader(tt.TensorDataset(x, x[:, :3].argmax(axis=1)), size, **options)


def trainer(loss_function=None, lr=0.1):
    model = Net()
    optimizer = tt.SGD(model.parameters(), lr=lr, momentum=0.9)
    return tt.Trainer(model, optimizer, loss_function or tt.CrossEntropyLoss(), [tt.Accuracy()])


def state(of):
    arrays = [*of.model.state_dict().values(), *of.optimizer.state_dict().values()]
    return [np.asarray(array).tolist() for array in arrays]


class Loss:
    def __call__(self, outputs, targets):
        return 0.0


@pytest.mark.parametrize("metrics", [[tt.Accuracy(), tt.Accuracy(0.2)], [Loss()]])
def test_two_measurements_of_one_name_are_refused(metrics):
    """The later would silently replace the earlier: a metric called `loss` even the loss itself."""
    with pytest.raises(ValueError, match="a name of its own, not 'loss'") as raised:
        tt.Trainer(Net(), None, tt.CrossEntropyLoss(), metrics)
    assert type(metrics[0]).__name__.lower() in str(raised.value)


@pytest.fixture
def trained(tmp_path):
    """A trainer after an epoch, and the checkpoint that it has written."""
    one = trainer()
    one.fit(loader(), epochs=1, checkpoint_path=tmp_path / "run.npz", verbose=False)
    return one, tmp_path / "run.npz"


def test_a_byte_that_changed_is_found_or_does_no_harm(trained, tmp_path):
    """One wrong byte anywhere is refused, or what is loaded is what was saved."""
    before, path = trained
    content, wanted, rng = path.read_bytes(), state(before), np.random.default_rng(0)
    damaged = tmp_path / "damaged.npz"
    refused = 0
    for place in rng.choice(len(content), 400, replace=False):
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        after = trainer()
        untouched = state(after)
        try:
            training.load_checkpoint(damaged, after.model, after.optimizer)
        except ValueError as error:
            refused += 1
            assert "damaged.npz" in str(error) and state(after) == untouched
        else:
            assert state(after) == wanted
    assert refused > 200


def test_a_file_that_is_cut_off_anywhere_is_refused(trained, tmp_path):
    before, path = trained
    content, cut = path.read_bytes(), tmp_path / "cut.npz"
    for length in range(0, len(content), 97):
        cut.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"cut\.npz (is cut off|is no \.npz file)"):
            training.load_checkpoint(cut, before.model)


def test_another_format_is_refused(trained, monkeypatch):
    before, path = trained
    monkeypatch.setattr(training, "FORMAT", 2)
    with pytest.raises(ValueError, match="has format 1, expected 2"):
        training.load_checkpoint(path, before.model)


@pytest.mark.parametrize("extra", [print, {1, 2}, np.array([None]), 1j, b"x"], ids=repr)
def test_what_a_checkpoint_cannot_hold(tmp_path, extra):
    with pytest.raises(TypeError, match="a checkpoint holds numbers, text, arrays"):
        training.save_checkpoint(tmp_path / "run.npz", Net(), extra={"deep": [extra]})
    assert list(tmp_path.iterdir()) == []


def test_what_a_checkpoint_holds(tmp_path):
    values = {
        "int": 2**80,
        "float": 0.1,
        "nan": float("nan"),
        "numpy": np.float32(0.1),
        "none": None,
    }
    values |= {
        "text": "ä\0",
        "tuple": (1, (2,)),
        "empty": [],
        "tensor": tt.ones(2),
        "bool": np.True_,
    }
    values |= {"scalar": np.array(3, np.int8), "no rows": np.zeros((0, 3)), "order": np.eye(2).T}
    training.save_checkpoint(str(tmp_path / "run"), Net(), **values)
    found = training.load_checkpoint(tmp_path / "run", Net())
    assert [found.pop(name).tolist() for name in ("tensor", "scalar", "order")] == [
        [1, 1],
        3,
        np.eye(2).tolist(),
    ]
    assert found.pop("no rows").shape == (0, 3) and np.isnan(found.pop("nan"))
    assert found["tuple"] == [1, [2]] and found["numpy"] == float(np.float32(0.1))
    assert {name: found[name] for name in ("int", "float", "none", "text", "empty", "bool")} == {
        "int": 2**80, "float": 0.1, "none": None, "text": "ä\0", "empty": [], "bool": True,
    }  # fmt: skip


def test_ctrl_c_at_any_time_leaves_a_whole_checkpoint(tmp_path, monkeypatch):
    """Interrupted at the nth call of anything that fit calls, it returns, and the file is whole."""
    path, calls, at = tmp_path / "run.npz", 0, 0

    def interrupting(function):
        def called(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == at:
                raise KeyboardInterrupt
            return function(*args, **kwargs)

        return called

    for name in ("save_checkpoint", "write_arrays", "packed", "no_grad", "islice"):
        monkeypatch.setattr(training, name, interrupting(getattr(training, name)))
    monkeypatch.setattr(training.np, "savez", interrupting(np.savez))
    monkeypatch.setattr(training.os, "fsync", interrupting(training.os.fsync))
    ended = []
    while at < 60:
        path.unlink(missing_ok=True)
        at, calls, one = at + 1, 0, trainer()
        history = one.fit(loader(), loader(), epochs=3, checkpoint_path=path, verbose=False)
        lengths = {len(values) for values in history.values()}
        assert len(lengths) <= 1 and one.model.training and engine.grad_enabled
        whole = training.load_checkpoint(path, Net())["epoch"] if path.exists() else 0
        assert (lengths or {0}).pop() == whole
        assert [file.name for file in tmp_path.iterdir()] == ["run.npz"] * path.exists()
        ended.append(whole)
    assert {*ended} == {0, 1, 2, 3}


def test_a_run_resumed_after_ctrl_c_equals_a_whole_one(tmp_path):
    def run(epochs, interrupted=0, **options):
        batches = 0

        def loss_function(outputs, targets):
            nonlocal batches
            batches += 1
            if batches == interrupted:
                raise KeyboardInterrupt
            return tt.CrossEntropyLoss()(outputs, targets)

        one = trainer(loss_function)
        history = one.fit(loader(shuffle=True), loader(), epochs, verbose=False, **options)
        return history, state(one)

    tt.manual_seed(1)
    whole = run(5)
    tt.manual_seed(1)
    path = tmp_path / "run.npz"
    broken, _ = run(5, interrupted=20, checkpoint_path=path)  # 6 batches an epoch
    assert len(broken["train_loss"]) == 3
    assert run(5, resume_from=path) == whole


class Terminal(io.StringIO):
    def isatty(self):
        return True


def said(stream, **options):
    with contextlib.redirect_stdout(stream):
        trainer().fit(loader(), loader(), epochs=2, **options)
    return stream.getvalue()


def test_a_log_has_a_line_for_each_epoch():
    lines = said(io.StringIO()).splitlines()
    assert [line.split()[:2] for line in lines] == [["epoch", "1/2"], ["epoch", "2/2"]]
    for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr 0.1"):
        assert all(name in line for line in lines)
    assert said(io.StringIO(), verbose=False) == said(Terminal(), verbose=False) == ""


def test_a_bar_tells_loss_time_left_rate_and_speed(monkeypatch):
    clock = iter(np.arange(0, 9000, 2.0))
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    parts = said(Terminal()).split("\r")
    bars = [part for part in parts if "samples/s" in part]
    assert len(bars) == 6 and all("loss " in bar and "lr 0.1" in bar for bar in bars)
    assert "[###       ] 1/3" in bars[0] and "[##########] 3/3" in bars[2]
    left = [float(bar.partition(" s left")[0].rpartition(" ")[2]) for bar in bars]
    assert left[0] > left[2] > left[3] > left[5] == 0  # of both epochs


def test_a_bar_stays_in_its_line(monkeypatch):
    """A bar that is wider than the terminal would leave a line behind each time it is drawn."""
    for columns in (20, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        clock = iter(np.arange(0, 1000, 0.2))
        monkeypatch.setattr(training.time, "perf_counter", lambda c=clock: next(c))
        *lines, rest = said(Terminal()).split("\n")
        bars = [line.split("\r")[1:-1] for line in lines]
        assert rest == "" and [len(drawn) for drawn in bars] == [3, 3]
        assert {len(bar) for drawn in bars for bar in drawn} == {columns - 3}
        assert all(len(line.rpartition("\r")[2]) >= columns - 3 for line in lines), (
            "it covers the bar"
        )


def test_a_loader_without_a_length_has_a_bar_too(monkeypatch):
    clock = iter(np.arange(0, 1000, 0.2))
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    stream = Terminal()
    with contextlib.redirect_stdout(stream):
        trainer().fit(iter([*loader()]), epochs=1)
    assert "epoch 1/1  3/?  loss" in stream.getvalue()


def test_a_loss_that_is_no_number_ends_it():
    def nothing(outputs, _):
        return outputs.mean() * float("nan")

    with pytest.raises(
        FloatingPointError, match=r"the loss is nan: try a learning rate below 0\.1"
    ):
        trainer(nothing).fit(loader(), verbose=False)


@pytest.mark.parametrize(
    "options, says",
    [
        ({"save_best": True}, "checkpoint_path"),
        ({"accumulate": 0}, "accumulate counts from 1; got 0"),
        ({"early_stopping_patience": 0}, "early_stopping_patience counts from 1; got 0"),
    ],
)
def test_settings_that_cannot_be_meant(options, says):
    one = trainer()
    before = state(one)
    with pytest.raises(ValueError, match=says):
        one.fit(loader(), verbose=False, **options)
    assert state(one) == before


def test_a_loader_that_is_used_up():
    with pytest.raises(ValueError, match="a generator that was used up"):
        trainer().fit((batch for batch in loader()), epochs=2, verbose=False)
    with pytest.raises(ValueError, match="the loader gave no samples"):
        training.evaluate_model(Net(), [])


def test_a_checkpoint_with_a_schedule_asks_for_one(tmp_path):
    one, path = trainer(), tmp_path / "run.npz"
    schedule = tt.StepLR(one.optimizer, 1)
    one.fit(loader(), epochs=1, scheduler=schedule, checkpoint_path=path, verbose=False)
    other = trainer()
    before = state(other)
    with pytest.raises(ValueError, match="was saved with a scheduler"):
        other.fit(loader(), resume_from=path, verbose=False)
    assert state(other) == before


def test_what_save_checkpoint_alone_wrote_can_be_resumed(tmp_path):
    one, path = trainer(), tmp_path / "run.npz"
    one.fit(loader(), epochs=2, verbose=False)
    training.save_checkpoint(path, one.model, one.optimizer, epoch=2, note="by hand")
    history = trainer().fit(loader(), epochs=5, resume_from=path, verbose=False)
    assert len(history["train_loss"]) == 3


HISTORY = {"train_loss": [4.0, 3.0, 1.0], "val_loss": [2.0, 2.0, 2.0], "lr": [0.1] * 3}


def test_a_plot_without_matplotlib(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = training.plot_training_history(HISTORY)
    assert capsys.readouterr().out == text + "\n" and text.count("|") == 20
    for name in ("plot.txt", "other.png"):  # a text must not be called an image
        assert training.plot_training_history(HISTORY, tmp_path / name) == text
    found = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()}
    assert found == dict.fromkeys(("plot.txt", "other.txt"), text + "\n")
    with pytest.raises(ValueError, match="has no epochs"):
        training.plot_training_history({"train_loss": []})


def test_what_has_no_place_in_a_plot_is_left_out():
    """A metric of one's own may be nan or infinite for an epoch, or for all of them."""
    text = training.text_plot(
        "f1", {"f1": [1.0, float("nan"), float("inf"), 0.0]}, width=4, height=2
    )
    assert [line.partition("|")[2] for line in text.splitlines()[1:3]] == ["f", "   f"]
    titled = training.text_plot("loss", HISTORY).splitlines()
    assert titled[0] == "loss: train_loss, val_loss, lr" and titled[11].strip() == "epochs 1 to 3"
    assert [titled[1].split()[0], titled[10].split()[0]] == ["4", "0.1"]
    assert training.text_plot("x", {"x": [float("nan")]}).count("x") == 2  # its title and its name


def test_a_plot_with_matplotlib(tmp_path, capsys):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = training.plot_training_history(HISTORY, tmp_path / "plot.png")
        assert training.plot_training_history(HISTORY) == text  # there is no screen to show it on
    assert (tmp_path / "plot.png").read_bytes()[1:4] == b"PNG" and text.startswith("loss: ")
    assert capsys.readouterr().out == text + "\n"


def test_what_matplotlib_is_asked_for(monkeypatch, tmp_path, capsys):
    """The calls, with a stand-in: also where matplotlib is not installed."""
    asked = []

    class Recorder:
        def __init__(self, name):
            self.name = name

        def __getattr__(self, name):
            def called(*args, **kwargs):
                asked.append((self.name, name, args, kwargs))
                return Recorder("ticks")

            return Recorder("ticks") if name == "xaxis" else called

    class Pyplot(Recorder):
        def subplots(self, rows, columns, **_):
            return Recorder("figure"), [[Recorder("axis") for _ in range(columns)]] * rows

    package = types.ModuleType("matplotlib")
    package.pyplot = Pyplot("pyplot")
    monkeypatch.setitem(sys.modules, "matplotlib", package)
    training.plot_training_history(HISTORY, tmp_path / "plot.png")
    plotted = [kwargs["label"] for _, name, _, kwargs in asked if name == "plot"]
    assert plotted == ["train_loss", "val_loss", "lr"] and capsys.readouterr().out == ""
    assert [entry for entry in asked if entry[0] == "figure"] == [
        ("figure", "savefig", (tmp_path / "plot.png",), {})
    ]
    asked.clear()
    training.plot_training_history(HISTORY)
    assert [name for owner, name, *_ in asked if owner == "pyplot"][1:] == ["show", "close"]


as_it_is = tt.Sequential()  # hands on what it is given


@pytest.mark.parametrize("bad", [0, 1, 6])
def test_an_output_that_is_nan_is_wrong_and_is_counted(bad):
    labels = np.array([0, 1, 2, 0, 1, 2])
    logits = np.eye(3, dtype=np.float32)[labels]
    logits[:bad, 1] = np.nan
    batches = [(tt.Tensor(logits[:4]), labels[:4]), (tt.Tensor(logits[4:]), labels[4:])]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = tt.evaluate_model(as_it_is, batches)
        share = tt.Accuracy()(logits, labels)
        binary = tt.Accuracy()(np.array([np.nan, 0.9, 0.1]), np.array([0, 1, 0]))
    assert found["accuracy"] == share == (6 - bad) / 6 and binary == 2 / 3
    right = np.bincount(labels[bad:], minlength=3) / 2
    np.testing.assert_array_equal(found["per_class_accuracy"], right)
    counted = [f"{bad} of 6 outputs are NaN, and wrong"] * 2 if bad else []
    assert [str(w.message) for w in said] == [*counted, "1 of 3 outputs are NaN, and wrong"]
    assert {w.category for w in said} == {RuntimeWarning}
    if bad:
        with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match="got nan to nan"):
            tt.compute_confusion_matrix(as_it_is, batches, 3)


@pytest.mark.parametrize("shape", [(4, 1), (4,), (4, 3, 1)])
def test_one_output_cannot_tell_classes_apart(shape):
    labels = np.array([1, 0, 1, 0])
    batches = [(tt.ones(*shape), labels)]
    for ask in (
        lambda: tt.evaluate_model(as_it_is, batches),
        lambda: tt.compute_confusion_matrix(as_it_is, batches, 2),
    ):
        with pytest.raises(ValueError, match=re.escape(f"got {shape}, (4,)")):
            ask()
    if shape != (4,):
        with pytest.raises(ValueError, match=re.escape(f"got {shape}, (4,)")):
            tt.Accuracy()(tt.ones(*shape), labels)
    assert tt.Accuracy()(tt.ones(4, 1), labels.reshape(4, 1)) == 0.5


def test_accuracy_takes_outputs_that_require_a_gradient():
    outputs = tt.Tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    assert tt.Accuracy()(outputs * 2, [0, 0]) == 0.5
