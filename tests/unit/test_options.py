"""The options of a run: those that can change a result are in the key of what is kept."""

from dataclasses import field, fields, make_dataclass
from types import SimpleNamespace

import pytest

from pytest_tinytorch.hooks import batch
from pytest_tinytorch.hooks.options import Options, deciding_options

PLAIN = Options((), (), 3, True)


def with_field(affects: bool, value: int) -> Options:
    """The options of a later version, which has one more."""
    added = field(default=0, metadata={"affects_results": affects})
    later = make_dataclass("Later", [("rounds", int, added)], bases=(Options,), frozen=True)
    return later((), (), 3, True, rounds=value)


def test_each_option_says_whether_it_can_change_a_result():
    marks = {option.name: option.metadata.get("affects_results") for option in fields(Options)}
    assert [name for name, mark in marks.items() if mark not in (True, False)] == []
    assert {name for name, mark in marks.items() if mark} == {"seed", "isolation", "grade"}


def test_the_key_holds_what_can_change_a_result():
    assert deciding_options(PLAIN, "bwrap") == "seed 3, isolation 'bwrap', grade False"


@pytest.mark.parametrize("affects", [True, False])
def test_a_new_option_is_in_the_key_if_it_can_change_a_result(affects):
    first, second = (deciding_options(with_field(affects, value), "none") for value in (1, 2))
    assert (first != second) is affects
    assert ("rounds 1" in first) is affects


def test_an_option_without_a_mark_is_noticed():
    later = make_dataclass("Later", [("rounds", int, 0)], bases=(Options,), frozen=True)
    with pytest.raises(KeyError, match="affects_results"):
        deciding_options(later((), (), 3, True), "none")


@pytest.mark.parametrize("value", [1, 2])
def test_a_class_is_kept_under_that_key(monkeypatch, value):
    asked = []
    monkeypatch.setattr(batch, "harness_digest", lambda *given: asked.append(given[-1]))
    monkeypatch.setattr(batch, "level_of", lambda config: SimpleNamespace(name="bwrap"))
    run = SimpleNamespace(
        options=with_field(True, value),
        config=None,
        course=None,
        manifest=None,
    )
    batch.BatchSession.harness.func(run)
    assert asked == [f"seed 3, isolation 'bwrap', grade False, rounds {value}"]
