# %% [markdown]
r"""
# Module 16: Capstone

## Introduction

A language model answers one question: which word comes next? Ask it again and again, append each
answer, and it writes. Everything it needs stands in your modules: layers, attention, norms,
gradients, Adam, a trainer. In this module you put them together to a GPT, and add what is missing:

1. `CharTokenizer` and `BPETokenizer`, which make numbers of text, and text of numbers;
2. `Embedding`, which makes vectors of the numbers, and `TransformerBlock` and `TinyGPT`, the model;
3. `generate`, which samples a text, and a *KV cache* that makes it many times faster;
4. `token_windows`, `next_token_loss` and `perplexity`, to train the model and to judge it.

At the end, your model writes sentences that it never saw, and that follow the rules of its text.
"""

# %% [markdown]
r"""
## Mathematical Background

    V  tokens in the vocabulary    T  positions    E  width of the model    h  heads    L  blocks

**A language model** gives each token a probability, from all tokens before it. The probability of a
text is their product, so its negative logarithm is a sum, and the loss is the mean of that sum:

$$\text{loss} = -\frac{1}{n} \sum_{t=1}^{n} \log p(x_t \mid x_1, \dots, x_{t-1})$$

This is `cross_entropy` of module 11, where the classes are the $V$ tokens. One text of $T + 1$
tokens is $T$ examples at once: each position predicts the next one, and the causal mask of module
07 keeps it from looking the answer up.

**Perplexity** is $e^{\text{loss}}$. A model that gives each of 50 tokens 1/50 has a loss of
$\log 50 = 3.91$ and a perplexity of 50: it is as unsure as with 50 equally likely choices. A model
with perplexity 4 is as unsure as with four.

**The model** (Radford et al., 2019). Rows of two tables are added, one for the token and one for
its place. Each of $L$ blocks adds two corrections to that sum. The last norm is followed by a
product with the table of tokens itself, transposed: *weight tying* (Press and Wolf, 2017). It saves
$V E$ parameters, and what is learned about a token as an input serves it as an output.

    ids (N, T) -> token rows + position rows (N, T, E)
                        |
                        +--> norm1 -> attention -> (+)       x = x + attention(norm1(x))
                        +-----------------------> (+)
                        |
                        +--> norm2 -> linear1 -> GELU -> linear2 -> (+)
                        +----------------------------------------> (+)
                        |  L times
                      norm -> @ tokens^T -> logits (N, T, V)

**Sampling.** With logits $z$ and temperature $\tau$, token $i$ is drawn with probability
proportional to $e^{z_i / \tau}$. Of $z = (2, 1, 0)$:

    temperature 1      0.67  0.24  0.09        temperature 2      0.51  0.31  0.19
    temperature 0.5    0.87  0.12  0.02        temperature 0      1     0     0     (greedy)
    top_k = 2          0.73  0.27  0           only the k largest logits take part
"""

# %% [markdown]
r"""
## Implementation

### Exercise 1: characters

The simplest vocabulary has one token for each character that occurs. Of "abba c" that is

    characters   " "  "a"  "b"  "c"          "cab"  ->  [3, 1, 2]
    ids           0    1    2    3           [3, 1, 2]  ->  "cab"

`known_ids` is given: it makes a list of plain numbers and refuses ids that nobody handed out.
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.capstone
#| export
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


# %% nbgrader={"grade": false, "grade_id": "capstone-characters", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
### 🧪 Unit test: characters

Encodes and decodes the example, and asks for a character and an id that there are not.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-characters", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def refused(action: Callable, *mentions: str, error: type[Exception] = ValueError) -> None:
    try:
        action()
    except error as raised:
        assert all(text in str(raised) for text in mentions), f"{raised} should mention {mentions}"
    else:
        raise AssertionError(f"{error.__name__} expected, mentioning {mentions}")


def test_unit_characters():
    tokenizer = CharTokenizer("abba c")
    assert tokenizer.vocab_size == 4 and tokenizer.encode("cab") == [3, 1, 2]
    assert tokenizer.decode(np.array([3, 1, 2])) == "cab" and tokenizer.encode("") == []
    refused(lambda: tokenizer.encode("cabd"), "'d'")
    refused(lambda: tokenizer.decode([-1]), "0 to 3", "-1")


# %% [markdown]
r"""
### Exercise 2: byte pairs

Characters make long sequences, and a whole word as a token leaves words that nobody has seen.
*Byte-pair encoding* (Sennrich et al., 2016) finds a middle: begin with single bytes, and again and
again give the most frequent pair of neighbours a token of its own. In "low low lower lowest", where
`_` is a space that begins a word:

    the words, in tokens                                     most frequent pair       new token
    l o w    _ l o w    _ l o w e r    _ l o w e s t         l o  (4 times)           lo
    lo w     _ lo w     _ lo w e r     _ lo w e s t          lo w (4 times)           low
    low      _ low      _ low e r      _ low e s t           _ low (3 times)          _low
    low      _low       _low e r       _low e s t            _low e (2 times)         _lowe

**Ties.** At first, `l o` and `o w` both occur four times. Of equal counts, the pair with the
smaller ids wins: compare the first ids, then the second ones. Hugging Face's `tokenizers` has the
same rule, so your merges are equal to theirs, one by one.

**Words.** No pair reaches across the end of a word: otherwise ". The" would become a token.
`WORDS` is given; it cuts a text into pieces, none of which is lost:

    "Two cats,\nno dog."   ->   "Two"  " cats"  ","  "\n"  "no"  " dog"  "."

**Bytes.** A text in any language, with any emoji, is a sequence of bytes (UTF-8), and there are
only 256 of them. They are the first tokens, so no character is unknown, and `decode(encode(text))`
is `text`. The file format wants letters that can be seen: `SYMBOLS`, also given, has one for each
byte. It is GPT-2's table, in which "a" stays "a" and a space becomes "Ġ". A token is a string of
such letters. The ids 0 to 255 belong to the letters in the order of their code points.
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-bytes", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
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


# %% nbgrader={"grade": false, "grade_id": "capstone-merges", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
Training repeats the rows of the table above. Encoding repeats them as well: of the pairs of a word
that were ever merged, the one that was learned *first* is merged first. `merges` maps each pair to
its token, in the order in which they were learned.
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-bpe", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
### 🧪 Unit test: byte pairs

Follows the table above; encodes words it has seen and others; goes there and back with many
scripts; and loads what it saved.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-bpe", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from tempfile import TemporaryDirectory

SCRIPTS = ["", "a", "  two  spaces ", "tab\tand\r\nline\n\n", "naïve café", "не кошка"]
SCRIPTS += ["猫は好き", "🙂👩‍🚀", "\0\x7f\ufeff"]


def test_unit_pairs():
    words = {(1, 2, 3): 4, (0, 1, 2): 3, (1, 1, 1): 1, (7,): 9}
    assert dict(pair_counts(words)) == {(1, 2): 7, (2, 3): 4, (0, 1): 3, (1, 1): 2}
    assert merged((1, 1, 1, 2), (1, 1), 9) == (9, 1, 2) and merged((), (1, 2), 9) == ()
    assert merged((1, 2, 1, 2), (1, 2), 9) == (9, 9) and merged((2, 1), (1, 2), 9) == (2, 1)


def test_unit_bpe_training():
    tokenizer = BPETokenizer("low low lower lowest", 260)
    assert tokenizer.tokens[256:] == ["lo", "low", "Ġlow", "Ġlowe"]
    found = [tokenizer.tokens[i] for i in tokenizer.encode("low lows slow")]
    assert found == ["low", "Ġlow", "s", "Ġ", "s", "low"] and tokenizer.vocab_size == 260
    assert BPETokenizer("ab ab", 9999).tokens[256:] == ["ab", "Ġab"]
    assert BPETokenizer("aa", 3).vocab_size == 256
    # Many words end with a dot and a space: nothing may be learned across that border.
    assert not [t for t in BPETokenizer("a. b. " * 50, 300).tokens if "." in t and len(t) > 1]


def test_unit_bpe_there_and_back():
    tokenizer = BPETokenizer("не кошка, а кот. " * 3 + "naïve cats and cafés", 280)
    for text in [*SCRIPTS, "".join(SCRIPTS)]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode("🙂")[:2]) == "\N{REPLACEMENT CHARACTER}"
    refused(lambda: tokenizer.decode([280]), "0 to 279", "280")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        tokenizer.save(path)
        again = BPETokenizer.load(path)
        assert again.tokens == tokenizer.tokens and again.merges == tokenizer.merges
        assert again.encode("ни кошки, ни cats") == tokenizer.encode("ни кошки, ни cats")
        path.write_text("[]", "utf-8")
        refused(lambda: BPETokenizer.load(path), str(path))


# %% [markdown]
r"""
### Exercise 3: a vector for each token

An embedding is a table (V, E), and `embedding` picks rows of it. Written as a product it would be a
row of zeros with a single one, times the table; picking the row gives the same without $V E$
multiplications. The gradient goes back into the rows that were picked, and **a row that was picked
twice gets the sum**. With ids [2, 0, 2] and a gradient of three rows,

    grad   (1, 1)   to row 2             row 0   (5, 5)
           (5, 5)   to row 0     ->      row 1   (0, 0)
           (2, 3)   to row 2             row 2   (3, 4)

`slope[ids] = grad` keeps only the last of several, and so does `slope[ids] += grad`.
`np.add.at(slope, ids, grad)` adds them all. Faster is to sort the ids first: equal ones then stand
side by side, and `np.add.reduceat(rows, starts)` adds each group from its start to the next.
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-embedding", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
### 🧪 Unit test: a vector for each token

Works the example, then compares with `np.add.at` for ids of several shapes, none at all among them.
What NumPy would silently accept must be refused.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-embedding", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_unit_embedding():
    layer = Embedding(3, 2)
    layer.weight.data = np.arange(6, dtype=np.float32).reshape(3, 2)
    output = layer([2, 0, 2])
    assert output.numpy().tolist() == [[4, 5], [0, 1], [4, 5]] and output.dtype == np.float32
    output.backward(np.array([[1, 1], [5, 5], [2, 3]], np.float32))
    assert layer.weight.grad.numpy().tolist() == [[5, 5], [0, 0], [3, 4]]
    rng = np.random.default_rng(0)
    for shape in ((), (1,), (7,), (2, 3), (2, 0), (3, 4, 5)):
        layer, ids = Embedding(4, 3), rng.integers(0, 4, shape)
        grad = rng.normal(size=(*shape, 3)).astype(np.float32)
        layer(Tensor(ids)).backward(grad)
        np.add.at(expected := np.zeros((4, 3)), ids.ravel(), grad.reshape(-1, 3))
        assert np.allclose(layer.weight.grad.numpy(), expected, atol=1e-5), shape
        assert layer.weight.grad.dtype == np.float32


def test_unit_what_embeddings_refuse():
    layer = Embedding(3, 2)
    for ids in ([0, 3], [-1]):
        refused(lambda ids=ids: layer(ids), "0 to 2", str(ids[-1]), error=IndexError)
    refused(lambda: layer([1.0]), "float64", error=TypeError)
    refused(lambda: Embedding(0, 2), "0")


# %% [markdown]
r"""
### Exercise 4: a cache of keys and values

To append one token, the model reads all that is there, and to append the next one it reads it all
again. But with a causal mask, keys and values of earlier positions never change: no later token can
reach them. So keep them, and compute one position only:

    without a cache              with a cache
    step 4:  q q q q             step 4:        q              the new query meets
             k k k k                      k k k k   <- kept    4 keys, 3 of them
             v v v v                      v v v v   <- kept    from the cache
    step 5:  q q q q q           step 5:          q
             k k k k k                    k k k k k

One array for all blocks has room for `max_length` positions from the start: growing it at each step
would copy it at each step. `length` says how many are filled. For 2 blocks, 4 heads of width 16,
and 256 positions in float32 that is 2 x (2 x 4 x 256 x 16) x 4 bytes = 256 KiB.
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-cache", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
### 🧪 Unit test: the cache

Gives six positions to a layer at once, and in parts of 3, 1 and 2: the answers must agree. It
compares numbers with a tolerance: a product of other shapes adds in another order.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-cache", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_cache():
    attention, x, mask = MultiHeadAttention(8, 2), randn(3, 6, 8), causal_mask(6).numpy()
    attention.in_proj_bias.data = randn(24).data
    whole = attention(x, mask).numpy()
    cache = KVCache(2, 3, 2, 7, 4)
    for layer in (0, 1):
        cache.length = 0
        for start, end in ((0, 3), (3, 4), (4, 6)):
            new, seen = x[:, start:end], mask[start:end, :end]
            part = attend_with_cache(attention, new, seen, cache, layer).numpy()
            assert np.allclose(part, whole[:, start:end], atol=1e-5), (layer, start)
            cache.length = end


# %% [markdown]
r"""
### Exercise 5: choosing a token

The table at the beginning shows what temperature and top-k do. Written out for $z = (2, 1, 0)$ with
`top_k = 2` and temperature 1: the third logit becomes $-\infty$, the exponentials are 7.39, 2.72
and 0, and their running sums divided by the last one are 0.73, 1 and 1. A random number $u$ from 0
to 1 then picks the first sum that is larger: 0.5 picks token 0, and 0.8 token 1.
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-sampling", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
### Exercise 6: the block and the model

**Pre-norm.** A block never replaces `x`, it adds to it: each correction starts from normalized
numbers, and the sum itself goes straight through. So the gradient reaches the first block as
directly as the last one, and deep models train without a warm-up.

**Names** are those of PyTorch's `nn.TransformerEncoderLayer(E, h, 4 * E, norm_first=True,
activation="gelu")`, whose state dict your block can load.

**The start** is GPT-2's: all matrices are draws of deviation 0.02. The logits are then near 0, all
tokens equally likely, and the loss begins at $\log V$.

**The end of the window.** There are `max_length` positions and no more. When a text has filled
them, `generate` drops the older half, and goes on with room for more:

    max_length 8     8 tokens    a b c d e f g h          reads from 0
                     9 tokens            e f g h i        reads from 4
                    12 tokens            e f g h i j k l  reads from 4
                    13 tokens                    i j k l m       from 8

With a cache, the rest is then read once more, because each key and value was made at its position.
Dropping one token at a time would mean that at every step.
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-model", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
### 🧪 Unit test: the block and the model

Computes a block from its parts. Counts the parameters: a forgotten tie or a missing bias shows in
the number. The first loss must be near $\log V$, and no position may see a later one.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-model", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def parameters_of(vocab: int, width: int, layers: int, length: int) -> int:
    """Numbers in a GPT: two tables, and for each block 12 matrices of E x E and 13 vectors of E."""
    return (vocab + length) * width + layers * (12 * width**2 + 13 * width) + 2 * width


def test_unit_block():
    block, x, mask = TransformerBlock(8, 2), randn(2, 5, 8), causal_mask(5)
    middle = x + block.self_attn(block.norm1(x), mask)
    expected = middle + block.linear2(gelu(block.linear1(block.norm2(middle))))
    assert np.allclose(block(x, mask).numpy(), expected.numpy(), atol=1e-5)


def test_unit_model():
    model, ids = TinyGPT(50, 16, 2, 3, 12), np.random.default_rng(0).integers(0, 50, (4, 12))
    assert sum(p.size for p in model.parameters()) == parameters_of(50, 16, 3, 12)
    logits = model(ids)
    assert logits.shape == (4, 12, 50) and logits.dtype == np.float32
    loss = cross_entropy(logits[:, :-1].reshape(-1, 50), ids[:, 1:].ravel())
    assert abs(loss.item() - math.log(50)) < 0.1
    changed = ids.copy()
    changed[:, 7] = (ids[:, 7] + 1) % 50
    moved = abs(model(changed).numpy() - logits.numpy()).max(axis=(0, 2))
    assert moved[:7].max() < 1e-5 < moved[7:].min()
    refused(lambda: model(np.zeros((1, 13), int)), "13", "12")


# %% [markdown]
r"""
### 🧪 Unit test: writing

Compares how often each token is drawn with its probability. Then lets a model write with a cache
and without, past the end of its window. The same tokens must come out: large random weights leave
no ties that rounding could decide.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-generate", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.tensor import manual_seed


def test_unit_sampling():
    logits, generator = np.array([1, 3, 2, -np.inf], np.float32), np.random.default_rng(0)
    for t, k, scores in ((1, None, [1, 3, 2]), (2, 2, [-np.inf, 1.5, 1]), (0.5, 9, [2, 6, 4])):
        draws = [sample_token(logits, t, k, generator) for _ in range(4000)]
        expected = np.exp(scores) / np.exp(scores).sum()
        assert np.allclose(np.bincount(draws, minlength=4) / 4000, [*expected, 0], atol=0.03), t
    for t, k in ((0, None), (1, 1), (1e-3, None)):
        assert sample_token(logits, t, k, generator) == 1
    for t, k in ((-1, None), (math.nan, None), (math.inf, None), (1.0, 0)):
        refused(lambda t=t, k=k: sample_token(logits, t, k, generator), str(t if k is None else k))


def loud_model(*sizes: int) -> TinyGPT:
    """A model whose logits are far apart, and depend on all that it sees."""
    model = TinyGPT(*sizes)
    for parameter in model.parameters():
        parameter.data = randn(*parameter.shape).data * 0.5
    return model


def test_unit_generate():
    manual_seed(3)
    model = loud_model(11, 8, 2, 2, 10)
    assert [model.window_start(n) for n in (1, 10, 11, 15, 16, 20, 21)] == [0, 0, 5, 5, 10, 10, 15]
    for temperature in (0, 1.0):
        text = model.generate([4, 1], 40, temperature=temperature, seed=5).numpy()
        assert text.shape == (42,) and text.dtype == np.int64 and text[:2].tolist() == [4, 1]
        assert np.array_equal(model.generate([4, 1], 40, temperature, None, False, seed=5), text)
    # As the docstring says it: the most likely token after what the window leaves.
    text = model.generate(model.generate([4, 1], 25, temperature=0), 15, temperature=0).numpy()
    for n in range(2, 42):
        assert text[n] == model(text[None, model.window_start(n) : n]).numpy()[0, -1].argmax()
    one, other = (model.generate(Tensor([4, 1]), 40, seed=seed).numpy() for seed in (5, 6))
    assert not np.array_equal(one, other)
    refused(lambda: model.generate([], 3), "one token")


# %% [markdown]
r"""
### Exercise 7: examples, loss, perplexity

A text of 10 tokens and windows of 4 give two examples; the targets are the inputs, moved by one:

    text      7 2 5 1 9 3 3 8 0 6
    inputs    7 2 5 1              9 3 3 8         the last token of a window is
    targets     2 5 1 9              3 3 8 0       the first one of the next
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-training", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
r"""
### 🧪 Unit test: examples, loss, perplexity

Cuts the example, and texts that end at a border. A model whose tokens all have the same row knows
nothing: its perplexity is V. Another one must agree with the definition.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-training", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_windows():
    inputs, targets = token_windows([7, 2, 5, 1, 9, 3, 3, 8, 0, 6], 4).tensors
    assert np.asarray(inputs).tolist() == [[7, 2, 5, 1], [9, 3, 3, 8]]
    assert np.asarray(targets).tolist() == [[2, 5, 1, 9], [3, 3, 8, 0]]
    assert [len(token_windows(np.arange(n), 4)) for n in (5, 8, 9, 12, 13)] == [1, 1, 2, 2, 3]
    refused(lambda: token_windows([1, 2, 3, 4], 4), "5", "4")


def test_unit_perplexity():
    manual_seed(0)
    model, ids = loud_model(7, 8, 2, 1, 6), np.random.default_rng(1).integers(0, 7, 16)
    rows = [model(ids[None, (n - 1) // 6 * 6 : n]).numpy()[0, -1] for n in range(1, 16)]
    logs = [math.log(np.exp(row).sum()) - row[i] for row, i in zip(rows, ids[1:], strict=True)]
    assert math.isclose(perplexity(model, ids), math.exp(np.mean(logs)), rel_tol=1e-4)
    model.tokens.weight.data = np.ones((7, 8), np.float32)
    assert math.isclose(perplexity(model, ids), 7, rel_tol=1e-5)
    refused(lambda: perplexity(model, [3]), "two")


# %% [markdown]
r"""
## Systems Analysis

- **Memory**: what do parameters, a step of training and a cache cost, and how does each grow?
- **Computational complexity**: how does attention grow with T, and what does the cache save?
- **Cache and hardware**: how many operations a second does a step make, and how many writing?
- **At scale**: what would a GPT of a real size need?
"""

# %% nbgrader={"grade": false, "grade_id": "capstone-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.measuring import cpu_seconds, growth, kept_bytes, peak_bytes


def step_of(model: TinyGPT, batch: int, length: int) -> Callable:
    """Forward and backward of one batch of random tokens."""
    ids = np.random.default_rng(0).integers(0, 512, (batch, length + 1))
    return lambda: next_token_loss(model(ids[:, :-1]), ids[:, 1:]).backward()


def analyze_memory() -> None:
    model, lengths = TinyGPT(512, 128, 4, 4, 512), (64, 128, 256, 512)
    weights, cache = kept_bytes(lambda: TinyGPT(512, 128, 4, 4, 512)), kept_bytes(model.new_cache)
    print(f"  weights {weights / 2**20:.1f} MiB, the gradients as many again, Adam twice as many")
    peaks = [peak_bytes(step_of(model, 2, length)) for length in lengths]
    for length, peak in zip(lengths, peaks, strict=True):
        print(f"  a step of 2 x {length:3} tokens holds {peak / 2**20:5.1f} MiB more")
    print(f"  that grows with T to the power {growth(lengths, peaks):.2f}")
    print(f"  a cache of 512 positions: {cache / 2**20:.1f} MiB, {cache // 512:,} bytes for each")


def seconds_to_write(model: TinyGPT, count: int, use_cache: bool = True) -> float:
    return cpu_seconds(lambda: model.generate([1], count, use_cache=use_cache), 2)


def analyze_complexity() -> None:
    model, lengths = TinyGPT(512, 128, 4, 4, 256), (64, 128, 256)
    cached, whole = ([seconds_to_write(model, n, c) for n in lengths] for c in (True, False))
    for length, short, long in zip(lengths, cached, whole, strict=True):
        print(f"  writing {length:3} tokens: {1e3 * short:4.0f} ms with a cache,", end=" ")
        print(f"{1e3 * long:5.0f} ms without: {long / short:.1f} times as long")
    print(f"  the exponents are {growth(lengths, cached):.2f} and {growth(lengths, whole):.2f}")
    lengths = (512, 1024, 2048)
    heads = [randn(1, 4, length, 16) for length in lengths]
    times = [cpu_seconds(lambda x=x: scaled_dot_product_attention(x, x, x), 9) for x in heads]
    print(f"  attention over a whole text grows with T to the power {growth(lengths, times):.2f}")


def analyze_cache() -> None:
    model, tokens = TinyGPT(512, 128, 4, 4, 64), 16 * 64
    products = 4 * (12 * 128**2 + 2 * 64 * 128) + 512 * 128  # a token; twice as many backward
    step, one = cpu_seconds(step_of(model, 16, 64)), seconds_to_write(model, 60) / 60
    a, b = np.ones((tokens, 128), np.float32), np.ones((128, 512), np.float32)
    rate = 20 * 2 * a.size * 512 / cpu_seconds(lambda: [a @ b for _ in range(20)])
    print(f"  products alone run at {rate / 1e9:.0f} GFLOP/s, a step of training at", end=" ")
    print(f"{6 * tokens * products / step / 1e9:.1f}, writing at {2 * products / one / 1e9:.1f}")
    ids, table = np.arange(tokens) % 97, model.tokens.weight.data
    by_sorting = cpu_seconds(lambda: embedding_gradient(a, None, None, table, ids), 9)
    one_by_one = cpu_seconds(lambda: np.add.at(np.zeros_like(table), ids, a), 9)
    print(f"  the gradient of an embedding: {by_sorting * 1e3:.1f} ms by sorting,", end=" ")
    print(f"{one_by_one * 1e3:.1f} ms by np.add.at")


def analyze_scale() -> None:
    model, count = TinyGPT(512, 128, 4, 4, 64), parameters_of(512, 128, 4, 64)
    measured = kept_bytes(lambda: TinyGPT(512, 128, 4, 4, 64)) / 4
    print(f"  this model: {count:,} parameters by formula, {measured:,.0f} by its bytes")
    rate = 6 * 16 * 64 * count / cpu_seconds(step_of(model, 16, 64))
    for width, layers, length in ((768, 12, 1024), (1600, 48, 1024), (12288, 96, 2048)):
        count, cache = parameters_of(50257, width, layers, length), 8 * layers * length * width
        years = 6 * 20 * count**2 / rate / 3.15e7  # 20 tokens for each parameter
        print(f"  E = {width:6,}, L = {layers}: {count / 1e9:6.2f} billion parameters,", end=" ")
        print(f"{4 * count / 2**30:5.1f} GiB, {cache / 2**20:6,.0f} MiB of cache a text,", end=" ")
        print(f"{years:,.0f} years to train here")


# %% [markdown]
r"""
## Testing

### 🧪 Unit test: the gradient of everything

Compares the gradients of all parameters of a whole model with finite differences, in float64. That
of the tied table is the sum of its two uses, over all tokens that stand in a text several times.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.autograd import numerical_gradient


def test_unit_gradients():
    manual_seed(1)
    model, ids = loud_model(4, 4, 2, 1, 5), np.array([[1, 2, 1, 1, 0], [3, 3, 3, 2, 2]])
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(np.float64)
    next_token_loss(model(ids[:, :-1]), ids[:, 1:]).backward()
    for name, parameter in model.named_parameters():
        with no_grad():
            loss = lambda: next_token_loss(model(ids[:, :-1]), ids[:, 1:]).item()  # noqa: E731
            expected = numerical_gradient(loss, parameter.data)
        assert np.allclose(parameter.grad.numpy(), expected, atol=1e-5), name


# %% [markdown]
r"""
## Integration

### 🧪 Integration test: a model, a file, another model

Saves a model with module 11, loads it into another one, and lets both write: the same text.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-saved", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.training import load_checkpoint, save_checkpoint


def test_integration_saved_model():
    model, other = loud_model(9, 8, 2, 1, 16), TinyGPT(9, 8, 2, 1, 16)
    with TemporaryDirectory() as folder:
        save_checkpoint(Path(folder) / "gpt.npz", model)
        load_checkpoint(Path(folder) / "gpt.npz", other)
    assert np.array_equal(other.generate([0], 30, seed=1), model.generate([0], 30, seed=1))
    assert "tokens.weight" in model.state_dict() and len(model.state_dict()) == 5 + 12 * 1 - 1


# %% [markdown]
r"""
## Production Context

- **PyTorch** has `nn.Embedding`, which with `sparse=True` gives a gradient of the picked rows only,
  and `nn.TransformerEncoderLayer`. Most GPTs write their own block, as you did.
- **Tokenizers** are trained once and shipped with the weights: another one makes them worthless.
  Hugging Face's is written in Rust, and keeps counts of pairs up to date, where yours counts anew.
- **Serving**: vLLM cuts the cache into pages, as an operating system cuts memory, so that texts of
  different lengths share it; grouped-query attention stores fewer keys and values.
- **Positions** that are learned end at `max_length`. Newer models rotate queries and keys (RoPE),
  and let a window slide without computing everything anew.
"""

# %% [markdown]
r"""
## Comprehensive Testing

### 🧪 Comprehensive test: it learns to write

Trains a tokenizer and a model on 300 of 1,008 possible sentences. Of those that it writes, most must
be possible, and some of these new: then it did not learn them by heart.
"""

# %% nbgrader={"grade": true, "grade_id": "test-capstone-writes", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from itertools import product

from tinytorch.core.dataloader import DataLoader
from tinytorch.core.optimizers import Adam
from tinytorch.core.training import Trainer


def possible_sentences() -> list[str]:
    """All sentences of a small grammar, in which a pronoun agrees with a subject far before it."""
    who = {"the cat": "it is", "anna": "she is", "tom": "he is", "the mice": "they are"}
    where, moods = ["", " near the river", " in the old house"], ["happy", "late", "tired"]
    verbs = ["saw", "found", "had", "took", "lost", "wanted", "heard"]
    whom = ["a bird", "the king", "an apple", "a red ball"]
    return [
        f"{subject}{place} {verb} {what} because {who[subject]} {mood} ."
        for subject, place, verb, what, mood in product(who, where, verbs, whom, moods)
    ]


def test_comprehensive_writing():
    manual_seed(0)
    possible = possible_sentences()
    known = np.random.default_rng(0).permutation(possible)[:300].tolist()
    tokenizer = BPETokenizer("\n".join(known), 360)
    ids = tokenizer.encode("\n".join([*known, ""]))
    model = TinyGPT(tokenizer.vocab_size, 48, 4, 2, 32)
    loader = DataLoader(token_windows(ids, 32), 16, shuffle=True, seed=0)
    trainer = Trainer(model, Adam(model.parameters(), lr=5e-3), next_token_loss)
    trainer.fit(loader, epochs=20, verbose=False)
    text = tokenizer.decode(model.generate(tokenizer.encode("\n"), 400, temperature=0.8, seed=0))
    written = text.strip().split("\n")[:-1]
    right = set(written) & set(possible)
    assert len(right) >= 0.8 * len(set(written)) and right - set(known), written


# %% nbgrader={"grade": false, "grade_id": "capstone-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for analysis in (analyze_memory, analyze_complexity, analyze_cache, analyze_scale):
        print(f"\n{analysis.__name__.removeprefix('analyze_').capitalize()}")
        analysis()

# %% [markdown]
r"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "capstone-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Memory and performance.** You measured the bytes of weights and of a cache for one position. How
many texts of 512 tokens can be written at once before their caches outweigh the weights?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "capstone-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Systems architecture.** Why does generation with a cache not grow with the square of the length in
your measurement, although each new token attends to all earlier ones? When would it?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "capstone-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Production engineering.** A colleague trains the tokenizer again on newer texts and deploys it
with the old weights. What do users see, and which check would refuse to start such a server?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "capstone-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Scaling.** When the window is full, yours forgets half of it at once. What would forgetting one
token at a time cost with a cache and learned positions, and how do rotated positions change that?
"""

# %% [markdown]
r"""
## 🎯 MODULE SUMMARY: Capstone

You built a language model from its first byte to its last sentence, with a tokenizer that other
tools read, and a cache that makes writing many times faster. You measured what each part costs, and
what a model of a real size would need.

**Next:** `pytest --checkpoint 15`, and then whatever you want to build with a framework of your
own.
"""
