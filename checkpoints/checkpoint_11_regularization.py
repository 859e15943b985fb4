"""Checkpoint 11: networks that do not learn by heart, and that are smaller, against NumPy.

Penalties, quantization and distillation are compared with float64, integer products with int64.
The last two tests train a network on digits and measure what compression costs on unseen ones.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("11")


def linear(tt, weight, bias=None):
    """A Linear with these numbers."""
    weight = np.asarray(weight, np.float32)
    layer = tt.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = np.asarray(bias, np.float32)
    return layer


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def log_softmax(x):
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def rows_as_integers(x):
    """Rows as whole numbers from -127 to 127, and their scales (N, 1), in float32."""
    largest = np.abs(x).max(axis=1, keepdims=True)
    scale = np.where(largest == 0, 1, largest / np.float32(127)).astype(np.float32)
    return np.rint(x / scale).astype(np.int64), scale


def left_alone(check, run_program, calls):
    """These calls, function -> arguments, change none of their arrays."""
    for name, places in run_program("programs/arrays_kept.py", calls=calls).items():
        told = f"{name} changed its argument {', '.join(str(place + 1) for place in places)}"
        check.true(len(places) == 0, f"{told}: leave inputs as they are, and compute a new array")


def is_a_copy(check, model, small):
    """New numbers in a compressed network do not reach the one that it was made of."""
    before = {name: check.array(value) for name, value in model.state_dict().items()}
    changed = {name: 0 * check.array(value) for name, value in small.state_dict().items()}
    small.load_state_dict(changed)
    same = [bool((model.state_dict()[n] == value).all()) for n, value in before.items()]
    check.true(all(same), "the smaller network shares arrays with the first one: copy them")


@pytest.mark.points(2)
@pytest.mark.hint("Divide what is kept by 1 - p, so that the mean over all draws is the input.")
def test_dropout_in_training(tt, check):
    """Drops numbers with the probability p, anew in each call, and rescales the others"""
    x = np.arange(1, 20_001, dtype=np.float32).reshape(100, 2, 100)
    for p in (0.1, 0.5, 0.9):
        layer, given = tt.Dropout(p), tt.Tensor(x.copy())
        with check.unchanged(given):
            found = check.array(layer(given))
        check.shape(found, x.shape)
        check.dtype(layer(tt.Tensor(x)), "float32")
        dropped = found == 0
        check.close(found, np.where(dropped, 0, x / (1 - p)), rtol=1e-5)
        rows = float(dropped.all(axis=2).mean())
        check.true(rows < 0.02, "whole rows were dropped: each number has a draw of its own")
        share = float(dropped.mean())
        check.true(abs(share - p) < 0.03, f"dropped {share:.1%} of the numbers, expected {p:.0%}")
        again = check.array(layer(tt.Tensor(x))) == 0
        check.true(bool((again != dropped).any()), "the same numbers were dropped in two calls")


@pytest.mark.points(1)
@pytest.mark.hint("Look at self.training: model.eval() sets it in all modules.")
@pytest.mark.depends(on="test_dropout_in_training")
def test_dropout_in_evaluation(tt, check):
    """Changes nothing in evaluation, in any network, and refuses what is no probability"""
    x = tt.Tensor(drawn(30, 8))
    model = tt.Sequential(tt.Dropout(0.9), tt.Sequential(tt.Dropout(0.5)))
    model.eval()
    check.close(model(x), check.array(x), rtol=0, atol=0)
    model.train()
    check.true(bool((check.array(model(x)) == 0).any()), "nothing is dropped after train()")
    check.close(tt.Dropout(0.0)(x), check.array(x), rtol=0, atol=0)
    for p in (-0.1, 1.5):
        with check.raises(ValueError, mentions=(str(p),)):
            tt.Dropout(p)


@pytest.mark.points(1)
@pytest.mark.hint("Draw from engine.generator; multiply Tensors, and the gradient is there.")
@pytest.mark.depends(on="test_dropout_in_training")
def test_dropout_repeats_and_walks_back(tt, check):
    """Drops the same numbers with the same seed, and hands gradients on where it kept numbers"""
    layer, masks = tt.Dropout(0.3), []
    for seed in (5, 5, 6):
        x = tt.Tensor(1 + abs(drawn(40, 5)), requires_grad=True)
        tt.manual_seed(seed)
        y = layer(x)
        (3 * y).sum().backward()
        kept = check.array(y) != 0
        check.close(x.grad, np.where(kept, 3 / 0.7, 0))
        masks.append(kept.tolist())
    check.equal(masks[1], masks[0])
    check.true(masks[2] != masks[0], "another seed should drop other numbers")


@pytest.mark.points(1)
@pytest.mark.hint("Sum over all weights of two or more dimensions; biases are left alone.")
def test_penalties(tt, check):
    """Adds strength times |w|, or w squared, of all weights and no bias, with their gradients"""
    first, second = drawn(4, 3), drawn(2, 4, seed=1)
    penalties = {
        "L1": (lambda w: np.abs(w).sum(), np.sign),
        "L2": (lambda w: (w**2).sum(), lambda w: 2 * w),
    }
    for kind, (function, gradient) in penalties.items():
        layers = linear(tt, first.copy(), [50, 60, 70, 80]), linear(tt, second.copy(), [90, 99])
        model = tt.Sequential(layers[0], tt.relu, layers[1])
        with check.unchanged(*model.parameters()):
            found = getattr(tt, kind)(0.25)(model)
            check.close(found, 0.25 * (function(first) + function(second)), rtol=1e-5)
            found.backward()
        for layer, weight in zip(layers, (first, second), strict=True):
            check.close(layer.weight.grad, 0.25 * gradient(weight), rtol=1e-5)
            biased = layer.bias.grad is not None and bool(check.array(layer.bias.grad).any())
            check.true(not biased, f"{kind} should leave biases alone")
        with check.raises(ValueError, mentions=("-0.5",)):
            getattr(tt, kind)(-0.5)


@pytest.mark.points(1)
@pytest.mark.hint("Each class gets s / C, and the right one 1 - s more.")
def test_label_smoothing(tt, check, run_program):
    """Makes probabilities of class numbers, with a share spread over all classes"""
    targets = np.array([2, 0, 4, 4])
    for share in (0.0, 0.1, 1.0):
        given = tt.Tensor(targets.copy())
        with check.unchanged(given):
            found = tt.label_smoothing(given, 5, share)
        check.close(found, (1 - share) * np.eye(5)[targets] + share / 5)
        check.dtype(found, "float32")
        check.instance(found, tt.Tensor)
        logits = drawn(4, 5)
        expected = -(check.array(found) * log_softmax(logits)).sum(axis=1).mean()
        loss = tt.CrossEntropyLoss(label_smoothing=share)(tt.Tensor(logits), tt.Tensor(targets))
        check.close(loss, expected, rtol=1e-4)
    square = np.array([1, 0, 0])  # as many rows as classes
    check.close(tt.label_smoothing(tt.Tensor(square), 3, 0.3), 0.7 * np.eye(3)[square] + 0.1)
    left_alone(check, run_program, {"label_smoothing": [square, 3, 0.3]})
    for wrong, share in (([5], 0.1), ([-1], 0.1), ([0.5], 0.1), ([0], -0.1), ([0], 1.1)):
        with check.raises(ValueError):
            tt.label_smoothing(tt.Tensor(wrong), 5, share)


@pytest.mark.points(1)
@pytest.mark.hint("A value that is no better adds 1 to what was waited; a better one sets it to 0.")
def test_early_stopping(tt, check):
    """Stops after as many values in a row that are no better, and gives back the best weights"""
    for patience, values, stops_at in (
        (1, [3.0, 2.0, 2.0], 2),
        (2, [3.0, 3.5, 2.0, 2.5, 1.0, 1.0, 1.0], 6),
        (3, [1.0, 0.5, float("nan"), 0.6, 0.7], 4),
        (2, [float("nan"), 4.0, 3.0, 5.0, 5.0], 4),
    ):
        stopper, model, said = tt.EarlyStopping(patience=patience), linear(tt, [[0.0]]), []
        for number, value in enumerate(values):
            model.load_state_dict({"weight": np.array([[number]])})  # into the array that is there
            said.append(stopper.step(value, model))
        check.equal(said, [number >= stops_at for number in range(len(values))])
        for _ in range(2):
            stopper.restore(model)
            check.close(model.weight, [[float(np.nanargmin(values))]])
            model.load_state_dict({"weight": np.array([[99.0]])})  # it goes on learning
    slow = tt.EarlyStopping(patience=1, min_delta=0.5)
    check.equal([slow.step(value) for value in (3.0, 2.0, 1.75)], [False, False, True])
    with check.raises(RuntimeError):
        slow.restore(linear(tt, [[0.0]]))
    with check.raises(ValueError, mentions=("0",)):
        tt.EarlyStopping(patience=0)


@pytest.mark.points(2)
@pytest.mark.hint("Sort |w| of all layers together; the smallest go, whatever their sign.")
def test_magnitude_pruning(tt, check):
    """Zeroes exactly the asked share of weights, the smallest of all layers, whatever their sign"""
    first, second = drawn(6, 5), 3 * drawn(4, 6, seed=1)
    sizes = np.concatenate([np.abs(first).ravel(), np.abs(second).ravel()])
    for amount in (0.0, 0.25, 0.5, 0.9):
        layers = linear(tt, first.copy(), np.ones(6)), linear(tt, second.copy(), np.ones(4))
        model = tt.Sequential(layers[0], tt.relu, layers[1])
        masks = tt.magnitude_prune(model, amount)
        smallest = np.sort(sizes)[round(amount * sizes.size)]
        for layer, weight in zip(layers, (first, second), strict=True):
            kept = np.abs(weight) >= smallest
            check.close(layer.weight, np.where(kept, weight, 0))
            check.true(bool((check.array(layer.bias) == 1).all()), "biases should stay")
        check.close(tt.sparsity(model), round(amount * 54) / 54)
        kept = [np.abs(weight) >= smallest for weight in (first, second)]
        check.equal(check.array(masks["0.weight"]), kept[0])
        check.equal(check.array(masks["2.weight"]), kept[1])
    even = linear(tt, np.ones((4, 5)))
    tt.magnitude_prune(even, 0.3)
    check.equal(int((check.array(even.weight) == 0).sum()), 6)
    # Of a weight with zeros they are the first to go, and a weight that is kept may be 0.
    for amount, weight in ((0.5, [[0, 0, 0, 5]]), (0.75, [[0, 0, 0, 5]]), (0.0, [[0, 3, 0, 5]])):
        holes = linear(tt, weight)
        mask = check.array(tt.magnitude_prune(holes, amount)["weight"])
        check.close(holes.weight, weight)
        check.equal(int(mask.sum()), 4 - round(4 * amount))
    images = tt.Conv2d(2, 3, (2, 1))
    images.weight.data = drawn(3, 2, 2, 1, seed=3)
    sizes = np.abs(check.array(images.weight))
    masks = tt.magnitude_prune(images, 0.5)
    check.equal(check.array(masks["weight"]), sizes >= np.sort(sizes.ravel())[6])
    for amount in (-0.1, 1.5):
        with check.raises(ValueError, mentions=(str(amount),)):
            tt.magnitude_prune(even, amount)


@pytest.mark.points(1)
@pytest.mark.hint("After each step of the optimizer inside, write the zeros again.")
@pytest.mark.depends(on="test_magnitude_pruning")
def test_pruned_weights_stay_zero(tt, check):
    """Trains on with what was kept, and leaves what was pruned at zero, also with momentum"""
    x, labels = drawn(40, 6), np.arange(40) % 3
    for kind, settings in (("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {"lr": 0.01})):
        model = tt.Sequential(linear(tt, drawn(3, 6, seed=2), [0, 0, 0]))
        optimizer = getattr(tt, kind)(model.parameters(), **settings)
        loader = tt.DataLoader(tt.TensorDataset(tt.Tensor(x), tt.Tensor(labels)), 8)
        tt.Trainer(model, optimizer, tt.CrossEntropyLoss()).fit(loader, epochs=1, verbose=False)
        masks = tt.magnitude_prune(model, 0.5)
        before = check.array(model[0].weight)
        pruned = tt.PrunedOptimizer(optimizer, model, masks)
        check.close(pruned.lr, settings["lr"])
        trainer = tt.Trainer(model, pruned, tt.CrossEntropyLoss())
        trainer.fit(loader, epochs=2, verbose=False)
        after, kept = check.array(model[0].weight), before != 0
        check.equal(int((after[~kept] != 0).sum()), 0)
        moved = bool((after[kept] != before[kept]).all())
        check.true(moved, "the weights that were kept should go on learning")


@pytest.mark.points(1)
@pytest.mark.hint("nbytes of every parameter and buffer, each once; zeros take bytes like others.")
@pytest.mark.depends(on="test_magnitude_pruning")
def test_size_and_sparsity(tt, check):
    """Counts bytes as they are stored, dense or as bits and numbers, and the share of zeros"""
    layer = linear(tt, [[0, 2, 0, 0, 0], [0, 0, 0, 3, 4]], [0, 0])
    check.close(tt.sparsity(layer), 0.7)
    check.equal(int(tt.model_size(layer)), 4 * 12)
    check.equal(int(tt.model_size(layer, sparse=True)), 2 + 3 * 4 + 1)
    shared = tt.Sequential(layer, tt.relu, layer, tt.BatchNorm1d(2))
    check.equal(int(tt.model_size(shared)), 4 * 12 + 4 * 8 + 8)  # and a count of batches
    check.close(tt.sparsity(shared), 0.7)
    check.close(tt.sparsity(linear(tt, [[0, 1e-12, -1e-30, 1]])), 0.25)
    full = linear(tt, np.ones((4, 4)))
    check.equal(int(tt.model_size(full, sparse=True)), 64)
    check.close(tt.sparsity(full), 0.0)


def with_silent_neurons(tt):
    """Layers 7-8-6-4 in which half of the hidden neurons do nothing, and their numbers."""
    weights = [drawn(8, 7, seed=3), drawn(6, 8, seed=4), drawn(4, 6, seed=5)]
    biases = [drawn(size, seed=size) for size in (8, 6, 4)]
    weights[0][[1, 2, 5, 7]] = weights[1][[0, 3, 4]] = 0
    biases[0][[1, 2, 5, 7]] = biases[1][[0, 3, 4]] = 0
    # Long rows of negative and of mixed signs: what counts is their length, not their sum.
    weights[0][0], weights[0][3] = -abs(weights[0][0]), [3, -3, 3, -3, 3, -3, 0]
    layers = [linear(tt, w, b) for w, b in zip(weights, biases, strict=True)]
    return tt.Sequential(layers[0], tt.tanh, tt.Dropout(0.5), layers[1], tt.relu, layers[2])


@pytest.mark.points(2)
@pytest.mark.hint("A row of one layer, its bias, and the column of the next layer go together.")
def test_structured_pruning(tt, check):
    """Removes whole neurons, the shortest rows, so that the network has fewer numbers"""
    model = with_silent_neurons(tt)
    model.eval()
    x = tt.Tensor(drawn(9, 7, seed=6))
    before, expected = model.state_dict(), check.array(model(x))
    small = tt.structured_prune(model, 0.5)
    shapes = [small[place].weight.shape for place in (0, 3, 5)]
    check.equal([tuple(shape) for shape in shapes], [(4, 7), (3, 4), (4, 3)])
    small.eval()
    check.close(small(x), expected, rtol=1e-4, atol=1e-5)
    check.equal(int(tt.model_size(small)), 4 * (4 * 8 + 3 * 5 + 4 * 4))
    for name, array in model.state_dict().items():
        check.close(array, check.array(before[name]), rtol=0, atol=0)
    is_a_copy(check, model, small)
    check.equal(tuple(tt.structured_prune(tt.MLP([3, 2, 5]), 0.9)[2].weight.shape), (5, 1))
    # As many inputs as neurons: of a square weight, the rows go, the shortest, and not columns.
    square = linear(tt, [[3, 0, 0], [0, 1, 0], [3, 2, 0]], [1, 2, 3]), linear(tt, np.eye(3) + 1)
    found = tt.structured_prune(tt.Sequential(*square), 0.4)
    check.close(found[0].weight, [[3, 0, 0], [3, 2, 0]])
    check.close(found[0].bias, [1, 3])
    check.close(found[1].weight, [[2, 1], [1, 1], [1, 2]])
    check.close(tt.structured_prune(tt.Sequential(*square), 0.6)[0].weight, [[3, 2, 0]])
    # The longest row of the last but one layer is short once a neuron before it has gone.
    rows = [[1, 0], [0, 9]], [[100, 1], [0, 2]], [[1, 1]]
    layers = [linear(tt, weight) for weight in rows]
    found = tt.structured_prune(tt.Sequential(*layers), 0.5)
    check.close(found[1].weight, [[1]])
    check.true(found[1].bias is None, "a layer without a bias should not get one")
    for training in (True, False):
        model.train() if training else model.eval()
        small = tt.structured_prune(model, 0.5)
        check.equal(small.training, training)
        small.eval() if training else small.train()
        told = "the smaller network shares its layers with the first one: copy them"
        check.true(bool(model[2].training) == training, told)
    for amount in (-0.5, 1.0):
        with check.raises(ValueError, mentions=(str(amount),)):
            tt.structured_prune(model, amount)


def of_all_neurons(x, weights):
    """What NumPy takes for the whole network."""
    for weight in weights:
        x = np.maximum(x @ weight.T, 0)
    return x


@pytest.mark.points(1)
@pytest.mark.hint("Make smaller matrices; a product takes as long for zeros as for other numbers.")
@pytest.mark.depends(on="test_structured_pruning")
def test_smaller_network_is_faster(tt, check, speed):
    """Answers in less time without three quarters of the neurons than NumPy needs with all"""
    weights = [drawn(1024, 256), drawn(1024, 1024), drawn(10, 1024)]
    x = drawn(64, 256)
    layers = [linear(tt, weight) for weight in weights]
    model = tt.Sequential(layers[0], tt.relu, layers[1], tt.relu, layers[2])
    small, given_rows = tt.structured_prune(model, 0.75), tt.Tensor(x)
    check.shape(small(given_rows), (64, 10))
    speed(lambda: small(given_rows), lambda: of_all_neurons(x, weights), at_most=0.6)


@pytest.mark.points(1)
@pytest.mark.hint("The range always includes 0, so that 0 stays exactly 0.")
def test_calibration(tt, check, run_program):
    """Chooses scale and zero point for the range of samples: of all, or of each channel"""
    x = drawn(4, 5, 3) * np.array([1, 10, 100, 0], np.float32).reshape(4, 1, 1) + 1
    x[3] = 0
    for axis, dims in ((None, (0, 1, 2)), (0, (1, 2)), (2, (0, 1)), (-1, (0, 1))):
        scale, zero = tt.calibrate(tt.Tensor(x), axis=axis)
        largest = np.abs(x).max(axis=dims)
        check.close(scale, np.where(largest == 0, 1, largest / 127), rtol=1e-5)
        check.equal(check.array(zero).ravel().astype(int).tolist(), [0] * largest.size)
        scale, zero = tt.calibrate(tt.Tensor(x), axis=axis, symmetric=False)
        low = np.minimum(x.min(axis=dims), 0)
        width = np.maximum(x.max(axis=dims), 0) - low
        expected = np.where(width == 0, 1, width / 255)
        check.close(scale, expected, rtol=1e-5)
        near = np.abs(check.array(zero).astype(float) - (-128 - low / expected)) <= 0.51
        check.true(bool(near.all()), f"zero point {check.array(zero)}: -128 - low / scale, rounded")
    scale, zero = tt.calibrate(tt.Tensor([2.55, 1.0]), symmetric=False)
    check.dtype(scale, "float32")
    check.dtype(zero, "int8")
    check.close(scale, 0.01)
    check.equal(int(check.array(zero)), -128)
    with check.raises(ValueError):
        tt.calibrate(tt.Tensor([1.0, float("inf")]))
    calls = {
        name: [drawn(3, 3), *others] for name, others in (("calibrate", [0]), ("quantize", []))
    }
    left_alone(check, run_program, calls)


@pytest.mark.points(2)
@pytest.mark.hint("Round x / scale half to even, add the zero point, clip, and cast last.")
@given(seed=st.integers(0, 99), axis=st.sampled_from([None, 0, 1]), symmetric=st.booleans())
def test_quantization(tt, check, seed, axis, symmetric):
    """Writes numbers as int8 steps, of one scale or of many, and clips before it casts"""
    x = np.round(drawn(5, 4, seed=seed) * np.array([1, 30, 1, 1, 200])[:, None], 2)
    x = x.astype(np.float32)
    given = tt.Tensor(x.copy())
    with check.unchanged(given):
        found = tt.quantize(given, axis=axis, symmetric=symmetric)
    check.dtype(found.values, "int8")
    check.shape(found.scale, () if axis is None else (x.shape[axis],))
    scale, zero = (check.array(a).astype(np.float32) for a in (found.scale, found.zero_point))
    if axis == 0:
        scale, zero = scale[:, None], zero[:, None]
    check.close(found.values, np.clip(np.rint(x / scale) + zero, -128, 127), rtol=0, atol=0)
    off = float((np.abs(check.array(tt.dequantize(found)) - x) / scale).max())
    check.true(off <= 1.01, f"off by {off:.2f} steps; look at the range of the scale")
    ties = np.array([0.5, 1.5, 2.5, -0.5, 300, -300, 126.6], np.float32)
    for zero_point, expected in (
        (0, [0, 2, 2, 0, 127, -128, 127]),
        (1, [1, 3, 3, 1, 127, -128, 127]),
        (-3, [-3, -1, -1, -3, 127, -128, 124]),
    ):
        found = tt.quantize(tt.Tensor(ties), scale=1.0, zero_point=zero_point)
        check.equal(check.array(found.values).astype(int).tolist(), expected)
    # Scales that are given belong to an axis, too, also where all dimensions are as long.
    cube, scales = np.full((2, 2, 2), 8.0, np.float32), np.array([1, 4], np.float32)
    for place, array in ((0, cube), (1, cube), (-1, cube), (0, cube[0]), (1, cube[0])):
        found = tt.quantize(tt.Tensor(array), scale=scales, zero_point=np.int8([0, 1]), axis=place)
        steps = np.moveaxis(np.full(array.shape, [8, 3]), -1, place)
        check.close(found.values, steps, rtol=0, atol=0)
    for wrong in (0.0, -1.0):
        with check.raises(ValueError):
            tt.quantize(tt.Tensor(ties), scale=wrong)


@pytest.mark.points(1)
@pytest.mark.hint("127 minus -1 does not fit into int8: make float32 of both first.")
@pytest.mark.depends(on="test_quantization")
def test_dequantization(tt, check):
    """Gives back the numbers within half a step, in float32, also at the ends of the range"""
    x = np.linspace(-3, 5, 400).astype(np.float32).reshape(4, 100)
    for axis, steps in ((None, 5 / 127), (0, np.abs(x).max(axis=1, keepdims=True) / 127)):
        stored = tt.quantize(tt.Tensor(x), axis=axis)
        values = check.array(stored.values)
        found = tt.dequantize(stored)
        same = bool((check.array(stored.values) == values).all())
        check.true(same, "dequantize changed the whole numbers that it was given")
        check.dtype(found, "float32")
        off = np.abs(check.array(found) - x) / steps
        check.true(bool(off.max() <= 0.501), f"off by {off.max():.2f} steps, expected half a step")
    full = tt.quantize(tt.Tensor([-300.0, 0.0, 300.0]), scale=0.5, zero_point=-1)
    check.close(tt.dequantize(full), [-63.5, 0, 64])
    square = np.array([[1, -2], [30, 127]], np.float32)
    for axis in (0, 1):
        given = np.float32([1, 2]), np.int8([0, 0])
        stored = tt.quantize(tt.Tensor(square), *given, axis=axis)
        scales = np.array([[1], [2]]) if axis == 0 else np.array([1, 2])
        check.close(tt.dequantize(stored), check.array(stored.values) * scales)
    full = tt.quantize(tt.Tensor([-300.0, 300.0]), scale=1.0, zero_point=100)
    check.close(tt.dequantize(full), [-228, 27])
    with check.raises(ValueError):
        tt.quantize(tt.Tensor([1.0, float("nan")]))


@pytest.mark.points(2)
@pytest.mark.hint("int8 @ int8 wraps around: give matmul dtype=np.int32, or sum exact pieces.")
def test_products_of_integers(tt, check, run_program):
    """Multiplies int8 matrices exactly, also where sums leave 8, 16 and 24 bits"""
    for columns in (1, 3, 64, 1023, 1025, 4096):
        draw = np.random.default_rng(columns)
        x, weight = (draw.integers(60, 128, (n, columns)).astype(np.int8) for n in (3, 2))
        x[1], weight[1] = -128, -127
        found = tt.integer_product(x.copy(), weight.copy())
        check.dtype(found, "int32")
        check.equal(
            check.array(found).astype(np.int64), x.astype(np.int64) @ weight.T.astype(np.int64)
        )
    square = np.array([[1, 2], [3, 4]], np.int8), np.array([[5, 6], [7, 8]], np.int8)
    check.equal(check.array(tt.integer_product(*square)).tolist(), [[17, 23], [39, 53]])
    left_alone(check, run_program, {"integer_product": square})
    for wrong in (np.ones((2, 2), np.float32), np.ones((2, 2), np.uint8)):
        with check.raises(TypeError):
            tt.integer_product(square[0], wrong)
    check.shape(tt.integer_product(np.zeros((0, 4), np.int8), np.zeros((3, 4), np.int8)), (0, 3))


@pytest.mark.points(2)
@pytest.mark.hint("Quantize weights by row, inputs by row, multiply integers, scale the sums.")
@pytest.mark.depends(on=["test_quantization", "test_products_of_integers"])
def test_quantized_linear(tt, check):
    """Answers like a Linear, from weights of one byte and exact products of integers"""
    weight = drawn(6, 50) * np.array([1, 100, 0.01, 1, 1, 1], np.float32)[:, None]
    x, bias = drawn(7, 50, seed=1), drawn(6, seed=2)
    for offset in (bias, None):
        plain, given = linear(tt, weight.copy(), offset), tt.Tensor(x.copy())
        with check.unchanged(given, *plain.parameters()):
            layer = tt.QuantizedLinear(plain)
            layer(given)
        values, scale = rows_as_integers(x)
        weights, steps = rows_as_integers(weight)
        expected = (values @ weights.T) * (scale.astype(np.float64) * steps.T.astype(np.float64))
        found = layer(tt.Tensor(x))
        check.close(found, expected + (0 if offset is None else offset), rtol=1e-4, atol=1e-5)
        check.dtype(found, "float32")
        check.dtype(layer.weight, "int8")
        check.equal(int(tt.model_size(layer)), 6 * 50 + 4 * 6 * (1 if offset is None else 2))
    check.shape(layer(tt.Tensor(x[:6].reshape(2, 3, 50))), (2, 3, 6))
    check.close(layer(tt.zeros(2, 50)), np.zeros((2, 6)))
    # Square: the weight the wrong way round, or scales of columns, have the right shape as well.
    square = tt.QuantizedLinear(linear(tt, [[127, 0], [254, 254]]))
    check.close(square(tt.Tensor([[0.0, 1.0], [1.0, 0.0]])), [[0, 254], [127, 254]])
    one = tt.QuantizedLinear(linear(tt, [[127, 0], [254, 254]]), per_channel=False)
    check.shape(one.scale, ())
    check.close(one(tt.Tensor([[1.0, 0.0]])), [[128, 254]])  # 127 is 63.5 steps of 2
    # Twenty thousand products that add up to 1: whole numbers alone have no rounding errors.
    half, other = (np.random.default_rng(s).integers(1, 128, 10_000) for s in (3, 4))
    row, column = np.append(np.append(half, -half), 1), np.append(np.append(other, other), 1)
    row[0], row[10_000], column[0], column[10_000] = 127, -127, 127, 127
    exact = tt.QuantizedLinear(linear(tt, column[None] / 127))
    check.close(exact(tt.Tensor(row[None].astype(np.float32) / 127)), [[1 / 127**2]], rtol=1e-3)


@pytest.mark.points(1)
@pytest.mark.hint("A scale for each row of the input: the largest |x| of this row alone.")
@pytest.mark.depends(on="test_quantized_linear")
def test_rows_do_not_depend_on_their_neighbours(tt, check):
    """Gives a row the same answer alone, and beside rows that are 1,000 times as large or nan"""
    layer = tt.QuantizedLinear(linear(tt, drawn(5, 30), drawn(5, seed=1)))
    x = drawn(4, 30, seed=2)
    alone = np.concatenate([check.array(layer(tt.Tensor(row[None]))) for row in x])
    check.close(layer(tt.Tensor(x)), alone, rtol=1e-6)
    loud = np.concatenate([x, 1000 * x])
    check.close(layer(tt.Tensor(loud))[:4], alone, rtol=1e-6)
    loud[6] = np.nan
    check.close(layer(tt.Tensor(loud))[:4], alone, rtol=1e-6)
    check.true(bool(np.isnan(check.array(layer(tt.Tensor(loud))[6])).all()), "nan gives nan")


@pytest.mark.points(1)
@pytest.mark.hint("Send the samples through the layers of the model, and calibrate on the way.")
@pytest.mark.depends(on="test_quantized_linear")
def test_quantized_models(tt, check):
    """Quantizes every Linear of a copy, with scales of rows or of samples"""
    layers = [linear(tt, drawn(20, 8), drawn(20)), linear(tt, drawn(3, 20, seed=1), drawn(3))]
    model = tt.Sequential(layers[0], tt.relu, tt.Sequential(tt.Dropout(0.5), layers[1]))
    x, before = drawn(50, 8, seed=2), model.state_dict()
    model.eval()
    expected = check.array(model(tt.Tensor(x)))
    check.equal(tt.quantize_model(model).training, False)
    model.train()
    shapes = [s.shape for s in tt.quantize_model(model, per_channel=False).state_dict().values()]
    check.equal(shapes.count(()), 2)  # one scale for each weight
    seen = tt.Tensor(x.copy())
    for samples in (None, seen):
        with check.unchanged(seen):
            small = tt.quantize_model(model, samples)
        check.true(model.training is True, "the model should be in training mode as before")
        small.eval()
        found = check.array(small(tt.Tensor(x)))
        off = float(np.abs(found - expected).max() / np.abs(expected).max())
        check.true(off < 0.03, f"answers are off by {off:.1%} of the largest, expected below 3 %")
        check.true(bool((found != expected).any()), "no answer changed: is it quantized?")
        kinds = [array.dtype.name for array in small.state_dict().values() if array.ndim > 1]
        check.equal(kinds, ["int8", "int8"])
        is_a_copy(check, model, small)
    # Calibrated on these samples, larger inputs are clipped; with scales of their own they are not.
    far, first = tt.Tensor(100 * x), tt.Sequential(layers[0])
    wide = np.abs(check.array(first(far))).max()
    largest = np.abs(check.array(tt.quantize_model(first, tt.Tensor(x))(far))).max()
    check.true(bool(largest < 0.1 * wide), "calibrated on small samples, large inputs are clipped")
    off = np.abs(check.array(tt.quantize_model(first)(far)) - check.array(first(far))).max()
    check.true(bool(off < 0.03 * wide), "with scales of their own, large rows are not clipped")
    for name, array in model.state_dict().items():
        check.close(array, check.array(before[name]), rtol=0, atol=0)


@pytest.mark.points(2)
@pytest.mark.hint(
    "KL(teacher || student) at the temperature T, times T squared, and the mean of rows."
)
def test_distillation(tt, check):
    """Weighs the teacher's soft answers and the labels, with a gradient for the student alone"""
    cases = ((5, 1.0, 1.0), (5, 4.0, 1.0), (4, 3.0, 0.3), (5, 2.0, 0.0))  # 4 rows of 4 classes
    for count, temperature, alpha in cases:
        student, teacher = drawn(count, 4), 3 * drawn(count, 4, seed=1)
        targets = np.array([0, 1, 2, 3, 1])[:count]
        x = tt.Tensor(student.astype(np.float64), requires_grad=True)
        wise = tt.Tensor(teacher.astype(np.float64), requires_grad=True)
        labels = tt.Tensor(targets.copy())
        with check.unchanged(x, wise, labels):
            loss = tt.DistillationLoss(temperature, alpha)(x, wise, labels)
        logs = log_softmax(teacher.astype(np.float64) / temperature)
        soft = np.exp(log_softmax(student.astype(np.float64) / temperature))
        divergence = (np.exp(logs) * (logs - np.log(soft))).sum(axis=1).mean()
        hard = -log_softmax(student.astype(np.float64))[np.arange(count), targets].mean()
        expected = alpha * temperature**2 * divergence + (1 - alpha) * hard
        check.close(loss, expected, rtol=1e-5)
        loss.backward()
        plain = np.exp(log_softmax(student.astype(np.float64))) - np.eye(4)[targets]
        slope = alpha * temperature * (soft - np.exp(logs)) + (1 - alpha) * plain
        check.close(x.grad, slope / count, rtol=1e-5, atol=1e-7)
        moved = wise.grad is not None and bool(check.array(wise.grad).any())
        check.true(not moved, "the teacher's numbers are constants: no gradient goes to it")
    single = [tt.Tensor(array) for array in (student, teacher, targets)]
    check.dtype(tt.DistillationLoss()(*single), "float32")
    with check.raises(ValueError):
        tt.DistillationLoss()(tt.Tensor(student), tt.Tensor(teacher[:, :1]), tt.Tensor(targets))
    for wrong in ((0.0, 0.5), (2.0, 1.5)):
        with check.raises(ValueError):
            tt.DistillationLoss(*wrong)


def share_read(check, answers, digits):
    return float((check.array(answers) == digits.test_labels).mean())


@pytest.mark.points(2)
@pytest.mark.hint("Weights of one byte, a scale and a bias for each row: look at model_size.")
@pytest.mark.depends(on="test_quantized_models")
def test_quantized_digits(check, digits, run_program, measured):
    """Reads unseen digits with 0.3 of the bytes, and at most 1 point less of them"""
    found = run_program("programs/compressed.py", kind="quantized", **arrays_of(digits))
    before = share_read(check, found["before"], digits)
    check.true(before >= 0.94, f"the network reads {before:.1%} before, expected 94 %")
    check.equal(found["sizes"], found["stored"])
    for kind in ("rows", "calibrated"):
        share = found["stored"][kind] / found["stored"]["before"]
        check.true(share <= 0.3, f"{kind}: {share:.2f} of the bytes, expected at most 0.3")
        after = share_read(check, found[kind], digits)
        measured(f"{after:.1%} of 360 unseen digits with {share:.0%} of the bytes")
        told = f"{kind}: reads {after:.1%}, expected at most 1 point less than {before:.1%}"
        check.true(after >= before - 0.01, told)


@pytest.mark.points(2)
@pytest.mark.hint("Prune the smallest weights, then train on with a PrunedOptimizer.")
@pytest.mark.depends(on="test_pruned_weights_stay_zero")
def test_pruned_digits(check, digits, run_program, measured):
    """Reads unseen digits with 80 % zeros, and at most 2 points less of them after fine-tuning"""
    found = run_program("programs/compressed.py", kind="pruned", **arrays_of(digits))
    before, after = (share_read(check, found[name], digits) for name in ("before", "after"))
    check.true(before >= 0.94, f"the network reads {before:.1%} before, expected 94 %")
    zeros = found["zeros"]
    measured(f"{after:.1%} of 360 unseen digits with {zeros:.0%} of the weights at zero")
    check.true(abs(zeros - 0.8) < 0.001, f"{zeros:.1%} of the weights are zero, expected 80 %")
    told = f"reads {after:.1%}, expected at most 2 points less than {before:.1%}"
    check.true(after >= before - 0.02, told)
    check.true(found["packed"] < 0.3, f"{found['packed']:.2f} of the bytes when packed")


def arrays_of(digits):
    return {
        "images": digits.train_images.reshape(-1, 64),
        "labels": digits.train_labels,
        "unseen": digits.test_images.reshape(-1, 64),
    }
