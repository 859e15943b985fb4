"""Module 16: wrong solutions that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

COUNTED = "            words = Counter({merged(w, pair, self._ids[token]): n for w, n in words.items()})\n"
CUT = "        words = Counter(self.bytes_of(word) for word in WORDS.findall(text))\n"
BEST = "            pair = min(counts, key=lambda pair: (-counts[pair], pair))\n"
FIRST = "            first = min(pairwise(ids), key=lambda pair: self._ranks.get(pair, math.inf))\n"
DECODED = (
    '        return bytes(BYTES[letter] for letter in letters).decode("utf-8", errors="replace")\n'
)
SUMMED = (
    '    order = np.argsort(flat, kind="stable")\n'
    "    rows = flat[order]\n"
    "    starts = np.flatnonzero(np.diff(rows, prepend=-1))\n"
    "    if len(starts):\n"
    "        slope[rows[starts]] = np.add.reduceat(grad.reshape(len(flat), -1)[order], starts)\n"
)
KEPT = (
    "        self.keys[layer][:, :, self.length : end] = keys.data\n"
    "        self.values[layer][:, :, self.length : end] = values.data\n"
    "        return Tensor(self.keys[layer][:, :, :end]), Tensor(self.values[layer][:, :, :end])\n"
)
EXTENDED = "*cache.extend(layer, k, v), mask)  # (N, h, T, d)\n    return attention.out_proj("
ROWS = "        x = self.tokens(ids) + self.positions(np.arange(start, end))  # (N, T, E)\n"
MASK = "        mask = causal_mask(end).data[start:] if end > start + 1 else None\n"
LOGITS = "        logits = linear(self.norm(x), self.tokens.weight)  # (N, T, V)\n"
DRAW = (
    "    sums = np.cumsum(np.exp(scores))\n"
    '    return int(np.searchsorted(sums / sums[-1], generator.random(), side="right"))\n'
)
TOP = "        scores[scores < np.partition(scores, -top_k)[-top_k]] = -np.inf\n"
WINDOW = "        return math.ceil(max(length - self.max_length, 0) / step) * step\n"
GENERATOR = (
    "        generator = engine.generator if seed is None else np.random.default_rng(seed)\n"
)
TEXT = "        return Tensor(np.array(text, np.int64))\n"
WINDOWS = "    return TensorDataset(ids[:used].reshape(-1, length), ids[1 : used + 1].reshape(-1, length))\n"
MEANT = "            total += next_token_loss(model(part[:, :-1]), part[:, 1:]).item() * (part.shape[1] - 1)\n"
HALVES = "        return x + self.linear2(gelu(self.linear1(self.norm2(x))))\n"
CROSS = "    return cross_entropy(logits.reshape(-1, logits.shape[-1]), np.ravel(targets))\n"

WRONG: dict[str, dict[str, Wrong]] = {
    "16_capstone": {
        "characters as they come": Wrong(
            "        self.characters = sorted(set(text))\n",
            "        self.characters = list(dict.fromkeys(text))\n",
            "test_characters",
            "got [3, 0, 1, 4], expected [4, 2, 3, 0]",
            "CharTokenizer.encode",
        ),
        "unknown characters left out": Wrong(
            '            raise ValueError(f"no id for {unknown[0]!r}: the text given has no such character")\n'
            "        return [self._ids[character] for character in text]\n",
            "            pass\n        return [self._ids[c] for c in text if c in self._ids]\n",
            "test_characters",
            "nothing was raised, expected ValueError",
        ),
        "merges across words": Wrong(
            CUT,
            "        words = Counter([self.bytes_of(text)])\n",
            "test_merges_stay_within_words",
            "which holds more than one word or mark",
        ),
        "first of equal pairs": Wrong(
            BEST,
            "            pair = max(counts, key=counts.__getitem__)\n",
            "test_bpe_by_hand",
            "got ['cd', 'ab'], expected ['ab', 'cd']",
        ),
        "largest of equal pairs": Wrong(
            BEST,
            "            pair = max(counts, key=lambda pair: (counts[pair], pair))\n",
            "test_bpe_by_hand",
            "expected ['lo', 'low', ' low', ' lowe']",
        ),
        "each word counts once": Wrong(
            "            counts[pair] += count\n",
            "            counts[pair] += 1\n",
            "test_bpe_by_hand",
            "got ['ab', 'bc'], expected ['bc', 'ab']",
        ),
        "merged words are lost": Wrong(
            COUNTED,
            "            words = Counter({w: n for w, n in words.items() if merged(w, pair, 0) == w})\n",
            "test_bpe_by_hand",
            "got",
        ),
        "first pair of a word first": Wrong(
            FIRST,
            "            first = next((p for p in pairwise(ids) if p in self._ranks), (0, 0))\n",
            "test_bpe_by_hand",
            "two.encode('abcab'): got",
            "BPETokenizer.encode",
        ),
        "bytes that Latin-1 has": Wrong(
            'for byte in word.encode("utf-8"))\n',
            'for byte in word.encode("latin-1", "replace"))\n',
            "test_there_and_back",
            "tokenizer.decode(ids): got",
        ),
        "spaces are trimmed": Wrong(
            "        for word in WORDS.findall(text):\n            if word not in",
            "        for word in WORDS.findall(text.strip()):\n            if word not in",
            "test_there_and_back",
            "tokenizer.decode(ids): got",
        ),
        "decoded token by token": Wrong(
            DECODED,
            "        parts = [bytes(BYTES[letter] for letter in self.tokens[i]) for i in known_ids(ids, self.vocab_size)]\n"
            '        return "".join(part.decode("utf-8", errors="replace") for part in parts)\n',
            "test_there_and_back",
            "tokenizer.decode(ids): got",
        ),
        "half a character is an error": Wrong(
            DECODED,
            '        return bytes(BYTES[letter] for letter in letters).decode("utf-8")\n',
            "test_parts_of_characters",
            "UnicodeDecodeError",
        ),
        "gradient loses repeats": Wrong(
            SUMMED,
            "    slope[ids] = grad\n",
            "test_repeated_ids_add_up",
            "layer.weight.grad: largest difference",
        ),
        "gradient loses repeats by +=": Wrong(
            SUMMED,
            "    slope[ids] += grad\n",
            "test_repeated_ids_add_up",
            "layer.weight.grad: largest difference",
        ),
        "ids from the end": Wrong(
            "    if ids.size and not 0 <= ids.min() <= ids.max() < len(weight):\n",
            "    if ids.size and ids.max() >= len(weight):\n",
            "test_embedding",
            "nothing was raised, expected IndexError or ValueError",
        ),
        "norm after the sum": Wrong(
            HALVES,
            "        return self.norm2(x + self.linear2(gelu(self.linear1(x))))\n",
            "test_block_agrees_with_its_definition",
            "largest difference",
            "TransformerBlock.forward",
        ),
        "nothing is added": Wrong(
            HALVES,
            "        return self.linear2(gelu(self.linear1(self.norm2(x))))\n",
            "test_block_agrees_with_its_definition",
            "largest difference",
            "TransformerBlock.forward",
        ),
        "no nonlinearity": Wrong(
            HALVES,
            "        return x + self.linear2(self.linear1(self.norm2(x)))\n",
            "test_block_agrees_with_its_definition",
            "largest difference",
            "TransformerBlock.forward",
        ),
        "attention without a norm": Wrong(
            "        h = self.norm1(x)\n",
            "        h = x\n",
            "test_block_agrees_with_its_definition",
            "largest difference",
            "TransformerBlock.forward",
        ),
        "block forgets the mask": Wrong(
            "            x = x + self.self_attn(h, mask)\n",
            "            x = x + self.self_attn(h)\n",
            "test_block_agrees_with_its_definition",
            "largest difference",
            "TransformerBlock.forward",
        ),
        "causal mask missing": Wrong(
            MASK,
            "        mask = None\n",
            "test_no_position_sees_a_later_one",
            "largest difference",
            "TinyGPT.forward",
        ),
        "positions missing": Wrong(
            ROWS,
            "        x = self.tokens(ids) + self.positions(np.arange(start, end)) * 0\n",
            "test_model_agrees_with_its_definition",
            "largest difference",
            "TinyGPT.forward",
        ),
        "last norm missing": Wrong(
            LOGITS,
            "        logits = linear(x, self.tokens.weight)\n",
            "test_model_agrees_with_its_definition",
            "largest difference",
            "TinyGPT.forward",
        ),
        "weights not tied": Wrong(
            "        self.norm = LayerNorm(d_model)\n",
            "        self.norm = LayerNorm(d_model)\n"
            "        self.head = Linear(d_model, vocab_size, bias=False)\n",
            "test_weights_are_tied",
            "count: got",
        ),
        "weights tied by a copy": Wrong(
            LOGITS,
            "        logits = linear(self.norm(x), self.tokens.weight.detach())\n",
            "test_gradients_of_the_model",
            "parameter.grad: largest difference",
        ),
        "first weights too large": Wrong(
            "                parameter.data = randn(*parameter.shape).data * 0.02\n",
            "                parameter.data = randn(*parameter.shape).data\n",
            "test_begins_with_a_loss_of_log_v",
            "not near log 200",
        ),
        "all models begin alike": Wrong(
            "                parameter.data = randn(*parameter.shape).data * 0.02\n",
            "                draws = np.random.default_rng(0).standard_normal(parameter.shape)\n"
            "                parameter.data = draws.astype(np.float32) * np.float32(0.02)\n",
            "test_begins_with_a_loss_of_log_v",
            "two models must not begin alike",
        ),
        "more positions than there are": Wrong(
            "        if end > self.max_length:\n",
            "        if ids.shape[1] > self.max_length:\n",
            "test_cache_gives_the_logits_of_the_whole",
            "expected ValueError",
        ),
        "cache one position short": Wrong(
            "        cache.length = end\n        return logits.detach()\n",
            "        cache.length = max(end - 1, 1)\n        return logits.detach()\n",
            "test_cache_gives_the_logits_of_the_whole",
            "largest difference",
            "TinyGPT.forward",
        ),
        "cached positions from zero": Wrong(
            ROWS,
            "        x = self.tokens(ids) + self.positions(np.arange(end - start))\n",
            "test_cache_gives_the_logits_of_the_whole",
            "largest difference",
            "TinyGPT.forward",
        ),
        "cached positions from one": Wrong(
            ROWS,
            "        shift = int(start > 0 and end < self.max_length)\n"
            "        x = self.tokens(ids) + self.positions(np.arange(start, end) + shift)\n",
            "test_cache_gives_the_logits_of_the_whole",
            "largest difference",
            "TinyGPT.forward",
        ),
        "new positions see the first rows of the mask": Wrong(
            MASK,
            "        mask = causal_mask(end).data[: end - start] if end > start + 1 else None\n",
            "test_cache_gives_the_logits_of_the_whole",
            "largest difference",
            "TinyGPT.forward",
        ),
        "one cache for all blocks": Wrong(
            EXTENDED,
            EXTENDED.replace("extend(layer,", "extend(0,"),
            "test_cache_gives_the_logits_of_the_whole",
            "largest difference",
            "TinyGPT.forward",
        ),
        "values are not kept": Wrong(
            "        self.values[layer][:, :, self.length : end] = values.data\n",
            "        self.values[layer][:, :, :end] = values.data[:, :, -1:]\n",
            "test_cache_gives_the_logits_of_the_whole",
            "largest difference",
            "TinyGPT.forward",
        ),
        "window moves by one": Wrong(
            WINDOW,
            "        return max(length - self.max_length, 0)\n",
            "test_writes_past_the_end_of_its_window",
            "the likeliest is",
        ),
        "cache outlives its window": Wrong(
            "                elif cache is None or start != window:\n",
            "                elif cache is None:\n",
            "test_writes_past_the_end_of_its_window",
            "11 positions are more than max_length 10",
            "TinyGPT.forward",
        ),
        "logits of the first position": Wrong(
            "sample_token(logits.data[0, -1], temperature",
            "sample_token(logits.data[0, 0], temperature",
            "test_writes_past_the_end_of_its_window",
            "the likeliest is",
        ),
        "new tokens alone": Wrong(
            TEXT,
            "        return Tensor(np.array(text[len(known_ids(ids, 10**9)) :], np.int64))\n",
            "test_writes_past_the_end_of_its_window",
            "got (30,), expected (32,)",
        ),
        "temperature inverted": Wrong(
            "- logits.max()) / temperature\n",
            "- logits.max()) * temperature\n",
            "test_temperature_and_top_k",
            "temperature=0.5, top_k=None: drawn",
        ),
        "temperature ignored": Wrong(
            "- logits.max()) / temperature\n",
            "- logits.max())\n",
            "test_temperature_and_top_k",
            "temperature=0.5, top_k=None: drawn",
        ),
        "probabilities divided": Wrong(
            DRAW,
            "    sums = np.cumsum(np.exp(scores * temperature) / temperature)\n"
            '    return int(np.searchsorted(sums / sums[-1], generator.random(), side="right"))\n',
            "test_temperature_and_top_k",
            "temperature=0.5, top_k=None: drawn",
        ),
        "greedy is sampled": Wrong(
            "    if temperature == 0:\n        return int(logits.argmax())\n",
            "    temperature = temperature or 1.0\n",
            "test_writes_past_the_end_of_its_window",
            "the likeliest is",
        ),
        "always greedy": Wrong(
            "    if temperature == 0:\n",
            "    if temperature >= 0:\n",
            "test_temperature_and_top_k",
            "drawn [0.0, 1.0, 0.0, 0.0] of the time",
        ),
        "top_k ignored": Wrong(
            TOP,
            "        pass\n",
            "test_temperature_and_top_k",
            "temperature=1.0, top_k=2: drawn",
        ),
        "top_k keeps one more": Wrong(
            TOP,
            "        scores[scores < np.partition(scores, -top_k - 1)[-top_k - 1]] = -np.inf\n",
            "test_temperature_and_top_k",
            "temperature=1.0, top_k=2: drawn",
        ),
        "top_k keeps the lowest": Wrong(
            TOP,
            "        scores[scores > np.partition(scores, top_k - 1)[top_k - 1]] = -np.inf\n",
            "test_temperature_and_top_k",
            "temperature=1.0, top_k=2: drawn",
        ),
        "negative temperature": Wrong(
            "    if not 0 <= temperature < math.inf:\n",
            "    if temperature == math.inf:\n",
            "test_what_generate_refuses",
            "nothing was raised, expected ValueError",
        ),
        "seed ignored": Wrong(
            GENERATOR,
            "        generator = engine.generator\n",
            "test_seeds",
            "again: largest difference",
        ),
        "manual_seed ignored": Wrong(
            GENERATOR,
            "        generator = np.random.default_rng(seed)\n",
            "test_seeds",
            "texts[2]: largest difference",
        ),
        "always the same seed": Wrong(
            GENERATOR,
            "        generator = np.random.default_rng(0)\n",
            "test_seeds",
            "seeds 3 and 4 should not give the same text",
        ),
        "one draw for all tokens": Wrong(
            "            for _ in range(max_new_tokens):\n",
            "            for _ in range(max_new_tokens):\n"
            "                generator = generator if seed is None else np.random.default_rng(seed)\n",
            "test_seeds",
            "one draw for all tokens",
        ),
        "cache is not used": Wrong(
            "                if not use_cache:\n",
            "                if use_cache is not None:\n",
            "test_cache_saves_time",
            "expected 1.5 or more",
        ),
        "targets are the inputs": Wrong(
            WINDOWS,
            "    return TensorDataset(ids[:used].reshape(-1, length), ids[:used].reshape(-1, length))\n",
            "test_windows",
            "largest difference",
        ),
        "last window is lost": Wrong(
            "    used = (len(ids) - 1) // length * length\n",
            "    used = max((len(ids) - 2) // length, 1) * length\n",
            "test_windows",
            "len(windows): got",
        ),
        "loss summed over positions": Wrong(
            CROSS,
            CROSS.replace("np.ravel(targets))", "np.ravel(targets)) * logits.shape[1]"),
            "test_loss_and_perplexity",
            "loss: largest difference",
        ),
        "loss of the last position": Wrong(
            CROSS,
            "    return cross_entropy(logits[:, -1], np.asarray(targets)[:, -1])\n",
            "test_loss_and_perplexity",
            "loss: largest difference",
        ),
        "perplexity is a mean of windows": Wrong(
            MEANT,
            "            share = (len(ids) - 1) / math.ceil((len(ids) - 1) / model.max_length)\n"
            "            total += next_token_loss(model(part[:, :-1]), part[:, 1:]).item() * share\n",
            "test_loss_and_perplexity",
            "found: largest difference",
        ),
        "perplexity to the base of two": Wrong(
            "    return math.exp(total / (len(ids) - 1))\n",
            "    return 2 ** (total / (len(ids) - 1))\n",
            "test_loss_and_perplexity",
            "found: largest difference",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "16_capstone": {
        "every merge in turn": Unusual(
            (
                (
                    "        while len(ids) > 1:\n"
                    + FIRST
                    + "            if first not in self._ranks:\n"
                    "                break\n"
                    "            ids = merged(ids, first, self.merges[first])\n",
                    "        for pair, token in self.merges.items():\n"
                    "            ids = merged(ids, pair, token)\n",
                ),
            )
        ),
        "pairs sorted": Unusual(
            (
                (
                    BEST,
                    "            pair = sorted(sorted(counts), key=counts.__getitem__, reverse=True)[0]\n",
                ),
            )
        ),
        "embedding as a product": Unusual(
            (
                (
                    "    return weight[ids]\n",
                    "    return np.eye(len(weight), dtype=weight.dtype)[ids] @ weight\n",
                ),
                (SUMMED, "    np.add.at(slope, ids, grad)\n"),
            )
        ),
        "embedding by select": Unusual(
            (
                (
                    "        return embedding(self.weight, np.asarray(ids))\n",
                    "        ids = np.asarray(ids)\n"
                    "        embedding.__wrapped__(self.weight.data, ids)\n"
                    "        return self.weight[ids]\n",
                ),
            )
        ),
        "a cache that grows": Unusual(
            (
                (
                    KEPT,
                    "        kept = self.__dict__.setdefault('kept', {})\n"
                    "        if layer in kept:\n"
                    "            keys = Tensor(np.concatenate([kept[layer][0], keys.data], axis=2))\n"
                    "            values = Tensor(np.concatenate([kept[layer][1], values.data], axis=2))\n"
                    "        kept[layer] = (keys.data, values.data)\n"
                    "        return keys, values\n",
                ),
            )
        ),
        "one new position at a time": Unusual(
            (
                (
                    ROWS,
                    "        if cache is not None and end > start + 1:\n"
                    "            rows = [self.forward(ids[:, i : i + 1], cache).data for i in range(end - start)]\n"
                    "            return Tensor(np.concatenate(rows, axis=1))\n" + ROWS,
                ),
            )
        ),
        "a mask for one position, too": Unusual(
            ((MASK, "        mask = causal_mask(end)[start:]\n"),)
        ),
        "drawn by choice": Unusual(
            (
                (
                    DRAW,
                    "    shares = np.exp(scores)\n"
                    "    return int(generator.choice(len(shares), p=shares / shares.sum()))\n",
                ),
            )
        ),
        "drawn by Gumbel": Unusual(
            ((DRAW, "    return int(np.argmax(scores + generator.gumbel(size=len(scores))))\n"),)
        ),
        "top_k by sorting": Unusual(
            (
                (
                    TOP,
                    "        scores[np.argsort(-scores, kind='stable')[top_k:]] = -np.inf\n",
                ),
            )
        ),
        "smaller first weights": Unusual(
            (("randn(*parameter.shape).data * 0.02\n", "randn(*parameter.shape).data * 0.015\n"),)
        ),
        "logits by a matrix product": Unusual(
            ((LOGITS, "        logits = self.norm(x) @ self.tokens.weight.T\n"),)
        ),
    },
}
