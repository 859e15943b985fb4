"""In somebody else's project the installed plugin does nothing at all."""

import re

CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--seed", default="7")
    parser.addoption("--progress", action="store_true")

def pytest_configure(config):
    config.addinivalue_line("markers", "points(n, m): their own")
"""
TEST = """
import pytest

@pytest.fixture
def check(request):
    return request.config.getoption("--seed")

@pytest.mark.points(1, 2)
def test_theirs(check):
    assert check == "7"

def test_fails():
    assert 1 == 2
"""


def shown(pytester, *arguments):
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    text = re.sub(r"[\d.]+s\b|0x\w+", "", result.stdout.str())
    # The list of installed plugins names ours, as it names every other.
    return [line for line in text.splitlines() if not line.startswith("plugins:")], result


def test_same_output_with_and_without_the_plugin(pytester):
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TEST)
    ours, result = shown(pytester, "--strict-markers", "--seed", "7")
    theirs, _ = shown(pytester, "--strict-markers", "--seed", "7", "-p", "no:tinytorch")
    assert ours == theirs
    result.assert_outcomes(passed=1, failed=1)


def test_a_course_toml_of_another_tool_is_none_of_ours(pytester):
    pytester.path.joinpath("course.toml").write_text("[menu]\ndish = 1\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TEST)
    _, result = shown(pytester, "--strict-markers")
    result.assert_outcomes(passed=1, failed=1)


def test_an_option_of_ours_is_a_usage_error_there(pytester):
    result = pytester.runpytest_subprocess("--checkpoint", "01")
    assert result.ret == 4
    assert "unrecognized arguments: --checkpoint" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_markers_and_fixtures_of_ours_are_not_listed_there(pytester):
    result = pytester.runpytest_subprocess("--markers")
    assert "checkpoint(id)" not in result.stdout.str()
    result = pytester.runpytest_subprocess("--fixtures", "-v")
    assert "pytest_tinytorch" not in result.stdout.str()


def test_a_broken_course_is_one_line(classroom):
    classroom.edit("course.toml", 'title = "Mini"', 'titel = "Mini"')
    result = classroom.checkpoint("00")
    assert result.ret == 4
    text = "\n".join(result.errlines)
    assert "course.toml: [course]: unknown key 'titel' (did you mean 'title'?)" in text
    assert "Traceback" not in text
    result = classroom.run("--progress")
    assert result.ret == 4


def test_a_missing_manifest_is_one_line(classroom):
    (classroom.root / "checkpoints/manifest.json").unlink()
    for arguments in (("--checkpoint", "00"), ("--progress",)):
        result = classroom.run(*arguments)
        assert result.ret == 4
        assert "checkpoints/manifest.json cannot be read" in "\n".join(result.errlines)
        assert "run `tito manifest`" in "\n".join(result.errlines)
