"""Checkpoint 10: losses, steps and averages against NumPy in float64, and runs against each other.

What needs a model of its own, a file or Ctrl-C is done by programs, on the student's side. The last
test learns to read handwritten digits, from the first batch to a file with the best epoch.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("10")

LOSSES = {
    "MSELoss": lambda y, t: ((y - t) ** 2).mean(),
    "CrossEntropyLoss": lambda x, t: -(log_softmax(x) * np.eye(x.shape[1])[t]).sum() / len(x),
    "BCELoss": lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(),
    "BCEWithLogitsLoss": lambda x, t: (np.log(1 + np.exp(x)) - x * t).mean(),
}


def log_softmax(x):
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def operands(kind, rows, columns=3, seed=0):
    """Outputs in float64, and targets, as the loss of this kind takes them."""
    rng = np.random.default_rng(seed)
    if kind == "CrossEntropyLoss":
        return rng.uniform(-3, 3, (rows, columns)), rng.integers(0, columns, rows)
    low, high = (0.05, 0.95) if kind == "BCELoss" else (-3, 3)
    return rng.uniform(low, high, (rows, columns)), rng.uniform(0, 1, (rows, columns))


def slope(function, a, step=1e-6):
    """How the number `function(a)` changes with each element of `a`, by central differences."""
    found = np.zeros(a.shape)
    for index in np.ndindex(a.shape):
        up, down = a.copy(), a.copy()
        up[index] += step
        down[index] -= step
        found[index] = (function(up) - function(down)) / (2 * step)
    return found


def classes(count=22, features=4, seed=1):
    """Points (count, features) in float32, and labels: which of the first three is the largest."""
    x = np.random.default_rng(seed).standard_normal((count, features)).astype(np.float32)
    return x, x[:, :3].argmax(axis=1)


def linear(tt, check, features=4, seed=2):
    """A linear layer with three outputs, and its numbers in float64."""
    rng, model = np.random.default_rng(seed), tt.Linear(features, 3)
    model.weight.data = rng.standard_normal((3, features)).astype(np.float32)
    model.bias.data = rng.standard_normal(3).astype(np.float32)
    return model, [check.array(p).astype(np.float64) for p in (model.weight, model.bias)]


def loader_of(tt, x, labels, size, **options):
    return tt.DataLoader(tt.TensorDataset(tt.Tensor(x), tt.Tensor(labels)), size, **options)


def measures(numbers, x, labels):
    """Mean cross-entropy and accuracy of a linear classifier."""
    logits = x @ numbers[0].T + numbers[1]
    loss = LOSSES["CrossEntropyLoss"](logits, labels)
    return float(loss), float((logits.argmax(axis=1) == labels).mean())


def epoch_by_numpy(numbers, x, labels, size, lr, accumulate=1):
    """The numbers after an epoch of plain steps, and the means of what was measured on the way."""
    found = []
    for start in range(0, len(x), size * accumulate):
        group = slice(start, start + size * accumulate)
        for first in range(start, min(start + size * accumulate, len(x)), size):
            batch = slice(first, first + size)
            found += [measures(numbers, x[batch], labels[batch])] * len(x[batch])
        wrong = np.exp(log_softmax(x[group] @ numbers[0].T + numbers[1]))
        wrong[np.arange(len(wrong)), labels[group]] -= 1
        weight = numbers[0] - lr * wrong.T @ x[group] / len(wrong)
        numbers = [weight, numbers[1] - lr * wrong.mean(axis=0)]
    return numbers, np.mean(found, axis=0)


def with_nan(run_program):
    """What is measured of five rows, of which two hold NaN, and of four numbers, one of them NaN:
    name -> (result, warnings)."""
    rows = np.array([[1, 0], [np.nan, 0], [0, 1], [1, 0], [2, np.nan]], np.float32)
    numbers = np.array([[0.9], [0.1], [np.nan], [0.2]], np.float32)
    return run_program(
        "programs/not_a_number.py",
        rows=rows,
        labels=np.array([0, 0, 1, 1, 0]),
        numbers=numbers,
        answers=np.array([[1], [0], [0], [0]]),
    )


def warned(check, said, count):
    """One of the warnings says how many of the outputs are NaN."""
    told = any("nan" in text.lower() and str(count) in text for text in said)
    check.true(told, f"a RuntimeWarning should say that {count} outputs are NaN; got {said}")


def trainer_of(tt, model, lr, **options):
    optimizer = tt.SGD(model.parameters(), lr=lr, **options)
    return tt.Trainer(model, optimizer, tt.CrossEntropyLoss(), metrics=[tt.Accuracy()])


@pytest.mark.points(2)
@pytest.mark.hint("The mean over the elements, or for cross-entropy over the rows: not the sum.")
@given(kind=st.sampled_from(sorted(LOSSES)), rows=st.integers(1, 9), seed=st.integers(0, 99))
def test_losses(tt, check, kind, rows, seed):
    """Gives the mean loss of a batch of any size, one number in the dtype of the outputs"""
    outputs, targets = operands(kind, rows, seed=seed)
    expected = LOSSES[kind](outputs, targets)
    loss_function = getattr(tt, kind)()
    for dtype, rtol in ((np.float64, 1e-6), (np.float32, 1e-4)):
        wanted = targets if kind == "CrossEntropyLoss" else targets.astype(dtype)
        x, t = tt.Tensor(outputs.astype(dtype)), tt.Tensor(wanted.copy())
        with check.unchanged(x, t):
            loss = loss_function(x, t)
            check.close(loss, expected, rtol=rtol)
            check.dtype(loss, np.dtype(dtype).name)


@pytest.mark.points(1)
@pytest.mark.hint("Declare each loss as a primitive, with the gradient of the table beside it.")
@pytest.mark.depends(on="test_losses")
def test_gradients_of_losses(tt, check):
    """Walks back to the outputs as finite differences say, in the outputs' dtype"""
    for kind, function in LOSSES.items():
        for rows in (1, 3, 4):  # 3 rows and 3 columns: a wrong dimension has the right shape
            outputs, targets = operands(kind, rows)
            expected = 3 * slope(lambda a, f=function, t=targets: f(a, t), outputs)
            for dtype, rtol in ((np.float64, 1e-5), (np.float32, 1e-3)):
                x = tt.Tensor(outputs.astype(dtype), requires_grad=True)
                loss = 3 * getattr(tt, kind)()(x, tt.Tensor(targets))
                with check.unchanged(x, loss):
                    loss.backward()
                check.close(x.grad, expected, rtol=rtol, atol=1e-5)
                check.dtype(x.grad, np.dtype(dtype).name)
    for kind in ("MSELoss", "BCELoss", "BCEWithLogitsLoss"):
        outputs, targets = operands(kind, 4)
        wanted = tt.Tensor(targets, requires_grad=True)
        getattr(tt, kind)()(tt.Tensor(outputs, requires_grad=True), wanted).backward()
        expected = slope(lambda a, f=LOSSES[kind], y=outputs: f(y, a), targets)
        if wanted.grad is not None:  # nobody needs one, but a wrong one is worse than none
            check.close(wanted.grad, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.points(1)
@pytest.mark.hint("Each class is wanted with s / C, and the right one with 1 - s more.")
@pytest.mark.depends(on="test_gradients_of_losses")
def test_label_smoothing(tt, check):
    """Spreads a share of each target over all classes, the right one among them"""
    for rows, share in ((5, 0.0), (5, 0.1), (4, 0.5), (5, 0.5), (5, 1.0)):
        x, targets = operands("CrossEntropyLoss", rows, columns=4)
        wanted = (1 - share) * np.eye(4)[targets] + share / 4
        logits, t = tt.Tensor(x.copy(), requires_grad=True), tt.Tensor(targets.copy())
        with check.unchanged(logits, t):
            loss = tt.CrossEntropyLoss(label_smoothing=share)(logits, t)
            check.close(loss, -(wanted * log_softmax(x)).sum(axis=1).mean(), rtol=1e-6)
            loss.backward()
        check.close(logits.grad, (np.exp(log_softmax(x)) - wanted) / rows, rtol=1e-5)
    for share in (-0.1, 1.5):
        with check.raises(ValueError, mentions=(str(share),)):
            tt.CrossEntropyLoss(label_smoothing=share)


@pytest.mark.points(1)
@pytest.mark.hint("Subtract the largest logit of each row; take exponentials of -|x| alone.")
@pytest.mark.depends(on="test_losses")
def test_losses_far_out(check, run_program):
    """Stays exact at logits of 10,000 and infinity and at probabilities of 0 and 1, unwarned"""
    far = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], np.float32)
    found = run_program("programs/losses_far_out.py", logits=far, ends=np.array([0, 1], np.float32))
    check.close(np.array(found["cross_entropy"]), [0, 1.5e4])
    check.close(found["cross_entropy_slope"], [[0.5, -0.5, 0], [-0.5, 0.5, 0]])
    check.close(np.array(found["with_logits"]), [2 * np.log(2) / 6, (4e4 + 2 * np.log(2)) / 6])
    check.close(found["with_logits_slope"], np.array([[1, 0, 0.5], [0, 1, 0.5]]) / 6)
    check.close(np.array(found["at_infinity"]), [0, np.inf])
    check.close(np.array(found["of_probabilities"]), [0, 100])


@pytest.mark.points(1)
@pytest.mark.hint("Compare shapes, and the smallest and the largest target, before you compute.")
@pytest.mark.depends(on="test_losses")
def test_what_losses_refuse(tt, check):
    """Refuses shapes that would broadcast, classes that there are not, and logits in BCELoss"""
    logits = tt.Tensor(operands("CrossEntropyLoss", 4)[0])
    for kind in ("MSELoss", "BCELoss", "BCEWithLogitsLoss"):
        with check.raises(ValueError, mentions=("(4, 1)", "(4,)")):
            getattr(tt, kind)()(tt.ones(4, 1), tt.ones(4))
    for targets in ([0, 1, 2, 3], [0, 1, -1, 2], [0, 1, 2]):
        with check.raises((ValueError, IndexError)):
            tt.CrossEntropyLoss()(logits, tt.Tensor(targets))
    for targets in (np.eye(4)[:, :3], np.ones(4)):
        with check.raises((ValueError, TypeError)):
            tt.CrossEntropyLoss()(logits, tt.Tensor(targets))
    with check.raises(ValueError, mentions=("1.5",)):
        tt.BCELoss()(tt.Tensor([0.5, 1.5]), tt.ones(2))


@pytest.mark.points(1)
@pytest.mark.hint(
    "argmax along the classes, compared with the targets; a threshold for one number."
)
def test_accuracy(tt, check, run_program):
    """Counts right answers: the class of the largest output, or whether one is above a threshold"""
    for rows in (3, 30):
        x, targets = operands("CrossEntropyLoss", rows)
        share = float((x.argmax(axis=1) == targets).mean())
        outputs, t = tt.Tensor(x.copy()), tt.Tensor(targets.copy())
        with check.unchanged(outputs, t):
            check.close(check.type(tt.Accuracy()(outputs, t), float), share)
    p, answers = tt.Tensor([[0.2], [0.6], [0.5], [0.9]]), tt.Tensor([[0], [1], [0], [0]])
    check.close(tt.Accuracy()(p, answers), 0.75)
    check.close(tt.Accuracy(threshold=0.1)(p, answers), 0.25)
    check.close(tt.Accuracy(threshold=0.1)(p.reshape(4), answers.reshape(4)), 0.25)
    for wrong in (tt.Tensor([1, 2]), tt.zeros(3, 4, dtype=np.int64)):
        with check.raises(ValueError):
            tt.Accuracy()(p, wrong)
    with check.raises(ValueError, mentions=("(4, 1)", "(4,)")):  # one class is always the largest
        tt.Accuracy()(p, answers.reshape(4))
    found = with_nan(run_program)
    for kind, share, count in (("classes", 0.4, 2), ("single numbers", 0.75, 1)):
        right, said = found[f"Accuracy of {kind}"]
        told = f"the accuracy of {kind}, {count} of them NaN, is {right}, expected {share}"
        check.true(bool(np.isclose(right, share)), f"{told}: what is NaN is wrong")
        warned(check, said, count)


@pytest.mark.points(2)
@pytest.mark.hint(
    "Means over all samples: a short last batch must not count as much as a long one."
)
@pytest.mark.depends(on="test_losses")
def test_evaluation(tt, check, run_program):
    """Measures loss and accuracy over all samples, and the accuracy of each class"""
    model, numbers = linear(tt, check)
    x, labels = classes(25)
    labels[:] = np.where(labels == 1, 2, labels)
    expected = measures(numbers, x, labels)
    right = (x @ numbers[0].T + numbers[1]).argmax(axis=1) == labels
    for size in (1, 8, 25, 40):
        found = tt.evaluate_model(model, loader_of(tt, x, labels, size))
        check.close(check.type(found["loss"], float), expected[0], rtol=1e-5)
        check.close(check.type(found["accuracy"], float), expected[1])
        of_classes = [right[labels == 0].mean(), np.nan, right[labels == 2].mean()]
        check.close(found["per_class_accuracy"], of_classes)
    with check.raises(ValueError):
        tt.evaluate_model(model, [])
    with check.raises(ValueError, mentions=("(25, 1)",)):
        tt.evaluate_model(tt.Linear(4, 1), loader_of(tt, x, 0 * labels, 25))
    found, said = with_nan(run_program)["evaluate_model"]
    check.close(found["accuracy"], 0.4)  # what is NaN is wrong
    check.close(found["per_class_accuracy"], [1 / 3, 1 / 2])
    warned(check, said, 2)


@pytest.mark.points(1)
@pytest.mark.hint("counts[true, predicted]: a row is what it was, a column what it was taken for.")
@pytest.mark.depends(on="test_evaluation")
def test_confusion_matrix(tt, check, run_program):
    """Counts what was taken for what: rows are true classes, columns predicted ones"""
    model, numbers = linear(tt, check)
    x, labels = classes(50)
    answers = (x @ numbers[0].T + numbers[1]).argmax(axis=1)
    expected = np.zeros((3, 3), np.int64)
    np.add.at(expected, (labels, answers), 1)
    check.true(bool((expected != expected.T).any()), "the expected matrix should not be symmetric")
    for size in (7, 50):
        found = tt.compute_confusion_matrix(model, loader_of(tt, x, labels, size), 3)
        check.equal(found, expected)
    wide = tt.compute_confusion_matrix(model, loader_of(tt, x, labels % 2, 50), num_classes=5)
    check.equal(check.array(wide).sum(axis=1), np.array([*np.bincount(labels % 2), 0, 0, 0]))
    with check.raises(ValueError):
        tt.compute_confusion_matrix(model, loader_of(tt, x, labels, 50), 2)
    with check.raises(ValueError):
        tt.compute_confusion_matrix(tt.Linear(4, 1), loader_of(tt, x, 0 * labels, 50), 1)
    found, _ = with_nan(run_program)["compute_confusion_matrix"]
    check.true(found == "ValueError", f"logits that are NaN should be a ValueError, not {found}")


@pytest.mark.points(2)
@pytest.mark.hint(
    "zero_grad, forward, loss, backward, step; for each batch once, in training mode."
)
@pytest.mark.depends(on="test_gradients_of_losses")
def test_steps(tt, check):
    """Makes one step for each batch, along the gradient of this batch alone"""
    x, labels = classes(22)
    for size in (22, 8, 1):
        model, numbers = linear(tt, check)
        trainer = trainer_of(tt, model, 0.3)
        tt.CrossEntropyLoss()(model(tt.Tensor(x)), tt.Tensor(labels)).backward()  # left over
        trainer.fit(loader_of(tt, x, labels, size), epochs=1, verbose=False)
        numbers, _ = epoch_by_numpy(numbers, x, labels, size, 0.3)
        check.close(model.weight, numbers[0], rtol=1e-3, atol=1e-4)
        check.close(model.bias, numbers[1], rtol=1e-3, atol=1e-4)
    with check.raises((ValueError, IndexError)):  # only Ctrl-C is no error
        trainer.fit(loader_of(tt, x, labels + 7, 8), epochs=1, verbose=False)


@pytest.mark.points(2)
@pytest.mark.hint("Each batch of a group counts by its share of the samples of the group.")
@pytest.mark.depends(on="test_steps")
def test_accumulation(tt, check):
    """Makes of a group of batches the step of one large batch, also where one of them is short"""
    x, labels = classes(22)
    for size, accumulate in ((11, 2), (2, 4), (5, 2), (8, 9)):
        model, numbers = linear(tt, check)
        loader = loader_of(tt, x, labels, size)
        trainer_of(tt, model, 0.3).fit(loader, epochs=1, accumulate=accumulate, verbose=False)
        numbers, _ = epoch_by_numpy(numbers, x, labels, size, 0.3, accumulate)
        check.close(model.weight, numbers[0], rtol=1e-3, atol=1e-4)
        check.close(model.bias, numbers[1], rtol=1e-3, atol=1e-4)
    with check.raises(ValueError, mentions=("0",)):
        trainer_of(tt, model, 0.3).fit(loader, accumulate=0, verbose=False)


@pytest.mark.points(2)
@pytest.mark.hint("One value for each epoch: training as it went, validation after its last step.")
@pytest.mark.depends(on="test_steps")
def test_history(tt, check):
    """Keeps what each epoch measured: means over samples, before each step and after the last"""
    x, labels = classes(22)
    other, truth = classes(13, seed=5)
    model, numbers = linear(tt, check)
    expected = {"train_loss": [], "train_accuracy": [], "val_loss": [], "val_accuracy": []}
    for _ in range(3):
        numbers, means = epoch_by_numpy(numbers, x, labels, 8, 0.3)
        for name, value in zip(expected, [*means, *measures(numbers, other, truth)], strict=True):
            expected[name].append(float(value))
    loaders = loader_of(tt, x, labels, 8), loader_of(tt, other, truth, 5)
    found = trainer_of(tt, model, 0.3).fit(*loaders, epochs=3, verbose=False)
    check.equal(sorted(found), sorted([*expected, "lr"]))
    check.equal({name: len(values) for name, values in found.items()}, dict.fromkeys(found, 3))
    kinds = {type(value).__name__ for values in found.values() for value in values}
    check.equal(sorted(kinds), ["float"])
    near = {"rtol": 1e-3, "atol": 1e-4}
    check.close(np.array(found["train_loss"]), expected["train_loss"], **near)
    check.close(np.array(found["train_accuracy"]), expected["train_accuracy"], **near)
    check.close(np.array(found["val_loss"]), expected["val_loss"], **near)
    check.close(np.array(found["val_accuracy"]), expected["val_accuracy"], **near)
    alone = trainer_of(tt, tt.Linear(4, 3), 0.3).fit(loaders[0], epochs=2, verbose=False)
    check.equal(sorted(alone), ["lr", "train_accuracy", "train_loss"])
    check.equal(len(alone["train_loss"]), 2)


@pytest.mark.points(1)
@pytest.mark.hint(
    "scheduler.step() once after each epoch; lr is the rate with which it was trained."
)
@pytest.mark.depends(on="test_history")
def test_schedule(tt, check):
    """Steps the schedule once an epoch, and writes down the learning rate of each"""
    model, numbers = linear(tt, check)
    x, labels = classes(22)
    trainer = trainer_of(tt, model, 0.4)
    scheduler = tt.StepLR(trainer.optimizer, 2, gamma=0.5)
    history = trainer.fit(loader_of(tt, x, labels, 8), epochs=5, scheduler=scheduler, verbose=False)
    check.close(np.array(history["lr"]), [0.4, 0.4, 0.2, 0.2, 0.1])
    check.close(trainer.optimizer.lr, 0.1)
    for lr in (0.4, 0.4, 0.2, 0.2, 0.1):
        numbers, _ = epoch_by_numpy(numbers, x, labels, 8, lr)
    check.close(model.weight, numbers[0], rtol=1e-3, atol=1e-4)


@pytest.mark.points(2)
@pytest.mark.hint("eval() and no_grad() while you ask; then each module as it was, in `finally`.")
@pytest.mark.depends(on=["test_evaluation", "test_history"])
def test_asking_changes_nothing(check, run_program):
    """Asks in evaluation mode and without a tape, and leaves the model as it was"""
    x, labels = classes(22)
    found = run_program("programs/asked_and_trained.py", x=x, labels=labels)
    for way in ("evaluate_model", "compute_confusion_matrix", "validation", "broken off"):
        seen, before, after = found[way]
        check.true(len(seen) > 0, f"{way}: the model should be asked")
        modes, tapes = [mode for *both, _ in seen for mode in both], [tape for *_, tape in seen]
        check.true(not any(modes), f"{way}: the model should be asked in evaluation mode")
        check.true(not any(tapes), f"{way}: nothing should be recorded, under no_grad()")
        check.equal((way, after["modes"]), (way, before["modes"]))
        check.equal((way, after["recording"]), (way, True))
        same = [bool((after["state"][n] == value).all()) for n, value in before["state"].items()]
        check.true(all(same), f"{way}: weights and running statistics must stay as they were")
    for way in ("training", "training, with validation"):
        modes = [mode for seen in found[way] for mode in seen]
        told = f"{way}: a model should be trained in training mode, in every epoch"
        check.true(len(modes) > 0 and all(modes), told)
    modes = [mode for seen in found["validation in fit"] for mode in seen]
    told = "validation in fit: the model should be asked in evaluation mode, under no_grad()"
    check.true(len(modes) > 0 and not any(modes), told)


@pytest.mark.points(1)
@pytest.mark.hint("Better is lower than the lowest so far, which is infinity at first.")
@pytest.mark.depends(on="test_history")
def test_save_best(check, run_program):
    """Keeps the epoch with the lowest loss of the validation, or without save_best the last one"""
    cases = [([3.0, 1.0, 2.0], 2), ([1.0, 3.0, 2.0], 1), ([3.0, 2.0, 1.0], 3), ([2.0, 1.0, 1.0], 2)]
    for losses, best in cases:
        for save_best, epoch in ((True, best), (False, 3)):
            found = run_program("programs/scripted.py", losses=losses, save_best=save_best)
            check.equal(found["val_loss"], losses)
            told = f"with save_best={save_best} and validation losses of {losses}, the file should"
            kept = f"{told} hold epoch {epoch}, it holds epoch {found['kept_epoch']}"
            check.true(found["kept_epoch"] == epoch, kept)
            check.equal(found["kept"], float(epoch))
    found = run_program("programs/scripted.py", losses=[1.0, -5.0, 0.0], save_best=True)
    check.equal(found["kept_epoch"], 2)
    check.true(found["refused"], "save_best=True without a checkpoint_path must be a ValueError")


@pytest.mark.points(1)
@pytest.mark.hint("Count epochs since the best one; a better one sets the count back to 0.")
@pytest.mark.depends(on="test_history")
def test_early_stopping(check, run_program):
    """Stops when so many epochs in a row were no better, and counts anew after a better one"""
    cases = [
        ([3, 2, 2, 2, 0], 2, 4),
        ([3, 4, 5, 0], 1, 2),
        ([3, 4, 2, 3, 1, 2, 2, 0], 2, 7),
        ([3, 2, 1, 0], 1, 4),
        ([5, 6, 4, 5, 3], None, 5),
    ]
    for losses, patience, expected in cases:
        losses = [float(loss) for loss in losses]
        found = run_program("programs/scripted.py", losses=losses, patience=patience)
        check.equal((patience, found["val_loss"]), (patience, losses[:expected]))


@pytest.mark.points(1)
@pytest.mark.hint("except KeyboardInterrupt, around the loop over the epochs.")
@pytest.mark.depends(on="test_save_best")
def test_ctrl_c(check, run_program):
    """Ends at Ctrl-C with the history of all whole epochs, and leaves the best checkpoint there"""
    for losses in ([3.0, 1.0, 2.0, None, 0.0], [1.0, None]):
        whole = losses[: losses.index(None)]
        found = run_program("programs/scripted.py", losses=losses, save_best=True)
        check.true(not found["escaped"], "fit should end at Ctrl-C, not hand it on")
        check.equal(found["val_loss"], whole)
        check.equal(found["kept_epoch"], whole.index(min(whole)) + 1)
        check.equal(found["files"], ["kept.npz"])


@pytest.mark.points(1)
@pytest.mark.hint("state_dict of each, the epoch, the extras, and the state of engine.generator.")
@pytest.mark.depends(on="test_gradients_of_losses")
def test_checkpoints(check, run_program):
    """Saves model, optimizer, schedule, random numbers and extras, and puts them back"""
    x, labels = classes(22)
    for kind in ("Adam", "SGD"):
        found = run_program("programs/saved_and_loaded.py", x=x, labels=labels, kind=kind)
        check.equal(found["loaded weights"], found["saved weights"])
        check.equal(found["loaded rates"], found["saved rates"])
        check.equal(found["loaded random numbers"], found["saved random numbers"])
        check.equal(found["weights four steps later"], found["expected four steps later"])
        check.equal(found["epoch"], 7)
        check.equal(found["extra"], {"note": "a", "numbers": [1, 2.5, None], "deep": {"x": True}})
        check.equal(found["array"], np.arange(6.0).reshape(2, 3))
        check.equal(found["model alone"], True)
        check.equal(found["files"], ["run.npz"])


@pytest.mark.points(1)
@pytest.mark.hint("Look for all that can be wrong before you change anything.")
@pytest.mark.depends(on="test_checkpoints")
def test_bad_checkpoints(check, run_program):
    """Refuses damaged, foreign and unfitting files in words, runs no pickle, and changes nothing"""
    found = run_program("programs/bad_checkpoints.py")
    for name, (kind, names_the_file, unchanged) in found["files"].items():
        wanted = "FileNotFoundError" if name == "missing" else "ValueError"
        check.equal((name, kind), (name, wanted))
        check.true(names_the_file, f"the message about a file that is {name} should name the file")
        check.true(unchanged, f"a file that is {name} must leave model and optimizer as they were")
    check.equal(found["pickle was run"], False)
    check.equal(found["failed save"], ("TypeError", True))
    check.equal(found["full disk"], ("OSError", True))


@pytest.mark.points(2)
@pytest.mark.hint(
    "Epochs that are done count; loaders, schedule and history go on where they were."
)
@pytest.mark.depends(on=["test_checkpoints", "test_schedule", "test_early_stopping"])
def test_resumed_runs(check, run_program):
    """Goes on after a break to the very numbers of a run without one, bit for bit"""
    x, labels = classes(50)
    for kind, batches in (("SGD", 1), ("Adam", 2)):
        found = run_program(
            "programs/resumed.py", x=x, labels=labels, kind=kind, accumulate=batches
        )
        whole, resumed = found["whole"], found["resumed"]
        check.equal(len(resumed["history"]["train_loss"]), 6)
        check.equal(resumed["history"]["lr"], whole["history"]["lr"])
        same = resumed["orders"] == whole["orders"][2:]
        check.true(same, "after a break, a loader should take the order of the next epoch")
        check.equal(resumed["history"], whole["history"])
        for name, value in whole["state"].items():
            check.equal(resumed["state"][name], value)
        check.equal(found["again"], whole["history"])
        check.equal(found["stopped"], [3, 3])


@pytest.mark.points(1)
@pytest.mark.hint("The first epoch on the left, the largest value at the top.")
@pytest.mark.depends(on="test_history")
def test_what_is_shown(check, run_program):
    """Says a line for each epoch, draws a bar in a terminal alone, and plots a history"""
    x, labels = classes(12)
    found = run_program("programs/shown.py", x=x, labels=labels)
    check.equal(found["silent"], "")
    for name in ("log", "terminal"):
        check.equal(found[name].count("\n"), 2)
        check.true("train_loss" in found[name], f"nothing says the loss: {found[name]!r}")
    check.true("\r" not in found["log"], "a log should have no bar that is drawn over itself")
    check.true("samples/s" in found["terminal"], "the bar should tell the speed")
    rows = [line.partition("|")[2] for line in found["plot"].splitlines() if "|" in line]
    check.equal([rows[0][0], rows[-1][-1]], ["t", "t"])
    check.equal([row.count("v") for row in rows if "v" in row], [3])
    check.true("train_loss" in found["plot"], "the plot should name its curves")


@pytest.mark.points(3)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one learns.")
@pytest.mark.depends(on=["test_history", "test_save_best", "test_checkpoints", "test_evaluation"])
def test_learns_handwritten_digits(check, digits, run_program):
    """Learns to read 95 % of 360 unseen digits, keeps its best epoch, and reads with that one"""
    images, unseen = digits.train_images.reshape(-1, 64), digits.test_images.reshape(-1, 64)
    found = run_program(
        "programs/digits.py",
        images=images,
        labels=digits.train_labels,
        unseen=unseen,
        truth=digits.test_labels,
    )
    losses = found["history"]["val_loss"]
    check.true(len(losses) > 3, f"it should have learned for several epochs, not {len(losses)}")
    check.equal(found["epoch"], int(np.argmin(losses)) + 1)
    read = check.array(found["answers"])
    right = read == digits.test_labels
    check.close(found["accuracy"], right.mean())
    counts = np.zeros((10, 10), np.int64)
    np.add.at(counts, (digits.test_labels, read), 1)
    check.equal(found["confusion"], counts)
    check.true(bool(right.mean() >= 0.95), f"read {right.mean():.1%} of 360 digits, expected 95 %")
