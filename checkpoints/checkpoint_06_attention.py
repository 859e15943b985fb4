"""Checkpoint 06: attention against its definition in float64, and laws that hold for any weights.

The last test continues a text, with weights that are set by hand.
"""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("06")

SEEDS = st.integers(0, 10_000)
LENGTHS = st.integers(1, 6)
HEADS = st.sampled_from([(4, 1), (4, 2), (6, 2), (6, 3), (8, 8)])  # width of the model, heads


def by_definition(q, k, v, mask=None):
    """softmax(q k^T / sqrt(d)) v in float64; zeros for a query that may attend to nothing."""
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    scores = np.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1])
    seen = np.broadcast_to(True if mask is None else mask, scores.shape)
    scores = np.where(seen, scores, -1e300)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True)) * seen
    total = weights.sum(axis=-1, keepdims=True)
    return np.einsum("...ts,...se->...te", weights / np.where(total > 0, total, 1), v)


def draws(seed, *shapes):
    """Float32 arrays of these shapes, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def heads_of(check, layer, x, heads):
    """Queries, keys and values of a layer, (N, h, T, d) each, from its parameters."""
    n, t, width = x.shape
    weight = check.array(layer.in_proj_weight).astype(np.float64)
    parts = x @ weight.T + check.array(layer.in_proj_bias)
    return parts.reshape(n, t, 3, heads, width // heads).transpose(2, 0, 3, 1, 4)


def multi_head_by_definition(check, layer, x, heads, mask=None):
    """What a MultiHeadAttention with these parameters computes, in float64."""
    found = by_definition(*heads_of(check, layer, x, heads), mask)
    side_by_side = found.transpose(0, 2, 1, 3).reshape(x.shape)
    weight = check.array(layer.out_proj.weight).astype(np.float64)
    return side_by_side @ weight.T + check.array(layer.out_proj.bias)


def with_biases(tt, width, heads, seed):
    """A MultiHeadAttention whose biases are not zeros, so that none can be forgotten."""
    tt.manual_seed(seed)
    layer = tt.MultiHeadAttention(width, heads)
    layer.in_proj_bias.data, layer.out_proj.bias.data = draws(seed, 3 * width, width)
    return layer


@pytest.mark.points(2)
@pytest.mark.hint("Scores q k^T / sqrt(d), softmax over the keys, then the mean of the values.")
def test_attention_by_hand(tt, check):
    """Weighs the values as worked by hand: 1/4 and 3/4, where a forgotten root gives 1/10"""
    q = tt.Tensor([[1.0, 1.0, 1.0, 1.0]])
    k = tt.Tensor([[0.0] * 4, [math.log(3) / 2] * 4])
    v = tt.Tensor([[4.0, 0.0], [8.0, 4.0]])
    check.close(tt.scaled_dot_product_attention(q, k, v), [[7, 3]])
    two = tt.Tensor([[0.0] * 4, [1.0] * 4])
    expected = [[6, 2], [7, 3]]
    check.close(tt.scaled_dot_product_attention(two, k, v), expected)
    pairs = [tt.stack([x, x]) for x in (two, k, v)]
    check.close(tt.scaled_dot_product_attention(*pairs), [expected, expected])


@pytest.mark.points(1)
@pytest.mark.hint("The softmax goes over the keys: each query has one whole to give away.")
@pytest.mark.depends(on="test_attention_by_hand")
def test_weights_are_probabilities(tt, check, rng):
    """Gives each query weights that sum to 1, the largest to the key that fits best"""
    q, k = (rng.standard_normal((n, 4)).astype(np.float32) for n in (3, 5))
    identity = tt.Tensor(np.eye(5, dtype=np.float32))
    weights = check.array(tt.scaled_dot_product_attention(tt.Tensor(q), tt.Tensor(k), identity))
    check.equal(weights.shape, (3, 5))
    check.close(weights.sum(axis=1), np.ones(3))
    check.true(bool((weights > 0).all()), f"weights must be positive, the least is {weights.min()}")
    check.equal(weights.argmax(axis=1), (q @ k.T).argmax(axis=1))


@pytest.mark.points(2)
@pytest.mark.hint("Only the last two dimensions take part in the products: all others are a batch.")
@pytest.mark.depends(on="test_attention_by_hand")
@given(
    seed=SEEDS,
    leading=st.sampled_from([(), (2,), (2, 3), (1, 2, 2)]),
    sizes=st.tuples(LENGTHS, LENGTHS, LENGTHS, LENGTHS),
)
def test_attention_agrees_with_its_definition(tt, check, seed, leading, sizes):
    """Takes any batch, more keys than queries, and values of another width"""
    t, s, d, e = sizes
    q, k, v = draws(seed, (*leading, t, d), (*leading, s, d), (*leading, s, e))
    expected, qkv = by_definition(q, k, v), [tt.Tensor(a) for a in (q, k, v)]
    with check.unchanged(*qkv):
        attended = tt.scaled_dot_product_attention(*qkv)
        check.close(attended, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.points(2)
@pytest.mark.hint("Subtract the largest score of each row before exp.")
@pytest.mark.depends(on="test_attention_by_hand")
def test_extreme_scores(tt, check):
    """Stays exact with scores of 10,000 and -10,000, masked or not, without a warning"""
    q, k = np.array([[1e4], [-1e4], [0.0]]), np.array([[1.0], [-1.0], [1.0]])
    v = np.array([[1.0], [5.0], [3.0]])
    hidden = np.array([[True, False, False], [True, False, True], [True, True, False]])
    for dtype in (np.float32, np.float64):
        x = [tt.Tensor(a.astype(dtype)) for a in (q, k, v)]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check.close(tt.scaled_dot_product_attention(*x), [[2], [5], [3]])
            check.close(tt.scaled_dot_product_attention(*x, mask=hidden), [[1], [2], [3]])


@pytest.mark.points(1)
@pytest.mark.hint("Row t: True in columns 0 to t, its own place included. np.tril makes triangles.")
def test_causal_mask(tt, check):
    """Lets each position see itself and what came before it"""
    for length in (1, 2, 5, 20):
        expected = [[s <= t for s in range(length)] for t in range(length)]
        check.equal(tt.causal_mask(length), np.array(expected))


@pytest.mark.points(2)
@pytest.mark.hint("Before the softmax: what is hidden gets the score -inf, and so the weight 0.")
@pytest.mark.depends(on="test_attention_by_hand")
@given(seed=SEEDS, seen=st.lists(st.booleans(), min_size=2, max_size=7).filter(any))
def test_what_is_hidden_does_not_matter(tt, check, seed, seen):
    """Attends with a mask as if what is hidden were not there, whatever numbers stand in it"""
    q, k, v = draws(seed, (3, 4), (len(seen), 4), (len(seen), 2))
    mask = np.array([seen] * 3)
    left = by_definition(q, k[mask[0]], v[mask[0]])
    for size in (1, 100):
        k[~mask[0]] *= size
        v[~mask[0]] += 1000 * (size - 1)
        x = [tt.Tensor(a.copy()) for a in (q, k, v)]
        attended = tt.scaled_dot_product_attention(*x, mask=mask)
        check.close(attended, left, rtol=1e-4, atol=1e-5)


@pytest.mark.points(1)
@pytest.mark.hint("A mask broadcasts to (..., T, S); np.asarray makes an array of a Tensor.")
@pytest.mark.depends(on="test_what_is_hidden_does_not_matter")
def test_masks_of_every_shape(tt, check, rng):
    """Takes one mask for all, for each sequence, for each head, as Tensor, array or list"""
    q, k, v = (rng.standard_normal((2, 3, n, 4)).astype(np.float32) for n in (4, 5, 5))
    x = [tt.Tensor(a) for a in (q, k, v)]
    for shape in ((4, 5), (1, 5), (2, 1, 4, 5), (2, 1, 1, 5), (3, 4, 5), (2, 3, 4, 5)):
        mask = rng.random(shape) < 0.6
        mask[..., 2] = True
        expected = by_definition(q, k, v, mask)
        for one in (mask, tt.Tensor(mask), mask.tolist()):
            attended = tt.scaled_dot_product_attention(*x, one)
            check.close(attended, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.points(1)
@pytest.mark.hint(
    "Its sum is 0, and 0 / 0 is NaN; a row that sees anything has a sum of 1 or more."
)
@pytest.mark.depends(on="test_what_is_hidden_does_not_matter")
def test_a_row_that_sees_nothing(tt, check):
    """Gives zeros to a query that may attend to nothing, in every float, and not NaN"""
    for dtype in ("float16", "float32", "float64"):
        x = tt.Tensor(np.array([[[3, 1], [2, 1]], [[1, 1], [2, 2]]], dtype))
        mask = np.array([[[False, False], [True, False]], [[False, True], [False, False]]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            attended = tt.scaled_dot_product_attention(x, x, x, mask=mask)
        check.close(attended, [[[0, 0], [3, 1]], [[2, 2], [0, 0]]])
        check.dtype(attended, dtype)
    none = tt.scaled_dot_product_attention(tt.ones(2, 3), tt.zeros(0, 3), tt.zeros(0, 1))
    check.close(none, [[0], [0]])


@pytest.mark.points(2)
@pytest.mark.hint("check_shapes is given, call it first; a mask of numbers is a TypeError.")
@pytest.mark.depends(on="test_attention_by_hand")
def test_what_does_not_fit(tt, check):
    """Refuses widths, lengths and masks that do not fit, and names them"""
    x, mask = tt.ones(2, 3, 4), np.ones((3, 3), bool)
    with check.raises(ValueError, mentions=("4", "5")):
        tt.scaled_dot_product_attention(x, tt.ones(2, 3, 5), x)
    with check.raises(ValueError, mentions=("3", "6")):
        tt.scaled_dot_product_attention(x, x, tt.ones(2, 6, 4))
    with check.raises(ValueError):
        tt.scaled_dot_product_attention(x, tt.ones(3, 3, 4), tt.ones(3, 3, 4))
    with check.raises(ValueError, mentions=("(2, 3)",)):
        tt.scaled_dot_product_attention(x, x, x, mask=mask[:2])
    with check.raises(TypeError, mentions=("float",)):
        tt.scaled_dot_product_attention(x, x, x, mask=mask.astype(np.float32))
    with check.raises(ValueError, mentions=("6", "4")):
        tt.MultiHeadAttention(6, 4)
    with check.raises(ValueError, mentions=("0",)):
        tt.MultiHeadAttention(6, 0)
    layer = tt.MultiHeadAttention(4, 2)
    with check.raises(ValueError, mentions=("(2, 3, 3)",)):
        layer(x, mask=np.ones((2, 3, 3), bool))


@pytest.mark.points(1)
@pytest.mark.hint("The arrays of q, k and v belong to somebody else: no *=, no out= on them.")
@pytest.mark.depends(on="test_attention_by_hand")
def test_inputs_are_left_alone(tt, check):
    """Leaves queries, keys, values, sequences and masks as they were, in functions and layers"""
    arrays = draws(5, (2, 3, 4), (2, 3, 4), (2, 3, 4))
    q, k, v = (tt.Tensor(a.copy()) for a in arrays)
    expected = by_definition(*arrays, np.tril(np.ones((3, 3), bool)))
    attend, alone = tt.scaled_dot_product_attention, tt.SelfAttention(4)
    heads, positions = tt.MultiHeadAttention(4, 2), tt.PositionalEncoding(4, 3)
    mask, of_each = tt.causal_mask(3), tt.Tensor(np.tril(np.ones((2, 1, 3, 3), bool)))
    with check.unchanged(q, k, v, mask, of_each):
        for _ in range(2):
            check.close(attend(q, k, v, mask), expected, rtol=1e-4, atol=1e-5)
        check.shape(alone(q, mask), (2, 3, 4))
        check.shape(heads(q, mask), (2, 3, 4))
        check.shape(heads(q, of_each), (2, 3, 4))
        check.shape(positions(q), (2, 3, 4))


@pytest.mark.points(1)
@pytest.mark.hint("A matrix product adds up its products without writing them down.")
@pytest.mark.depends(on="test_attention_by_hand")
def test_memory_of_attention(tt, check, memory):
    """Needs a few tables of (T, T) on its way, and none that has the width in it too"""
    length, width = 1024, 64
    arrays = draws(9, *[(length, width)] * 3)
    q, k, v = (tt.Tensor(a) for a in arrays)
    attend, mask = tt.scaled_dot_product_attention, tt.causal_mask(length)
    attend(q[:4], k[:4], v[:4])  # what happens only once is not measured
    with memory() as used:
        attended = attend(q, k, v, mask=mask)
    expected = by_definition(*arrays, np.tril(np.ones((length, length), bool)))
    check.close(attended, expected, rtol=1e-3, atol=1e-4)
    tables = used.peak / (4 * length**2)
    text = f"attention over T = {length} positions of width {width} takes {tables:.1f} times"
    check.true(tables < 16, f"{text} the bytes of a table (T, T), expected less than 16")


@pytest.mark.points(2)
@pytest.mark.hint("self.query(x) asks, self.key(x) answers, self.value(x) is handed over.")
@pytest.mark.depends(on="test_attention_agrees_with_its_definition")
def test_self_attention(tt, check):
    """Makes queries, keys and values by three linear maps of the same sequence"""
    layer = tt.SelfAttention(4)
    names = [name for name, _ in layer.named_parameters()]
    check.equal(names[::2], ["query.weight", "key.weight", "value.weight"])
    weights = [check.array(parameter) for _, parameter in layer.named_parameters()][::2]
    alike = [bool((one == other).all()) for one, other in itertools.combinations(weights, 2)]
    check.true(not any(alike), "query, key and value must not begin alike")
    for name, bias in zip(("query", "key", "value"), draws(1, 4, 4, 4), strict=True):
        getattr(layer, name).bias.data = bias
    [x] = draws(2, (2, 3, 4))
    parts = [getattr(layer, name) for name in ("query", "key", "value")]
    q, k, v = (x @ check.array(part.weight).T + check.array(part.bias) for part in parts)
    check.close(layer(tt.Tensor(x)), by_definition(q, k, v), rtol=1e-4, atol=1e-5)
    causal = by_definition(q, k, v, np.tril(np.ones((3, 3), bool)))
    check.close(layer(tt.Tensor(x), tt.causal_mask(3)), causal, rtol=1e-4, atol=1e-5)
    check.close(layer(tt.Tensor(x[0])), by_definition(q, k, v)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.points(1)
@pytest.mark.hint("in_proj_weight, in_proj_bias, out_proj.weight, out_proj.bias, as in PyTorch.")
def test_parameters_of_multi_head_attention(tt, check):
    """Has the parameters of PyTorch's layer, each layer its own, and restores them"""
    layer, other = tt.MultiHeadAttention(6, 3), tt.MultiHeadAttention(6, 3)
    parameters = layer.named_parameters()
    shapes = {check.type(name, str): tuple(parameter.shape) for name, parameter in parameters}
    expected = {"in_proj_weight": (18, 6), "in_proj_bias": (18,)}
    check.equal(shapes, expected | {"out_proj.weight": (6, 6), "out_proj.bias": (6,)})
    weights = [check.array(one.in_proj_weight) for one in (layer, other)]
    check.true(bool((weights[0] != weights[1]).any()), "two layers must not begin alike")
    spread = float(weights[0].std()) * math.sqrt(6)
    check.true(0.3 < spread < 2, f"weights should spread by 0.3 to 2 / sqrt(E), not {spread:.2f}")
    [x] = draws(3, (2, 3, 6))
    expected = multi_head_by_definition(check, layer, x, 3)
    other.load_state_dict(layer.state_dict())
    check.close(other(tt.Tensor(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.points(2)
@pytest.mark.hint("(N, T, 3 E) -> (N, T, 3, h, d) -> (3, N, h, T, d), and back to (N, T, h, d).")
@pytest.mark.depends(on="test_parameters_of_multi_head_attention")
@given(seed=SEEDS, sizes=HEADS, n=st.integers(1, 3), t=LENGTHS, masked=st.booleans())
def test_heads_agree_with_their_definition(tt, check, seed, sizes, n, t, masked):
    """Cuts the width into heads, lets each attend, and mixes what they found"""
    layer = with_biases(tt, *sizes, seed)
    [x] = draws(seed, (n, t, sizes[0]))
    mask = np.tril(np.ones((t, t), bool)) if masked else None
    expected = multi_head_by_definition(check, layer, x, sizes[1], mask)
    check.close(layer(tt.Tensor(x), mask=mask), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.points(1)
@pytest.mark.hint("Attention is a sum over keys: nothing in it may depend on where they stand.")
@pytest.mark.depends(on="test_heads_agree_with_their_definition")
@given(seed=SEEDS, order=st.permutations(range(5)))
def test_shuffled_tokens_give_shuffled_answers(tt, check, seed, order):
    """Knows no order without positions, and tells orders apart with them"""
    layer, [x] = with_biases(tt, 6, 2, seed), draws(seed, (2, 5, 6))
    answers = multi_head_by_definition(check, layer, x, 2)
    check.close(layer(tt.Tensor(x[:, order])), answers[:, order], rtol=1e-4, atol=1e-5)
    q, k, v = draws(seed, (3, 4), (5, 4), (5, 2))
    whole = by_definition(q, k, v)
    moved = [tt.Tensor(a) for a in (q, k[order], v[order])]
    check.close(tt.scaled_dot_product_attention(*moved), whole, rtol=1e-4, atol=1e-5)
    if order != sorted(order):
        positions = tt.PositionalEncoding(6, 5)
        placed = check.array(layer(positions(tt.Tensor(x))))
        elsewhere = check.array(layer(positions(tt.Tensor(x[:, order]))))
        apart = float(np.abs(elsewhere - placed[:, order]).max())
        check.true(apart > 1e-4, f"with positions, order {order} must matter; it changed {apart}")


@pytest.mark.points(2)
@pytest.mark.hint("The causal mask goes to each head: True below and on the diagonal.")
@pytest.mark.depends(on=["test_causal_mask", "test_heads_agree_with_their_definition"])
@given(seed=SEEDS, t=st.integers(2, 6), data=st.data())
def test_the_future_changes_nothing(tt, check, seed, t, data):
    """Gives each position the same answer, whatever comes after it"""
    place = data.draw(st.integers(1, t - 1), label="place")
    layer, mask = with_biases(tt, 6, 2, seed), tt.causal_mask(t)
    x, other = draws(seed, (2, t, 6), (2, t, 6))
    changed = np.concatenate([x[:, :place], other[:, place:]], axis=1)
    before, after = (check.array(layer(tt.Tensor(a), mask)) for a in (x, changed))
    expected = multi_head_by_definition(check, layer, x, 2, np.tril(np.ones((t, t), bool)))
    check.close(before, expected, rtol=1e-4, atol=1e-5)
    check.close(after[:, :place], before[:, :place], rtol=1e-4, atol=1e-5)
    check.close(
        layer(tt.Tensor(x[:, :place]), tt.causal_mask(place)), before[:, :place], 1e-4, 1e-5
    )
    moved = float(np.abs(after[:, place] - before[:, place]).max())
    check.true(moved > 1e-4, f"position {place} changed, and its answer by {moved} only")


@pytest.mark.points(1)
@pytest.mark.hint(
    "Nothing depends on the batch; heads may be views, so reshape only after permute."
)
@pytest.mark.depends(on="test_heads_agree_with_their_definition")
def test_batches_of_any_size(tt, check):
    """Answers each sequence the same in any batch, one of none, one token, and a view"""
    layer, [x] = with_biases(tt, 6, 3, 7), draws(8, (5, 4, 6))
    whole = multi_head_by_definition(check, layer, x, 3)
    check.close(layer(tt.Tensor(x[3:])), whole[3:], rtol=1e-4, atol=1e-5)
    check.close(layer(tt.Tensor(x[:1])), whole[:1], rtol=1e-4, atol=1e-5)
    check.close(layer(tt.Tensor(x.transpose(2, 1, 0).copy().T)), whole, rtol=1e-4, atol=1e-5)
    single = multi_head_by_definition(check, layer, x[:, :1], 3)
    check.close(layer(tt.Tensor(x[:, :1])), single, rtol=1e-4, atol=1e-5)
    check.shape(layer(tt.zeros(0, 4, 6)), (0, 4, 6))
    check.shape(tt.SelfAttention(6)(tt.zeros(0, 4, 6)), (0, 4, 6))
    each = np.ones((5, 1, 1, 4), bool)
    each[2, ..., 3] = False
    expected = multi_head_by_definition(check, layer, x, 3, each)
    check.close(layer(tt.Tensor(x), mask=each), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.points(2)
@pytest.mark.hint("Column 2 i: sin(p / 10000^(2 i / E)); column 2 i + 1: cos of the same angle.")
def test_positions(tt, check):
    """Adds sines and cosines of the position, from fast to slow, to whatever is there"""
    check.close(tt.PositionalEncoding(4, 9)(tt.zeros(1, 4)), [[0, 1, 0, 1]])
    second = [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]
    check.close(tt.PositionalEncoding(4, 9)(tt.zeros(2, 4)), [[0, 1, 0, 1], second])
    for width in (1, 2, 6, 7):
        expected = [
            [
                (math.cos if c % 2 else math.sin)(p / 10000 ** ((c - c % 2) / width))
                for c in range(width)
            ]
            for p in range(100)
        ]
        layer = tt.PositionalEncoding(width, 100)
        check.close(layer(tt.zeros(100, width)), expected, atol=1e-4)
        for length in (20, width):
            [x] = draws(width, (3, length, width))
            wanted = x + np.array(expected)[:length]
            check.close(layer(tt.Tensor(x)), wanted, rtol=1e-4, atol=1e-4)
        check.close(layer(tt.Tensor(x[:1, :1])), x[:1, :1] + np.array(expected)[:1], atol=1e-4)
        check.equal(len(list(layer.parameters())), 0)
    with check.raises(ValueError, mentions=("101", "100")):
        layer(tt.zeros(101, 7))
    with check.raises(ValueError, mentions=("7", "6")):
        layer(tt.zeros(3, 6))
    with check.raises(ValueError):
        tt.PositionalEncoding(0, 10)


@pytest.mark.points(1)
@pytest.mark.hint(
    "A table or a scale of np.float64 widens all that follows; integers go to float32."
)
@pytest.mark.depends(on="test_attention_by_hand")
def test_float32_stays(tt, check):
    """Keeps float32, and float64 where it was given; makes float32 of integers"""
    x, wide = tt.ones(2, 3, 4), tt.Tensor(np.ones((2, 3, 4)))
    whole = tt.Tensor(np.ones((2, 3, 4), np.int64))
    check.dtype(tt.scaled_dot_product_attention(x, x, x, mask=tt.causal_mask(3)), "float32")
    check.dtype(tt.scaled_dot_product_attention(wide, wide, wide), "float64")
    check.dtype(tt.scaled_dot_product_attention(whole, whole, whole), "float32")
    for layer in (tt.SelfAttention(4), tt.MultiHeadAttention(4, 2), tt.PositionalEncoding(4, 3)):
        check.dtype(layer(x), "float32")
        check.dtype(layer(whole), "float32")
        check.instance(layer(x), tt.Tensor)


LETTERS = "^abcdefghijklmnopqrstuvwxyz "  # ^ begins a text
PLACE = 16  # numbers that tell a position
TOKEN, BEFORE, BEFORE_THAT = (slice(n * len(LETTERS), (n + 1) * len(LETTERS)) for n in range(3))
WIDTH = 3 * len(LETTERS) + PLACE
POSITION = slice(WIDTH - PLACE, WIDTH)
SURE = 200  # times the difference of two scores: beyond doubt


def turned_back(steps):
    """The matrix that takes the pattern of position p to that of p - steps, for every p."""
    matrix = np.zeros((PLACE, PLACE))
    for column in range(0, PLACE, 2):
        angle = steps * 10000 ** (-column / PLACE)
        sine, cosine = math.sin(angle), math.cos(angle)
        matrix[column : column + 2, column : column + 2] = [[cosine, -sine], [sine, cosine]]
    return matrix


def looking_back(tt):
    """Two heads: one fetches the letter before, the other the one before that."""
    layer, width = tt.MultiHeadAttention(WIDTH, 2), WIDTH // 2
    maps, mix = np.zeros((3, 2, width, WIDTH), np.float32), np.zeros((WIDTH, WIDTH), np.float32)
    for head, where in enumerate((BEFORE, BEFORE_THAT)):
        maps[0, head, :PLACE, POSITION] = SURE * turned_back(head + 1)
        maps[1, head, :PLACE, POSITION] = np.eye(PLACE)
        maps[2, head, : len(LETTERS), TOKEN] = np.eye(len(LETTERS))
        mix[where, head * width : head * width + len(LETTERS)] = np.eye(len(LETTERS))
    layer.in_proj_weight.data = maps.reshape(3 * WIDTH, WIDTH)
    layer.out_proj.weight.data = mix
    return layer


def looking_up(tt):
    """One head: where did the two letters up to here stand before? What came next there?"""
    layer = tt.SelfAttention(WIDTH)
    query, key, value = (np.zeros((WIDTH, WIDTH), np.float32) for _ in range(3))
    for row, asked, told in ((TOKEN, TOKEN, BEFORE), (BEFORE, BEFORE, BEFORE_THAT)):
        query[row, asked] = SURE * np.eye(len(LETTERS))
        key[row, told] = np.eye(len(LETTERS))
    value[TOKEN, TOKEN] = np.eye(len(LETTERS))
    layer.query.weight.data, layer.key.weight.data, layer.value.weight.data = query, key, value
    return layer


def next_letters(tt, check, layers, texts):
    """For every place of every text, the letter that should come next."""
    back, up, positions = layers
    tokens = np.zeros((len(texts), len(texts[0]), WIDTH - PLACE), np.float32)
    for row, text in enumerate(texts):
        tokens[row, range(len(text)), [LETTERS.index(letter) for letter in text]] = 1
    places = positions(tt.zeros(*tokens.shape[:2], PLACE))
    x, mask = tt.concatenate([tt.Tensor(tokens), places], dim=2), tt.causal_mask(len(texts[0]))
    found = check.array(up(x + back(x, mask), mask))[..., TOKEN].argmax(axis=2)
    return ["".join(LETTERS[n] for n in row) for row in found]


@pytest.mark.points(2)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one reads on.")
@pytest.mark.depends(
    on=["test_heads_agree_with_their_definition", "test_self_attention", "test_positions"]
)
def test_continues_a_text(tt, check, rng):
    """Continues any text by what came last time, without training: weights are set by hand"""
    layers = looking_back(tt), looking_up(tt), tt.PositionalEncoding(PLACE, 100)
    halves = ["".join(rng.permutation(list(LETTERS[1:]))[:20]) for _ in range(8)]
    found = next_letters(tt, check, layers, [f"^{half}{half}" for half in halves])
    check.equal([row[21:40] for row in found], [half[1:] for half in halves])
    # Four letters follow an o here, so that one letter would not do; two letters say which.
    sentence = "the quick brown fox jumps over a lazy dog "
    text = f"^{sentence}th"
    while len(text) <= 2 * len(sentence):
        text += next_letters(tt, check, layers, [text])[0][-1]
    check.equal(text[1:], sentence + sentence)
