"""Encodes and decodes the messages between a test and its sandbox: typed values in frames.

`channel` and `pool` call it in pytest's process, `server` in the sandbox. A frame is a head
(sequence number, length of the text, length of the payload), a text of JSON, and a payload with the
bytes of arrays, in the order in which the text names them. JSON's own types stand for themselves;
everything else is an object with one key that names its type:

    {"t": [...]} tuple    {"d": [[k, v], ...]} dict    {"S": [...]} set    {"s": [a, b, c]} slice
    {"a": [dtype, shape]} array (its bytes in the payload)    {"g": dtype} NumPy scalar (likewise)
    {"b": length} bytes (likewise)    {"c": [re, im]} complex    {"r": [a, b, c]} range
    {"D": dtype} dtype    {"n": name} NumPy scalar type    {"y": name} built-in type    {"E": 0} ...
    {"h": [id, type name]} a handle: an object that stays on the student's side

Nothing is unpickled, and every length is compared with a limit before memory is allocated.
"""

import json
import struct
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

HEAD = struct.Struct("<IIQ")
LONGEST_TEXT = 8 * 2**20
LARGEST_PAYLOAD = 256 * 2**20
MOST_ELEMENTS = 2**18
# An attacker can choose keys with equal hashes. Reading a dict then takes time that grows with the
# square of its size, and with the cost of comparing two keys.
MOST_KEYS = 2**13  # of one dict or set; all in one message share its square
_LONGEST_KEY = 8  # parts of a tuple
_LARGEST_KEY = 64  # bits of a number
LONGEST_STRING = 64 * 2**10
_MOST_DIMENSIONS = 32
_KINDS = "biufc"
_HASHED = (dict, set, frozenset)
_CONTAINERS = (list, tuple, *_HASHED)

_SCALAR_TYPES = {
    name: getattr(np, name)
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64", "complex64", "complex128",
    )
}  # fmt: skip
_TYPE_NAMES = {kind: name for name, kind in _SCALAR_TYPES.items()}
_BUILT_IN: dict[str, type] = {
    str(kind.__name__): kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set)
}
_DTYPES = {np.dtype(kind).str for kind in _SCALAR_TYPES.values()}

_from_text = json.JSONDecoder().raw_decode
_to_text = json.JSONEncoder(separators=(",", ":")).encode

Refer = Callable[[Any], list[Any] | int]  # an object that is not sent -> its handle
Resolve = Callable[[Any], Any]  # a handle -> its object on this side


class WireError(Exception):
    """A frame is invalid."""


class CannotCross(Exception):
    """A value cannot be encoded."""


class TooLarge(CannotCross):
    """The encoded value would exceed the limits."""


def frame(sequence: int, body: Any, payload: list[bytes], largest: int | None = None) -> bytes:
    """The bytes of one message. Raises CannotCross if it is too large.

    largest: bytes of arrays (default: LARGEST_PAYLOAD).
    """
    text = _to_text(body).encode()
    size = sum(map(len, payload))
    most = LARGEST_PAYLOAD if largest is None else largest
    if len(text) > LONGEST_TEXT or size > most:
        raise TooLarge(
            f"a value of {len(text) + size} bytes, too large to send: the limit is"
            f" {LONGEST_TEXT} bytes of structure and {most} bytes of arrays"
        )
    return b"".join([HEAD.pack(sequence, len(text), size), text, *payload])


def read_head(
    data: bytes | bytearray, expected: int, largest: int | None = None
) -> tuple[int, int]:
    """Lengths of text and payload. Raises WireError for a wrong sequence number, or a length
    above the limits."""
    sequence, text, payload = HEAD.unpack_from(data)
    if sequence != expected:
        raise WireError(f"message {sequence} arrived where message {expected} was due")
    if text > LONGEST_TEXT or payload > (LARGEST_PAYLOAD if largest is None else largest):
        raise WireError(f"a message of {text + payload} bytes was announced")
    return text, payload


def read_body(data: bytes | bytearray, text: int) -> Any:
    try:
        text_part = str(data[HEAD.size : HEAD.size + text], "utf-8")
        body, end = _from_text(text_part)
        if end != len(text_part):
            raise ValueError("more than one value")
        return body
    except (ValueError, RecursionError) as error:
        raise WireError(f"a message is not JSON: {str(error)[:100]}") from None


def as_array(value: Any) -> "np.ndarray[Any, Any]":
    """`np.asarray(value)`. A Tensor with a gradient refuses that, so it is detached first."""
    try:
        return np.asarray(value)
    except NotImplementedError:  # a subclass of RuntimeError: `__array__` is not written yet
        raise
    except RuntimeError:
        if not hasattr(value, "detach"):
            raise
        return np.asarray(value.detach())


def plain(value: Any) -> Any:
    """The result of a program as plain containers and arrays: a `defaultdict` becomes a dict, a
    Tensor an array. Other objects are not changed."""
    if isinstance(value, dict):
        return {plain(key): plain(kept) for key, kept in dict.items(value)}
    if isinstance(value, list):
        return [plain(element) for element in list.__iter__(value)]
    if isinstance(value, tuple):
        return tuple(plain(element) for element in tuple.__iter__(value))
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) is np.ndarray or isinstance(value, np.generic):
        return value
    if hasattr(type(value), "__array__"):
        return np.array(as_array(value), subok=False)
    return value


class _Hashing:
    """Limits the time to read the dicts and sets of one message."""

    def __init__(self) -> None:
        self._left = MOST_KEYS**2

    def has_room(self, size: int) -> bool:
        self._left -= size**2
        return self._left >= 0


class Encoder:
    """Values -> JSON. `refer` returns a handle for every value that is not sent."""

    def __init__(self, refer: Refer) -> None:
        self._refer = refer
        self._hashing = _Hashing()
        self.payload: list[bytes] = []

    def encode(self, value: Any) -> Any:
        # By exact type, as a subclass may override the methods used here.
        kind = type(value)
        if kind is int or kind is float or value is None or kind is bool:
            return value
        if kind is str:
            if len(value) > LONGEST_STRING:
                raise TooLarge(
                    f"a string of {len(value)} characters, too large to send (the limit is"
                    f" {LONGEST_STRING}; bytes may be longer),"
                )
            return value
        if kind in _CONTAINERS:
            self._check_size(kind, value)
        if kind is tuple:
            return {"t": [self.encode(element) for element in value]}
        if kind is list:
            return [self.encode(element) for element in value]
        if kind is dict:
            return {"d": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if kind is np.ndarray:
            if value.dtype.kind not in _KINDS or value.dtype.itemsize > 16:
                raise CannotCross(f"an array of dtype {value.dtype}")
            return {"a": [self._put(value), list(value.shape)]}
        if kind in _TYPE_NAMES:
            return {"g": self._put(np.asarray(value))}
        if kind is slice:
            return {"s": [self.encode(part) for part in (value.start, value.stop, value.step)]}
        return self._encode_rare(kind, value)

    def _encode_rare(self, kind: type, value: Any) -> Any:
        if value is Ellipsis:
            return {"E": 0}
        if kind is range:
            if _is_long(value):
                raise CannotCross(f"a {value}, too long to send,")
            return {"r": [value.start, value.stop, value.step]}
        if kind is complex:
            return {"c": [value.real, value.imag]}
        if kind is bytes:
            self.payload.append(value)
            return {"b": len(value)}
        if kind is set or kind is frozenset:
            return {"S": [self.encode(element) for element in value]}
        if kind is type and value in _TYPE_NAMES:
            return {"n": _TYPE_NAMES[value]}
        if kind is type and value in _BUILT_IN.values():
            return {"y": value.__name__}
        if isinstance(value, np.dtype) and value.kind in _KINDS:
            return {"D": value.newbyteorder("=").str}
        return {"h": self._refer(value)}

    def _check_size(self, kind: type, value: Any) -> None:
        hashed = kind in _HASHED
        if len(value) > MOST_ELEMENTS or (hashed and not self._hashing.has_room(len(value))):
            raise CannotCross(f"a {kind.__name__} of {len(value)} elements, too large to send,")
        if hashed and not all(map(_is_key, value)):
            raise CannotCross(f"a {kind.__name__} with a very large number or tuple as a key")

    def _put(self, array: "np.ndarray[Any, Any]") -> str:
        # `tobytes` gives C order for any number of dimensions, also 0.
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        if native.dtype.str not in _DTYPES:
            raise CannotCross(f"an array of dtype {array.dtype}")
        self.payload.append(native.tobytes())
        return native.dtype.str


class Decoder:
    """JSON -> values. Raises WireError for anything invalid."""

    def __init__(self, resolve: Resolve, payload: "memoryview[int]") -> None:
        self._resolve = resolve
        self._payload = payload
        self._position = 0
        self._hashing = _Hashing()

    def decode_all(self, body: Any) -> Any:
        try:
            value = self.decode(body)
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise WireError(f"a message has an unknown form: {str(error)[:100]}") from None
        if self._position != len(self._payload):
            raise WireError("a message has more bytes than it names")
        return value

    def decode(self, body: Any) -> Any:
        kind = type(body)
        if kind is dict:
            ((tag, content),) = body.items()
            return self._TAGS[tag](self, content)
        if kind is list:
            return [self.decode(element) for element in body]
        if kind is str:
            return _clean(body)
        return body

    def _take(self, dtype: str, shape: list[int]) -> "np.ndarray[Any, Any]":
        if dtype not in _DTYPES or len(shape) > _MOST_DIMENSIONS:
            raise WireError(f"an array of dtype {str(dtype)[:20]!r}, {len(shape)} dimensions")
        count = 1
        for side in shape:
            if type(side) is not int or side < 0:
                raise WireError(f"an array with a side of {str(side)[:20]}")
            count *= side
        raw = self._bytes(count * np.dtype(dtype).itemsize)
        # A copy is aligned, and does not keep the whole message alive.
        return np.frombuffer(raw, dtype=dtype).reshape(shape).copy()

    def _bytes(self, size: int) -> "memoryview[int]":
        if type(size) is not int or not 0 <= size <= len(self._payload) - self._position:
            raise WireError("a message names more bytes than it has")
        self._position += size
        return self._payload[self._position - size : self._position]

    def _dict(self, content: Any) -> Any:
        return {self._key(key): self.decode(value) for key, value in self._few(content)}

    def _few(self, content: Any) -> Any:
        if not self._hashing.has_room(len(content)):
            raise WireError(f"a dict or set of {len(content)} elements")
        return content

    def _key(self, body: Any) -> Any:
        key = self.decode(body)
        if not _is_key(key):
            raise WireError("a very large number or tuple as a key")
        return key

    def _range(self, content: Any) -> range:
        found = range(*content)
        if _is_long(found):
            raise WireError("a range that is too long")
        return found

    _TAGS: ClassVar[dict[str, Callable[["Decoder", Any], Any]]] = {
        "t": lambda self, content: tuple(self.decode(element) for element in content),
        "d": _dict,
        "a": lambda self, content: self._take(*content),
        "g": lambda self, content: self._take(content, [])[()],
        "s": lambda self, content: slice(*(self.decode(part) for part in content)),
        "E": lambda self, content: Ellipsis,
        "r": _range,
        "c": lambda self, content: complex(*content),
        "b": lambda self, content: bytes(self._bytes(content)),
        "S": lambda self, content: {self._key(element) for element in self._few(content)},
        "n": lambda self, content: _SCALAR_TYPES[content],
        "y": lambda self, content: _BUILT_IN[content],
        "D": lambda self, content: np.dtype(content) if content in _DTYPES else _no_dtype(content),
        "h": lambda self, content: self._resolve(content),
    }


def _is_key(value: object, parts: int = _LONGEST_KEY) -> bool:
    """Whether the value can be a key: comparing two such values is always fast."""
    if type(value) is int:
        return value.bit_length() <= _LARGEST_KEY
    if type(value) is tuple:
        return len(value) <= parts and all(_is_key(part, parts=0) for part in value)
    return True


def _is_long(numbers: range) -> bool:
    """Whether a list of these numbers would be longer than any list in a message."""
    return (numbers.stop - numbers.start) // numbers.step > MOST_ELEMENTS


def _no_dtype(name: object) -> Any:
    raise WireError(f"the dtype {str(name)[:20]!r}")


def _clean(text: str) -> str:
    if text.isascii() and len(text) <= LONGEST_STRING:
        return text
    # A lone surrogate cannot be encoded.
    return text[:LONGEST_STRING].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
