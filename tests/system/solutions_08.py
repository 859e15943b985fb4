"""Module 08: wrong solutions that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

WRONG: dict[str, dict[str, Wrong]] = {
    "08_dataloader": {
        "batch statistics at use": Wrong(
            "        mean, var = self.running_mean.data, self.running_var.data\n",
            "        mean, var = batch_statistics(Tensor(x).data)\n",
            "test_batch_norm_at_use",
            "layer(x): largest difference 2.58579 at [1, 1]: got 1.414213",
            "BatchNorm.forward",
        ),
        "running statistics moved at use": Wrong(
            "        return batch_norm(x, self.weight, self.bias, statistics=(mean, var),",
            "        if not self.training and x.size > self.num_features:\n"
            "            self.train().forward(x)\n"
            "            self.eval()\n"
            "        return batch_norm(x, self.weight, self.bias, statistics=(mean, var),",
            "test_batch_norm_at_use",
            "layer(tt.Tensor([[5.0, -1.0, 3.0]])): largest difference",
            "BatchNorm.forward",
        ),
        "biased variance in the running estimate": Wrong(
            "self.running_var: var * count / (count - 1)}",
            "self.running_var: var}",
            "test_running_statistics",
            "layer.running_var: largest difference 0.1 at [0]: got 1.0, expected 1.1",
            "BatchNorm.forward",
        ),
        "unbiased variance to normalize": Wrong(
            "            new = {self.running_mean: mean, self.running_var: var * count "
            "/ (count - 1)}\n",
            "            var = var * count / (count - 1)\n"
            "            new = {self.running_mean: mean, self.running_var: var}\n",
            "test_batch_norm_in_training",
            "layer(batch): largest difference",
            "BatchNorm.forward",
        ),
        "momentum the wrong way round": Wrong(
            "(1 - m) * running.data + m * seen",
            "m * running.data + (1 - m) * seen",
            "test_running_statistics",
            "layer.running_mean: largest difference 1.6 at [0]: got 1.79999",
            "BatchNorm.forward",
        ),
        "momentum ignored": Wrong(
            "count, m = x.size // self.num_features, self.momentum",
            "count, m = x.size // self.num_features, 0.1",
            "test_running_statistics",
            "layer.running_mean: largest difference",
            "BatchNorm.forward",
        ),
        "eps outside of the root": Wrong(
            "    inverse = 1 / np.sqrt(var + eps)\n",
            "    inverse = 1 / (np.sqrt(var) + eps)\n",
            "test_batch_norm_in_training",
            "layer(batch): largest difference",
            "batch_norm",
        ),
        "eps outside of the root of a row": Wrong(
            "        inverse[piece, 0] = 1 / np.sqrt(var + eps)\n",
            "        inverse[piece, 0] = 1 / (np.sqrt(var) + eps)\n",
            "test_layer_norm",
            "layer(batch): largest difference",
            "layer_norm",
        ),
        "weight forgotten": Wrong(
            "    rows, scale = channel_rows(floating(x)), weight * inverse\n",
            "    rows, scale = channel_rows(floating(x)), inverse\n",
            "test_batch_norm_in_training",
            "layer(batch): largest difference",
            "batch_norm",
        ),
        "bias forgotten": Wrong(
            "wide(bias - (mean - base) * scale, rows)",
            "wide((base - mean) * scale, rows)",
            "test_batch_norm_in_training",
            "layer(batch): largest difference",
            "batch_norm",
        ),
        "weight and bias of rows forgotten": Wrong(
            "        part *= scale[: len(part)]\n        part += shift[: len(part)]\n",
            "",
            "test_layer_norm",
            "layer(batch): largest difference",
            "layer_norm",
        ),
        "one statistic for all channels": Wrong(
            "            mean, var = batch_statistics(Tensor(x).data)\n",
            "            mean, var = (np.full(self.num_features, f(x.data)) for "
            "f in (np.mean, np.var))\n",
            "test_batch_norm_in_training",
            "layer(batch): largest difference",
            "BatchNorm.forward",
        ),
        "statistics of the last pixel": Wrong(
            "            mean, var = batch_statistics(Tensor(x).data)\n",
            "            a = np.asarray(x).reshape(*x.shape[:2], -1)[:, :, -1]\n"
            "            mean, var = a.mean(axis=0), a.var(axis=0)\n",
            "test_batch_norm_in_training",
            "layer(batch): largest difference",
            "BatchNorm.forward",
        ),
        "rows normalized over the batch": Wrong(
            "        return layer_norm(x, self.weight, self.bias, eps=self.eps)\n",
            "        d = x - x.mean(dim=0, keepdim=True)\n"
            "        return d / ((d * d).mean(dim=0, keepdim=True) + self.eps).sqrt() "
            "* self.weight + self.bias\n",
            "test_layer_norm",
            "layer(batch): largest difference",
            "LayerNorm.forward",
        ),
        "last dimension alone": Wrong(
            "        self.normalized_shape = tuple(np.ravel(normalized_shape).tolist())\n",
            "        self.normalized_shape = tuple(np.ravel(normalized_shape).tolist())[-1:]\n",
            "test_layer_norm",
            "got [(4,), (4,)], expected [(3, 4), (3, 4)]",
        ),
        "shortcut for the variance": Wrong(
            "    rows, channels = channel_rows(floating(x)), x.shape[1]\n",
            "    axes = (0, *range(2, x.ndim))\n"
            "    mean = x.mean(axis=axes)\n"
            "    return mean, np.maximum((x * x).mean(axis=axes) - mean * mean, 0)\n"
            "    rows, channels = channel_rows(floating(x)), x.shape[1]\n",
            "test_numbers_far_from_zero",
            "layer(tt.Tensor(x)): largest difference",
            "BatchNorm.forward",
        ),
        "running estimates are learned": Wrong(
            "        self.running_mean, self.running_var = zeros(num_features), "
            "ones(num_features)\n",
            "        self.running_mean, self.running_var = "
            "Parameter(zeros(num_features)), Parameter(ones(num_features))\n",
            "test_batch_norm_at_use",
            "got ['weight', 'bias', 'running_mean', 'running_var'], expected ['weight', 'bias']",
        ),
        "float64 leaks out": Wrong(
            "        return batch_norm(x, self.weight, self.bias, statistics=(mean, "
            "var), training=self.training, eps=self.eps)\n",
            "        y = batch_norm(x, self.weight, self.bias, statistics=(mean, var), "
            "training=self.training, eps=self.eps)\n"
            "        return Tensor(y.data.astype(np.float64))\n",
            "test_numbers_far_from_zero",
            "result: got dtype float64, expected float32",
        ),
        "last batch lost": Wrong(
            "(math.floor if self.drop_last else math.ceil)",
            "math.floor",
            "test_batches_cover_everything",
            "labels_of(check, loader): got [], expected [0]",
            "DataLoader.__iter__",
        ),
        "the data set copied": Wrong(
            "        self.tensors = tuple(Tensor(tensor) for tensor in tensors)\n",
            "        self.tensors = tuple(Tensor(np.array(tensor)) for tensor in tensors)\n",
            "test_memory_of_batches",
            "an epoch in batches of 64 takes 1.",
        ),
        "the whole data set shuffled": Wrong(
            "        yield from in_advance(lambda *job: self.make(epoch, *job), parts, "
            "self.prefetch)\n",
            "        whole = self.make(epoch, 0, order)\n"
            "        for place in range(len(parts)):\n"
            "            yield tuple(field[place * size : (place + 1) * size] for field in whole)\n",
            "test_memory_of_batches",
            "times the memory of its data set, expected less than half of it",
        ),
        "all batches at once": Wrong(
            "        yield from in_advance(lambda *job: self.make(epoch, *job), parts, "
            "self.prefetch)\n",
            "        return iter([self.make(epoch, *job) for job in enumerate(parts)])\n",
            "test_memory_of_batches",
            "times the memory of its data set, expected less than half of it",
        ),
        "drop_last ignored": Wrong(
            "(math.floor if self.drop_last else math.ceil)",
            "math.ceil",
            "test_drop_last",
            "labels_of(check, loader): got [0], expected []",
            "DataLoader.__iter__",
        ),
        "labels left in their order": Wrong(
            "        return tuple(Tensor(tensor.data[indices]) for tensor in self.tensors)\n",
            "        rows, *rest = self.tensors\n"
            "        return Tensor(rows.data[indices]), "
            "*(Tensor(t.data[np.sort(indices)]) for t in rest)\n",
            "test_shuffling_keeps_pairs",
            "rows: largest difference",
            "DataLoader.__iter__",
        ),
        "same order in each epoch": Wrong(
            "np.random.default_rng((self.seed, epoch))",
            "np.random.default_rng(self.seed)",
            "test_a_seed_repeats",
            "each epoch should have an order of its own",
            "DataLoader.__iter__",
        ),
        "seed ignored": Wrong(
            "np.random.default_rng((self.seed, epoch))",
            "np.random.default_rng()",
            "test_a_seed_repeats",
            "[labels_of(check, same) for _ in range(3)]: got [[",
            "DataLoader.__iter__",
        ),
        "a generator that lives on": Wrong(
            "np.random.default_rng((self.seed, epoch))",
            "vars(self).setdefault('kept', np.random.default_rng(self.seed))",
            "test_an_epoch_has_no_history",
            "labels_of(check, resumed): got [",
            "DataLoader.__iter__",
        ),
        "generator of manual_seed": Wrong(
            "np.random.default_rng((self.seed, epoch))",
            "engine.generator",
            "test_a_seed_repeats",
            "[labels_of(check, same) for _ in range(3)]: got [[",
            "DataLoader.__iter__",
        ),
        "never shuffled": Wrong(
            "generator.permutation(count) if self.shuffle else np.arange(count)",
            "np.arange(count)",
            "test_shuffling_keeps_pairs",
            "shuffle=True left the items in their order",
            "DataLoader.__iter__",
        ),
        "drawn with replacement": Wrong(
            "generator.permutation(count) if",
            "generator.integers(0, count, count) if",
            "test_shuffling_keeps_pairs",
            "sorted(labels.tolist()): got [0, 1, 1,",
            "DataLoader.__iter__",
        ),
        "epochs not counted": Wrong(
            "        self.epoch += 1\n",
            "",
            "test_a_seed_repeats",
            "each epoch should have an order of its own",
            "DataLoader.__iter__",
        ),
        "an epoch that goes on": Wrong(
            "        epoch, order, size = self.epoch, self.order(self.epoch), "
            "self.batch_size\n"
            "        self.epoch += 1\n",
            "        epoch, size = self.epoch, self.batch_size\n"
            "        order = vars(self).setdefault('rest', self.order(epoch))\n"
            "        self.epoch += 1\n",
            "test_a_seed_repeats",
            "each epoch should have an order of its own",
            "DataLoader.__iter__",
        ),
        "transforms applied once only": Wrong(
            "        return self.transform(image) if self.transform else image, "
            "int(self.labels[index])\n",
            "        kept = vars(self).setdefault('kept', {})\n"
            "        if index not in kept:\n"
            "            kept[index] = self.transform(image) if self.transform else "
            "image\n"
            "        return kept[index], int(self.labels[index])\n",
            "test_transforms_are_applied_each_time",
            "taken 20 times, the image was shown in 1 ways",
            "ImageDataset.__getitem__",
        ),
        "no transforms in batches": Wrong(
            "        if self.transform:\n            return super().batch(indices)\n",
            "",
            "test_transforms_are_applied_each_time",
            "two epochs show the same pictures",
            "DataLoader.__iter__",
        ),
        "transforms drawn without the seed": Wrong(
            "int(draws().random() * (room + 1))",
            "int(np.random.random() * (room + 1))",
            "test_transforms_are_applied_each_time",
            "epochs[1][number]: largest difference",
            "DataLoader.__iter__",
        ),
        "transforms in reverse": Wrong(
            "        for transform in self.transforms:\n",
            "        for transform in reversed(self.transforms):\n",
            "test_transforms_are_applied_each_time",
            "in_order(PICTURE.copy()): largest difference",
            "Compose.__call__",
        ),
        "last place never cut": Wrong(
            "int(draws().random() * (room + 1))",
            "int(draws().random() * max(room, 1))",
            "test_random_crop",
            "sorted(set(corners)): got [1, 2], expected [1, 2, 3, 5, 6, 7]",
            "RandomCrop.__call__",
        ),
        "always the middle": Wrong(
            "int(draws().random() * (room + 1))",
            "room // 2",
            "test_random_crop",
            "sorted(set(corners)): got [2], expected [1, 2, 3, 5, 6, 7]",
            "RandomCrop.__call__",
        ),
        "padding forgotten": Wrong(
            "pixels, edge = np.asarray(image), self.padding",
            "pixels, edge = np.asarray(image), 0",
            "test_random_crop",
            "400 windows are at 1 of 25 places",
            "RandomCrop.__call__",
        ),
        "top and bottom exchanged": Wrong(
            "pixels[..., ::-1]",
            "pixels[..., ::-1, :]",
            "test_random_flip",
            "tt.RandomHorizontalFlip(p=1.0)(PICTURE.copy()): largest difference",
            "RandomHorizontalFlip.__call__",
        ),
        "probability ignored": Wrong(
            "draws().random() < self.p",
            "draws().random() < 0.5",
            "test_random_flip",
            "tt.RandomHorizontalFlip(p=1.0)(PICTURE.copy()): largest difference 3",
            "RandomHorizontalFlip.__call__",
        ),
        "divided by the variance": Wrong(
            "(pixels - self.mean) / self.std)",
            "(pixels - self.mean) / self.std**2)",
            "test_normalize",
            "transform(tensor): largest difference",
            "Normalize.__call__",
        ),
        "divided before": Wrong(
            "(pixels - self.mean) / self.std)",
            "pixels / self.std - self.mean)",
            "test_normalize",
            "transform(tensor): largest difference",
            "Normalize.__call__",
        ),
        "pixels from 0 to 255": Wrong(
            "self.images[index] / np.float32(255)",
            "self.images[index] * np.float32(1)",
            "test_mnist_files",
            "image: largest difference 254",
            "ImageDataset.__getitem__",
        ),
        "sizes read from the wrong end": Wrong(
            '"big") for at in',
            '"little") for at in',
            "test_mnist_files",
            "train-images-idx3-ubyte.gz is damaged: it holds 5,504 bytes",
            "read_idx",
        ),
        "training files for the test": Wrong(
            "names = MNIST_NAMES[:2] if train else MNIST_NAMES[2:]",
            "names = MNIST_NAMES[:2]",
            "test_mnist_files",
            "test[1][0]: largest difference",
            "ImageDataset.__getitem__",
        ),
        "magic number not compared": Wrong(
            '    if (found := int.from_bytes(content[:4], "big")) != magic:\n'
            '        raise damaged(path, f"its magic number is {found}, expected '
            '{magic}")\n',
            "",
            "test_files_that_are_damaged_or_missing",
            "the message of ValueError should name 2051",
            "read_idx",
        ),
        "length not compared": Wrong(
            "    if len(content) != start + math.prod(shape):\n",
            "    if len(content) < start + math.prod(shape):\n",
            "test_files_that_are_damaged_or_missing",
            "the message of ValueError should name t10k-images",
            "read_idx",
        ),
        "counts not compared": Wrong(
            " or len(images) != len(labels)",
            "",
            "test_files_that_are_damaged_or_missing",
            "nothing was raised, expected ValueError",
        ),
        "colours last": Wrong(
            "images.reshape(-1, 3, 32, 32)",
            "images.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)",
            "test_cifar10_files",
            "image: largest difference",
            "ImageDataset.__getitem__",
        ),
        "label at the end of a row": Wrong(
            "content.reshape(-1, 3073)[:, 1:]",
            "content.reshape(-1, 3073)[:, :-1]",
            "test_cifar10_files",
            "image: largest difference",
            "ImageDataset.__getitem__",
        ),
        "lengths not compared": Wrong(
            "        if len(set(lengths)) != 1:\n",
            "        if not lengths:\n",
            "test_rows_of_tensors",
            "nothing was raised, expected ValueError",
        ),
        "labels as floats": Wrong(
            "            field = np.stack(arrays)\n        batch.append(Tensor(field))",
            "            field = np.stack(arrays)\n"
            "        batch.append(Tensor(field, dtype=np.float32))",
            "test_any_sequence_of_items",
            "whole: got dtype float32, expected int64",
        ),
        "shapes not compared": Wrong(
            "            if len(shapes := {array.shape for array in arrays}) > 1:\n"
            '                raise ValueError(f"a batch needs items of one shape, got '
            '{sorted(shapes)}")\n'
            "            field = np.stack(arrays)\n",
            "            field = np.concatenate([a.ravel() for a in "
            "arrays]).reshape(len(arrays), -1) if arrays[0].ndim < 2 and len({a.size "
            "for a in arrays}) == 1 and arrays[0].ndim else np.stack([np.resize(a, "
            "arrays[0].shape) for a in arrays])\n",
            "test_any_sequence_of_items",
            "nothing was raised, expected ValueError",
        ),
    }
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "08_dataloader": {
        "statistics by NumPy": Unusual(
            (
                (
                    "    rows, channels = channel_rows(floating(x)), x.shape[1]\n",
                    "    axes = (0, *range(2, x.ndim))\n"
                    "    return x.mean(axis=axes, dtype=np.float64), x.var(axis=axes, "
                    "dtype=np.float64)\n"
                    "    rows, channels = channel_rows(floating(x)), x.shape[1]\n",
                ),
            )
        ),
        "batch norm of tensor operations": Unusual(
            (
                (
                    "        mean, var = self.running_mean.data, self.running_var.data\n",
                    "        x = x * Tensor(np.ones(1, np.float32))\n"
                    "        axes, column = (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - "
                    "2))\n"
                    "        m, v = self.running_mean.reshape(column), "
                    "self.running_var.reshape(column)\n"
                    "        if self.training:\n"
                    "            m = x.mean(dim=axes, keepdim=True)\n"
                    "            v = ((x - m) * (x - m)).mean(dim=axes, keepdim=True)\n"
                    "            count, share = x.size // self.num_features, self.momentum\n"
                    "            unbiased = v.data.ravel() * (count / (count - 1))\n"
                    "            self.running_mean.data = ((1 - share) * "
                    "self.running_mean.data + share * m.data.ravel()).astype(np.float32)\n"
                    "            self.running_var.data = ((1 - share) * self.running_var.data "
                    "+ share * unbiased).astype(np.float32)\n"
                    "        y = (x - m) / (v + self.eps).sqrt()\n"
                    "        return y * self.weight.reshape(column) + "
                    "self.bias.reshape(column)\n"
                    "        mean, var = self.running_mean.data, self.running_var.data\n",
                ),
            )
        ),
        "layer norm of tensor operations": Unusual(
            (
                (
                    "        return layer_norm(x, self.weight, self.bias, eps=self.eps)\n",
                    "        dims = tuple(range(-len(self.normalized_shape), 0))\n"
                    "        if tuple(x.shape[dims[0]:]) != self.normalized_shape:\n"
                    '            raise ValueError(f"{x.shape} does not end with '
                    '{self.normalized_shape}")\n'
                    "        x = x * Tensor(np.ones(1, np.float32))\n"
                    "        d = x - x.mean(dim=dims, keepdim=True)\n"
                    "        return d / ((d * d).mean(dim=dims, keepdim=True) + "
                    "self.eps).sqrt() * self.weight + self.bias\n",
                ),
            )
        ),
        "computed in float64 inside": Unusual(
            (
                (
                    "    size, rows = weight.size, np.ascontiguousarray(floating(x))",
                    "    size, rows = weight.size, np.ascontiguousarray(x.astype(np.float64))",
                ),
                (
                    "    return output.reshape(x.shape), (mean, inverse)\n",
                    "    return output.reshape(x.shape).astype(floating(x).dtype), (mean, "
                    "inverse)\n",
                ),
            )
        ),
        "estimates moved by a difference": Unusual(
            (("((1 - m) * running.data + m * seen)", "(running.data + m * (seen - running.data))"),)
        ),
        "estimates written in place": Unusual(
            (
                (
                    "                running.data = ((1 - m) * running.data + m * "
                    "seen).astype(np.float32)\n",
                    "                running.data[...] = (1 - m) * running.data + m * seen\n",
                ),
            )
        ),
        "one by one": Unusual(
            (
                (
                    "        return tuple(Tensor(tensor.data[indices]) for tensor in "
                    "self.tensors)\n",
                    "        return super().batch(indices)\n",
                ),
            )
        ),
        "arrays kept": Unusual(
            (
                (
                    "        self.tensors = tuple(Tensor(tensor) for tensor in tensors)\n",
                    "        self.tensors = tuple(np.asarray(tensor) for tensor in tensors)\n",
                ),
                ("Tensor(tensor.data[index])", "Tensor(tensor[index])"),
                ("Tensor(tensor.data[indices])", "Tensor(tensor[indices])"),
            )
        ),
        "order by Python's random": Unusual(
            (
                (
                    "        count, generator = len(self.dataset), "
                    "np.random.default_rng((self.seed, epoch))\n"
                    "        return generator.permutation(count) if self.shuffle else "
                    "np.arange(count)\n",
                    "        import random\n"
                    "\n"
                    "        numbers = list(range(len(self.dataset)))\n"
                    "        if self.shuffle:\n"
                    '            random.Random(f"{self.seed}/{epoch}").shuffle(numbers)\n'
                    "        return np.array(numbers, dtype=int)\n",
                ),
            )
        ),
        "order by sorting noise": Unusual(
            (("generator.permutation(count) if", "np.argsort(generator.random(count)) if"),)
        ),
        "batches in a plain loop": Unusual(
            (
                (
                    "        yield from in_advance(lambda *job: self.make(epoch, *job), parts, "
                    "self.prefetch)\n",
                    "        for number, part in enumerate(parts):\n"
                    "            yield self.make(epoch, number, part)\n",
                ),
            )
        ),
        "each batch copied twice": Unusual(
            (
                (
                    "        return tuple(Tensor(tensor.data[indices]) for tensor in "
                    "self.tensors)\n",
                    "        return tuple(Tensor(tensor.data[indices].copy()) for tensor in "
                    "self.tensors)\n",
                ),
            )
        ),
        "a batch ahead": Unusual(
            (
                (
                    "        yield from in_advance(lambda *job: self.make(epoch, *job), parts, "
                    "self.prefetch)\n",
                    "        following = None\n"
                    "        for job in enumerate(parts):\n"
                    "            ready, following = following, self.make(epoch, *job)\n"
                    "            if ready is not None:\n"
                    "                yield ready\n"
                    "        if following is not None:\n"
                    "            yield following\n",
                ),
            )
        ),
        "counted by hand": Unusual(
            (
                (
                    "        return (math.floor if self.drop_last else "
                    "math.ceil)(len(self.dataset) / self.batch_size)\n",
                    "        whole, rest = divmod(len(self.dataset), self.batch_size)\n"
                    "        return whole + (rest > 0 and not self.drop_last)\n",
                ),
            )
        ),
        "padded by NumPy": Unusual(
            (
                (
                    "        *others, height, width = pixels.shape\n"
                    "        padded = np.zeros((*others, height + 2 * edge, width + 2 * edge), "
                    "pixels.dtype)\n"
                    "        padded[..., edge : edge + height, edge : edge + width] = pixels\n",
                    "        padded = np.pad(pixels, [(0, 0)] * (pixels.ndim - 2) + [(edge, "
                    "edge)] * 2)\n",
                ),
            )
        ),
        "a place by integers": Unusual(
            (
                (
                    "int(draws().random() * (room + 1))",
                    "int(np.clip(np.ceil(draws().random() * (room + 1)), 1, None)) - 1",
                ),
            )
        ),
        "flipped by NumPy": Unusual(
            (
                (
                    "pixels[..., ::-1] if draws().random() < self.p else pixels",
                    "np.flip(pixels, -1) if draws().random() < self.p else pixels.copy()",
                ),
            )
        ),
        "sizes by struct": Unusual(
            (
                (
                    '    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in '
                    "range(4, start, 4))\n"
                    "    if len(content) != start + math.prod(shape):\n",
                    "    import struct\n"
                    "\n"
                    "    if len(content) < start:\n"
                    '        raise damaged(path, "its header is cut off")\n'
                    '    shape = struct.unpack(f">{magic % 256}I", content[4:start])\n'
                    "    if len(content) != start + math.prod(shape):\n",
                ),
            )
        ),
        "images as floats from the start": Unusual(
            (
                (
                    "        self.images, self.labels, self.transform = images, "
                    "labels.astype(np.int64), transform\n",
                    "        self.images = images.astype(np.float32)\n"
                    "        self.labels, self.transform = labels.astype(np.int64), transform\n",
                ),
            )
        ),
        "planes by plane": Unusual(
            (
                (
                    "            images[place] = content.reshape(-1, 3073)[:, 1:]\n",
                    "            for plane in range(3):\n"
                    "                part = slice(1024 * plane, 1024 * (plane + 1))\n"
                    "                images[place, :, part] = content.reshape(-1, 3073)[:, "
                    "1:][:, part]\n",
                ),
            )
        ),
    }
}
