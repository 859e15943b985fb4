# Generated from src_modules/16_capstone.py. Do not edit: write in src_modules/16_capstone.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=772582ed690287bb code=5db865f9ef11cd6f content=adbe9a0c963ed7ec
# %% src_modules/16_capstone.py:78
import json
import math
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.core.activations import gelu
from tinytorch.core.attention import MultiHeadAttention, causal_mask, scaled_dot_product_attention
from tinytorch.core.autograd import no_grad
from tinytorch.core.dataloader import TensorDataset
from tinytorch.core.layers import Linear, Module, Parameter, linear
from tinytorch.core.normalization import LayerNorm
from tinytorch.core.tensor import Tensor, engine, primitive, randn
from tinytorch.core.training import cross_entropy


def known_ids(ids: Any, size: int) -> list[int]:
    """`ids` as a list of ints. ValueError unless each is a whole number from 0 to size - 1."""
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"ids are whole numbers (T,), got {array.dtype} of shape {array.shape}")
    if array.size and not 0 <= array.min() <= array.max() < size:
        raise ValueError(f"ids must be from 0 to {size - 1}, got {array.min()} to {array.max()}")
    return array.astype(int).tolist()


# %% src_modules/16_capstone.py:112
class CharTokenizer:
    """One id for each different character of `text`, in the order of their code points."""

    def __init__(self, text: str) -> None:
        """TODO: keep the sorted characters, and a dict from each to its id."""
        ### BEGIN SOLUTION
        self.characters = sorted(set(text))
        self._ids = {character: i for i, character in enumerate(self.characters)}
        ### END SOLUTION

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        ### BEGIN SOLUTION
        return len(self.characters)
        ### END SOLUTION

    def encode(self, text: str) -> list[int]:
        """The ids of the characters. ValueError names a character that there is no id for."""
        ### BEGIN SOLUTION
        if unknown := sorted(set(text) - set(self.characters)):
            raise ValueError(f"no id for {unknown[0]!r}: the text given has no such character")
        return [self._ids[character] for character in text]
        ### END SOLUTION

    def decode(self, ids: Any) -> str:
        """The text of ids (T,): a list, an array or a Tensor. ValueError for unknown ids."""
        ### BEGIN SOLUTION
        return "".join(self.characters[i] for i in known_ids(ids, self.vocab_size))
        ### END SOLUTION


# %% src_modules/16_capstone.py:202
def byte_symbols() -> list[str]:
    """A visible letter for each byte: its own in Latin-1 if it has one, else one from 256 on."""
    shown = {*range(33, 127), *range(161, 173), *range(174, 256)}
    free = iter(range(256, 512))
    return [chr(byte if byte in shown else next(free)) for byte in range(256)]


SYMBOLS = byte_symbols()
BYTES = {symbol: byte for byte, symbol in enumerate(SYMBOLS)}
# Spelled out, since `\s` and `\w` mean other characters in Python than in other languages.
SPACE, MARKS = r" \t\n\r", re.escape(string.punctuation)
WORDS = re.compile(f" ?[^{SPACE}{MARKS}]+| ?[{MARKS}]+|[{SPACE}]+")


# %% src_modules/16_capstone.py:218
def pair_counts(words: Mapping[tuple[int, ...], int]) -> Counter[tuple[int, int]]:
    """How often each pair of neighbours occurs. `{(108, 111, 119): 4}`, a word of three tokens that
    occurs four times, gives `{(108, 111): 4, (111, 119): 4}`. HINT: `pairwise(word)` has the pairs.
    """
    ### BEGIN SOLUTION
    counts: Counter[tuple[int, int]] = Counter()
    for word, count in words.items():
        for pair in pairwise(word):
            counts[pair] += count
    return counts
    ### END SOLUTION


def merged(word: Sequence[int], pair: tuple[int, int], token: int) -> tuple[int, ...]:
    """The word with each occurrence of the pair, from left to right, replaced by the token.

    `merged((1, 1, 1, 2), (1, 1), 9)` is `(9, 1, 2)`: a token takes part in one merge only. TODO:
    walk along the word; where the pair stands, append the token and go on two places, else one.
    """
    ### BEGIN SOLUTION
    done, place = [], 0
    while place < len(word):
        found = tuple(word[place : place + 2]) == pair
        done.append(token if found else word[place])
        place += 2 if found else 1
    return tuple(done)
    ### END SOLUTION


# %% src_modules/16_capstone.py:256
class BPETokenizer:
    """Byte-pair encoding, learned from `text`: 256 bytes and merges, `vocab_size` tokens in all.
    Fewer where no pair is left to merge, and never fewer than 256.

    tokens: list of strings, one for each id    merges: dict, (id, id) -> id, in the order learned

    `decode(encode(text))` is `text`. Half a surrogate pair, which is no Unicode, is a ValueError.
    """

    def __init__(self, text: str, vocab_size: int = 512) -> None:
        """TODO: 1. count the words of the text, each as a tuple of ids (`bytes_of` makes it);
        2. until there are `vocab_size` tokens: count pairs, stop if there are none, take the best;
        its token is the two strings joined; 3. remember the merge, and merge the pair in all words.

        HINT: `min(counts, key=lambda pair: (-counts[pair], pair))` is the best pair. Two merges may
            make the same string ("a" + "bc", "ab" + "c"): then no token is added.
        """
        self.tokens = sorted(SYMBOLS)
        self.merges: dict[tuple[int, int], int] = {}
        self.index()
        ### BEGIN SOLUTION
        words = Counter(self.bytes_of(word) for word in WORDS.findall(text))
        while len(self.tokens) < vocab_size and (counts := pair_counts(words)):
            pair = min(counts, key=lambda pair: (-counts[pair], pair))
            token = self.tokens[pair[0]] + self.tokens[pair[1]]
            if token not in self._ids:
                self._ids[token] = len(self.tokens)
                self.tokens.append(token)
            self.merges[pair] = self._ids[token]
            words = Counter({merged(w, pair, self._ids[token]): n for w, n in words.items()})
        self.index()
        ### END SOLUTION

    def index(self) -> None:
        """Given: what encoding looks up, made of `tokens` and `merges`."""
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._encoded: dict[str, tuple[int, ...]] = {}  # words that were asked before

    def bytes_of(self, word: str) -> tuple[int, ...]:
        """Given: the ids of the bytes of a word, before any merge."""
        return tuple(self._ids[SYMBOLS[byte]] for byte in word.encode("utf-8"))

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        ### BEGIN SOLUTION
        return len(self.tokens)
        ### END SOLUTION

    def encode_word(self, word: str) -> tuple[int, ...]:
        """The ids of one word. TODO: begin with its bytes; as long as one of its pairs was learned,
        merge the one that was learned first. HINT: `self._ranks.get(pair, math.inf)` tells when.
        """
        ### BEGIN SOLUTION
        ids = self.bytes_of(word)
        while len(ids) > 1:
            first = min(pairwise(ids), key=lambda pair: self._ranks.get(pair, math.inf))
            if first not in self._ranks:
                break
            ids = merged(ids, first, self.merges[first])
        return ids
        ### END SOLUTION

    def encode(self, text: str) -> list[int]:
        """The ids of a text. TODO: words repeat; keep what each became in `self._encoded`."""
        ### BEGIN SOLUTION
        ids: list[int] = []
        for word in WORDS.findall(text):
            if word not in self._encoded:
                self._encoded[word] = self.encode_word(word)
            ids += self._encoded[word]
        return ids
        ### END SOLUTION

    def decode(self, ids: Any) -> str:
        """The text of ids (T,): a list, an array or a Tensor. ValueError for unknown ids.

        A model may stop within a character: bytes that are no UTF-8 become U+FFFD. TODO: join the
        tokens, take the byte of each letter (`BYTES`), and decode with `errors="replace"`.
        """
        ### BEGIN SOLUTION
        letters = "".join(self.tokens[i] for i in known_ids(ids, self.vocab_size))
        return bytes(BYTES[letter] for letter in letters).decode("utf-8", errors="replace")
        ### END SOLUTION

    def save(self, path: str | Path) -> None:
        """Given: a `tokenizer.json`, which Hugging Face's `tokenizers` loads as well."""
        words = {"type": "Split", "pattern": {"Regex": WORDS.pattern}, "behavior": "Isolated"}
        letters = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
        letters["trim_offsets"], words["invert"] = True, False
        merges = [[self.tokens[i] for i in pair] for pair in self.merges]
        content = {"version": "1.0", "added_tokens": [], "decoder": letters}
        content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [words, letters]}
        content["model"] = {"type": "BPE", "vocab": self._ids, "merges": merges}
        Path(path).write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "BPETokenizer":
        """Given: the tokenizer that `save` wrote. ValueError for a file that is none."""
        try:
            model = json.loads(Path(path).read_text("utf-8"))["model"]
            tokenizer, ids = cls("", 0), model["vocab"]
            tokenizer.tokens = sorted(ids, key=ids.__getitem__)
            tokenizer.merges = {(ids[a], ids[b]): ids[a + b] for a, b in model["merges"]}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no tokenizer that save() wrote: {error!r}") from None
        tokenizer.index()
        return tokenizer


# %% src_modules/16_capstone.py:436
@primitive
def embedding(weight, ids):
    """Rows of the weight (V, E) at ids (...), ints: (..., E).

    Raises TypeError for ids that are not whole numbers, IndexError for ids not from 0 to V - 1, of
    which NumPy would take -1 for the last row. TODO: look for both, then pick the rows.
    """
    ids = np.asarray(ids)
    ### BEGIN SOLUTION
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding takes ids that are whole numbers, got {ids.dtype}")
    if ids.size and not 0 <= ids.min() <= ids.max() < len(weight):
        raise IndexError(f"ids must be from 0 to {len(weight) - 1}, got {ids.min()} to {ids.max()}")
    return weight[ids]
    ### END SOLUTION


@embedding.gradient
def embedding_gradient(grad, output, saved, weight, ids):
    """Of the weight: a table (V, E), each row the sum of the gradients (..., E) of its uses.
    Of the ids, which are no quantities: None. TODO: return both.

    HINT: with `order = np.argsort(flat, kind="stable")`, `flat[order]` is sorted; a group starts
        where an id differs from the one before.
    """
    ### BEGIN SOLUTION
    slope, flat = np.zeros_like(weight), np.ravel(ids)
    order = np.argsort(flat, kind="stable")
    rows = flat[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    if len(starts):
        slope[rows[starts]] = np.add.reduceat(grad.reshape(len(flat), -1)[order], starts)
    return slope, None
    ### END SOLUTION


class Embedding(Module):
    """A vector for each id: (...) ints -> (..., embedding_dim).

    weight: Parameter (num_embeddings, embedding_dim), draws from the standard normal distribution

    Raises ValueError for sizes below 1; TypeError and IndexError as `embedding`.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        ### BEGIN SOLUTION
        if num_embeddings < 1 or embedding_dim < 1:
            sizes = f"{num_embeddings}, {embedding_dim}"
            raise ValueError(f"Embedding needs sizes of at least 1, got {sizes}")
        self.weight = Parameter(randn(num_embeddings, embedding_dim))
        ### END SOLUTION

    def forward(self, ids: Any) -> Tensor:
        """ids: Tensor, array or list of ints, of any shape.

        HINT: a primitive takes arrays and Tensors; `np.asarray` makes an array of a list.
        """
        ### BEGIN SOLUTION
        return embedding(self.weight, np.asarray(ids))
        ### END SOLUTION


# %% src_modules/16_capstone.py:554
class KVCache:
    """Keys and values of all earlier positions, for N texts at once.

    keys, values: arrays of `shape`, (L, N, h, max_length, d)    length: how many places are filled
    """

    def __init__(self, *shape: int) -> None:
        self.keys, self.values = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self.length = 0

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write keys and values (N, h, T, d) of a block behind those that are there. Returns all of
        this block, (N, h, length + T, d). The model itself moves `length`, after its last block.

        HINT: slices of arrays are views: `self.keys[layer][:, :, a:b] = keys.data` writes.
        """
        ### BEGIN SOLUTION
        end = self.length + keys.shape[2]
        self.keys[layer][:, :, self.length : end] = keys.data
        self.values[layer][:, :, self.length : end] = values.data
        return Tensor(self.keys[layer][:, :, :end]), Tensor(self.values[layer][:, :, :end])
        ### END SOLUTION


def attend_with_cache(
    attention: MultiHeadAttention, x: Tensor, mask: Any, cache: KVCache, layer: int
) -> Tensor:
    """What a MultiHeadAttention gives for new positions x (N, T, E), which see the cache as well.

    mask: (T, length + T) booleans, or None where all may be seen

    TODO: 1. queries, keys and values as in module 07: one `linear`, cut into heads; 2. extend the
        cache, and take all keys and values from it; 3. attend, heads side by side, `out_proj`.
    HINT: (N, T, 3 E) -> (N, T, 3, h, d) -> (3, N, h, T, d), and back to (N, T, E).
    """
    ### BEGIN SOLUTION
    n, t, width = x.shape
    heads = attention.num_heads
    qkv = linear(x, attention.in_proj_weight, attention.in_proj_bias)  # (N, T, 3 E)
    q, k, v = qkv.reshape(n, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)  # (N, h, T, d)
    found = scaled_dot_product_attention(q, *cache.extend(layer, k, v), mask)  # (N, h, T, d)
    return attention.out_proj(found.permute(0, 2, 1, 3).reshape(n, t, width))
    ### END SOLUTION


# %% src_modules/16_capstone.py:634
def sample_token(
    logits: np.ndarray, temperature: float, top_k: int | None, generator: np.random.Generator
) -> int:
    """Draw a token from logits (V,). With temperature 0, the one with the largest logit.

    temperature: 0 or more: probabilities are proportional to e^(logit / temperature)
    top_k: how many of the largest logits take part; None, or more than there are: all of them

    Raises ValueError for a temperature that is negative or not finite, and a top_k below 1.

    TODO: 1. greedy, if the temperature is 0; 2. in float64, subtract the largest logit, and divide;
        3. set all below the k-th largest to -inf; 4. exponentials; 5. running sums, and one u.
    HINT: `np.partition(a, -k)[-k]` is the k-th largest. `np.searchsorted(sums, u, side="right")` is
        the place of the first sum that is larger than u.
    """
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be 0 or more, and finite; got {temperature!r}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k keeps at least 1 token; got {top_k!r}")
    ### BEGIN SOLUTION
    if temperature == 0:
        return int(logits.argmax())
    scores = (logits.astype(np.float64) - logits.max()) / temperature
    if top_k is not None and top_k < len(scores):
        scores[scores < np.partition(scores, -top_k)[-top_k]] = -np.inf
    sums = np.cumsum(np.exp(scores))
    return int(np.searchsorted(sums / sums[-1], generator.random(), side="right"))
    ### END SOLUTION


# %% src_modules/16_capstone.py:692
class TransformerBlock(Module):
    """Attention, then an MLP four times as wide, each behind a norm, and added; (N, T, E) stays.

    norm1, norm2: LayerNorm(E)    self_attn: MultiHeadAttention(E, h)
    linear1: Linear(E, 4 E)    linear2: Linear(4 E, E), with GELU between them
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        """TODO: set the five layers, with these names."""
        ### BEGIN SOLUTION
        self.norm1, self.norm2 = LayerNorm(embed_dim), LayerNorm(embed_dim)
        self.self_attn = MultiHeadAttention(embed_dim, num_heads)
        self.linear1 = Linear(embed_dim, 4 * embed_dim)
        self.linear2 = Linear(4 * embed_dim, embed_dim)
        ### END SOLUTION

    def forward(
        self, x: Tensor, mask: Any = None, cache: KVCache | None = None, layer: int = 0
    ) -> Tensor:
        """mask: as for MultiHeadAttention, or `attend_with_cache`; layer: this block's place in the
        cache. TODO: x = x + attention(norm1(x)); x = x + linear2(gelu(linear1(norm2(x)))).
        """
        ### BEGIN SOLUTION
        h = self.norm1(x)
        if cache is None:
            x = x + self.self_attn(h, mask)
        else:
            x = x + attend_with_cache(self.self_attn, h, mask, cache, layer)
        return x + self.linear2(gelu(self.linear1(self.norm2(x))))
        ### END SOLUTION


class TinyGPT(Module):
    """A GPT: ids (N, T) -> logits (N, T, vocab_size), of the token that follows each position.

    tokens: Embedding(vocab_size, d_model), which also makes the logits: x @ tokens.weight^T
    positions: Embedding(max_length, d_model)
    blocks: list of `num_layers` TransformerBlock(d_model, num_heads)    norm: LayerNorm(d_model)

    All matrices begin as draws from a normal distribution with deviation 0.02.
    """

    def __init__(
        self, vocab_size: int, d_model: int, num_heads: int, num_layers: int, max_length: int
    ) -> None:
        """TODO: 1. keep the number of heads and `max_length`; 2. make the layers, with these names;
        3. give each parameter that is a matrix new numbers, `randn(...) * 0.02`.
        """
        ### BEGIN SOLUTION
        self.num_heads, self.max_length = num_heads, max_length
        self.tokens, self.positions = Embedding(vocab_size, d_model), Embedding(max_length, d_model)
        self.blocks = [TransformerBlock(d_model, num_heads) for _ in range(num_layers)]
        self.norm = LayerNorm(d_model)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                parameter.data = randn(*parameter.shape).data * 0.02
        ### END SOLUTION

    def new_cache(self, batch: int = 1) -> KVCache:
        """Given: an empty cache for `batch` texts, with room for `max_length` positions."""
        width = self.tokens.weight.shape[1] // self.num_heads
        return KVCache(len(self.blocks), batch, self.num_heads, self.max_length, width)

    def forward(self, ids: Any, cache: KVCache | None = None) -> Tensor:
        """ids: Tensor, array or list of ints (N, T). Returns logits (N, T, vocab_size).

        cache: from `new_cache(N)`. Then `ids` are new positions, which follow those in the cache
            and see them; afterwards the cache holds them too. Such logits have no history.

        Raises ValueError for more than `max_length` positions, those in the cache counted.

        TODO: 1. the rows of the tokens plus those of their positions, from `start` to `end`;
            2. all blocks, with a causal mask, of which new positions need the last T rows;
            3. norm, and the product with the table of tokens; then move `cache.length`.
        HINT: `linear(x, self.tokens.weight)` is that product. One new position sees all that there
            is: it needs no mask. `logits.detach()` has no history.
        """
        ids = np.asarray(ids)
        if ids.ndim != 2:
            raise ValueError(f"TinyGPT takes ids (N, T), got shape {ids.shape}")
        start = 0 if cache is None else cache.length
        end = start + ids.shape[1]
        if end > self.max_length:
            raise ValueError(f"{end} positions are more than max_length {self.max_length}")
        ### BEGIN SOLUTION
        x = self.tokens(ids) + self.positions(np.arange(start, end))  # (N, T, E)
        mask = causal_mask(end).data[start:] if end > start + 1 else None
        for layer, block in enumerate(self.blocks):
            x = block(x, mask, cache, layer)
        logits = linear(self.norm(x), self.tokens.weight)  # (N, T, V)
        if cache is None:
            return logits
        cache.length = end
        return logits.detach()
        ### END SOLUTION

    def window_start(self, length: int) -> int:
        """Where the model begins to read in a text of so many tokens: the smallest multiple of
        `max_length - max_length // 2` that leaves `max_length` tokens or fewer.
        """
        ### BEGIN SOLUTION
        step = self.max_length - self.max_length // 2
        return math.ceil(max(length - self.max_length, 0) / step) * step
        ### END SOLUTION

    def generate(
        self, ids: Any, max_new_tokens: int, temperature: float = 1.0, top_k: int | None = None,
        use_cache: bool = True, seed: int | None = None,
    ) -> Tensor:  # fmt: skip
        """Continue a text: ids (T,), ints -> Tensor (T + max_new_tokens,), int64, ids first.

        temperature, top_k: as for `sample_token`
        use_cache: whether keys and values are kept. The numbers are the same but for rounding
        seed: of the draws, which leave all others as they are; None takes them from the generator
            that `manual_seed` sets

        Each token is predicted from the tokens that `window_start` leaves. Raises ValueError for an
        empty text, unknown ids, and as `sample_token`.

        TODO: with no_grad, so many times: 1. logits of the last position, from all tokens of the
            window, or with a cache from those that are not in it yet; 2. sample; 3. append.
        HINT: `self(np.array([text[done:]]), cache)`, if `done` tokens of the text were read.
        """
        text = known_ids(ids, self.tokens.weight.shape[0])
        if not text:
            raise ValueError("generate continues a text: give it one token at least")
        ### BEGIN SOLUTION
        generator = engine.generator if seed is None else np.random.default_rng(seed)
        cache, window, done = None, 0, 0
        with no_grad():
            for _ in range(max_new_tokens):
                start = self.window_start(len(text))
                if not use_cache:
                    done = start
                elif cache is None or start != window:
                    cache, window, done = self.new_cache(), start, start
                logits = self(np.array([text[done:]]), cache)
                done = len(text)
                text.append(sample_token(logits.data[0, -1], temperature, top_k, generator))
        return Tensor(np.array(text, np.int64))
        ### END SOLUTION


# %% src_modules/16_capstone.py:933
def token_windows(ids: Any, length: int) -> TensorDataset:
    """Examples (inputs, targets) for a language model, both (n, length), of a text ids (T,), ints.

    Windows do not overlap; what is left at the end is dropped. Raises ValueError if none fits.
    TODO: 1. how many windows fit into T - 1 tokens; 2. cut the text twice, the second one later.
    """
    ids = np.asarray(ids)
    if length < 1 or len(ids) <= length:
        raise ValueError(f"windows of {length} tokens need {length + 1} of them, got {len(ids)}")
    ### BEGIN SOLUTION
    used = (len(ids) - 1) // length * length
    return TensorDataset(ids[:used].reshape(-1, length), ids[1 : used + 1].reshape(-1, length))
    ### END SOLUTION


def next_token_loss(logits: Tensor, targets: Any) -> Tensor:
    """The mean cross-entropy of all positions: logits (N, T, V), targets (N, T) ints -> scalar."""
    ### BEGIN SOLUTION
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), np.ravel(targets))
    ### END SOLUTION


def perplexity(model: TinyGPT, ids: Any) -> float:
    """e^loss on a text ids (T,), of which the model predicts all tokens but the first, each once.

    The text is read in windows of `max_length` without overlap. ValueError for fewer than 2 ids.
    TODO: with no_grad, add up the losses, each times its number of targets; divide by all targets.
    """
    ids = np.asarray(ids)
    if len(ids) < 2:
        raise ValueError(f"perplexity needs two tokens at least, got {len(ids)}")
    ### BEGIN SOLUTION
    total = 0.0
    with no_grad():
        for start in range(0, len(ids) - 1, model.max_length):
            part = ids[None, start : start + model.max_length + 1]
            total += next_token_loss(model(part[:, :-1]), part[:, 1:]).item() * (part.shape[1] - 1)
    return math.exp(total / (len(ids) - 1))
    ### END SOLUTION
