"""Groups of tests: their text, and the ids of tests, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tinytorch.core.groups import OPTIONS, Group, Kind, checkpoint_group
from pytest_tinytorch.core.groups import test_name as name_of

IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1)


@given(st.sampled_from(Kind), IDS)
def test_a_group_is_its_text_and_back(kind, identifier):
    group = Group(kind, identifier)
    assert Group.parse(str(group)) == group


@given(st.sampled_from(Kind), IDS, st.text())
def test_a_test_id_leads_to_its_group_and_name(kind, identifier, name):
    group = Group(kind, identifier)
    test_id = group.test_id(name)
    assert (Group.of_test(test_id), name_of(test_id)) == (group, name)


@pytest.mark.parametrize(
    "group, text, command",
    [
        (Group(Kind.CHECKPOINT, "05"), "05", "pytest --checkpoint 05"),
        (Group(Kind.HIDDEN, "05"), "hidden 05", "pytest --checkpoint 05"),
        (Group(Kind.MODULE, "05"), "module 05", "pytest --module 05"),
        (Group(Kind.INTEGRATION, "05"), "integration 05", "pytest --module 05"),
        (Group(Kind.MILESTONE, "xor"), "milestone xor", "pytest --milestone xor"),
        (Group(Kind.DEMO, "vision"), "demo vision", "pytest --demo vision"),
    ],
    ids=str,
)
def test_text_and_command_of_each_kind(group, text, command):
    assert (str(group), group.command) == (text, command)


def test_what_counts_is_hidden_or_in_the_manifest():
    counted = {kind for kind in Kind if Group(kind, "05").has_points}
    assert counted == {Kind.CHECKPOINT, Kind.HIDDEN, Kind.MILESTONE}
    assert [kind for kind in Kind if Group(kind, "05").is_hidden] == [Kind.HIDDEN]


@pytest.mark.parametrize("text", ["", "room 05", "hidden ", "checkpoint 05", "a hidden 05"])
def test_what_is_no_group_is_named(text):
    with pytest.raises(ValueError, match="is not a group of tests") as caught:
        Group.parse(text)
    assert repr(text) in str(caught.value) and "hidden 05" in str(caught.value)


@pytest.mark.parametrize("kind", Kind)
def test_what_a_group_is_about(kind):
    group = Group(kind, "05")
    assert group.about == (checkpoint_group("05") if kind is Kind.HIDDEN else group)


def test_options_of_groups_stand_once():
    assert OPTIONS == ("checkpoint", "module", "milestone", "demo")
