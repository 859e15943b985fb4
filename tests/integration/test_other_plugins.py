"""Other people's plugins beside ours: right points, the course's order, and one clear line."""

import json
import xml.etree.ElementTree as ET
from importlib import metadata

import pytest

SUBTESTS = '''"""Words."""

import pytest

pytestmark = pytest.mark.checkpoint("01")


@pytest.mark.points(4)
@pytest.mark.hint("upper() is a method.")
def test_shout(tt, check, subtests):
    """Shouts"""
    for word in ("ab", "c", ""):
        with subtests.test(word=word):
            check.equal(tt.shout(word), (word * 2).upper())
'''


INSTALLED = {name.lower() for found in metadata.distributions() if (name := found.name)}


def needs(plugin):
    return pytest.mark.skipif(plugin not in INSTALLED, reason=f"{plugin} is not installed")


@pytest.fixture
def with_subtests(classroom):
    (classroom.root / "checkpoints/checkpoint_01_words.py").write_text(SUBTESTS)
    return classroom


def test_subtests_that_pass_are_a_part_of_their_test(with_subtests):
    said = with_subtests.says("--checkpoint", "01")
    assert "achieved, 1 of 1 tests, 4 of 4 points" in said
    assert "pass Shouts" in said and "uuu" not in said


def test_a_subtest_that_fails_fails_its_test_and_says_why(with_subtests):
    with_subtests.edit("src/02_words.py", "double(word).upper()", "double(word)")
    test = with_subtests.outcomes("01")["01/test_shout"]
    assert (test["outcome"], test["reason"], test["points"]) == ("failed", "wrong", 0)
    assert "expected 'ABAB'" in test["message"]


def test_subtests_count_alike_in_a_class(with_subtests, tmp_path):
    root = with_subtests.root
    for student, old in {"ana": "", "bo": ".upper()", "cy": ""}.items():
        folder = tmp_path / "class" / student / "src"
        folder.mkdir(parents=True)
        for path in (root / "src").iterdir():
            text = path.read_text()
            (folder / path.name).write_text(text.replace(old, "") if old else text)
    arguments = ("--isolate=process", "--results", str(tmp_path / "results"))
    result = with_subtests.run("--submissions", str(tmp_path / "class"), *arguments)
    rows = [line.split()[:4] for line in result.outlines if " of 11" in line]
    assert rows == [["ana", "11", "of", "11"], ["bo", "7", "of", "11"], ["cy", "11", "of", "11"]]
    assert result.ret == 0 and "uuu" not in result.stdout.str()


UNLISTED = """

@pytest.mark.points(99)
def test_more(tt):
    assert tt.shout


@pytest.mark.parametrize("n", [1, 2])
def test_less(tt, n):
    assert n < 2
"""


@pytest.fixture
def with_unlisted(classroom):
    """Three tests more than the manifest has, of which the last one fails."""
    with (classroom.root / "checkpoints/checkpoint_01_words.py").open("a") as file:
        file.write(UNLISTED)
    return classroom


@pytest.mark.parametrize("way", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_tests_that_the_manifest_does_not_list_are_shown_and_not_counted(with_unlisted, way):
    said = with_unlisted.says("--checkpoint", "01", *way)
    assert "achieved, 1 of 1 tests, 4 of 4 points" in said and "not achieved" not in said
    assert "FAIL less [2]" in said and "assert 2 < 2" in said
    assert (
        "3 tests (test_more, test_less) do not count: they are not in checkpoints/manifest.json."
        " Whoever writes the course runs `tito manifest`." in said
    )
    assert with_unlisted.run("--checkpoint", "01", *way).ret == pytest.ExitCode.TESTS_FAILED


def test_tests_that_the_manifest_does_not_list_are_in_no_record(with_unlisted):
    record = with_unlisted.record("01")
    assert [(test["id"], test["points"]) for test in record["tests"]] == [("01/test_shout", 4)]
    cases = ET.parse(with_unlisted.root / "grade.xml").getroot().iter("testcase")
    properties = [{p.get("name"): p.get("value") for p in case.iter("property")} for case in cases]
    assert [(p["id"], p["points"], p["max_points"]) for p in properties] == [
        ("01/test_shout", "4", "4"),
        ("01/test_more", "0", "0"),
        ("01/test_less[1]", "0", "0"),
        ("01/test_less[2]", "0", "0"),
    ]
    shown = json.loads(with_unlisted.run("--progress=json").stdout.str())["checkpoints"][1]
    assert {key: shown[key] for key in ("state", "passed", "total", "points", "max_points")} == {
        "state": "achieved", "passed": 1, "total": 1, "points": 4, "max_points": 4,
    }  # fmt: skip


def test_a_mark_is_worth_what_the_manifest_says(classroom):
    file = "checkpoints/checkpoint_01_words.py"
    classroom.edit(file, "@pytest.mark.points(4)", "@pytest.mark.points(40)")
    assert classroom.record("01")["tests"][0]["max_points"] == 4
    assert "1 of 1 tests, 4 of 4 points" in classroom.says("--checkpoint", "01")


@needs("pytest-rerunfailures")
def test_a_test_that_passes_when_it_is_tried_again_has_failed(classroom):
    path = "src/01_numbers.py"
    classroom.edit(path, "def add(a, b):", "tries = []\n\n\ndef add(a, b):")
    classroom.edit(path, "return a + b", "tries.append(1)\n    return a + b + (len(tries) == 1)")
    said = classroom.says("--checkpoint", "00", "--reruns", "2")
    assert (
        "FAIL Adds two numbers (passed at the 2nd try) (2 points)" in said
        and "not achieved, 4 of 5 tests" in said
    )


@needs("pytest-repeat")
def test_a_test_counts_once_however_often_it_is_asked_for(classroom):
    said = classroom.says("--checkpoint", "all", "--count", "2")
    assert "5 of 5 tests, 7 of 7 points" in said and "1 of 1 tests, 4 of 4 points" in said


@needs("pytest-randomly")
def test_the_order_of_the_course_is_kept(classroom):
    manifest = json.loads((classroom.root / "checkpoints/manifest.json").read_text())
    wanted = [*manifest["tests"]["00"], "01/test_shout"]
    for seed in ("1", "2", "3"):
        record = classroom.record("all", "-p", "randomly", f"--randomly-seed={seed}")
        assert [test["id"] for test in record["tests"]] == wanted


@needs("pytest-sugar")
def test_lines_are_not_drawn_over(classroom):
    result = classroom.run("--checkpoint", "00", "--force-sugar")
    assert "  pass  Adds two numbers" in result.outlines


@needs("pytest-json-report")
def test_a_class_is_graded_beside_a_report_in_json(classroom, tmp_path):
    folder = tmp_path / "class/ana/src"
    folder.mkdir(parents=True)
    for path in (classroom.root / "src").iterdir():
        (folder / path.name).write_text(path.read_text())
    report = ("--json-report", f"--json-report-file={tmp_path / 'report.json'}")
    arguments = ("--isolate=process", "--results", str(tmp_path / "results"), *report)
    result = classroom.run("--submissions", str(tmp_path / "class"), *arguments)
    assert "11 of 11" in result.stdout.str() and result.ret == 0


@pytest.mark.parametrize("word", ["--cov=mini", "--reruns=2", "--html=a.html", "--json-report"])
def test_grade_says_in_one_line_what_it_does_not_take(classroom, word):
    result = classroom.run("--grade", word)
    assert result.ret == 4 and result.outlines == []
    assert result.errlines == [
        f"ERROR: --grade loads pytest-xdist and pytest-timeout, and no other plugin, so it does"
        f" not know {word}; leave it out"
    ]
