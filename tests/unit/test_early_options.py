"""Options that are read before pytest reads them: found, joined, and taken out of a command."""

import pytest

from pytest_tinytorch.core.early_options import (
    EARLY_OPTIONS,
    FOLDER_OPTIONS,
    GRADE,
    JUNIT,
    STUDENT,
    SUBMISSIONS,
)
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.grading.clean_process import _without
from pytest_tinytorch.grading.command_line import joined


@pytest.mark.parametrize(
    "words, is_there",
    [
        (["--submissions", "class"], True),
        (["-q", "--submissions=class"], True),
        (["--submissions-of-mine"], False),
        (["submissions"], False),
        ([], False),
    ],
)
def test_an_option_is_found_with_and_without_a_value(words, is_there):
    assert SUBMISSIONS.is_in(words) is is_there


def test_pytest_knows_each_by_the_name_in_the_table(pytestconfig):
    for option in EARLY_OPTIONS:
        if option is not JUNIT:  # which pytest calls `xmlpath`
            assert hasattr(pytestconfig.option, option.attribute)


def test_every_option_with_a_folder_is_joined_to_it():
    for option in FOLDER_OPTIONS:
        assert joined([option.name, "a b", "-q"]) == [f"{option.name}=a b", "-q"]
    assert joined([GRADE.name, "a"]) == [GRADE.name, "a"]


def test_either_name_of_an_option_is_taken_out():
    for name in JUNIT.names:
        assert _without(["-q", name, "g.xml"], JUNIT) == (["-q"], "g.xml")
        assert _without([f"{name}=g.xml", "-q"], JUNIT) == (["-q"], "g.xml")


def test_only_a_students_name_may_be_empty():
    assert _without(["--student="], STUDENT) == ([], "")
    with pytest.raises(CourseError, match="--junitxml needs a value after it"):
        _without(["--junitxml="], JUNIT)
