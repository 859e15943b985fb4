"""What no milestone may be achieved with: wrong frameworks, and programs that only pretend.

`FRAMEWORKS` are edits of a module's reference solution. `PROGRAMS` are edits of a milestone's own
program: learning rate 0, gradients zeroed, labels shuffled, a constant network, no positions, and a
program that says the right words. Each names the tests that must not pass.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Framework:
    """A wrong module, and the tests of milestones that it must not pass: milestone -> tests."""

    module: str
    old: str
    new: str
    fails: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Program:
    """Replacements in a milestone's program, or all of another one, and the tests that must fail."""

    milestone: str
    fails: tuple[str, ...]
    edits: tuple[tuple[str, str], ...] = ()
    text: str = ""
    trains: bool = True

    @property
    def is_quick(self) -> bool:
        return self.milestone in QUICK or not self.trains or bool(self.text)


TRAINED = {
    "perceptron": ("test_separates_two_clouds", "test_loss_halves"),
    "xor": ("test_learns_xor",),
    "mlp_digits": ("test_reads_digits",),
    "cnn": ("test_sees_digits",),
    "transformer": ("test_reverses",),
    "full_training": ("test_learns_cifar10",),
    "advanced_vision": ("test_learns_cifar10",),
    "language_generation": ("test_writes_a_language",),
}
LOSS_ALONE = TRAINED | {"perceptron": ("test_loss_halves",)}
QUICK = {"perceptron", "xor", "mlp_digits", "basic_inference", "computer_vision"}
STEPPED = "                self.update(p[part], g[part], cut, self.steps[place])\n"
LEAF = "        leaf.grad = Tensor(total)\n"
PRODUCT = "    output = x.reshape(-1, in_features) @ weight.T\n"
POSITIONS = "        return x + self._table[: x.shape[-2]]\n"
ROWS = "        return tuple(Tensor(tensor.data[indices]) for tensor in self.tensors)\n"
MASK = "        mask = causal_mask(end).data[start:] if end > start + 1 else None\n"
PLACE = "                loader.seed, loader.epoch = place\n"
OPTIMIZER = "        saved = load_checkpoint(path, self.model, self.optimizer, scheduler)\n"
INFERRED = dict.fromkeys(
    ("basic_inference", "computer_vision"),
    ("test_reads_mnist", "test_scores_are_those_of_the_weights"),
)

FRAMEWORKS = {
    "an optimizer that does not step": Framework("10_optimizers", STEPPED, "", LOSS_ALONE),
    "a learning rate of 0": Framework(
        "10_optimizers",
        "        for place, g in self.gradients().items():\n            self.steps[place] += 1\n",
        "        self.lr = 0.0\n"
        "        for place, g in self.gradients().items():\n            self.steps[place] += 1\n",
        LOSS_ALONE,
    ),
    "gradients of zero": Framework(
        "09_autograd", LEAF, "        leaf.grad = Tensor(0 * total)\n", LOSS_ALONE
    ),
    "a Linear that is constant": Framework(
        "04_layers",
        PRODUCT,
        "    output = 0 * x.reshape(-1, in_features) @ weight.T\n",
        TRAINED | INFERRED | {"perceptron": ("test_separates_two_clouds",)},
    ),
    "a Linear without its bias": Framework(
        "04_layers",
        "        output += bias\n",
        "        pass\n",
        {"basic_inference": INFERRED["basic_inference"][1:]},
    ),
    "a ReLU that is a line": Framework(
        "03_activations",
        "    return np.clip(a, 0, np.inf)\n",
        "    return a + 0\n",
        {name: tests[1:] for name, tests in INFERRED.items()},
    ),
    "shuffled labels": Framework(
        "08_dataloader",
        ROWS,
        "        *rows, labels = (tensor.data[indices] for tensor in self.tensors)\n"
        "        return *map(Tensor, rows), Tensor(np.random.default_rng(0).permutation(labels))\n",
        {name: TRAINED[name] for name in ("mlp_digits", "cnn", "transformer")},
    ),
    # Not of language_generation: the causal mask tells a GPT which token comes first, and without
    # its table of positions it writes about as well.
    "attention that ignores positions": Framework(
        "07_attention",
        POSITIONS,
        "        return x + 0 * self._table[: x.shape[-2]]\n",
        {"transformer": TRAINED["transformer"]},
    ),
    "a convolution that is constant": Framework(
        "06_spatial",
        "    images = channels_last(x)\n    n, h, w, channels = images.shape\n    if weight.ndim",
        "    images = 0 * channels_last(x)\n    n, h, w, channels = images.shape\n    if weight.ndim",
        {
            "cnn": TRAINED["cnn"],
            "computer_vision": INFERRED["computer_vision"],
            "full_training": TRAINED["full_training"],
        },
    ),
    "a resumed run with another order": Framework(
        "11_training",
        PLACE,
        "                pass\n",
        {"full_training": ("test_goes_on_where_it_was",)},
    ),
    "a resumed run without its momentum": Framework(
        "11_training",
        OPTIMIZER,
        "        before = self.optimizer.state_dict()\n"
        + OPTIMIZER
        + "        self.optimizer.load_state_dict(before)\n",
        {"full_training": ("test_goes_on_where_it_was",)},
    ),
    "a model that looks ahead": Framework(
        "16_capstone",
        MASK,
        "        mask = None\n",
        {"language_generation": TRAINED["language_generation"]},
    ),
}

NO_STEP = ("        optimizer.step()\n", "")
ZEROED = (
    "        optimizer.step()\n",
    "        for p in model.parameters():\n            p.grad = tt.Tensor(0 * p.grad.data)\n"
    "        optimizer.step()\n",
)
ALL_ZERO = "np.zeros(len({}), np.int64)"
ZEROED_IN_TRAINER = (
    "    trainer = tt.Trainer(",
    "    step = optimizer.step\n"
    "    zero = lambda p: setattr(p, 'grad', tt.Tensor(0 * p.grad.data))\n"
    "    optimizer.step = lambda: [*map(zero, model.parameters()), step()]\n"
    "    trainer = tt.Trainer(",
)
WORDS = (
    "def main(tt, **given):\n    print('98 % of the points, 100.0 % are right')\n    return {}\n"
)


PERMUTED = "np.random.default_rng(0).permutation"


def always(name: str, images: str) -> tuple[str, str]:
    """An edit with which the network that a milestone asks gives one answer to everything."""
    return f"answers({name}, {images})", f"np.zeros(len({images}), np.int64)"


SHUFFLED = (
    "labels, seed, verbose=False)",
    f"{PERMUTED}(labels), seed, False)",
)
PROGRAMS = {
    "perceptron: learning rate 0": Program(
        "perceptron", ("test_loss_halves",), (("STEPS, LR = 200, 0.5", "STEPS, LR = 200, 0.0"),)
    ),
    "perceptron: gradients zeroed": Program(
        "perceptron", ("test_loss_halves",), ((ZEROED[0], ZEROED[1].replace("model", "neuron")),)
    ),
    "perceptron: labels shuffled": Program(
        "perceptron",
        TRAINED["perceptron"],
        (
            (
                "train(neuron, points, labels)\n    return",
                "train(neuron, points, labels[::-1])\n    return",
            ),
        ),
    ),
    "perceptron: a constant": Program(
        "perceptron",
        ("test_separates_two_clouds",),
        (
            (
                '"answers": ' + always("neuron", "unseen")[0],
                '"answers": ' + always("neuron", "unseen")[1],
            ),
        ),
    ),
    "perceptron: the right words": Program(
        "perceptron", TRAINED["perceptron"], text=WORDS.format('{"answers": "98 %", "loss": 0.01}')
    ),
    "xor: learning rate 0": Program(
        "xor",
        ("test_learns_xor", "test_single_layer_cannot"),
        (("STEPS, LR, HIDDEN = 400, 0.05", "STEPS, LR, HIDDEN = 400, 0.0"),),
    ),
    "xor: gradients zeroed": Program(
        "xor", ("test_learns_xor", "test_single_layer_cannot"), (ZEROED,)
    ),
    "xor: labels shuffled": Program(
        "xor",
        ("test_learns_xor",),
        (
            (
                "train(model, points, labels)\n        found",
                "train(model, points, labels[[1, 0, 2, 3]])\n        found",
            ),
        ),
    ),
    "xor: a constant": Program(
        "xor",
        ("test_learns_xor",),
        (('"known": ' + always("model", "points")[0], '"known": ' + always("model", "points")[1]),),
    ),
    "xor: no hidden layer": Program(
        "xor",
        ("test_learns_xor",),
        (("tt.MLP([2, HIDDEN, 1], activation=tt.Tanh)", "tt.MLP([2, 1])"),),
    ),
    "xor: a hidden layer in the place of a single one": Program(
        "xor",
        ("test_single_layer_cannot",),
        (('{"single": tt.Linear(2, 1),', '{"single": tt.MLP([2, 16, 1], activation=tt.Tanh),'),),
    ),
    "xor: the right words": Program(
        "xor",
        ("test_learns_xor", "test_single_layer_cannot"),
        text=WORDS.format('{"hidden": {"known": "100 %", "unseen": "100 %"}, "single": {}}'),
    ),
    "mlp_digits: learning rate 0": Program(
        "mlp_digits", TRAINED["mlp_digits"], (("30, 32, 0.005", "30, 32, 0.0"),)
    ),
    "mlp_digits: gradients zeroed": Program(
        "mlp_digits", TRAINED["mlp_digits"], (ZEROED_IN_TRAINER,)
    ),
    "mlp_digits: labels shuffled": Program("mlp_digits", TRAINED["mlp_digits"], (SHUFFLED,)),
    "mlp_digits: a constant": Program(
        "mlp_digits",
        TRAINED["mlp_digits"],
        (
            (
                '{"answers": ' + always("model", "unseen")[0],
                '{"answers": ' + always("model", "unseen")[1],
            ),
        ),
    ),
    "mlp_digits: the right words": Program(
        "mlp_digits", TRAINED["mlp_digits"], text=WORDS.format('{"answers": "95 %"}')
    ),
    "basic_inference: a constant": Program(
        "basic_inference",
        INFERRED["basic_inference"],
        (
            (
                "return scores(loaded(weights), images)",
                "return np.ones((len(images), 10), np.float32)",
            ),
        ),
    ),
    "basic_inference: weights at random": Program(
        "basic_inference",
        INFERRED["basic_inference"],
        (("    model.load_state_dict(weights)\n", ""),),
    ),
    "basic_inference: the right words": Program(
        "basic_inference", INFERRED["basic_inference"], text=WORDS.format("[[85]]")
    ),
    "computer_vision: a constant": Program(
        "computer_vision",
        INFERRED["computer_vision"],
        (
            (
                "return scores(loaded(weights), images)",
                "return np.ones((len(images), 10), np.float32)",
            ),
        ),
    ),
    "computer_vision: weights at random": Program(
        "computer_vision",
        INFERRED["computer_vision"],
        (("    model.load_state_dict(weights)\n", ""),),
    ),
    "computer_vision: the right words": Program(
        "computer_vision", INFERRED["computer_vision"], text=WORDS.format("[[95]]")
    ),
    "cnn: learning rate 0": Program("cnn", TRAINED["cnn"], (("30, 32, 0.01,", "30, 32, 0.0,"),)),
    "cnn: gradients zeroed": Program("cnn", TRAINED["cnn"], (ZEROED_IN_TRAINER,)),
    "cnn: a constant": Program(
        "cnn",
        TRAINED["cnn"],
        (
            ("    model = train(images, labels, seed, verbose=False)\n", "    model = network()\n"),
            (
                '{"answers": ' + always("model", "unseen")[0],
                '{"answers": ' + always("model", "unseen")[1],
            ),
        ),
        trains=False,
    ),
    "cnn: labels shuffled": Program("cnn", TRAINED["cnn"], (SHUFFLED,)),
    "cnn: more parameters than the MLP": Program(
        "cnn",
        TRAINED["cnn"],
        (
            ("tt.Conv2d(12, 14, 3, padding=1)", "tt.Conv2d(12, 24, 3, padding=1)"),
            ("tt.Linear(14 * 2 * 2, 10)", "tt.Linear(24 * 2 * 2, 10)"),
        ),
    ),
    "cnn: the right words": Program(
        "cnn", TRAINED["cnn"], text=WORDS.format('{"answers": "97 %", "weights": []}')
    ),
    "transformer: learning rate 0": Program(
        "transformer", TRAINED["transformer"], (("6, 32, 5e-3", "6, 32, 0.0"),)
    ),
    "transformer: gradients zeroed": Program(
        "transformer",
        ("test_reverses", "test_without_positions_it_cannot"),
        (ZEROED_IN_TRAINER,),
    ),
    "transformer: no positions": Program(
        "transformer", TRAINED["transformer"], (("if positions else None", "if False else None"),)
    ),
    "transformer: positions in both": Program(
        "transformer",
        ("test_without_positions_it_cannot",),
        (("if positions else None", "if True else None"),),
    ),
    "transformer: labels shuffled": Program(
        "transformer",
        TRAINED["transformer"],
        (("sequences[:, ::-1].copy()", f"{PERMUTED}(sequences)"),),
    ),
    "transformer: a constant": Program(
        "transformer",
        ("test_reverses", "test_without_positions_it_cannot"),
        (
            (
                "return answers(train(sequences, seed, positions, verbose=False), unseen)",
                "return np.zeros_like(unseen)",
            ),
        ),
        trains=False,
    ),
    "transformer: the right words": Program(
        "transformer",
        ("test_reverses", "test_without_positions_it_cannot"),
        text=WORDS.format('"98 %"'),
    ),
    "language_generation: learning rate 0": Program(
        "language_generation", TRAINED["language_generation"], (("10, 8, 4e-3", "2, 8, 1e-30"),)
    ),
    "language_generation: gradients zeroed": Program(
        "language_generation",
        TRAINED["language_generation"],
        (("10, 8, 4e-3", "1, 8, 4e-3"), ZEROED_IN_TRAINER),
    ),
    "language_generation: labels shuffled": Program(
        "language_generation",
        TRAINED["language_generation"],
        (
            ("10, 8, 4e-3", "3, 8, 4e-3"),
            ("(tokenizer.encode(text), LENGTH)", f"({PERMUTED}(tokenizer.encode(text)), LENGTH)"),
        ),
    ),
    "language_generation: a constant": Program(
        "language_generation",
        TRAINED["language_generation"],
        (
            ("trainer.fit(loader, epochs=EPOCHS, verbose=verbose)", "pass"),
            ("np.concatenate([model(part).numpy()", "np.concatenate([0 * model(part).numpy()"),
        ),
        trains=False,
    ),
    "language_generation: the right words": Program(
        "language_generation",
        TRAINED["language_generation"],
        text=WORDS.format('{"ids": [], "scores": [], "tokens": [], "written": ["right"] * 50}'),
    ),
    "language_generation: what it read": Program(
        "language_generation",
        TRAINED["language_generation"],
        (
            (
                "write(tokenizer, model, SENTENCES, TEMPERATURE, seed)",
                'text.split("\\n")[:SENTENCES]',
            ),
        ),
    ),
    "language_generation: one sentence": Program(
        "language_generation",
        TRAINED["language_generation"],
        (
            (
                "write(tokenizer, model, SENTENCES, TEMPERATURE, seed)",
                '["the old dog near the river sings because it is happy ."] * SENTENCES',
            ),
        ),
    ),
    "full_training: learning rate 0": Program(
        "full_training",
        TRAINED["full_training"],
        (("8, 10_000, 125, 0.15", "8, 10_000, 125, 1e-30"),),
    ),
    "full_training: gradients zeroed": Program(
        "full_training", TRAINED["full_training"], (ZEROED_IN_TRAINER,)
    ),
    "full_training: labels shuffled": Program(
        "full_training",
        TRAINED["full_training"],
        (("tt.Tensor(self.labels[chosen])", f"tt.Tensor({PERMUTED}(self.labels[chosen]))"),),
    ),
    "full_training: a constant": Program(
        "full_training",
        TRAINED["full_training"],
        (
            (
                "    model, history = train(dataset, Path(checkpoint), seed, parts, stop_after, verbose=False)\n",
                "    history = {'train_loss': [1.0] * (parts if stop_after > 800 else 4)}\n",
            ),
            ('"scores": scores(model, unseen)', '"scores": np.ones((len(unseen), 10))'),
        ),
        trains=False,
    ),
    "full_training: the right words": Program(
        "full_training",
        ("test_learns_cifar10", "test_goes_on_where_it_was"),
        text=WORDS.format('{"history": {"train_loss": "60 %"}, "scores": "60 %"}'),
    ),
    "full_training: begins anew": Program(
        "full_training",
        ("test_learns_cifar10", "test_goes_on_where_it_was"),
        (('"resume_from": checkpoint if checkpoint.exists() else None', '"resume_from": None'),),
    ),
    "advanced_vision: gradients zeroed": Program(
        "advanced_vision",
        TRAINED["advanced_vision"],
        (
            ("train(known, epochs=EPOCHS,", "train(known, epochs=1,"),
            tuple(part.replace("tt.Trainer(", "ParallelTrainer(") for part in ZEROED_IN_TRAINER),
        ),
    ),
    "advanced_vision: labels shuffled": Program(
        "advanced_vision",
        TRAINED["advanced_vision"],
        (
            ("train(known, epochs=EPOCHS,", "train(known, epochs=1,"),
            ("tt.Tensor(self.labels[indices])", f"tt.Tensor({PERMUTED}(self.labels[indices]))"),
        ),
    ),
    "advanced_vision: a constant": Program(
        "advanced_vision",
        TRAINED["advanced_vision"],
        (
            (
                "    model = train(Mirrored(folder), seed=seed, verbose=False)\n",
                "    model = network(np.zeros((32, 3, 4, 4), np.float32), 32)\n",
            ),
        ),
        trains=False,
    ),
    "advanced_vision: the right words": Program(
        "advanced_vision", TRAINED["advanced_vision"], text=WORDS.format('{"answers": "75 %"}')
    ),
    "advanced_vision: learning rate 0": Program(
        "advanced_vision", TRAINED["advanced_vision"], (("3, 125, 0.3,", "1, 125, 1e-30,"),)
    ),
}
