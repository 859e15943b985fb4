"""The wire: values arrive as they were sent, and nothing else arrives at all."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_tinytorch.isolation.child import protocol
from pytest_tinytorch.isolation.child.protocol import (
    HEAD,
    CannotCross,
    Decoder,
    Encoder,
    WireError,
    frame,
    read_body,
    read_head,
)

DTYPES = st.sampled_from(["?", "i1", "u2", "<i4", ">i8", "f2", "<f4", ">f8", "c8", "c16"])
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
    | st.binary(max_size=50)
    | st.complex_numbers(allow_nan=False)
    | st.sampled_from([Ellipsis, np.float32, np.int64, float, int, bool, range(1, 9, 2)])
    | st.builds(slice, st.none() | st.integers(), st.none() | st.integers())
)
KEYS = st.integers(1 - 2**64, 2**64 - 1) | st.text(max_size=3)  # larger numbers are refused
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


def refuse(value):
    raise CannotCross(f"an object of type {type(value).__name__}")


def sent(value):
    """What arrives on the other side."""
    encoder = Encoder(refuse)
    data = frame(7, encoder.encode(value), encoder.payload)
    text, payload = read_head(data, 7)
    assert len(data) == HEAD.size + text + payload
    return decoded(read_body(data, text), data[HEAD.size + text :])


def decoded(body, payload=b""):
    return Decoder(refuse, memoryview(payload)).decode_all(body)


@given(VALUES)
def test_plain_values_arrive_as_they_are(value):
    arrived = sent(value)
    assert arrived == value and type(arrived) is type(value)
    assert repr(arrived) == repr(value)


@given(ARRAYS)
def test_arrays_arrive_with_shape_dtype_and_bits(array):
    arrived = sent(array)
    assert type(arrived) is np.ndarray
    assert arrived.shape == array.shape and arrived.ndim == array.ndim
    assert arrived.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(arrived, array)
    assert arrived.flags.c_contiguous and arrived.flags.writeable and arrived.flags.aligned


@pytest.mark.parametrize("kind", ["bool", "int8", "uint64", "float16", "float32", "complex64"])
def test_numpy_scalars_stay_scalars(kind):
    value = getattr(np, kind)(1)
    arrived = sent(value)
    assert type(arrived) is type(value) and arrived == value


def test_what_is_hard_to_write_down():
    values = [float("nan"), float("inf"), -0.0, 2**200, -(2**63), "\u00e9\U0001f600", {1, 2}]
    assert repr(sent(values)) == repr(values)
    assert sent(np.dtype(">f4")) == np.dtype("<f4")
    assert sent(frozenset({3})) == {3}


def test_views_are_copied_in_their_own_order():
    array = np.arange(24).reshape(2, 3, 4)[:, ::-1, ::2].transpose(2, 0, 1)
    np.testing.assert_array_equal(sent(array), array)


def test_several_arrays_are_not_mixed_up():
    arrays = [np.arange(3, dtype="i1"), np.ones((2, 2)), np.float32(5), np.zeros((0, 4)), b"ab"]
    for arrived, array in zip(sent(arrays), arrays, strict=True):
        np.testing.assert_array_equal(arrived, array)


class Odd(list):
    def __len__(self):
        raise AssertionError("asked")


class Sub(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value, words",
    [
        (object(), "an object of type object"),
        (Odd(), "an object of type Odd"),
        (np.ones(2).view(Sub), "an object of type Sub"),
        (type("Own", (), {}), "an object of type type"),
        (np.array([None]), "an array of dtype object"),
        (np.array(["a"]), "an array of dtype <U1"),
        (np.zeros(2, dtype=[("a", "f4")]), "an array of dtype"),
        (np.zeros(2, dtype="m8[s]"), "an array of dtype"),
        ([0] * (protocol.MOST_ELEMENTS + 1), "a list of 262145 elements, too large"),
        (["a" * 60000] * 200, "too large to send: the limit is"),
    ],
    ids=[
        "object",
        "list",
        "ndarray",
        "class",
        "objects",
        "text",
        "records",
        "times",
        "many",
        "long",
    ],
)
def test_what_does_not_cross(value, words):
    with pytest.raises(CannotCross, match=words):
        sent(value)


def test_an_array_that_is_too_large_is_named_before_it_is_sent(monkeypatch):
    monkeypatch.setattr(protocol, "LARGEST_PAYLOAD", 100)
    with pytest.raises(CannotCross, match=r"limit is .* 100 bytes of arrays"):
        sent(np.ones(13))
    assert sent(np.ones(12)).shape == (12,)


def test_a_string_is_sent_whole_or_not_at_all():
    longest = "a" * protocol.LONGEST_STRING
    assert sent(longest) == longest
    with pytest.raises(
        CannotCross, match=r"a string of 65537 characters, too large .* 65536; bytes"
    ):
        sent(longest + "a")
    assert sent(longest.encode() + b"a") == longest.encode() + b"a"


@pytest.mark.parametrize(
    "head, words",
    [
        ((8, 2, 0), "message 8 arrived where message 7 was due"),
        ((7, protocol.LONGEST_TEXT + 1, 0), "bytes was announced"),
        ((7, 2, protocol.LARGEST_PAYLOAD + 1), "bytes was announced"),
        ((7, 2**32 - 1, 2**64 - 1), "bytes was announced"),
    ],
)
def test_heads_that_are_refused(head, words):
    with pytest.raises(WireError, match=words):
        read_head(struct.pack("<IIQ", *head), 7)


@pytest.mark.parametrize(
    "text",
    [b"", b"nope", b"[1", b"[1] [2]", b"\xff\xfe", b"\x80\x04K\x01.", b"[" * 100_000, b"9" * 5000],
    ids=["empty", "word", "half", "two", "bytes", "pickle", "nested", "number"],
)
def test_texts_that_are_refused(text):
    with pytest.raises(WireError, match="not JSON"):
        read_body(HEAD.pack(1, len(text), 0) + text, len(text))


@pytest.mark.parametrize(
    "body, payload",
    [
        ({"x": 1}, b""),
        ({"t": 5}, b""),
        ({"t": [], "d": []}, b""),
        ({}, b""),
        ({"d": [[1]]}, b""),
        ({"d": [[[], 1]]}, b""),
        ({"a": ["<f8", [2]]}, b"12345678"),
        ({"a": ["<f8", [1]]}, b"123456789"),
        ({"a": ["<f8", [-1]]}, b""),
        ({"a": ["<f8", [1.5]]}, b""),
        ({"a": ["<f8", [True]]}, b"12345678"),
        ({"a": ["|O", [1]]}, b"12345678"),
        ({"a": ["<f8", [0] * 40]}, b""),
        ({"a": ["<f8", [2**62, 2**62]]}, b""),
        ({"a": "f8"}, b""),
        ({"g": "|O"}, b""),
        ({"b": -1}, b""),
        ({"b": 2}, b"1"),
        ({"n": "object_"}, b""),
        ({"y": "eval"}, b""),
        ({"D": "|O"}, b""),
        ({"s": [1]*4}, b""),
        ({"c": ["a", 1]}, b""),
        ({"r": ["a"]}, b""),
        ({"S": [[1]]}, b""),
        (1, b"left over"),
    ],
)  # fmt: skip
def test_bodies_that_are_refused(body, payload):
    with pytest.raises(WireError):
        decoded(body, payload)


def test_numbers_of_one_hash_do_not_stop_the_reader():
    """By the square, a quarter of a million of them would take minutes."""
    prime = 2**61 - 1  # Python's hash of an int is its remainder by this
    keys = [prime * n for n in range(protocol.MOST_KEYS)]
    assert {hash(key) for key in keys} == {0}
    for tag, entry in (("d", lambda key: [key, 1]), ("S", lambda key: key)):
        with pytest.raises(WireError, match="a dict or set of 8193 elements"):
            decoded({tag: [entry(key) for key in [*keys, -1]]})
    with pytest.raises(CannotCross, match="a dict of 8193 elements, too large"):
        sent(dict.fromkeys(range(protocol.MOST_KEYS + 1)))


@pytest.mark.parametrize("tag", ["d", "S"])
@pytest.mark.parametrize(
    "key",
    [2**64, -(2**64), {"t": [0] * 9}, {"t": [{"t": [0]}]}, {"t": [2**64]}],
    ids=["number", "negative", "tuple", "nested", "number in a tuple"],
)
def test_keys_that_take_long_to_compare_are_refused(tag, key):
    entry = [key, 1] if tag == "d" else key
    with pytest.raises(WireError, match="a very large number or tuple as a key"):
        decoded({tag: [entry]})
    with pytest.raises(CannotCross, match="a very large number or tuple as a key"):
        sent({decoded(key): 1} if tag == "d" else {decoded(key)})


def test_keys_of_ordinary_size_cross():
    value = {2**63: 1, (0,) * 8: 2, "a" * 1000: 3, (1.5, None): [{(1, 2)}]}
    assert sent(value) == value


def test_dicts_share_what_their_reader_can_pay():
    half = {"S": [*range(protocol.MOST_KEYS // 2)]}
    assert len(decoded([half] * 4)) == 4
    with pytest.raises(WireError, match="a dict or set of 4096 elements"):
        decoded([half] * 5)
    with pytest.raises(CannotCross, match="a set of 4096 elements, too large"):
        sent([set(range(protocol.MOST_KEYS // 2))] * 5)
    assert len(sent([{1: 2, 3: 4}] * 10_000)) == 10_000


@pytest.mark.parametrize("numbers", [range(2**19), range(10**30), range(2**19, 0, -1)])
def test_a_range_is_no_longer_than_a_list(numbers):
    """Who makes a list of a range pays for its length, and a test may well do that."""
    with pytest.raises(CannotCross, match=r"a range\(.*\), too long to send"):
        sent(numbers)
    with pytest.raises(WireError, match="too long"):
        decoded({"r": [numbers.start, numbers.stop, numbers.step]})
    assert sent(range(2**18)) == range(2**18)
    assert sent(range(0, -(10**9), 1)) == range(0, -(10**9), 1)  # which is empty


def test_nesting_without_end_is_refused():
    body = current = []
    for _ in range(5000):
        current.append([])
        current = current[0]
    with pytest.raises(WireError):
        decoded(body)


def test_half_characters_arrive_as_something_that_can_be_written():
    arrived = decoded(json.loads('"\\ud800x"'))
    assert arrived == "\ufffdx"
    arrived.encode("utf-8")


def test_handles_are_resolved_by_the_other_side():
    body = Encoder(lambda value: [4, type(value).__name__]).encode([object()])
    assert body == [{"h": [4, "object"]}]
    assert Decoder(tuple, memoryview(b"")).decode_all(body) == [(4, "object")]
