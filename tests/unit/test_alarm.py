"""Alarms end what runs in this process, whatever it catches, one inside another."""

import gc
import signal
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_tinytorch.core import alarm as alarms
from pytest_tinytorch.core.alarm import alarm, can_ring, ring_within, silenced
from pytest_tinytorch.isolation.failures import OutOfTime

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")


class Over(BaseException):
    pass


def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(alarms, "_AGAIN", 0.02)
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    yield
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) == before


def test_what_takes_too_long_is_ended():
    started = time.monotonic()
    with pytest.raises(Over), alarm(0.05, Over):
        spin(20)
    assert time.monotonic() - started < 10


def test_what_is_in_time_is_left_alone():
    rang = []
    with alarm(0.05, lambda: rang.append("bell")):
        pass
    spin(0.1)
    assert rang == []


def test_who_catches_everything_is_ended_all_the_same():
    caught = 0
    with pytest.raises(Over), alarm(0.02, Over):
        while caught < 3:
            try:
                spin(20)
            except BaseException:
                caught += 1
        spin(20)
    assert caught == 3


def test_a_property_ends_with_its_first_alarm():
    """An exception that Hypothesis catches would be shrunk for as long as it likes."""
    calls = []

    @given(st.integers())
    @settings(max_examples=1000, database=None)
    def slow(number):
        calls.append(number)
        spin(20)

    given(st.integers())(lambda number: None)()  # Hypothesis loads its engine at its first run
    with pytest.raises(OutOfTime), alarm(1.0, lambda: OutOfTime("over")):
        slow()
    assert len(calls) == 1


def test_an_alarm_that_is_lost_in_a_callback_rings_again(monkeypatch):
    """Python ignores what is raised in a callback of the garbage collector, as Hypothesis has."""
    lost = []
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: lost.append(ignored.exc_type))

    def late(phase, _info):
        if phase == "start":
            time.sleep(0.06)

    gc.callbacks.append(late)
    try:
        with pytest.raises(Over), alarm(0.02, Over):
            gc.collect()
            spin(20)
    finally:
        gc.callbacks.remove(late)
    assert lost
    assert set(lost) == {Over}


def test_an_alarm_inside_of_another_one():
    order = []
    with pytest.raises(Over, match="outer"), alarm(0.1, lambda: Over("outer")):
        with pytest.raises(Over, match="inner"), alarm(0.02, lambda: Over("inner")):
            spin(20)
        order.append("inner")
        spin(20)
    assert order == ["inner"]


def test_an_outer_alarm_that_was_due_meanwhile_rings_afterwards():
    with pytest.raises(Over, match="outer"), alarm(0.02, lambda: Over("outer")):
        with alarm(60, lambda: Over("inner")):
            spin(0.06)
        spin(20)


def test_silence_is_kept_to_the_end_of_the_block():
    whole = False
    with pytest.raises(Over), alarm(0.01, Over):
        with silenced():
            spin(0.06)
            whole = True
        spin(20)
    assert whole


def test_an_alarm_can_be_brought_forward_and_not_put_off():
    with pytest.raises(Over), alarm(60, Over):
        ring_within(0.02)
        ring_within(60)
        spin(20)
    ring_within(0.001)  # where none is set, none is made
    spin(0.01)


def test_nothing_is_raised_where_somebody_debugs():
    rang = []
    with alarm(0.01, lambda: rang.append("bell")):  # which returns None
        spin(0.05)
    assert "bell" in rang


def test_another_thread_has_none():
    found = []

    def work():
        with alarm(0.01, Over):
            spin(0.05)
        found.append(can_ring())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False] and can_ring()
