"""Byte-pair encoding against Hugging Face's `tokenizers` (skipped without it)."""

import random
from pathlib import Path

import pytest

import tinytorch as tt
from tinytorch.core.capstone import SYMBOLS, WORDS

tokenizers = pytest.importorskip("tokenizers")

ROOT = Path(__file__).parents[2]
PROSE = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))[:3])[
    :30_000
]
TEXTS = {
    "the corpus": (ROOT / "data" / "corpus.txt").read_text("utf-8")[:40_000],
    "prose": PROSE,
    "many scripts": "Ёжик в тумане. 猫は魚が好き、犬は猫が好き。 naïve café, déjà vu! 🙂👩‍🚀🙂 "
    * 3,
    "nothing repeats": "abcdefg hijklmn",
    "one letter": "a aa aaa aaaa aaaaa aaaaaaa",
    "spaces and marks": "a  b\t\tc\n\n\nd...e!?! -- 'f' (g) [h] {i} \\ ^ _ `j` ~k| #l $m &n @o",
}
UNSEEN = [
    "",
    " ",
    "\n",
    "the dog's bone, isn't it?",
    "naïve\u00a0 \u2028x\x85y\x1cz",
    "¼²٣ ﬁ",
    "🙂",
]


def theirs(text, size):
    """Their trainer, with our cut into words and our alphabet."""
    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    words = tokenizers.pre_tokenizers.Split(tokenizers.Regex(WORDS.pattern), behavior="isolated")
    letters = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    model.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([words, letters])
    model.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    assert sorted(alphabet) == sorted(SYMBOLS)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, show_progress=False
    )
    model.train_from_iterator([text], trainer)
    return model


@pytest.mark.parametrize("name", TEXTS)
def test_vocabulary_and_ids_agree(name):
    text = TEXTS[name]
    ours, peer = tt.BPETokenizer(text, 600), theirs(text, 600)
    assert {token: i for i, token in enumerate(ours.tokens)} == peer.get_vocab()
    for one in (text, *TEXTS.values(), *UNSEEN):
        ids = ours.encode(one)
        assert ids == peer.encode(one).ids
        assert ours.decode(ids) == peer.decode(ids) == one


@pytest.mark.parametrize("size", [0, 256, 257, 300])
def test_small_vocabularies_agree(size):
    text = TEXTS["the corpus"][:2000]
    assert tt.BPETokenizer(text, size).vocab_size == theirs(text, size).get_vocab_size()


def test_random_texts_agree():
    draws = random.Random(0)
    for _ in range(60):
        letters = draws.choice(["ab", "abc", "ab ", "a.b c"])
        text = "".join(draws.choice(letters) for _ in range(draws.randrange(1, 80)))
        ours, peer = tt.BPETokenizer(text, 290), theirs(text, 290)
        assert {token: i for i, token in enumerate(ours.tokens)} == peer.get_vocab(), text
        other = "".join(draws.choice(letters) for _ in range(40))
        assert ours.encode(other) == peer.encode(other).ids, (text, other)


def test_their_library_loads_what_ours_saves(tmp_path):
    ours = tt.BPETokenizer(TEXTS["many scripts"] + TEXTS["prose"], 500)
    ours.save(tmp_path / "tokenizer.json")
    peer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert peer.get_vocab_size() == ours.vocab_size == 500
    for text in (*TEXTS.values(), *UNSEEN):
        ids = ours.encode(text)
        assert peer.encode(text).ids == ids and peer.decode(ids) == text


def test_ours_loads_what_their_library_saves(tmp_path):
    peer = theirs(TEXTS["prose"], 500)
    peer.save(str(tmp_path / "tokenizer.json"))
    ours = tt.BPETokenizer.load(tmp_path / "tokenizer.json")
    for text in (*TEXTS.values(), *UNSEEN):
        assert ours.encode(text) == peer.encode(text).ids
