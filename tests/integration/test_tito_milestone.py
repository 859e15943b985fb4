"""`tito milestone` and `tito progress`, as a student types them."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from evidence import keep_evidence
from milestone_course import edit, make_course_with_milestones
from mini_course import add_demos, add_wave, make_course_with_milestone, renew_manifest

from pytest_tinytorch.cli.milestone import app
from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.isolation.levels import missing

isolated = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))


@pytest.fixture
def course(tmp_path, monkeypatch):
    made = make_course_with_milestones(tmp_path / "course")
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def tito(course, run_tito):
    """Runs `tito milestone ...`; returns its exit code and its lines."""
    return lambda *words: run_tito("milestone", *words)


def achieve(course, *milestones):
    keep_evidence(course, *course.checkpoints[:2])
    if milestones:
        chosen = [m for m in course.milestones if m.id in milestones]
        keep_evidence(course, *chosen, measured="2 waves", when="2026-05-06T07:08:09+00:00")


# --- what is said -------------------------------------------------------------------------------


def test_start_says_what_it_is_about_what_it_needs_and_the_command(tito, course):
    head = [
        "  Number 1 of the ladder moving, 2 points",
        "  Claim: It waves twice.",
        "  Then you can wave.",
        "  It needs:",
    ]
    assert tito("start", "1986") == (
        0,
        [
            "1986 It waves! (wave): locked",
            *head,
            "    01_numbers       checkpoint 00: not started",
            "  First achieve what is missing:",
            "    pytest --checkpoint 00",
        ],
    )
    achieve(course)
    assert tito("start", "wave") == (
        0,
        [
            "1986 It waves! (wave): not attempted",
            *head,
            "    01_numbers       checkpoint 00: achieved",
            "  Read milestones/wave/program.py, then watch it and test its claim:",
            "    tito milestone run wave",
            "    pytest --milestone wave",
        ],
    )


def test_start_of_an_achieved_one_names_the_certificate(tito, course):
    achieve(course, "wave")
    code, lines = tito("start", "wave")
    assert (code, lines[0]) == (0, "1986 It waves! (wave): achieved")
    assert lines[-2:] == ["  It is achieved. Show it:", "    tito milestone certificate wave"]


def test_start_shows_what_the_program_says_of_itself(tito, course):
    program = course.root / "milestones/wave/program.py"
    program.write_text('"""It waves.\n\n    python program.py\n\nTwice,\n- as\n- ever.\n"""\n')
    _, lines = tito("start", "wave")
    assert lines[4:10] == ["", "  It waves.", "", "  Twice,", "  - as", "  - ever."]
    assert "python program.py" not in "\n".join(lines)
    for text in ("def (", ""):
        program.write_text(text)
        assert "  It needs:" in tito("start", "wave")[1]
    program.unlink()
    assert tito("start", "wave")[0] == 0


def test_start_of_a_planned_one(tito, course):
    path = course.root / "course.toml"
    head, _, rest = path.read_text().rpartition("written = true")
    path.write_text(f"{head}written = false{rest}")
    code, lines = tito("start", "wave")
    assert (code, lines[0], lines[-1]) == (
        0,
        "1986 It waves! (wave): planned",
        "  It is not part of this course yet.",
    )


def test_list_has_the_ids_and_the_states(tito, course):
    keep_evidence(course, course.checkpoints[0])
    assert tito("list") == (
        0,
        [
            "talking:",
            "  1 greeting             A machine that greets      locked",
            "moving:",
            "  1 wave                 1986 It waves!             not attempted",
        ],
    )


def test_the_views_are_those_of_progress(tito, course):
    achieve(course, "wave")
    _, status = tito("status")
    assert status[:2] == ["Milestones: talking", "  1 A machine that greets  not attempted"]
    _, detailed = tito("progress")
    assert "     measured: 2 waves" in detailed
    _, timeline = tito("timeline")
    assert "  [#] 1986 It waves!, achieved" in timeline
    _, horizontal = tito("timeline", "--horizontal")
    assert "moving       --wave[#]" in horizontal


def test_a_forged_file_is_shown_as_a_claim_everywhere(tito, course, own_progress):
    keep_evidence(course, course.checkpoints[0])
    path = own_progress / "progress.json"
    data = json.loads(path.read_text())
    data["courses"]["mini"]["completed_milestones"] = ["wave"]
    path.write_text(json.dumps(data))
    for words in (("list",), ("status",), ("progress",), ("start", "wave"), ("timeline",)):
        assert "claimed, unverified" in "\n".join(tito(*words)[1]), words
    for words in (("certificate", "wave"), ("share", "wave"), ("portfolio",)):
        code, (line,) = tito(*words)
        assert code == 2 and ("claimed, unverified" in line or "no milestone is achieved" in line)
    assert not (course.root / "certificates").exists()


def test_next_is_what_can_be_run_then_what_is_nearest_then_nothing(tito, course):
    assert tito("next")[1][0] == "1986 It waves! (wave): locked"  # one checkpoint is missing
    keep_evidence(course, course.checkpoints[0])
    assert tito("next")[1][0] == "1986 It waves! (wave): not attempted"
    achieve(course, "wave")
    assert tito("next")[1][0] == "A machine that greets (greeting): not attempted"
    achieve(course, "greeting")
    assert tito("next") == (
        0,
        ["Every milestone that is written is achieved. See: tito milestone portfolio"],
    )


# --- run and test -------------------------------------------------------------------------------


def test_run_exports_runs_the_program_and_records_nothing(course, own_progress):
    achieve(course)
    before = (own_progress / "progress.json").read_text()
    assert not (course.root / "mini").exists()
    command = [sys.executable, "-m", "pytest_tinytorch.cli", "milestone", "run", "it waves"]
    done = subprocess.run(command, cwd=course.root / "src", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "wave wave \n"
    assert (own_progress / "progress.json").read_text() == before


def test_the_exit_code_of_the_program_is_that_of_the_command(course):
    achieve(course)
    (course.root / "milestones/wave/program.py").write_text("raise SystemExit(7)\n")
    command = [sys.executable, "-m", "pytest_tinytorch.cli", "milestones", "run", "wave"]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "")


def test_a_broken_source_is_named_and_the_program_is_not_run(tito, course):
    achieve(course)
    edit(course, "return a + b", "return a +")
    code, lines = tito("run", "wave")
    assert code == 1 and lines == ["src/01_numbers.py:11: invalid syntax"]


def test_without_its_program(tito, course):
    achieve(course)
    (course.root / "milestones/wave/program.py").unlink()
    assert tito("run", "wave") == (
        2,
        ["tito: milestones/wave/program.py is missing; restore it"],
    )


def test_a_locked_one_is_not_run(tito, course):
    assert tito("run", "wave") == (
        2,
        [
            "tito: --milestone wave: locked: wave needs checkpoint 00 Numbers (not started)."
            " First: pytest --checkpoint 00"
        ],
    )


@pytest.fixture
def with_demos(course):
    """The course with demos; sum, which needs module 01 alone, is that of greeting."""
    path = add_demos(course.root) / "course.toml"
    text = path.read_text()
    path.write_text(text.replace('id = "greeting"\n', 'id = "greeting"\ndemo = "sum"\n'))
    return load_course(course.root)


def test_demo_runs_the_demo_of_the_same_idea(with_demos, own_progress):
    keep_evidence(with_demos, with_demos.checkpoints[0])
    before = (own_progress / "progress.json").read_text()
    command = [sys.executable, "-m", "pytest_tinytorch.cli", "milestone", "demo", "greeting"]
    done = subprocess.run(command, cwd=with_demos.root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "sum: A sum\n\n2\n"
    assert (own_progress / "progress.json").read_text() == before


def test_a_demo_that_is_locked_is_not_run(tito, with_demos):
    code, lines = tito("demo", "greeting")
    assert code == 2 and lines == [
        "tito: --demo sum: locked: sum needs checkpoint 00 Numbers (not started)."
        " First: pytest --checkpoint 00"
    ]


def test_a_milestone_without_a_demo_has_a_program(tito, with_demos):
    assert tito("demo", "wave") == (
        2,
        ["tito: wave has no demo; `tito milestone run wave` runs its program"],
    )


def test_start_names_the_demo_once_it_may_be_run(tito, with_demos):
    shown = ["  The same idea in a few seconds, without a test:", "    tito demo sum"]
    assert shown[1] not in tito("start", "greeting")[1]
    keep_evidence(with_demos, with_demos.checkpoints[0])
    assert tito("start", "greeting")[1][-2:] == shown


def test_what_is_broken_in_the_details_stays_indented(tito, course, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    path = course.root / "course.toml"
    path.write_text(path.read_text().replace('"It waves twice"', f'"It waves {"and " * 9}waves"'))
    assert tito("progress")[1][-5:] == [
        "  1 1986 It waves! (wave): locked",
        "     It waves and and and and and and",
        "     and and and waves",
        "     needs checkpoint 00:",
        "     pytest --checkpoint 00",
    ]


def test_start_and_unlock_fit_the_terminal(tito, run_tito, course, monkeypatch):
    first = "A neuron that says one of two words, and learns from mistakes which of them it is."
    text = (
        f'"""{first}\n\n    python program.py\n\nTwo things:\n- {first} {first}\n- {first}\n"""\n'
    )
    (course.root / "milestones/wave/program.py").write_text(text)
    for columns in (40, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = [*tito("start", "wave")[1], *run_tito("checkpoint", "unlock", "all")[1]]
        assert columns - 15 < max(map(len, lines)) <= columns
    about = tito("start", "wave")[1][4:15]
    assert about == [
        "",
        "  A neuron that says one of two words, and learns from mistakes which of them it",
        "  is.",
        "",
        "  Two things:",
        "  - A neuron that says one of two words, and learns from mistakes which of them",
        "    it is. A neuron that says one of two words, and learns from mistakes which",
        "    of them it is.",
        "  - A neuron that says one of two words, and learns from mistakes which of them",
        "    it is.",
        "",
    ]


def test_test_is_left_to_pytest(tito, course, monkeypatch):
    commands = []

    def run(command, cwd, check):
        commands.append((command, cwd))
        return subprocess.CompletedProcess(command, 4)

    monkeypatch.setattr(subprocess, "run", run)
    assert tito("test", "1986") == (4, [])
    wanted = [sys.executable, "-m", "pytest", "--milestone", "1986"]
    assert commands == [(wanted, course.root)]


# --- certificates -------------------------------------------------------------------------------


def test_certificate_writes_badge_and_page(tito, course):
    achieve(course, "wave")
    assert tito("certificate", "wave", "--name", "Ada") == (
        0,
        ["written: certificates/wave.svg", "written: certificates/wave.html"],
    )
    page = (course.root / "certificates/wave.html").read_text()
    assert "Ada can wave." in page and "2 waves" in page
    assert ET.parse(course.root / "certificates/wave.svg").getroot().tag.endswith("svg")


def test_a_certificate_is_made_again_but_no_other_file_is_lost(tito, course):
    achieve(course, "wave")
    tito("certificate", "wave", "--name", "Ada")
    assert tito("certificate", "wave", "--name", "Eve")[1] == [
        "written: certificates/wave.svg",
        "written: certificates/wave.html",
    ]
    mine = course.root / "certificates/wave.html"
    mine.write_text("my own page")
    _, lines = tito("certificate", "wave")
    assert lines[1] == "the earlier wave.html is now wave.html.old"
    assert (course.root / "certificates/wave.html.old").read_text() == "my own page"


def test_portfolio_has_all_that_is_achieved(tito, course):
    assert tito("portfolio") == (
        2,
        ["tito: no milestone is achieved yet; see `tito milestone next`"],
    )
    achieve(course, "wave", "greeting")
    assert tito("portfolio", "--into", "out") == (0, ["written: out/portfolio.html"])
    page = (course.root / "out/portfolio.html").read_text()
    assert "A machine that greets" in page and "It waves!" in page


def test_share_prints_a_text_and_writes_a_credential(tito, course):
    pytest.importorskip("openbadgeslib", reason="the badges extra is not installed")
    achieve(course, "wave")
    code, lines = tito("share", "wave")
    assert code == 0
    assert lines[0] == "1986 It waves!: a milestone that I reached with Mini."
    assert "written: certificates/wave.credential.json" in lines
    assert "written: certificates/wave.openbadge.svg" in lines
    assert lines[-2] == "Open Badges 3.0, verified; issued by you as"
    assert lines[-1].startswith("  did:key:z6Mk")
    assert max(map(len, lines)) <= 80


def test_share_without_the_library_prints_the_text_and_says_how_to_get_it(
    tito, course, monkeypatch
):
    achieve(course, "wave")
    for name in ("openbadgeslib", *(n for n in sys.modules if n.startswith("openbadgeslib."))):
        monkeypatch.setitem(sys.modules, name, None)
    code, lines = tito("share", "wave")
    assert code == 2 and "Measured: 2 waves." in lines
    assert lines[-1] == (
        "tito: an Open Badges credential needs openbadgeslib:"
        " pip install 'pytest-tinytorch[badges]'"
    )


def test_a_folder_that_cannot_be_written_is_one_line(tito, course):
    achieve(course, "wave")
    (course.root / "certificates").write_text("a file")
    code, (line,) = tito("certificate", "wave")
    assert code == 3 and "certificates" in line


# --- mistakes and help --------------------------------------------------------------------------

WORDS = ("start", "run", "demo", "certificate", "share")


@pytest.mark.parametrize("word", WORDS)
def test_an_unknown_id_names_the_nearest(tito, word):
    assert tito(word, "wafe") == (
        2,
        [
            "tito: --milestone wafe: unknown id 'wafe' (did you mean 'wave'?); valid: greeting,"
            " wave, all"
        ],
    )


@pytest.mark.parametrize("word", WORDS)
def test_one_at_a_time(tito, word):
    assert tito(word, "all") == (2, ["tito: --milestone all: name one of greeting, wave"])


def test_a_course_without_milestones(tito, course):
    path = course.root / "course.toml"
    text = path.read_text().replace('ladders = ["talking", "moving"]\n', "")
    text = text[: text.index("[[milestone]]")].replace("points = 21", "points = 16")
    path.write_text(text)
    assert tito("list") == (0, ["This course has no milestones."])
    assert tito("status") == (2, ["tito: this course has no milestones"])
    assert tito("start", "x") == (2, ["tito: --milestone x: this course has no milestones"])


def test_every_command_has_an_example_and_both_names(run_tito):
    names = [command.name for command in app.registered_commands]
    wanted = {"start", "list", "status", "progress", "timeline", "next", "run", "test", "demo"}
    assert wanted | {"certificate", "share", "portfolio"} == set(names)
    for command in app.registered_commands:
        doc = command.callback.__doc__
        assert f"\n    Example: tito milestone {command.name}" in doc
    for word in ("milestone", "milestones"):
        code, lines = run_tito(word, "--help")
        assert code == 0 and all(any(name in line for line in lines) for name in names)


# --- progress export and import -----------------------------------------------------------------


def test_progress_goes_to_another_machine(course, run_tito, monkeypatch, tmp_path):
    achieve(course)
    assert run_tito("progress", "export", "out.json") == (
        0,
        ["written: out.json. On the other machine: tito progress import out.json"],
    )
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "other"))
    assert run_tito("progress", "import", "out.json") == (
        0,
        [
            "2 results added, 0 known already.",
            "unlocked: A machine that greets, run `pytest --milestone greeting`",
            "unlocked: 1986 It waves!, run `pytest --milestone wave`",
            "See: pytest --progress",
        ],
    )
    assert run_tito("progress", "import", "out.json")[1][0] == "0 results added, 2 known already."


def test_an_earlier_file_is_moved_aside_and_a_bad_one_is_one_line(course, run_tito):
    achieve(course)
    (course.root / "out.json").write_text("mine")
    _, lines = run_tito("progress", "export", "out.json")
    assert lines[0] == "the earlier out.json is now out.json.old"
    assert (course.root / "out.json.old").read_text() == "mine"
    code, (line,) = run_tito("progress", "import", "out.json.old")
    assert code == 2 and line.startswith("tito: out.json.old is not imported: it is damaged")
    code, (line,) = run_tito("progress", "export", "src")
    assert code == 2 and line == "tito: src is a folder; write a file: src/progress-export.json"


# --- a new milestone ----------------------------------------------------------------------------


def test_a_new_milestone_is_an_entry_and_a_folder(classroom, run_tito, monkeypatch):
    """Nothing else is written for it: state, message, progress, commands and certificate."""
    make_course_with_milestone(classroom.root)
    add_wave(classroom.root)
    monkeypatch.chdir(classroom.root)
    assert run_tito("manifest")[1][-1] == "milestone wave: 1 tests, 2 points"
    assert "locked: wave needs checkpoint 00" in classroom.says("--milestone", "wave")
    assert "unlocked: 1986 It waves!, run `pytest --milestone wave`" in classroom.says(
        "--checkpoint", "00"
    )
    assert run_tito("milestone", "next")[1][0] == "1986 It waves! (wave): not attempted"
    assert "It waves!: achieved, 1 of 1 tests" in classroom.says("--milestone", "wave")
    data = json.loads(classroom.run("--progress=json").stdout.str())
    assert data["milestones"][1]["measured"] == ["2 waves"]
    assert "moving --wave[#]" in classroom.says("--progress=horizontal")
    assert run_tito("milestone", "certificate", "wave")[0] == 0
    assert (
        "Measured: <strong>2 waves</strong>"
        in (classroom.root / "certificates/wave.html").read_text()
    )


@isolated
@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_class_has_all_milestones_as_parts(classroom, tmp_path, way):
    add_wave(make_course_with_milestone(classroom.root))
    renew_manifest(classroom.root)
    for student in ("anna", "bob"):
        add_wave(make_course_with_milestone(tmp_path / "class" / student))
    numbers = tmp_path / "class/bob/src/01_numbers.py"
    numbers.write_text(numbers.read_text().replace("return a + b", "return a * b"))
    folders = (f"--submissions={tmp_path / 'class'}", f"--results={tmp_path / 'results'}")
    result = classroom.run(*folders, "--milestone=all", "--isolate=process", *way)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == 0, text
    assert "anna 5 of 5 100.0 %" in text and "bob 0 of 5 0.0 %" in text
    page = (tmp_path / "results/anna/feedback.md").read_text()
    assert "## Milestone wave · It waves!: achieved" in page
    assert "Waves twice: 2 waves" in page
    assert "| Milestone | Tests | Points |" in " ".join(page.split())
    assert (
        "<caption>Points by milestone</caption>"
        in (tmp_path / "results/anna/feedback.html").read_text()
    )
    cases = ET.parse(tmp_path / "results/bob/grade.xml").getroot().iter("testcase")
    assert {case.get("classname") for case in cases} == {
        "milestones.greeting.test_greeting",
        "milestones.wave.test_wave",
    }
    assert not (classroom.home / "progress.json").exists()
