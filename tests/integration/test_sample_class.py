"""The sample class: commands of docs/gradebook.md find what was put into it."""

import json

import pytest
from sample_class import ABSENT, NAMES, REVERSED, SILENT, STUCK, make_sample

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError


@pytest.fixture(scope="module")
def sample(tmp_path_factory, repository):
    folder = tmp_path_factory.mktemp("class") / "sample"
    make_sample(load_course(repository), folder)
    return folder


@pytest.fixture
def tito(run_tito, repository, monkeypatch, tmp_path, sample):
    monkeypatch.chdir(repository)
    monkeypatch.setenv("TINYTORCH_GRADEBOOK", str(tmp_path / "g.sqlite"))

    def run(*words):
        code, lines = run_tito("gradebook", *map(str, words))
        assert code == 0, lines
        return lines

    run("roster", sample / "roster.csv")
    run("add", sample / "results", "--key-file", sample / "key")
    return run


def test_statistics_find_who_and_what_needs_a_look(tito):
    found = json.loads("\n".join(tito("stats", "--json")))
    assert found["students"] == len(NAMES) == 12
    assert found["without_attempt"] == [ABSENT]
    assert {entry["student"] for entry in found["stuck"]} == {STUCK}
    assert [entry["student"] for entry in found["silent"]] == [SILENT]
    suspects = {test["test"]: test["suspicion"] for test in found["tests"] if test["suspicion"]}
    assert suspects == {REVERSED: "strong students fail it, weak ones pass"}


def test_every_record_is_verified(tito):
    rows = json.loads("\n".join(tito("grades", "--json")))
    assert "verified" in json.dumps(rows) and "unsigned" not in json.dumps(rows)


def test_the_dashboard_names_everybody(tito, tmp_path):
    tito("html", tmp_path / "class.html")
    page = (tmp_path / "class.html").read_text("utf-8")
    assert all(name.replace("'", "\\u0027") in page for name in NAMES)


def test_submissions_have_answers_and_one_pair_that_looks_alike(tito, sample, tmp_path):
    pytest.importorskip("copydetect", reason="copydetect is not installed")
    assert tito("answers", sample / "class") == ["11 answers of 11 submissions"]
    assert tito("rubric", sample / "rubric.toml") == ["1 rubric, 0 marks changed"]
    tito("queue", "tensor-question-memory", "--csv", tmp_path / "q.csv")
    lines = tito("similar", sample / "class", "--module", "02")
    assert "1 pair to look at" in lines
    assert any(f"{NAMES[0]} and {NAMES[1]}" in line for line in lines)


def test_a_folder_that_exists_is_left_alone(sample, repository):
    with pytest.raises(CourseError, match="exists; name a new folder"):
        make_sample(load_course(repository), sample)
