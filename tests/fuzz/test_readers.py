"""Mutated files through every reader: it returns, or says in one line what is wrong, and soon."""

import contextlib
import os
import random
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from mutate import mutated
from readers import MEANT, READERS, Reader

SECONDS, MIB = 5, 200  # the budget of one input
FEW, MANY = 60, 5000


def feed(reader: Reader, seed: int, count: int) -> None:
    examples = reader.examples()
    for number in range(count):
        data = mutated(random.Random(f"{seed} {number}"), examples)
        started = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                reader.read(data)
        except MEANT as error:
            assert len(str(error).splitlines()) <= 1, (seed, number, str(error))
        except Exception as error:
            pytest.fail(
                f"seed {seed}, number {number}: {error!r} left the reader for {data[:2000]!r}"
            )
        spent = time.process_time() - started
        assert spent < SECONDS, (seed, number, spent)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_real_examples_are_read(reader: Reader) -> None:
    for example, found in zip(reader.examples(), reader.found, strict=True):
        assert found in str(reader.read(example))


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_no_exception_leaves_a_reader_but_those_for_people(reader: Reader) -> None:
    feed(reader, 0, FEW)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_nor_in_a_long_night(reader: Reader) -> None:
    seed = int(os.environ.get("FUZZ_SEED", time.time_ns() % 2**32))
    feed(reader, seed, MANY)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_memory_is_bounded(reader: Reader) -> None:
    examples = reader.examples()
    reader.read(examples[0])  # what is imported for it stays
    tracemalloc.start()
    try:
        for number in range(10):
            tracemalloc.reset_peak()
            with contextlib.suppress(MEANT):
                reader.read(mutated(random.Random(f"memory {number}"), examples))
            assert tracemalloc.get_traced_memory()[1] < MIB * 2**20, number
    finally:
        tracemalloc.stop()


def test_what_a_reader_lets_through_is_found() -> None:
    def careless(data: bytes) -> object:
        return data.decode("ascii")

    with pytest.raises(pytest.fail.Exception, match=r"UnicodeDecodeError.* left the reader"):
        feed(Reader(careless, lambda: [b"abc" * 50], ("abc",)), 0, FEW)
