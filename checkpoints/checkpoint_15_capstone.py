"""Checkpoint 15: tokenizers against a definition, and a GPT against its own in float64.

Weights are given, so that what a model must write is known. The last test trains one, on the
student's side, and lets it write.
"""

import math
import re
import string
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("15")

SEEDS = st.integers(0, 10_000)
# The bytes in the order of their ids: those that Latin-1 shows, then all others.
SHOWN = [byte for byte in range(256) if chr(byte).isprintable() and byte != ord(" ")]
ORDER = bytes(SHOWN + sorted(set(range(256)) - set(SHOWN)))
MARKS = re.escape(string.punctuation)
WORDS = rf" ?[^ \t\n\r{MARKS}]+| ?[{MARKS}]+|[ \t\n\r]+"
SYLLABLES = st.sampled_from(["la", "lo", "na", "an", "ola", " ", " ", ". ", ", ", "\n"])
TEXTS = st.lists(SYLLABLES, min_size=1, max_size=40).map("".join)


def learned(text, size):
    """The tokens, as bytes, and the merges, as pairs of ids, that byte-pair encoding learns."""
    tokens, merges = [bytes([byte]) for byte in ORDER], []
    words = [[ORDER.index(byte) for byte in word.encode()] for word in re.findall(WORDS, text)]
    while len(tokens) < size:
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        best = sorted(counts, key=lambda pair: (-counts[pair], pair))[0]
        token = tokens[best[0]] + tokens[best[1]]
        tokens += [] if token in tokens else [token]
        merges.append(best)
        words = [replaced(word, best, tokens.index(token)) for word in words]
    return tokens, merges


def replaced(word, pair, token):
    done = []
    for part in word:
        done.append(part)
        if tuple(done[-2:]) == pair:
            done[-2:] = [token]
    return done


def encoded(text, tokens, merges):
    """All merges, one after the other, in each word."""
    ids = []
    for word in re.findall(WORDS, text):
        parts = [ORDER.index(byte) for byte in word.encode()]
        for pair in merges:
            parts = replaced(parts, pair, tokens.index(tokens[pair[0]] + tokens[pair[1]]))
        ids += parts
    return ids


def normalized(x, weight, bias):
    centered = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-5)
    return centered / deviation * weight + bias


def block_by_definition(x, p, heads, causal=True):
    """A block in float64; p: its parameters by name."""
    n, t, width = x.shape
    parts = normalized(x, p["norm1.weight"], p["norm1.bias"]) @ p["self_attn.in_proj_weight"].T
    parts = (parts + p["self_attn.in_proj_bias"]).reshape(n, t, 3, heads, width // heads)
    q, k, v = parts.transpose(2, 0, 3, 1, 4)
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(width // heads)
    if causal:
        scores = np.where(np.tril(np.ones((t, t), bool)), scores, -1e300)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found = weights @ v / weights.sum(axis=-1, keepdims=True)
    found = found.transpose(0, 2, 1, 3).reshape(n, t, width)
    x = x + found @ p["self_attn.out_proj.weight"].T + p["self_attn.out_proj.bias"]
    h = normalized(x, p["norm2.weight"], p["norm2.bias"]) @ p["linear1.weight"].T
    h = h + p["linear1.bias"]
    h = h * 0.5 * (1 + np.vectorize(math.erf)(h / math.sqrt(2)))
    return x + h @ p["linear2.weight"].T + p["linear2.bias"]


def gpt_by_definition(state, ids, heads):
    """Logits (N, T, V) in float64, from the state dict of a TinyGPT."""
    x = state["tokens.weight"][ids] + state["positions.weight"][: ids.shape[1]]
    for layer in range(len({name.split(".")[1] for name in state if name.startswith("blocks.")})):
        start = f"blocks.{layer}."
        own = {n.removeprefix(start): a for n, a in state.items() if n.startswith(start)}
        x = block_by_definition(x, own, heads)
    return normalized(x, state["norm.weight"], state["norm.bias"]) @ state["tokens.weight"].T


def loss_by_definition(state, ids):
    """The mean loss of all tokens of ids (N, T) but the first, for two heads."""
    logits, targets = gpt_by_definition(state, ids[:, :-1], 2), ids[:, 1:, None]
    totals = np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return float((totals - np.take_along_axis(logits, targets, axis=-1)).mean())


def slope_of_loss(state, name, ids, step=1e-5):
    """How that loss changes with each number of one parameter, by central differences."""
    found = np.zeros(state[name].shape)
    for index in np.ndindex(found.shape):
        losses = []
        for change in (step, -step):
            moved = state[name].copy()
            moved[index] += change
            losses.append(loss_by_definition(state | {name: moved}, ids))
        found[index] = (losses[0] - losses[1]) / (2 * step)
    return found


def in_float64(check, module):
    return {name: check.array(a).astype(np.float64) for name, a in module.state_dict().items()}


def loud(tt, *sizes, seed=0, size=0.5):
    """A TinyGPT with large random numbers everywhere: its logits are far apart, no bias is 0."""
    model, rng = tt.TinyGPT(*sizes), np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data = (size * rng.standard_normal(parameter.shape)).astype(np.float32)
    return model


def constant(tt, logits, max_length=8):
    """A TinyGPT that gives these logits, (V,), after any text."""
    width = 4
    model = tt.TinyGPT(len(logits), width, 2, 1, max_length)
    for parameter in model.parameters():
        parameter.data = np.zeros(parameter.shape, np.float32)
    model.norm.bias.data = np.array([1, 0, 0, 0], np.float32)
    model.tokens.weight.data = np.outer(logits, [1, 0, 0, 0]).astype(np.float32)
    return model


def window_start(length, max_length):
    """As the docstring of generate has it: a full window moves on by half of it."""
    step, start = max_length - max_length // 2, 0
    while length - start > max_length:
        start += step
    return start


@pytest.mark.points(2)
@pytest.mark.hint("sorted(set(text)) are the characters; their places in it are the ids.")
def test_characters(tt, check):
    """Gives each character the place in its alphabet as an id, and takes ids back to text"""
    tokenizer = tt.CharTokenizer("abba c\n")
    check.equal(tokenizer.vocab_size, 5)
    check.equal(tokenizer.encode("cab\n"), [4, 2, 3, 0])
    check.equal(tokenizer.encode(""), [])
    for ids in ([4, 2, 3, 1], np.array([4, 2, 3, 1]), tt.Tensor([4, 2, 3, 1])):
        check.equal(tokenizer.decode(ids), "cab ")
    other = tt.CharTokenizer("Ёлка 🙂")
    check.equal(other.decode(other.encode("🙂Ё а")), "🙂Ё а")
    with check.raises(ValueError, mentions=("'d'",)):
        tokenizer.encode("abcd")
    for ids in ([5], [-1]):
        with check.raises(ValueError, mentions=(str(ids[0]),)):
            tokenizer.decode(ids)


@pytest.mark.points(3)
@pytest.mark.hint("The most frequent pair of neighbours; of equal ones, that with the smaller ids.")
def test_bpe_by_hand(tt, check):
    """Merges the most frequent pair again and again, and of equal ones the smallest"""
    tokenizer = tt.BPETokenizer("low low lower lowest", 260)
    check.equal(tokenizer.vocab_size, 260)
    found = [tokenizer.decode([i]) for i in range(256, 260)]
    check.equal(found, ["lo", "low", " low", " lowe"])
    check.equal(tokenizer.encode("low lows slow"), [257, 258, 82, 220, 82, 257])
    # "cd" and "ab" are as frequent, and "ab" has the smaller ids, although "cd" comes first.
    ties = tt.BPETokenizer("cd-ab-cd-ab", 258)
    check.equal([ties.decode([i]) for i in (256, 257)], ["ab", "cd"])
    # "bc" was learned before "ab", so "abc" is "a" and "bc".
    two = tt.BPETokenizer("bc-bc-bc-ab-ab", 258)
    check.equal([two.decode([i]) for i in (256, 257)], ["bc", "ab"])
    check.equal(two.encode("abcab"), [64, 256, 257])
    few = tt.BPETokenizer("aaa aaa", 9999)
    check.equal([few.decode([i]) for i in range(256, few.vocab_size)], ["aa", "aaa", " aaa"])
    check.equal(tt.BPETokenizer("abc", 10).vocab_size, 256)
    check.equal(tt.BPETokenizer("", 300).vocab_size, 256)


@pytest.mark.points(3)
@pytest.mark.hint("Follow the table of the module: count, take the best pair, merge it everywhere.")
@pytest.mark.depends(on="test_bpe_by_hand")
@given(text=TEXTS, size=st.integers(250, 290), other=TEXTS)
def test_bpe_agrees_with_its_definition(tt, check, text, size, other):
    """Learns from any text the tokens of the definition, and encodes other texts with them"""
    tokens, merges = learned(text, size)
    tokenizer = tt.BPETokenizer(text, size)
    found = [tokenizer.decode([i]).encode() for i in range(256, tokenizer.vocab_size)]
    check.equal(found, tokens[256:])
    for one in (text, other):
        check.equal(tokenizer.encode(one), encoded(one, tokens, merges))


@pytest.mark.points(3)
@pytest.mark.hint("Cut the text with WORDS first; count pairs within a word only.")
@pytest.mark.depends(on="test_bpe_by_hand")
def test_merges_stay_within_words(tt, check):
    """Makes no token that reaches from one word into the next, or into a mark"""
    text = "yes. no. " * 60 + "one,\ntwo,\n" * 50 + "a b a b " * 40
    tokenizer = tt.BPETokenizer(text, 300)
    for i in range(256, tokenizer.vocab_size):
        token = tokenizer.decode([i])
        check.true(
            re.fullmatch(WORDS, token) is not None,
            f"token {i} is {token!r}, which holds more than one word or mark",
        )
    parts = [tokenizer.decode([i]) for i in tokenizer.encode("yes. no.")]
    check.equal(parts, ["yes", ".", " no", "."])


@pytest.mark.points(2)
@pytest.mark.hint("Bytes, not characters: text.encode('utf-8') has no unknown ones.")
@pytest.mark.depends(on="test_bpe_by_hand")
@given(text=st.text(max_size=40))
def test_there_and_back(tt, check, text):
    """Takes any Unicode text to ids and back, also one that has nothing of what it learned from"""
    for sample in ("the cat, the hat. " * 3, "не кошка, а кот " * 3 + "🙂🙂"):
        tokenizer = tt.BPETokenizer(sample, 265)
        ids = tokenizer.encode(text)
        check.equal(tokenizer.decode(ids), text)
        check.equal(tokenizer.encode(text), ids)  # what it remembers of words stays as it is
        check.true(len(ids) <= len(text.encode()), "there should be no more ids than bytes")


@pytest.mark.points(1)
@pytest.mark.hint('bytes(...).decode("utf-8", errors="replace"), for all ids together.')
@pytest.mark.depends(on="test_there_and_back")
def test_parts_of_characters(tt, check):
    """Shows a character that is cut off as U+FFFD, and refuses ids that there are not"""
    tokenizer = tt.BPETokenizer("cat", 258)
    ids = tokenizer.encode("cat🙂")
    check.equal(tokenizer.decode(ids[:-1]), "cat\N{REPLACEMENT CHARACTER}")
    check.equal(tokenizer.decode(np.array(ids)), "cat🙂")
    check.equal(tokenizer.decode(tt.Tensor(ids)), "cat🙂")
    for wrong in (258, -1):
        with check.raises(ValueError, mentions=(str(wrong),)):
            tokenizer.decode([wrong])


@pytest.mark.points(2)
@pytest.mark.hint("save is given: it writes self.tokens and self.merges as they are.")
@pytest.mark.depends(on="test_bpe_agrees_with_its_definition")
def test_saved_tokenizers(check, run_program):
    """Saves a vocabulary and its merges as other tools read them, and loads them again"""
    text = "the cat sat, the mat sat. кот и кит 🙂"
    found = run_program("programs/tokenizer_saved.py", text=text, size=275, other=text[::-1])
    tokens, merges = learned(text, 275)
    letters = dict(zip(ORDER, [*map(chr, SHOWN), *map(chr, range(256, 256 + 68))], strict=True))
    shown = ["".join(letters[byte] for byte in token) for token in tokens]
    check.equal(found["model"]["vocab"], {token: i for i, token in enumerate(shown)})
    check.equal(
        [list(pair) for pair in found["model"]["merges"]],
        [[shown[i] for i in pair] for pair in merges],
    )
    check.equal(found["loaded ids"], found["ids"])
    check.equal(found["ids"], encoded(text[::-1], tokens, merges))
    check.equal(found["loaded text"], text[::-1])
    check.equal(found["loaded size"], 275)
    check.equal(found["refused"], ["ValueError", "ValueError"])


@pytest.mark.points(2)
@pytest.mark.hint("weight[ids] picks rows; look at the smallest and the largest id before.")
def test_embedding(tt, check, rng):
    """Picks the row of each id, for ids of any shape, and refuses ids that there are not"""
    layer = tt.Embedding(7, 3)
    check.shape(layer.weight, (7, 3))
    spread = float(check.array(tt.Embedding(100, 50).weight).std())
    check.true(0.9 < spread < 1.1, f"weights should spread by 1, not by {spread:.2f}")
    table = check.array(layer.weight)
    for shape in ((), (1,), (5,), (2, 4), (2, 3, 4)):
        ids = rng.integers(0, 7, shape)
        given = tt.Tensor(ids.copy())
        with check.unchanged(given, layer.weight):
            check.close(layer(given), table[ids], rtol=0, atol=0)
    square = tt.Embedding(3, 3)  # where a column has the shape of a row
    check.close(square([2, 0]), check.array(square.weight)[[2, 0]], rtol=0, atol=0)
    check.shape(layer(np.zeros((3, 0), int)), (3, 0, 3))
    check.close(layer([[6, 0]]), table[[[6, 0]]], rtol=0, atol=0)
    check.dtype(layer([1]), "float32")
    for wrong in ([0, 7], [-1]):
        with check.raises((IndexError, ValueError), mentions=(str(wrong[-1]),)):
            layer(wrong)
    with check.raises(TypeError):
        layer([0.5])
    with check.raises(ValueError, mentions=("0",)):
        tt.Embedding(0, 3)


@pytest.mark.points(3)
@pytest.mark.hint("np.add.at(slope, ids, grad) adds; slope[ids] += grad keeps one of several.")
@pytest.mark.depends(on="test_embedding")
@given(seed=SEEDS, shape=st.sampled_from([(), (1,), (6,), (2, 5), (3, 2, 2), (0,)]))
def test_repeated_ids_add_up(tt, check, seed, shape):
    """Gives each row the sum of the gradients of all its uses, and zeros where there are none"""
    rng = np.random.default_rng(seed)
    ids, grad = rng.integers(0, 4, shape), rng.standard_normal((*shape, 3)).astype(np.float32)
    layer = tt.Embedding(6, 3)
    layer(tt.Tensor(ids)).backward(tt.Tensor(grad))
    expected = np.zeros((6, 3))
    for i, row in zip(ids.ravel(), grad.reshape(-1, 3), strict=True):
        expected[i] += row
    check.close(layer.weight.grad, expected, rtol=1e-4, atol=1e-5)
    check.dtype(layer.weight.grad, "float32")


@pytest.mark.points(3)
@pytest.mark.hint("x + attention(norm1(x)), then the same with the MLP behind norm2.")
@given(seed=SEEDS, sizes=st.sampled_from([(4, 1), (6, 2), (8, 4)]), t=st.integers(1, 5))
def test_block_agrees_with_its_definition(tt, check, seed, sizes, t):
    """Adds attention and then an MLP, each computed from a normalized copy"""
    width, heads = sizes
    rng, block = np.random.default_rng(seed), tt.TransformerBlock(width, heads)
    for parameter in block.parameters():
        parameter.data = rng.standard_normal(parameter.shape).astype(np.float32)
    x, state = rng.standard_normal((2, t, width)).astype(np.float32), in_float64(check, block)
    expected = block_by_definition(x, state, heads)
    given, mask = tt.Tensor(x.copy()), tt.causal_mask(t)
    with check.unchanged(given):
        check.close(block(given, mask), expected, rtol=1e-3, atol=1e-3)
    expected = block_by_definition(x, state, heads, causal=False)
    check.close(block(tt.Tensor(x)), expected, rtol=1e-3, atol=1e-3)
    check.equal(state["linear1.weight"].shape, (4 * width, width))
    fresh = tt.TransformerBlock(width, heads)
    for norm in (fresh.norm1, fresh.norm2):
        check.close(norm.weight, np.ones(width))


@pytest.mark.points(4)
@pytest.mark.hint("Rows of tokens and positions, all blocks, norm, times the table of tokens.")
@pytest.mark.depends(on=["test_block_agrees_with_its_definition", "test_embedding"])
def test_model_agrees_with_its_definition(tt, check, rng):
    """Computes logits from tokens and positions, through all blocks, to the tokens again"""
    for layers, t in ((1, 1), (2, 6), (3, 9)):
        model = loud(tt, 11, 8, 2, layers, 9, seed=layers)
        ids = rng.integers(0, 11, (3, t))
        expected = gpt_by_definition(in_float64(check, model), ids, 2)
        for one in (ids, tt.Tensor(ids), ids.tolist()):
            check.close(model(one), expected, rtol=1e-3, atol=2e-3)
        check.dtype(model(ids), "float32")
    for wrong, says in ((np.zeros((1, 10), int), ("10", "9")), (np.zeros(3, int), ("(3,)",))):
        with check.raises(ValueError, mentions=says):
            model(wrong)


@pytest.mark.points(2)
@pytest.mark.hint("The last product takes tokens.weight itself: no other table, and no bias.")
@pytest.mark.depends(on="test_model_agrees_with_its_definition")
def test_weights_are_tied(tt, check):
    """Has one table for what goes in and what comes out, and no parameter too many"""
    for vocab, width, layers, length in ((50, 8, 1, 16), (30, 12, 3, 5)):
        model = tt.TinyGPT(vocab, width, 2, layers, length)
        names = [name for name, _ in model.named_parameters()]
        count = sum(parameter.size for parameter in model.parameters())
        own = 12 * width**2 + 13 * width
        check.equal(count, (vocab + length + 2) * width + layers * own)
        check.equal(len(names), 4 + 12 * layers)
        check.true("tokens.weight" in names, f"there should be a tokens.weight among {names}")


@pytest.mark.points(1)
@pytest.mark.hint("All matrices begin small, randn(...) * 0.02: then no token is favoured.")
@pytest.mark.depends(on="test_model_agrees_with_its_definition")
def test_begins_with_a_loss_of_log_v(tt, check, rng):
    """Begins with all tokens equally likely, and with other numbers after another seed"""
    first, ids = [], rng.integers(0, 200, (8, 17))
    for seed in (1, 2):
        tt.manual_seed(seed)
        model = tt.TinyGPT(200, 32, 4, 2, 16)
        loss = float(check.array(tt.next_token_loss(model(ids[:, :-1]), ids[:, 1:])))
        far = abs(loss - math.log(200))
        check.true(far < 0.3, f"the first loss is {loss:.2f}, not near log 200 = 5.30")
        first.append(check.array(model(ids[:1, :4])))
    check.true(bool((first[0] != first[1]).any()), "two models must not begin alike")


@pytest.mark.points(3)
@pytest.mark.hint("Each block needs the causal mask: True below and on the diagonal.")
@pytest.mark.depends(on="test_model_agrees_with_its_definition")
@given(seed=SEEDS, place=st.integers(1, 6))
def test_no_position_sees_a_later_one(tt, check, seed, place):
    """Predicts the same at each position, whatever comes after it"""
    model, rng = loud(tt, 9, 8, 2, 2, 7, seed=1), np.random.default_rng(seed)
    ids = rng.integers(0, 9, (2, 7))
    changed = ids.copy()
    changed[:, place:] = rng.integers(0, 9, changed[:, place:].shape)
    changed[:, place] = (ids[:, place] + 1) % 9
    before, after = check.array(model(ids)), check.array(model(changed))
    check.close(after[:, :place], before[:, :place], rtol=1e-3, atol=1e-3)
    check.close(model(ids[:, :place]), before[:, :place], rtol=1e-3, atol=1e-3)
    moved = float(np.abs(after[:, place:] - before[:, place:]).max(axis=(0, 2)).min())
    check.true(moved > 1e-4, f"token {place} changed, and a later answer by {moved} only")


@pytest.mark.points(3)
@pytest.mark.hint("Compose Tensor operations only: an array in between has no history.")
@pytest.mark.depends(on=["test_repeated_ids_add_up", "test_model_agrees_with_its_definition"])
def test_gradients_of_the_model(tt, check):
    """Walks back to every parameter as finite differences say, from each use of each token"""
    ids = np.array([[1, 2, 1, 1, 0], [3, 3, 3, 2, 2]])
    model = loud(tt, 4, 4, 2, 1, 5, seed=3)
    state = in_float64(check, model)
    for name, parameter in model.named_parameters():
        parameter.data = state[name].copy()
    tt.next_token_loss(model(ids[:, :-1]), ids[:, 1:]).backward()
    for name, parameter in model.named_parameters():
        check.close(parameter.grad, slope_of_loss(state, name, ids), rtol=1e-4, atol=1e-6)


@pytest.mark.points(4)
@pytest.mark.hint("New positions count from cache.length, and see all that is in the cache.")
@pytest.mark.depends(on="test_model_agrees_with_its_definition")
def test_cache_gives_the_logits_of_the_whole(tt, check, rng):
    """Computes new positions alone, and gets the logits of the whole text"""
    for batch, layers, width in ((1, 1, 8), (2, 1, 4), (3, 2, 8)):  # also 2 heads of 2 numbers
        model = loud(tt, 11, width, 2, layers, 12, seed=layers)
        ids = rng.integers(0, 11, (batch, 12))
        whole = gpt_by_definition(in_float64(check, model), ids, 2)
        for lengths in ([1] * 12, [5, 1, 1, 5], [12], [3, 4, 2, 1, 2]):
            cache, start = model.new_cache(batch), 0
            for length in lengths:
                end = start + length
                logits = model(ids[:, start:end], cache)
                check.close(logits, whole[:, start:end], rtol=1e-3, atol=2e-3)
                start = end
        with check.raises(ValueError, mentions=("13", "12")):
            model(ids[:, :1], cache)
    one, two = model.new_cache(1), model.new_cache(1)
    model(ids[:1, :6], one)
    model(ids[1:2, :6], two)
    check.close(model(ids[:1, 6:7], one)[0], whole[0, 6:7], rtol=1e-3, atol=2e-3)


@pytest.mark.points(3)
@pytest.mark.hint("Read what window_start leaves; when the window moves, begin with a new cache.")
@pytest.mark.depends(on="test_model_agrees_with_its_definition")
def test_writes_past_the_end_of_its_window(tt, check):
    """Appends the most likely token, with and without a cache, also where the window is full"""
    for max_length, seed in ((10, 1), (7, 2), (1, 2)):  # in these, positions decide about tokens
        model = loud(tt, 11, 8, 2, 2, max_length, seed=seed)
        model.positions.weight.data = 4 * check.array(model.positions.weight)
        state = in_float64(check, model)
        for use_cache in (True, False):
            text = model.generate([4, 1], 30, temperature=0, use_cache=use_cache)
            check.dtype(text, "int64")
            text = check.array(text)
            check.equal(text.shape, (32,))
            check.equal(text[:2], np.array([4, 1]))
            for n in range(2, 32):
                seen = text[None, window_start(n, max_length) : n]
                logits = gpt_by_definition(state, seen, 2)[0, -1]
                check.true(
                    bool(logits[text[n]] > logits.max() - 1e-2),
                    f"with max_length={max_length}, use_cache={use_cache}, token {n} is"
                    f" {text[n]}, but after {seen[0].tolist()} the likeliest is {logits.argmax()}",
                )
    check.instance(model.generate([3], 1), tt.Tensor)
    check.equal(check.array(model.generate(tt.Tensor([3]), 0)), np.array([3]))


@pytest.mark.points(3)
@pytest.mark.hint("Divide the logits by the temperature, then softmax; greedy where it is 0.")
@pytest.mark.depends(on="test_writes_past_the_end_of_its_window")
def test_temperature_and_top_k(tt, check):
    """Draws tokens as often as temperature and top_k say"""
    logits, count = np.array([0.0, 2.0, 1.0, -1.0]), 400
    model = constant(tt, logits)
    cases = [(1.0, None), (0.5, None), (2.0, None), (1.0, 2), (2.0, 9)]
    for temperature, top_k in cases:
        drawn = model.generate([0], count, temperature=temperature, top_k=top_k, seed=7)
        found = np.bincount(check.array(drawn)[1:], minlength=4) / count
        kept = np.argsort(-logits)[: top_k or 4]
        weights = np.zeros(4)
        weights[kept] = np.exp(logits[kept] / temperature)
        expected = weights / weights.sum()
        told = f"temperature={temperature}, top_k={top_k}: drawn {found.round(2).tolist()}"
        near = bool(np.abs(found - expected).max() < 0.12)
        check.true(near, f"{told} of the time, expected {expected.round(2).tolist()}")
        if top_k == 2:
            check.true(float(found[[0, 3]].sum()) == 0, f"{told}, but only 1 and 2 take part")
    for options in ({"temperature": 0}, {"top_k": 1}, {"temperature": 1e-4}):
        check.equal(check.array(model.generate([0], 20, **options))[1:], np.ones(20, np.int64))


@pytest.mark.points(2)
@pytest.mark.hint("np.random.default_rng(seed), once in each call; engine.generator without one.")
@pytest.mark.depends(on="test_temperature_and_top_k")
def test_seeds(tt, check):
    """Writes the same with the same seed, another text with another, and obeys manual_seed"""
    model = constant(tt, np.zeros(50))
    one, again, other = (check.array(model.generate([0], 40, seed=s)) for s in (3, 3, 4))
    check.equal(again, one)
    check.true(bool((one != other).any()), "seeds 3 and 4 should not give the same text")
    check.true(len(set(one.tolist())) > 10, f"one draw for all tokens: {one.tolist()}")
    texts = []
    for seed in (5, 5, 6):
        tt.manual_seed(seed)
        texts += [check.array(model.generate([0], 40)) for _ in range(2)]
    check.equal(texts[2], texts[0])
    check.equal(texts[3], texts[1])
    different = {tuple(text.tolist()) for text in texts}
    check.equal(len(different), 4)
    tt.manual_seed(5)
    model.generate([0], 40, seed=3)  # draws of its own: those of manual_seed stay where they are
    check.equal(check.array(model.generate([0], 40)), texts[0])


@pytest.mark.points(1)
@pytest.mark.hint("known_ids is given; look at temperature and top_k before you divide.")
@pytest.mark.depends(on="test_writes_past_the_end_of_its_window")
def test_what_generate_refuses(tt, check):
    """Refuses an empty text, unknown ids, and temperatures and top_k that mean nothing"""
    model = constant(tt, np.zeros(5))
    for options, says in (
        ({"temperature": -1.0}, "-1"),
        ({"temperature": float("nan")}, "nan"),
        ({"top_k": 0}, "0"),
    ):
        with check.raises(ValueError, mentions=(says,)):
            model.generate([0], 3, **options)
    with check.raises(ValueError):
        model.generate([], 3)
    for wrong in (5, -1):
        with check.raises((ValueError, IndexError), mentions=(str(wrong),)):
            model.generate([wrong], 3)


@pytest.mark.points(2)
@pytest.mark.hint("Keep keys and values; give the model only what is not in the cache yet.")
@pytest.mark.depends(on="test_cache_gives_the_logits_of_the_whole")
def test_cache_saves_time(tt, check, speed):
    """Writes with a cache in at most two thirds of the time that it takes without"""
    model = tt.TinyGPT(64, 256, 4, 1, 128)
    prompt, a = np.arange(60), np.ones((256, 256))
    found = [
        speed(lambda c=c: model.generate(prompt, 40, use_cache=c, seed=0), lambda: a @ a @ a)
        for c in (True, False)
    ]
    saved = found[1].value / found[0].value
    told = f"without a cache it takes {saved:.1f} times as long, expected 1.5 or more"
    check.true(saved > 1.5, told)


@pytest.mark.points(2)
@pytest.mark.hint("Targets are the inputs, one later; windows stand side by side.")
def test_windows(tt, check):
    """Cuts a text into windows, each with the tokens that follow as targets"""
    for count, length in ((10, 4), (9, 4), (8, 4), (2, 1), (30, 29), (31, 15)):
        ids = (np.arange(count) * 7 + 3) % 11
        windows = tt.token_windows(ids, length)
        check.equal(len(windows), (count - 1) // length)
        for i in range((count - 1) // length):
            inputs, targets = windows[i]
            start = i * length
            check.equal(check.array(inputs), ids[start : start + length])
            check.equal(check.array(targets), ids[start + 1 : start + length + 1])
    with check.raises(ValueError, mentions=("5", "4")):
        tt.token_windows([1, 2, 3, 4], 4)


@pytest.mark.points(2)
@pytest.mark.hint("e to the mean loss over all targets; a short last window counts for less.")
@pytest.mark.depends(on="test_model_agrees_with_its_definition")
def test_loss_and_perplexity(tt, check, rng):
    """Means the loss over all positions of a batch, and of a text that is longer than the window"""
    for shape in ((2, 3, 5), (3, 3, 3)):  # also as many texts as positions and as tokens
        logits, targets = rng.standard_normal(shape), rng.integers(0, shape[2], shape[:2])
        x = tt.Tensor(logits.copy(), requires_grad=True)
        given = tt.Tensor(targets.copy())
        with check.unchanged(x, given):
            loss = tt.next_token_loss(x, given)
        shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        check.close(loss, -np.log(np.take_along_axis(shares, targets[..., None], -1)).mean())
        loss.backward()
        check.close(x.grad, (shares - np.eye(shape[2])[targets]) / targets.size)
    model = loud(tt, 7, 8, 2, 1, 6, seed=5)
    state = in_float64(check, model)
    for count in (2, 7, 8, 12, 13, 16):
        ids, logs = rng.integers(0, 7, count), []
        for n in range(1, count):
            row = gpt_by_definition(state, ids[None, (n - 1) // 6 * 6 : n], 2)[0, -1]
            logs.append(math.log(np.exp(row).sum()) - row[ids[n]])
        found = check.type(tt.perplexity(model, ids), float)
        check.close(found, math.exp(np.mean(logs)), rtol=1e-3)
    with check.raises(ValueError):
        tt.perplexity(model, [3])


def bigram_perplexity(known, text):
    """Of a model that counts pairs of words in `known`, mixed with how often each word occurs."""
    words, others = (list(re.findall(r"\S+|\n", t)) for t in (known, text))
    single, pairs = Counter(words), Counter(pairwise(words))
    follow = Counter(first for first, _ in pairs)
    total = 0.0
    for first, second in pairwise(others):
        share = (single[second] + 0.5) / (len(words) + 0.5 * len(single))
        seen, all_of = max(pairs[first, second] - 0.75, 0), max(single[first], 1)
        total += math.log((seen + 0.75 * follow[first] * share) / all_of)
    return math.exp(-total / (len(others) - 1))


@pytest.mark.points(4)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one writes.")
@pytest.mark.depends(
    on=[
        "test_gradients_of_the_model",
        "test_bpe_agrees_with_its_definition",
        "test_windows",
        "test_loss_and_perplexity",
    ]
)
def test_learns_to_write(check, corpus, run_program):
    """Learns to predict unseen sentences better than a count of pairs of words, and writes words"""
    known = "".join(corpus.train.splitlines(keepends=True)[:1200])
    unseen = "\n" + "".join(corpus.held_out.splitlines(keepends=True)[:200])
    found = run_program("programs/gpt_writes.py", text=known, unseen=unseen)
    words = re.findall(r"\S+|\n", unseen)
    # The model's tokens are shorter than words at times: its loss is shared out over the words.
    loss = math.log(found["perplexity"]) * (found["tokens"] - 1) / (len(words) - 1)
    other = bigram_perplexity(known, unseen)
    check.true(
        math.exp(loss) < other,
        f"on unseen sentences its perplexity is {math.exp(loss):.2f} for each word,"
        f" expected less than that of pairs of words, {other:.2f}",
    )
    written = found["written"].split()
    strange = [word for word in written if word not in set(known.split())]
    check.true(len(written) > 30, f"it should have written 30 words or more: {written}")
    few = len(strange) < 0.1 * len(written)
    check.true(few, f"it should write words that it read, not {strange[:5]}")
