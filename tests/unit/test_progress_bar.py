"""What `tito collect` shows while it works, and at its end."""

import io
import sys
import time

import pytest

from pytest_tinytorch.reports import progress_bar as progress_bar_module
from pytest_tinytorch.reports.collected_view import collected_report
from pytest_tinytorch.reports.console import draw
from pytest_tinytorch.reports.progress_bar import waiting
from pytest_tinytorch.submissions.collection import Collected, CollectedStatus


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def on_screen(monkeypatch):
    """Puts a screen in the place of stderr, which pytest itself has set anew before each test."""

    def put():
        monkeypatch.setattr(sys, "stderr", Screen())
        monkeypatch.setenv("TERM", "xterm")
        return sys.stderr

    return put


def test_a_bar_comes_when_it_takes_long_and_goes_when_it_is_over(on_screen, monkeypatch):
    screen = on_screen()
    monkeypatch.setattr(progress_bar_module, "_PATIENCE", 0.05)
    seen = []
    for item in waiting("Collecting")("abc"):
        time.sleep(0.15)
        seen.append(item)
    assert seen == ["a", "b", "c"]
    assert "Collecting" in screen.getvalue() and "2/3" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[1A\x1b[2K")  # its line is free again


def test_what_is_quick_shows_nothing(on_screen):
    screen = on_screen()
    assert list(waiting("Collecting")("abc")) == ["a", "b", "c"]
    assert screen.getvalue() == ""


def test_where_there_is_no_terminal_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(progress_bar_module, "_PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    for _ in waiting("Collecting")("abc"):
        time.sleep(0.05)
    assert sys.stderr.getvalue() == ""


def test_an_end_before_the_end_leaves_no_bar(on_screen, monkeypatch):
    screen = on_screen()
    monkeypatch.setattr(progress_bar_module, "_PATIENCE", 0.0)

    def stopped():
        for _ in waiting("Collecting")("abc"):
            time.sleep(0.1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    written = screen.getvalue()
    time.sleep(0.3)
    assert screen.getvalue() == written


def test_a_report_has_sums_and_whom_to_look_at():
    found = [
        Collected("ana", CollectedStatus.COLLECTED),
        Collected("bo", CollectedStatus.FAILED, note="no \x1b[2Janswer"),
        Collected("cy\u202e", CollectedStatus.LATE, note="2 h 5 min after the deadline"),
        Collected("di", CollectedStatus.COLLECTED, note="left out, links or submodules: 1"),
        Collected("e" * 90, CollectedStatus.NONE, note="no commit yet"),
    ]
    text = draw(collected_report(found), width=80, colour=False)
    lines = text.splitlines()
    assert lines[0] == "2 collected, 1 late, 1 none, 1 failed"
    assert [line.split()[0] for line in lines[1:] if line[2] != " "] == [
        "collected",
        "late",
        "none",
        "failed",
    ]
    assert "ana" not in text and "no \\x1b[2Janswer" in text and "cy\\u202e" in text
    assert max(map(len, lines)) <= 80
    assert draw(collected_report([found[0]]), 80, colour=False) == (
        "1 collected, 0 late, 0 none, 0 failed\n"
    )
