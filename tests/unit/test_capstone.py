"""Edges of the capstone: caches over batches, sampling at the ends, files that are damaged."""

import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.capstone import WORDS, KVCache, sample_token


def loud(*sizes, seed=0):
    model, rng = tt.TinyGPT(*sizes), np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data = (0.5 * rng.standard_normal(parameter.shape)).astype(np.float32)
    return model


def test_a_word_may_hold_anything_and_loses_nothing():
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x11000)]))
    assert "".join(WORDS.findall(text)) == text
    assert WORDS.findall("a b  c.d\n e") == ["a", " b", "  ", "c", ".", "d", "\n ", "e"]


def test_half_a_surrogate_pair_is_refused():
    tokenizer = tt.BPETokenizer("text", 256)
    with pytest.raises(ValueError, match="surrogates not allowed"):
        tokenizer.encode("\ud83d")


@pytest.mark.parametrize(
    "ids", [[0.5], [[1]], "ab", [True]], ids=["floats", "nested", "text", "bools"]
)
def test_what_is_no_id_is_refused(ids):
    for action in (tt.CharTokenizer("ab").decode, tt.BPETokenizer("ab", 256).decode):
        with pytest.raises(ValueError, match="ids are whole numbers"):
            action(ids)


@pytest.mark.parametrize("content", ["", "[]", '{"model": {"vocab": {}, "merges": [["a", "b"]]}}'])
def test_a_file_that_is_no_tokenizer_is_named(tmp_path, content):
    (tmp_path / "x.json").write_text(content, "utf-8")
    with pytest.raises(ValueError, match=r"x\.json is no tokenizer that save\(\) wrote"):
        tt.BPETokenizer.load(tmp_path / "x.json")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        tt.BPETokenizer.load(tmp_path / "x.json")


def test_a_long_word_takes_no_quadratic_time_in_merges():
    tokenizer = tt.BPETokenizer("ab" * 500, 270)
    text = "ab" * 5000
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) < 200


def test_texts_of_a_batch_do_not_mix_in_a_cache():
    model, ids = loud(9, 8, 2, 2, 10), np.random.default_rng(0).integers(0, 9, (3, 10))
    cache = model.new_cache(3)
    first, second = model(ids[:, :4], cache), model(ids[:, 4:], cache)
    for row in range(3):
        alone = model.new_cache()
        np.testing.assert_allclose(
            model(ids[row : row + 1, :4], alone), first[row : row + 1], atol=1e-4
        )
        np.testing.assert_allclose(
            model(ids[row : row + 1, 4:], alone), second[row : row + 1], atol=1e-4
        )


def test_a_cache_holds_two_arrays_as_large_as_its_formula():
    cache = tt.TinyGPT(9, 8, 2, 3, 10).new_cache(5)
    assert isinstance(cache, KVCache)
    assert cache.keys.shape == cache.values.shape == (3, 5, 2, 10, 4)
    assert cache.keys.dtype == np.float32 and cache.length == 0


def test_cached_logits_have_no_history():
    model = tt.TinyGPT(9, 8, 2, 1, 10)
    assert model([[1, 2]]).requires_grad
    assert not model([[1, 2]], model.new_cache()).requires_grad


def test_a_text_that_was_refused_leaves_the_cache_as_it_was():
    model = loud(9, 8, 2, 1, 4)
    cache = model.new_cache()
    model([[1, 2, 3]], cache)
    with pytest.raises(ValueError, match="5 positions are more than max_length 4"):
        model([[4, 5]], cache)
    with pytest.raises(IndexError):
        model([[9]], cache)
    assert cache.length == 3
    np.testing.assert_allclose(
        model([[4]], cache).numpy()[:, 0], model([[1, 2, 3, 4]]).numpy()[:, 3], atol=1e-4
    )


def test_windows_start_where_they_say():
    for max_length in (1, 2, 3, 7, 10):
        model = tt.TinyGPT(2, 2, 1, 1, max_length)
        starts = [model.window_start(n) for n in range(1, 60)]
        assert starts[:max_length] == [0] * max_length
        kept = [n - start for n, start in enumerate(starts, 1)]
        assert max(kept) == max_length and min(kept[max_length:], default=1) == max_length // 2 + 1
        assert starts == sorted(starts)


def test_writing_in_two_goes_is_writing_in_one():
    model = loud(11, 8, 2, 2, 7)
    whole = model.generate([1], 30, temperature=0).numpy()
    for first in (1, 6, 7, 13):
        part = model.generate([1], first, temperature=0)
        assert np.array_equal(model.generate(part, 30 - first, temperature=0), whole)


def test_generate_changes_nothing_but_the_generator():
    model, ids = loud(11, 8, 2, 1, 7), np.array([1, 2])
    before = model.state_dict()
    with_grad = model([[1]]).requires_grad
    model.generate(ids, 9, seed=0)
    assert ids.tolist() == [1, 2] and with_grad and model([[1]]).requires_grad
    assert all(np.array_equal(model.state_dict()[name], value) for name, value in before.items())


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1.0, 1e30])
def test_sampling_at_the_ends(temperature):
    logits, generator = np.array([1e30, -1e30, -np.inf], np.float32), np.random.default_rng(0)
    with np.errstate(over="ignore"):
        drawn = {sample_token(logits, temperature, None, generator) for _ in range(20)}
    assert drawn <= {0, 1} and 0 in drawn


def test_a_draw_never_takes_what_has_no_probability():
    class Zero:
        def random(self):
            return 0.0

    class NearlyOne:
        def random(self):
            return np.nextafter(1.0, 0.0)

    logits = np.array([-np.inf, 1.0, 2.0, -np.inf], np.float32)
    assert sample_token(logits, 1.0, None, Zero()) == 1
    assert sample_token(logits, 1.0, None, NearlyOne()) == 2


def test_an_embedding_of_float64_keeps_it():
    layer = tt.Embedding(3, 2)
    layer.weight.data = layer.weight.data.astype(np.float64)
    output = layer([0, 0])
    output.sum().backward()
    assert output.dtype == layer.weight.grad.dtype == np.float64
    assert layer.weight.grad.numpy().tolist() == [[2, 2], [0, 0], [0, 0]]


def test_the_first_loss_is_that_of_knowing_nothing():
    losses = []
    for seed in range(5):
        tt.manual_seed(seed)
        ids = np.random.default_rng(seed).integers(0, 300, (4, 33))
        losses.append(
            tt.next_token_loss(tt.TinyGPT(300, 64, 4, 4, 32)(ids[:, :-1]), ids[:, 1:]).item()
        )
    np.testing.assert_allclose(losses, math.log(300), atol=0.1)
