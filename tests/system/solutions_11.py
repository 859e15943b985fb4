"""Module 11: wrong solutions that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

OWN_LOG = "    return np.mean(np.log(total) - wanted), (shifted, total, places)\n"
PICKED = "shifted.take(places)\n"
SMOOTH = "        wanted += label_smoothing * shifted.mean(axis=1)\n"
SHARE = "(loss * (len(batch[-1]) / samples)).backward()"
WAITED = 'best, waited = (loss, 0) if loss < run["best"] else (run["best"], run["waited"] + 1)'
STEPPED = "                if scheduler is not None:\n                    scheduler.step()\n"
TRAINED = (
    "                row = self.train_epoch(train_loader, accumulate, progress)\n"
    "                row |= {} if val_loader is None else self.validate(val_loader)\n"
    '                row["lr"] = self.optimizer.lr\n'
)
LOADED = "            part.load_state_dict(content[name])\n"
WRITTEN = (
    '        with part.open("wb") as file:\n'
    "            np.savez(file, **arrays)\n"
    "            file.flush()\n"
    "            os.fsync(file.fileno())  # on the disk before the name says so\n"
    "        part.replace(path)\n"
)
STATES = "part.state_dict() for name, part in parts.items() if part is not None}"

WRONG: dict[str, dict[str, Wrong]] = {
    "11_training": {
        "every error ends like Ctrl-C": Wrong(
            "        except KeyboardInterrupt:\n            progress",
            "        except (KeyboardInterrupt, ValueError):\n            progress",
            "test_steps",
            "nothing was raised, expected ValueError",
        ),
        "targets are moved the wrong way": Wrong(
            "    return slope, lambda: -slope\n",
            "    return slope, lambda: slope\n",
            "test_gradients_of_losses",
            "wanted.grad: largest difference",
        ),
        "cross-entropy summed": Wrong(
            OWN_LOG,
            "    return np.sum(np.log(total) - wanted), (shifted, total, places)\n",
            "test_losses",
            "loss: largest difference",
            "cross_entropy",
        ),
        "gradient of a sum": Wrong(
            "(slope, total, places), share = saved, grad / len(logits)\n",
            "(slope, total, places), share = saved, grad\n",
            "test_gradients_of_losses",
            "x.grad: largest difference",
        ),
        "half the squares": Wrong(
            "    return np.mean(difference * difference), difference\n",
            "    return np.mean(difference * difference) / 2, difference\n",
            "test_losses",
            "loss: largest difference",
            "mse_loss",
        ),
        "softmax without the largest": Wrong(
            'np.subtract(logits, logits[rows, logits.argmax(axis=1)][:, None], order="C")\n',
            'np.array(logits, order="C")\n',
            "test_losses_far_out",
            "RuntimeWarning: overflow encountered in exp",
            "cross_entropy",
        ),
        "targets one off": Wrong(
            PICKED,
            "shifted[np.arange(len(logits)), targets - 1]\n",
            "test_losses",
            "loss: largest difference",
            "cross_entropy",
        ),
        "logarithm of what was rounded": Wrong(
            "    z = np.exp(-size)\n"
            "    return np.mean(np.where(wrong == 0, 0, size * wrong) + np.log1p(z)), (x, t, z)\n",
            "    z = np.exp(-size)\n    p = np.where(x >= 0, 1, z) / (1 + z)\n"
            "    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)), (x, t, z)\n",
            "test_losses_far_out",
            "RuntimeWarning: divide by zero encountered in log",
            "binary_cross_entropy_with_logits",
        ),
        "logarithm of zero": Wrong(
            "np.maximum(np.log(p), -100), np.maximum(np.log1p(-p), -100)",
            "np.log(p), np.log1p(-p)",
            "test_losses_far_out",
            "RuntimeWarning: invalid value encountered in multiply",
            "binary_cross_entropy",
        ),
        "smoothing over the other classes": Wrong(
            SMOOTH,
            "        others = shifted.sum(axis=1) - shifted.take(places)\n"
            "        wanted += label_smoothing * others / (logits.shape[1] - 1)\n",
            "test_label_smoothing",
            "loss: largest difference",
            "cross_entropy",
        ),
        "smoothing without taking away": Wrong(
            "wanted = (1 - label_smoothing) * shifted",
            "wanted = shifted",
            "test_label_smoothing",
            "loss: largest difference",
            "cross_entropy",
        ),
        "smoothing not in the gradient": Wrong(
            "        slope -= label_smoothing / logits.shape[1] * share\n",
            "        pass\n",
            "test_label_smoothing",
            "logits.grad: largest difference",
        ),
        "shapes that broadcast": Wrong(
            "    if outputs.shape != targets.shape:\n",
            "    if outputs.size != targets.size:\n",
            "test_what_losses_refuse",
            "nothing was raised, expected ValueError",
            "mse_loss",
        ),
        "class minus one": Wrong(
            '    within("targets", targets, 0, logits.shape[1] - 1)\n',
            '    within("targets", targets, -1, logits.shape[1] - 1)\n',
            "test_what_losses_refuse",
            "nothing was raised, expected ValueError or IndexError",
            "cross_entropy",
        ),
        "accuracy of the smallest": Wrong(
            "answers = outputs.argmax(axis=1) if classes",
            "answers = outputs.argmin(axis=1) if classes",
            "test_accuracy",
            "check.type(tt.Accuracy()(outputs, t), float): largest difference",
            "Accuracy.__call__",
        ),
        "confusion matrix transposed": Wrong(
            "    pairs = true.astype(np.int64) * num_classes + answers\n",
            "    pairs = answers * num_classes + true\n",
            "test_confusion_matrix",
            "found: largest difference",
            "compute_confusion_matrix",
        ),
        "recall and precision exchanged": Wrong(
            "for t in (targets[right], targets)]",
            "for t in (targets[right], logits.argmax(axis=1))]",
            "test_evaluation",
            "found['per_class_accuracy']: largest difference",
            "evaluate_model",
        ),
        "evaluation in training mode": Wrong(
            "    model.eval()\n    try:\n",
            "    try:\n",
            "test_asking_changes_nothing",
            "not any(modes): evaluate_model: the model should be asked in evaluation mode",
        ),
        "evaluation that records": Wrong(
            "        with no_grad():\n            yield\n",
            "        yield\n",
            "test_asking_changes_nothing",
            "not any(tapes): evaluate_model: nothing should be recorded, under no_grad()",
        ),
        "everything in training mode afterwards": Wrong(
            "        for module, mode in modes:\n            module.training = mode\n",
            "        model.train()\n",
            "test_asking_changes_nothing",
            "(way, after['modes']): got ('evaluate_model', [True, True, True])",
        ),
        "left in evaluation mode by an exception": Wrong(
            "    try:\n        with no_grad():\n            yield\n    finally:\n"
            "        for module, mode in modes:\n            module.training = mode\n",
            "    with no_grad():\n        yield\n    for module, mode in modes:\n"
            "        module.training = mode\n",
            "test_asking_changes_nothing",
            "(way, after['modes']): got ('broken off', [False, False, False])",
        ),
        "trained in evaluation mode": Wrong(
            "        self.model.train()\n        averages, batches",
            "        averages, batches",
            "test_asking_changes_nothing",
            "training: a model should be trained in training mode, in every epoch",
        ),
        "averages over batches": Wrong(
            "        self.count += count\n"
            "        self.sums = {name: self.sums.get(name, 0.0) + mean * count for",
            "        self.count += 1\n"
            "        self.sums = {name: self.sums.get(name, 0.0) + mean for",
            "test_history",
            "np.array(found['train_loss']): largest difference",
        ),
        "gradients are not cleared": Wrong(
            "            self.optimizer.zero_grad()\n",
            "",
            "test_steps",
            "model.weight: largest difference",
            "Trainer.train_epoch",
        ),
        "accumulation that sums": Wrong(
            SHARE,
            "loss.backward()",
            "test_accumulation",
            "model.weight: largest difference",
            "Trainer.train_epoch",
        ),
        "accumulation by the number that was asked for": Wrong(
            SHARE,
            "(loss * (1 / accumulate)).backward()",
            "test_accumulation",
            "model.weight: largest difference",
            "Trainer.train_epoch",
        ),
        "accumulation of means of batches": Wrong(
            SHARE,
            "(loss * (1 / len(group))).backward()",
            "test_accumulation",
            "model.weight: largest difference",
            "Trainer.train_epoch",
        ),
        "last group forgotten": Wrong(
            "            self.optimizer.step()\n",
            "            if len(group) == accumulate:\n                self.optimizer.step()\n",
            "test_accumulation",
            "model.weight: largest difference",
            "Trainer.train_epoch",
        ),
        "a step for each batch": Wrong(
            f"                {SHARE}\n",
            f"                {SHARE}\n                self.optimizer.step()\n"
            "                self.optimizer.zero_grad()\n",
            "test_accumulation",
            "model.weight: largest difference",
            "Trainer.train_epoch",
        ),
        "history of the last epoch": Wrong(
            'history = {name: [*run["history"].get(name, ()), value] for',
            "history = {name: [value] for",
            "test_history",
            "{name: len(values) for name, values in found.items()}: got {'train_loss': 1,",
            "Trainer.fit",
        ),
        "validation before the training": Wrong(
            "                row = self.train_epoch(train_loader, accumulate, progress)\n"
            "                row |= {} if val_loader is None else self.validate(val_loader)\n",
            "                row = {} if val_loader is None else self.validate(val_loader)\n"
            "                row |= self.train_epoch(train_loader, accumulate, progress)\n",
            "test_history",
            "np.array(found['val_loss']): largest difference",
            "Trainer.fit",
        ),
        "schedule stepped for each batch": Wrong(
            STEPPED,
            "                for _ in range(len(train_loader) if scheduler else 0):\n"
            "                    scheduler.step()\n",
            "test_schedule",
            "np.array(history['lr']): largest difference",
            "Trainer.fit",
        ),
        "schedule stepped before the epoch": Wrong(
            TRAINED + STEPPED,
            STEPPED + TRAINED,
            "test_schedule",
            "np.array(history['lr']): largest difference",
            "Trainer.fit",
        ),
        "save_best keeps the last": Wrong(
            "if checkpoint_path is not None and not (save_best and waited):",
            "if checkpoint_path is not None:",
            "test_save_best",
            "found['kept_epoch'] == epoch: with save_best=True and validation losses of [3.0, 1.0, 2.0]",
        ),
        "the highest loss is the best": Wrong(
            WAITED,
            WAITED.replace('loss < run["best"]', 'not loss < run["best"]'),
            "test_save_best",
            "found['kept_epoch'] == epoch: with save_best=True and validation losses of [3.0, 1.0, 2.0]",
        ),
        "better than the epoch before": Wrong(
            WAITED,
            WAITED.replace('else (run["best"], ', "else (loss, "),
            "test_save_best",
            "found['kept_epoch'] == epoch: with save_best=True and validation losses of [1.0, 3.0, 2.0]",
        ),
        "as good is better": Wrong(
            WAITED,
            WAITED.replace("loss < run", "loss <= run"),
            "test_save_best",
            "found['kept_epoch'] == epoch: with save_best=True and validation losses of [2.0, 1.0, 1.0]",
        ),
        "the best by the training": Wrong(
            'loss = row.get("val_loss", row["train_loss"])',
            'loss = row["train_loss"]',
            "test_save_best",
            "found['kept_epoch'] == epoch: with save_best=True and validation losses of [3.0, 1.0, 2.0]",
        ),
        "stopped one epoch late": Wrong(
            'and run["waited"] < patience:',
            'and run["waited"] <= patience:',
            "test_early_stopping",
            "(patience, found['val_loss']): got (2, [3.0, 2.0, 2.0, 2.0, 0.0])",
        ),
        "count never set back": Wrong(
            WAITED,
            WAITED.replace("(loss, 0)", '(loss, run["waited"])'),
            "test_early_stopping",
            "(patience, found['val_loss']): got (2, [3.0, 4.0, 2.0, 3.0])",
        ),
        "Ctrl-C is handed on": Wrong(
            "        except KeyboardInterrupt:\n",
            "        except ZeroDivisionError:\n",
            "test_ctrl_c",
            "not found['escaped']: fit should end at Ctrl-C, not hand it on",
        ),
        "Ctrl-C saves what there is": Wrong(
            "        except KeyboardInterrupt:\n",
            "        except KeyboardInterrupt:\n"
            "            self.save(checkpoint_path, scheduler, loaders, run)\n",
            "test_ctrl_c",
            "found['kept_epoch']: got 3, expected 2",
        ),
        "momentum forgotten": Wrong(
            LOADED,
            '            if name != "optimizer":\n                part.load_state_dict(content[name])\n',
            "test_checkpoints",
            "found['weights four steps later']: largest difference",
        ),
        "schedule not saved": Wrong(
            LOADED,
            '            if name != "scheduler":\n                part.load_state_dict(content[name])\n',
            "test_checkpoints",
            "found['loaded rates']: got [0.1, 0.1, 0.05, 0.05], expected [0.05, 0.025, 0.025, 0.025]",
        ),
        "random numbers not restored": Wrong(
            "        engine.generator = np.random.Generator(bits)\n",
            "",
            "test_checkpoints",
            "found['loaded random numbers']: largest difference",
        ),
        "buffers forgotten": Wrong(
            "    content = {name: " + STATES + "\n",
            "    content = {name: " + STATES + "\n"
            '    learned = dict(model.named_parameters())\n    content["model"] |= '
            "{n: a * 0 for n, a in content['model'].items() if n not in learned}\n",
            "test_checkpoints",
            "found['loaded weights']: largest difference",
        ),
        "a pickle is opened": Wrong(
            "np.load(path, allow_pickle=False)",
            "np.load(path, allow_pickle=True)",
            "test_bad_checkpoints",
            "found['pickle was run']: got True, expected False",
        ),
        "written over the old one": Wrong(
            WRITTEN,
            '        with path.open("wb") as file:\n            np.savez(file, **arrays)\n',
            "test_bad_checkpoints",
            "found['full disk']: got ('OSError', False), expected ('OSError', True)",
        ),
        "half loaded": Wrong(
            "        for other, state in before.items():\n"
            "            parts[other].load_state_dict(state)\n",
            "",
            "test_bad_checkpoints",
            "unchanged: a file that is of another optimizer must leave model and optimizer as they",
        ),
        "an epoch done twice": Wrong(
            "            run |= self.resume(resume_from, scheduler, loaders)\n",
            "            run |= self.resume(resume_from, scheduler, loaders)\n"
            '            run["epoch"] -= 1\n',
            "test_resumed_runs",
            "len(resumed['history']['train_loss']): got 7, expected 6",
        ),
        "history lost in a break": Wrong(
            "            run |= self.resume(resume_from, scheduler, loaders)\n",
            "            run |= self.resume(resume_from, scheduler, loaders)\n"
            '            run["history"] = {}\n',
            "test_resumed_runs",
            "len(resumed['history']['train_loss']): got 4, expected 6",
        ),
        "patience anew after a break": Wrong(
            "            run |= self.resume(resume_from, scheduler, loaders)\n",
            "            run |= self.resume(resume_from, scheduler, loaders)\n"
            '            run["waited"] = 0\n',
            "test_resumed_runs",
            "found['stopped']: got [3, 5], expected [3, 3]",
        ),
        "seed of the loader forgotten": Wrong(
            "                loader.seed, loader.epoch = place\n",
            "                loader.epoch = place[1]\n",
            "test_resumed_runs",
            "same: after a break, a loader should take the order of the next epoch",
        ),
        "epoch of the loader forgotten": Wrong(
            "                loader.seed, loader.epoch = place\n",
            "                loader.seed = place[0]\n",
            "test_resumed_runs",
            "same: after a break, a loader should take the order of the next epoch",
        ),
        "a bar in a log": Wrong(
            "verbose and sys.stdout.isatty()",
            "verbose",
            "test_what_is_shown",
            "'\\r' not in found['log']: a log should have no bar that is drawn over itself",
        ),
        "plot upside down": Wrong(
            "round((high - value) /",
            "round((value - low) /",
            "test_what_is_shown",
            "[rows[0][0], rows[-1][-1]]: got [' ', 't'], expected ['t', 't']",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "11_training": {
        "a history in a defaultdict, counts in a Tensor": Unusual(
            (
                (
                    '        return run["history"]\n',
                    "        import collections\n\n"
                    '        return collections.defaultdict(list, run["history"])\n',
                ),
                (
                    "    return np.bincount(pairs, minlength=num_classes**2)"
                    ".reshape(num_classes, num_classes)\n",
                    "    counts = np.bincount(pairs, minlength=num_classes**2)\n"
                    "    return Tensor(counts.reshape(num_classes, num_classes))\n",
                ),
            )
        ),
        "cross-entropy out of log_softmax": Unusual(
            (
                (
                    "        return cross_entropy(logits, targets, label_smoothing=self.label_smoothing)\n",
                    "        class_numbers(logits.data, wanted := np.asarray(targets))\n"
                    "        logs, s = log_softmax(logits), self.label_smoothing\n"
                    "        right = logs[np.arange(len(wanted)), wanted].mean()\n"
                    "        return -(right * (1 - s) + logs.mean() * s)\n",
                ),
            )
        ),
        "cross-entropy by a table of wanted probabilities": Unusual(
            (
                (
                    "    wanted = (1 - label_smoothing) * shifted.take(places)\n"
                    "    if label_smoothing:\n"
                    "        wanted += label_smoothing * shifted.mean(axis=1)\n",
                    "    table = np.full(logits.shape, label_smoothing / logits.shape[1], logits.dtype)\n"
                    "    table[np.arange(len(logits)), targets] += 1 - label_smoothing\n"
                    "    wanted = (table * shifted).sum(axis=1)\n",
                ),
            )
        ),
        "a loss out of tensor operations": Unusual(
            (
                (
                    "        return mse_loss(outputs, targets)\n",
                    "        if outputs.shape != np.shape(targets):\n"
                    "            shapes = f'{outputs.shape} and {np.shape(targets)}'\n"
                    "            raise ValueError(f'two Tensors of one shape, got {shapes}')\n"
                    "        return ((outputs - targets) ** 2).mean()\n",
                ),
            )
        ),
        "computed in float64 inside": Unusual(
            (
                (
                    "    outputs, targets = checked(outputs, targets)\n"
                    "    difference = outputs - targets\n"
                    "    return np.mean(difference * difference), difference\n",
                    "    outputs, targets = checked(outputs, targets)\n"
                    "    difference = outputs.astype(np.float64) - targets\n"
                    "    mean = np.mean(difference * difference)\n"
                    "    return mean.astype(outputs.dtype), difference.astype(outputs.dtype)\n",
                ),
            )
        ),
        "evaluation batch by batch": Unusual(
            (
                (
                    "    logits, targets = answered(model, loader)\n"
                    "    loss, right = cross_entropy(logits, targets).item(), known(logits.argmax(axis=1), logits) == targets\n"
                    "    counts = [np.bincount(t, minlength=logits.shape[1]) for t in (targets[right], targets)]\n"
                    '    with np.errstate(invalid="ignore"):\n'
                    '        return {"loss": loss, "accuracy": float(right.mean()), "per_class_accuracy": counts[0] / counts[1]}\n',
                    "    total, right, count = 0.0, 0, 0\n"
                    "    with evaluating(model):\n"
                    "        for x, t in loader:\n"
                    "            logits, t = model(x), t.numpy()\n"
                    "            if logits.shape[1] < 2:\n"
                    "                raise ValueError(f'one class alone: {logits.shape}')\n"
                    "            total += CrossEntropyLoss()(logits, t).item() * len(t)\n"
                    "            known = np.eye(logits.shape[1])[t]\n"
                    "            count = count + known.sum(axis=0)\n"
                    "            lost = np.isnan(logits.numpy()).any(axis=1)\n"
                    "            if lost.any():\n"
                    "                warnings.warn(f'NaN in {lost.sum()} rows', RuntimeWarning)\n"
                    "            answers = np.where(lost, -1, logits.argmax(dim=1).numpy())\n"
                    "            right = right + known[answers == t].sum(axis=0)\n"
                    "    if np.sum(count) == 0:\n"
                    "        raise ValueError('no samples')\n"
                    "    shares = [r / c if c else math.nan for r, c in zip(right, count)]\n"
                    "    samples = float(count.sum())\n"
                    "    return {'loss': total / samples, 'accuracy': float(right.sum()) / samples,\n"
                    "            'per_class_accuracy': np.array(shares)}\n",
                ),
            )
        ),
        "confusion matrix pair by pair": Unusual(
            (
                (
                    "    pairs = true.astype(np.int64) * num_classes + answers\n"
                    "    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)\n",
                    "    counts = np.zeros((num_classes, num_classes), np.int64)\n"
                    "    for pair in zip(true, answers):\n"
                    "        counts[pair] += 1\n"
                    "    return counts\n",
                ),
            )
        ),
        "gradients divided at the end": Unusual(
            (
                (
                    "                (loss * (len(batch[-1]) / samples)).backward()\n",
                    "                (loss * len(batch[-1])).backward()\n",
                ),
                (
                    "            self.optimizer.step()\n",
                    "            for parameter in self.model.parameters():\n"
                    "                if parameter.grad is not None:\n"
                    "                    parameter.grad = Tensor(parameter.grad.data / samples)\n"
                    "            self.optimizer.step()\n",
                ),
            )
        ),
        "cleared after each step, and before the first": Unusual(
            (
                (
                    "            self.optimizer.zero_grad()\n            samples",
                    "            if averages.count == 0:\n"
                    "                self.optimizer.zero_grad()\n"
                    "            samples",
                ),
                (
                    "            self.optimizer.step()\n",
                    "            self.optimizer.step()\n            self.optimizer.zero_grad()\n",
                ),
            )
        ),
        "a loop over epochs that is left": Unusual(
            (
                (
                    '            while run["epoch"] < epochs and run["waited"] < patience:\n',
                    '            for _ in range(run["epoch"], epochs):\n'
                    '                if run["waited"] >= patience:\n'
                    "                    break\n",
                ),
            )
        ),
        "best by the history": Unusual(
            (
                (
                    "                " + WAITED + "\n",
                    '                losses = history.get("val_loss", history["train_loss"])\n'
                    "                best = min(losses)\n"
                    "                waited = len(losses) - 1 - losses.index(best)\n",
                ),
            )
        ),
        "compressed, and through memory": Unusual(
            (
                (
                    "            np.savez(file, **arrays)\n",
                    "            import io\n\n            buffer = io.BytesIO()\n"
                    "            np.savez_compressed(buffer, **arrays)\n"
                    "            file.write(buffer.getvalue())\n",
                ),
            )
        ),
        "parts looked at before they are loaded": Unusual(
            (
                (
                    "    before = {name: part.state_dict() for name, part in parts.items()}\n",
                    "    import copy\n\n"
                    "    for name, part in reversed(parts.items()):\n"
                    "        try:\n"
                    "            copy.deepcopy(part).load_state_dict(content[name])\n"
                    "        except Exception as error:\n"
                    '            raise ValueError(f"{path}: the {name} is another one") from error\n'
                    "    before = {}\n",
                ),
            )
        ),
    },
}
