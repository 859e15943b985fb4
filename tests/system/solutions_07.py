"""Solutions of students for module 07: what checkpoint 06 must refuse, and what it must accept."""

from solutions import Unusual, Wrong

SCORES = "    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ k.swapaxes(-1, -2)  # (..., T, S)\n"
MASKED = "    if mask is not None:\n        np.copyto(scores, -np.inf, where=~mask)\n"
LARGEST = (
    "    scores -= np.max(scores, axis=-1, keepdims=True, initial=np.finfo(scores.dtype).min)\n"
)
TOTAL = (
    "    exponentials = np.exp(scores, out=scores)\n"
    "    total = np.maximum(np.sum(exponentials, axis=-1, keepdims=True), 1)\n"
)
OUTPUT = "    output = exponentials @ v\n    output /= total\n"
HEADS = "qkv.reshape(n, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)  # (3, N, h, T, d)"
FOUND = (
    "        found = scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], mask)  # (N, h, T, d)\n"
)
SINES = (
    "        table[:, 0::2] = np.sin(angles)\n"
    "        table[:, 1::2] = np.cos(angles[:, : embed_dim // 2])\n"
)

WRONG: dict[str, dict[str, Wrong]] = {
    "07_attention": {
        "no square root": Wrong(
            SCORES,
            "    scores = q @ k.swapaxes(-1, -2)\n",
            "test_attention_by_hand",
            "largest difference 0.6 at [0, 0]: got 7.59",
            "attention",
        ),
        "square root of the number of keys": Wrong(
            SCORES,
            SCORES.replace("q.shape[-1]", "k.shape[-2]"),
            "test_attention_by_hand",
            "largest difference",
            "attention",
        ),
        "square root of the model's width": Wrong(
            FOUND,
            FOUND.replace("qkv[0]", "qkv[0] / math.sqrt(heads)"),
            "test_heads_agree_with_their_definition",
            "layer(tt.Tensor(x), mask=mask): largest difference",
            "MultiHeadAttention.forward",
        ),
        "all products written down": Wrong(
            SCORES,
            "    scores = (q[..., :, None, :] * k[..., None, :, :]).sum(axis=-1)  # (..., T, S)\n"
            "    scores /= math.sqrt(q.shape[-1])\n",
            "test_memory_of_attention",
            "the bytes of a table (T, T), expected less than 16",
        ),
        "all weighted values written down": Wrong(
            "    output = exponentials @ v\n",
            "    output = (exponentials[..., None] * v[..., None, :, :]).sum(axis=-2)\n",
            "test_memory_of_attention",
            "attention over T = 1024 positions of width 64 takes 6",
        ),
        "mask after the softmax": Wrong(
            MASKED + LARGEST + TOTAL,
            LARGEST + TOTAL + "    if mask is not None:\n        exponentials *= mask\n",
            "test_what_is_hidden_does_not_matter",
            "largest difference",
            "attention",
        ),
        "largest score of what is hidden": Wrong(
            MASKED + LARGEST + TOTAL,
            LARGEST
            + "    if mask is not None:\n        np.copyto(scores, -np.inf, where=~mask)\n"
            + TOTAL,
            "test_extreme_scores",
            "mask=hidden): largest difference 2 at [1, 0]: got 0.0, expected 2.0",
            "attention",
        ),
        "mask inverted": Wrong(
            "where=~mask)",
            "where=mask)",
            "test_what_is_hidden_does_not_matter",
            "largest difference",
            "attention",
        ),
        "hidden scores are zero": Wrong(
            "        np.copyto(scores, -np.inf, where=~mask)\n",
            "        scores *= mask\n",
            "test_what_is_hidden_does_not_matter",
            "largest difference",
            "attention",
        ),
        "hidden scores are -10,000": Wrong(
            "np.copyto(scores, -np.inf,",
            "np.copyto(scores, -1e4,",
            "test_extreme_scores",
            "mask=hidden): largest difference",
            "attention",
        ),
        "hidden scores are -1e9": Wrong(
            "np.copyto(scores, -np.inf,",
            "np.copyto(scores, -1e9,",
            "test_a_row_that_sees_nothing",
            "overflow encountered",
            "attention",
        ),
        "largest score of nothing": Wrong(
            LARGEST,
            "    scores -= np.max(scores, axis=-1, keepdims=True)\n",
            "test_a_row_that_sees_nothing",
            "attended: largest difference inf at [0, 0, 0]: got nan, expected 0.0",
            "attention",
        ),
        "division by nothing": Wrong(
            TOTAL,
            "    exponentials = np.exp(scores, out=scores)\n"
            "    total = np.sum(exponentials, axis=-1, keepdims=True)\n",
            "test_a_row_that_sees_nothing",
            "attended: largest difference inf at [0, 0, 0]: got nan, expected 0.0",
            "attention",
        ),
        "softmax over the queries": Wrong(
            LARGEST + TOTAL,
            (LARGEST + TOTAL).replace("axis=-1", "axis=-2"),
            "test_attention_by_hand",
            "largest difference",
            "attention",
        ),
        "softmax without the largest": Wrong(
            LARGEST,
            "",
            "test_extreme_scores",
            "RuntimeWarning: overflow encountered in exp",
            "attention",
        ),
        "weights do not sum to one": Wrong(
            OUTPUT,
            "    output = exponentials @ v\n",
            "test_attention_by_hand",
            "largest difference",
            "attention",
        ),
        "keys for values": Wrong(
            "    output = exponentials @ v\n",
            "    output = exponentials @ k\n",
            "test_attention_by_hand",
            "got shape (1, 4), expected (1, 2)",
            "attention",
        ),
        "queries scaled in place": Wrong(
            SCORES,
            "    q *= 1 / math.sqrt(q.shape[-1])\n    scores = q @ k.swapaxes(-1, -2)\n",
            "test_inputs_are_left_alone",
            "q was changed: q[0, 0, 0] was",
        ),
        "any numbers for a mask": Wrong(
            "        mask = np.asarray(mask)\n",
            "        mask = np.asarray(mask, dtype=bool)\n",
            "test_what_does_not_fit",
            "nothing was raised, expected TypeError",
        ),
        "causal mask without oneself": Wrong(
            "np.tril(np.ones((length, length), dtype=bool))",
            "np.tril(np.ones((length, length), dtype=bool), -1)",
            "test_causal_mask",
            "got False, expected True",
            "causal_mask",
        ),
        "causal mask that sees one ahead": Wrong(
            "np.tril(np.ones((length, length), dtype=bool))",
            "np.tril(np.ones((length, length), dtype=bool), 1)",
            "test_causal_mask",
            "at [0, 1]: got True, expected False",
            "causal_mask",
        ),
        "causal mask of the past": Wrong(
            "np.tril(np.ones((length, length), dtype=bool))",
            "np.triu(np.ones((length, length), dtype=bool))",
            "test_causal_mask",
            "got True, expected False",
            "causal_mask",
        ),
        "queries and keys exchanged": Wrong(
            "scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)",
            "scaled_dot_product_attention(self.key(x), self.query(x), self.value(x), mask)",
            "test_self_attention",
            "largest difference",
            "SelfAttention.forward",
        ),
        "one layer for queries and keys": Wrong(
            "        self.key = Linear(embed_dim, embed_dim)\n",
            "        self.key = self.query\n",
            "test_self_attention",
            "got ['query.weight', 'value.weight'], expected ['query.weight', 'key.weight',",
        ),
        "one head without the mask": Wrong(
            "self.key(x), self.value(x), mask)",
            "self.key(x), self.value(x))",
            "test_self_attention",
            "layer(tt.Tensor(x), tt.causal_mask(3)): largest difference",
            "SelfAttention.forward",
        ),
        "heads without the mask": Wrong(
            FOUND,
            FOUND.replace(", mask)", ")"),
            "test_the_future_changes_nothing",
            "largest difference",
            "MultiHeadAttention.forward",
        ),
        "parts and heads exchanged": Wrong(
            HEADS,
            "qkv.reshape(n, t, heads, 3, width // heads).permute(3, 0, 2, 1, 4)",
            "test_heads_agree_with_their_definition",
            "largest difference",
            "MultiHeadAttention.forward",
        ),
        "heads interleaved": Wrong(
            HEADS,
            "qkv.reshape(n, t, 3, width // heads, heads).permute(2, 0, 4, 1, 3)",
            "test_heads_agree_with_their_definition",
            "largest difference",
            "MultiHeadAttention.forward",
        ),
        "heads mixed with positions": Wrong(
            HEADS,
            "qkv.reshape(n, t, 3, width).permute(2, 0, 1, 3).reshape(3, n, heads, t, width // heads)",
            "test_heads_agree_with_their_definition",
            "largest difference",
            "MultiHeadAttention.forward",
        ),
        "heads put together in the wrong order": Wrong(
            "found.permute(0, 2, 1, 3).reshape(n, t, width)",
            "found.reshape(n, t, width)",
            "test_heads_agree_with_their_definition",
            "largest difference",
            "MultiHeadAttention.forward",
        ),
        "output projection forgotten": Wrong(
            "        return self.out_proj(found.permute(0, 2, 1, 3).reshape(n, t, width))\n",
            "        return found.permute(0, 2, 1, 3).reshape(n, t, width)\n",
            "test_heads_agree_with_their_definition",
            "largest difference",
            "MultiHeadAttention.forward",
        ),
        "bias forgotten": Wrong(
            "linear(x, self.in_proj_weight, self.in_proj_bias)  # (N, T, 3 E)",
            "linear(x, self.in_proj_weight)",
            "test_heads_agree_with_their_definition",
            "largest difference",
            "MultiHeadAttention.forward",
        ),
        "heads that do not divide the width": Wrong(
            "        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:\n",
            "        if embed_dim < 1 or num_heads < 1:\n",
            "test_what_does_not_fit",
            "nothing was raised, expected ValueError",
        ),
        "sequences taken for heads": Wrong(
            "        if mask is not None and len(np.shape(mask)) == 3 and len(mask) != 1:\n",
            "        if mask is not None and len(np.shape(mask)) > 4:\n",
            "test_what_does_not_fit",
            "nothing was raised, expected ValueError",
        ),
        "all heads begin at zero": Wrong(
            "Parameter(xavier_uniform(3 * embed_dim, embed_dim))",
            "Parameter(zeros(3 * embed_dim, embed_dim))",
            "test_parameters_of_multi_head_attention",
            "two layers must not begin alike",
        ),
        "frequencies too close": Wrong(
            "10000.0 ** (-np.arange(0, embed_dim, 2) / embed_dim)",
            "10000.0 ** (-np.arange(0, embed_dim, 2) / (2 * embed_dim))",
            "test_positions",
            "[1, 2]: got 0.0998334139585495, expected 0.00999",
        ),
        "frequencies of twice as many pairs": Wrong(
            "10000.0 ** (-np.arange(0, embed_dim, 2) / embed_dim)",
            "10000.0 ** (-2 * np.arange(0, embed_dim, 2) / embed_dim)",
            "test_positions",
            "largest difference",
        ),
        "sine and cosine exchanged": Wrong(
            SINES,
            "        table[:, 0::2] = np.cos(angles)\n"
            "        table[:, 1::2] = np.sin(angles[:, : embed_dim // 2])\n",
            "test_positions",
            "[0, 0]: got 1.0, expected 0.0",
        ),
        "all sines before all cosines": Wrong(
            SINES,
            "        half = (embed_dim + 1) // 2\n"
            "        table[:, :half] = np.sin(angles)\n"
            "        table[:, half:] = np.cos(angles[:, : embed_dim // 2])\n",
            "test_positions",
            "[0, 1]: got 0.0, expected 1.0",
        ),
        "positions from one": Wrong(
            "np.arange(max_length)[:, None]",
            "np.arange(1, max_length + 1)[:, None]",
            "test_positions",
            "largest difference",
        ),
        "positions instead of tokens": Wrong(
            "        return x + self._table[: x.shape[-2]]\n",
            "        return x * 0 + self._table[: x.shape[-2]]\n",
            "test_positions",
            "layer(tt.Tensor(x)): largest difference",
            "PositionalEncoding.forward",
        ),
        "positions of the batch": Wrong(
            "        return x + self._table[: x.shape[-2]]\n",
            "        return x + self._table[: x.shape[0]]\n",
            "test_positions",
            "ValueError: add of shapes (3, 20, 1) and (3, 1)",
        ),
        "positions in float64": Wrong(
            "np.zeros((max_length, embed_dim), np.float32)",
            "np.zeros((max_length, embed_dim))",
            "test_float32_stays",
            "got dtype float64, expected float32",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "07_attention": {
        "one query at a time": Unusual(
            (
                (
                    SCORES + MASKED + LARGEST + TOTAL + OUTPUT,
                    "    seen = np.ones((), bool) if mask is None else mask\n"
                    "    seen = np.broadcast_to(seen, (*q.shape[:-1], k.shape[-2]))\n"
                    "    output = np.zeros((*q.shape[:-1], v.shape[-1]), v.dtype)\n"
                    "    for index in np.ndindex(q.shape[:-1]):\n"
                    "        keys, values = k[index[:-1]][seen[index]], v[index[:-1]][seen[index]]\n"
                    "        if len(keys):\n"
                    "            row = keys @ q[index] / math.sqrt(q.shape[-1])\n"
                    "            row = np.exp(row - row.max())\n"
                    "            output[index] = row @ values / row.sum()\n"
                    "    exponentials = total = None\n",
                ),
            )
        ),
        "a block of queries at a time": Unusual(
            (
                (
                    SCORES + MASKED + LARGEST + TOTAL + OUTPUT,
                    "    seen = np.ones((), bool) if mask is None else mask\n"
                    "    seen = np.broadcast_to(seen, (*q.shape[:-1], k.shape[-2]))\n"
                    "    keys = k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])\n"
                    "    output = np.zeros((*q.shape[:-1], v.shape[-1]), v.dtype)\n"
                    "    for start in range(0, q.shape[-2], 3):\n"
                    "        block = slice(start, start + 3)\n"
                    "        scores = np.where(seen[..., block, :], q[..., block, :] @ keys, -np.inf)\n"
                    "        least = np.finfo(q.dtype).min\n"
                    "        scores = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=least))\n"
                    "        total = np.maximum(scores.sum(axis=-1, keepdims=True), 1)\n"
                    "        output[..., block, :] = scores @ v / total\n"
                    "    exponentials = total = None\n",
                ),
            )
        ),
        "a block of keys at a time": Unusual(
            (
                (
                    SCORES + MASKED + LARGEST + TOTAL + OUTPUT,
                    "    least = np.finfo(q.dtype).min\n"
                    "    largest = np.full((*q.shape[:-1], 1), least, q.dtype)\n"
                    "    total = np.zeros_like(largest)\n"
                    "    output = np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)\n"
                    "    seen = np.ones((), bool) if mask is None else mask\n"
                    "    seen = np.broadcast_to(seen, (*q.shape[:-1], k.shape[-2]))\n"
                    "    q = q / math.sqrt(q.shape[-1])\n"
                    "    for start in range(0, k.shape[-2], 2):\n"
                    "        block = slice(start, start + 2)\n"
                    "        scores = q @ k[..., block, :].swapaxes(-1, -2)\n"
                    "        scores = np.where(seen[..., block], scores, -np.inf)\n"
                    "        before = largest\n"
                    "        largest = np.maximum(before, scores.max(axis=-1, keepdims=True))\n"
                    "        shrunk = np.where(before == least, 0, np.exp(np.where(before == least, 0, before - largest)))\n"
                    "        exponentials = np.exp(scores - largest)\n"
                    "        total = total * shrunk + exponentials.sum(axis=-1, keepdims=True)\n"
                    "        output = output * shrunk + exponentials @ v[..., block, :]\n"
                    "    exponentials, output = None, output / np.maximum(total, 1)\n"
                    "    output = output.astype(q.dtype)\n",
                ),
            )
        ),
        "by the book, with einsum": Unusual(
            (
                (
                    SCORES + MASKED + LARGEST + TOTAL + OUTPUT,
                    '    scores = np.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1])\n'
                    "    seen = np.broadcast_to(True if mask is None else mask, scores.shape)\n"
                    "    scores = np.where(seen, scores, np.finfo(scores.dtype).min)\n"
                    "    if scores.shape[-1]:\n"
                    "        scores = scores - scores.max(axis=-1, keepdims=True)\n"
                    "    exponentials = np.exp(scores) * seen\n"
                    "    total = exponentials.sum(axis=-1, keepdims=True)\n"
                    "    total = np.where(total == 0, 1, total)\n"
                    '    output = np.einsum("...ts,...se->...te", exponentials / total, v)\n',
                ),
            )
        ),
        "a mask that is added": Unusual(
            (
                (
                    "        np.copyto(scores, -np.inf, where=~mask)\n",
                    "        scores += np.where(mask, 0, -np.inf).astype(scores.dtype)\n",
                ),
            )
        ),
        "computed in float64 inside": Unusual(
            (
                (
                    SCORES,
                    "    kind, (q, k, v) = q.dtype, (a.astype(np.float64) for a in (q, k, v))\n"
                    + SCORES,
                ),
                ("    output /= total\n", "    output = (output / total).astype(kind)\n"),
            )
        ),
        "composed of tensor operations": Unusual(
            (
                (
                    "from tinytorch.core.activations import floating\n",
                    "from tinytorch.core.activations import floating, softmax\n"
                    "from tinytorch.core.tensor import where\n",
                ),
                (
                    "    return attention(q, k, v, mask=mask)\n",
                    "    check_shapes(q.data, k.data, v.data, mask)\n"
                    "    scores = (q @ k.transpose()) / math.sqrt(q.shape[-1])\n"
                    "    if mask is None:\n        return softmax(scores) @ v\n"
                    "    least = float(np.finfo(scores.dtype).min)\n"
                    "    return (softmax(where(mask, scores, least)) * mask) @ v\n",
                ),
            )
        ),
        "head by head": Unusual(
            (
                (
                    "from tinytorch.core.activations import floating\n",
                    "from tinytorch.core.activations import floating\n"
                    "from tinytorch.core.tensor import concatenate\n",
                ),
                (
                    "        qkv = " + HEADS + "\n" + FOUND,
                    "        d, found = width // heads, []\n"
                    "        mask = None if mask is None else np.asarray(mask)\n"
                    "        for head in range(heads):\n"
                    "            parts = [qkv[:, :, i * width + head * d :][:, :, :d] for i in range(3)]\n"
                    "            one = mask\n"
                    "            if mask is not None and mask.ndim > 2:\n"
                    "                one = mask[..., head if mask.shape[-3] > 1 else 0, :, :]\n"
                    "            found.append(scaled_dot_product_attention(*parts, one))\n",
                ),
                (
                    "self.out_proj(found.permute(0, 2, 1, 3).reshape(n, t, width))",
                    "self.out_proj(concatenate(found, dim=2))",
                ),
            )
        ),
        "three products for three parts": Unusual(
            (
                (
                    "        qkv = linear(x, self.in_proj_weight, self.in_proj_bias)  # (N, T, 3 E)\n"
                    "        qkv = " + HEADS + "\n",
                    "        qkv = []\n"
                    "        for first in (0, width, 2 * width):\n"
                    "            rows = slice(first, first + width)\n"
                    "            part = linear(x, self.in_proj_weight[rows], self.in_proj_bias[rows])\n"
                    "            qkv.append(part.reshape(n, t, heads, -1 if n else width // heads).transpose(1, 2))\n",
                ),
            )
        ),
        "He normal": Unusual(
            (
                (
                    "import Linear, Module, Parameter, linear, xavier_uniform\n",
                    "import Linear, Module, Parameter, he_normal, linear, xavier_uniform\n",
                ),
                (
                    "Parameter(xavier_uniform(3 * embed_dim, embed_dim))",
                    "Parameter(he_normal(3 * embed_dim, embed_dim))",
                ),
            )
        ),
        "positions that are saved": Unusual(
            (
                ("        self._table = table\n", "        self.table = Tensor(table)\n"),
                ("x + self._table[: x.shape[-2]]", "x + self.table[: x.shape[-2]]"),
            )
        ),
        "positions computed when asked": Unusual(
            (
                (
                    "        return x + self._table[: x.shape[-2]]\n",
                    "        rows = [\n"
                    "            [\n"
                    "                (math.cos if c % 2 else math.sin)(p / 10000 ** (c // 2 * 2 / self.embed_dim))\n"
                    "                for c in range(self.embed_dim)\n"
                    "            ]\n"
                    "            for p in range(x.shape[-2])\n"
                    "        ]\n"
                    "        return x + Tensor(rows)\n",
                ),
            )
        ),
        "angles in float32": Unusual(
            (
                (
                    "np.arange(max_length)[:, None] * frequencies",
                    "np.arange(max_length, dtype=np.float32)[:, None] * frequencies.astype(np.float32)",
                ),
            )
        ),
        "a mask from comparing": Unusual(
            (
                (
                    "    return Tensor(np.tril(np.ones((length, length), dtype=bool)))\n",
                    "    places = Tensor(np.arange(length))\n"
                    "    return places.reshape(length, 1) >= places\n",
                ),
            )
        ),
    },
}
