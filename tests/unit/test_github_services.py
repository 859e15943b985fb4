"""What a graded run says to GitHub: commands, annotations on own lines, a job summary that fits."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from actions_runner import Command, obeyed
from markdown_it import MarkdownIt

from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.core.scores import grade_of
from pytest_tinytorch.core.visibility import redacted
from pytest_tinytorch.reports.github import annotations
from pytest_tinytorch.reports.github_log import command
from pytest_tinytorch.reports.github_summary import job_summary
from pytest_tinytorch.reports.markdown_escape import block, code, inline

HOSTILE = "100%\r\n::error::x,y: %0A ##[error]z"
LINE = Location("src/01_numbers.py", 7, "add", ((6, "def add(a, b):"), (7, "    return a - b")))


def failed(name, message="no", **more):
    values = {"locations": (LINE,), "max_points": 2.0, "reason": Reason.WRONG} | more
    return TestRecord(f"00/{name}", name, Outcome.FAILED, message=message, **values)


def run_of(tests):
    groups = tuple(dict.fromkeys(test.group for test in tests))
    return RunRecord("mini", 0, "2026-01-01T00:00:00+00:00", 1.0, tuple(tests), groups)


# --- commands -----------------------------------------------------------------------------------


def test_the_reader_of_these_tests_reads_as_the_runner_does():
    """By examples of the runner's own documentation, and of its tests."""
    output = (
        "::error file=app.js,line=1,endLine=2,title=YOUR-TITLE::YOUR-MESSAGE\n"
        "  ::warning::indented\nmid ::error::line\n::unknown::x\n##[set-output name=a;]b\n"
        "::stop-commands::pause\n::error::off\n::resume::\n::PAUSE::\n::Notice::on%0A%2525"
    )
    assert obeyed(output) == [
        Command(
            "error",
            {"file": "app.js", "line": "1", "endLine": "2", "title": "YOUR-TITLE"},
            "YOUR-MESSAGE",
        ),
        Command("warning", {}, "indented"),
        Command("set-output", {"name": "a"}, "b"),
        Command("notice", {}, "on\n%25"),
    ]
    traceback = "  File \"a.py\", line 3, in f\n    raise ValueError('mine')\n"
    assert obeyed(f"::stop-commands::t\n{traceback}") == [Command("error", {}, "mine")]
    assert obeyed(f"::remove-matcher owner=python::\n{traceback}")[1:] == []


def test_signs_are_escaped_exactly():
    """`%`, carriage return and line feed everywhere; colon and comma in properties as well."""
    line = command("error", "50%\r\na:b,c", file="a:b,c%.py", line=3)
    assert line == "::error file=a%3Ab%2Cc%25.py,line=3::50%25%0D%0Aa:b,c"


@pytest.mark.parametrize("text", [HOSTILE, "%25", "::", "a::b", "", "%3A%2C", " a "])
def test_what_is_escaped_arrives_as_it_was(text):
    [found] = obeyed(command("error", text, title=f"<{text}>", line=1))
    assert found == Command("error", {"title": f"<{text}>", "line": "1"}, text)


# --- annotations --------------------------------------------------------------------------------


def test_an_annotation_stands_on_the_students_line():
    test = failed("adds", "got 1, expected 3", hint="Look.", example="a=1,\nb=2")
    same = [failed(n, "raised", reason=Reason.RAISED) for n in ("b", "c", "d")]
    waits = failed("e", depends=("00/adds",))
    first, second = map(obeyed, annotations([test, *same, waits], "."))
    assert first == [
        Command(
            "error",
            {"file": "src/01_numbers.py", "line": "7", "title": "FAIL adds"},
            "got 1, expected 3\ninput to try:\na=1,\nb=2\nhint: Look.\nwaiting for this: e",
        )
    ]
    assert second[0].data == "raised\nfor the same reason: c; d"


@pytest.mark.parametrize(
    "folder, file", [(".", "src/01_numbers.py"), ("a b/course", "a b/course/src/01_numbers.py")]
)
def test_files_are_named_from_the_top_of_the_repository(folder, file):
    [[found]] = map(obeyed, annotations([failed("a")], folder))
    assert found.properties["file"] == file


def test_there_are_ten_the_first_to_mend_first():
    tests = [failed(f"t{n:02}") for n in range(25)]
    titles = [obeyed(line)[0].properties["title"] for line in annotations(tests, ".")]
    assert titles == [f"FAIL t{n:02}" for n in range(10)]


def test_nothing_to_mend_is_no_annotation():
    assert annotations([replace(failed("a"), outcome=Outcome.PASSED)], ".") == []


def test_only_lines_of_sources_are_annotated():
    """An exception names its file itself; nobody's workflow is to be blamed."""
    elsewhere = Location(".github/workflows/grade.yml", 1)
    tests = [
        failed("nowhere", locations=()),
        failed("elsewhere", locations=(elsewhere,)),
        failed("both", locations=(elsewhere, LINE)),
    ]
    [[found]] = map(obeyed, annotations(tests, "."))
    assert (found.properties["title"], found.properties["file"]) == ("FAIL both", LINE.file)


def test_words_of_students_stay_words():
    location = replace(LINE, file=f"src/{HOSTILE}.py")
    test = failed("a", HOSTILE, hint=HOSTILE, example=HOSTILE, locations=(location,))
    test = replace(test, title=HOSTILE)
    [found] = obeyed("\n".join(annotations([test], ".")))
    assert found.name == "error" and found.properties["file"] == f"src/{HOSTILE}.py"
    assert "\n::error::x,y: %0A ##[error]z" in found.data


def test_an_annotation_is_short_enough_to_be_shown():
    test = replace(failed("a", "word " * 10_000), title="title " * 100)
    [[found]] = map(obeyed, annotations([test], "."))
    assert len(found.data) < 4096 and found.data.endswith(" [...]")
    assert len(found.properties["title"]) < 255


def test_of_hidden_tests_there_is_no_annotation():
    hidden = failed("secret", "31337", visibility="hidden")
    assert annotations(redacted((hidden,)), ".") == []


# --- the fence ----------------------------------------------------------------------------------

FENCED = """
import os, sys
from pytest_tinytorch.reports.github_log import WorkflowLog
log = WorkflowLog()
print("no end of a line", end="")
with log.fence():
    log.commands.append("::error::ours")
    {within}
print("::error::after")
"""


def output_of(within: str) -> str:
    command = [sys.executable, "-c", FENCED.format(within=within)]
    # Two streams, apart, as the runner has them.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "within",
    [
        "print('::error::theirs')",
        "print('::error::theirs', file=sys.stderr)",
        "os.write(2, b'::error::theirs')",
        "os.system('echo ::error::theirs; echo ::error::theirs >&2')",
        "print('no end of a line', end='')",
        "sys.stderr.write('::error::theirs no end of a line')",
        "print('::stop-commands::mine\\n::mine::\\n::error::theirs')",
        "print('  File \"a.py\", line 3, in f\\n    raise ValueError(\\'theirs\\')')",
    ],
)
def test_what_is_printed_within_is_no_command(within):
    found = obeyed(output_of(within))
    assert [c.name for c in found] == ["remove-matcher", "error", "error"]
    assert [c.data for c in found[1:]] == ["ours", "after"]


@pytest.mark.parametrize(
    "end", ["os._exit(0)", "raise ValueError('::error::theirs')", "sys.exit()"]
)
def test_a_run_that_dies_leaves_commands_off(end):
    output = output_of(end) + "\n::error::of whatever follows in the step"
    assert [c.name for c in obeyed(output)] == ["remove-matcher"]


def test_nobody_can_guess_how_commands_are_switched_on():
    tokens = {re.search("::stop-commands::(.*)", output_of("pass"))[1] for _ in range(3)}
    assert len(tokens) == 3 and all(re.fullmatch("[0-9a-f]{32}", token) for token in tokens)


def test_a_command_is_printed_in_any_locale(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("LC_ALL", "C")
    done = subprocess.run(
        [sys.executable, "-c", FENCED.format(within="log.commands.append('::error::ö \\udc80')")],
        capture_output=True,
        check=True,
    )
    assert "::error::ö ?" in done.stdout.decode()


# --- the job summary ----------------------------------------------------------------------------

PLENTY = 10**6


def summary(course, tests, room=PLENTY, notes=("Isolation: landlock",)):
    shown = redacted(tuple(tests))
    return job_summary(course, grade_of(run_of(shown)), shown, notes, room)


def html(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_a_summary_says_what_to_mend(course):
    passed = replace(failed("fine"), outcome=Outcome.PASSED)
    test = failed("adds", "got 1", hint="Look at +.", example="a=1")
    other = failed("d", waits_for="01", locations=())
    page = html(summary(course, [passed, test, failed("b", depends=("00/adds",)), other]))
    for words in (
        "<h2>Grade: 2 of 8 points, 25.0 %</h2>",
        '<td>00 Numbers</td>\n<td style="text-align:right">1 of 4</td>',
        "<p>Isolation: landlock</p>",
        "<h3>FAIL adds (2 points)</h3>",
        '<code class="language-text">got 1\n</code>',
        "<p>computed by add, <code>src/01_numbers.py:7</code></p>",
        "&gt;    7 |     return a - b\n",
        "First: <code>pytest --checkpoint 01</code>",
        "a=1\n",
        "<p>hint: Look at +.</p>",
        "<p>waiting for this: b</p>",
    ):
        assert words in page, page


def test_a_message_is_read_without_scrolling(course):
    text = summary(course, [failed("a", f"{'many words ' * 40}\n  and a second line")])
    lines = text.split("```")[1].splitlines()
    assert len(lines) > 5 and max(map(len, lines)) <= 96 and "  and a second line" in lines


def test_what_could_not_be_graded_stands_in_its_row(course):
    lost = replace(failed("a"), outcome=Outcome.MISSING, reason=Reason.HARNESS)
    assert "| 00 Numbers | 0 of 2, 1 could not be graded | 0 of 4 |" in summary(
        course, [lost, failed("b")]
    )


def test_the_first_to_mend_comes_first(course):
    text = summary(course, [failed(f"t{n}") for n in range(30)])
    assert re.findall(r"### FAIL (\w+)", text) == [f"t{n}" for n in range(30)]


@pytest.mark.parametrize("room", [700, 1_000, 5_000, 20_000])
def test_what_does_not_fit_is_cut_in_order_and_counted(course, room):
    tests = [failed(f"t{n}", "größer " * 30) for n in range(100)]
    text = summary(course, tests, room)
    assert room - 700 < len(text.encode()) <= room
    shown = re.findall(r"### FAIL (\w+)", text)
    assert shown == [f"t{n}" for n in range(len(shown))]
    left = f"**{100 - len(shown)} more to fix do not fit here; the log lists all of them.**"
    assert text.endswith(f"\n{left}\n")


def test_what_fits_exactly_is_not_cut(course):
    tests = [failed(f"t{n}") for n in range(10)]
    whole = summary(course, tests)
    size = len(whole.encode())
    assert summary(course, tests, size) == whole
    assert "more to fix" in summary(course, tests, size - 1)


@pytest.mark.parametrize("room", [-5, 0, 50, 150])
def test_where_not_even_the_points_fit_there_is_none(course, room):
    assert summary(course, [failed("a")], room) == ""


def test_of_hidden_tests_a_summary_says_that_they_failed(course):
    hidden = [
        replace(failed(name, "31337", visibility="hidden", hint="SECRET"), id=f"hidden 00/{name}")
        for name in ("test_secret", "test_other")
    ]
    own = failed("test_of_the_course", "31337", visibility="after_due_date")
    text = summary(course, [own, *hidden])
    assert "### 00 Numbers: Hidden test 1 failed\n" in text
    assert "### 00 Numbers · hidden tests: Hidden test 2 failed\n" in text
    assert [w for w in ("31337", "SECRET", "secret", "of_the", "src/", "add") if w in text] == []


WORDS = (
    "<script>x</script>",
    "<img src=//x.y>",
    "[a](//x.y)",
    "![a](//x.y)",
    "**bold** _it_ ~~no~~ `code`",
    "```\n# title\n",
    "~~~~\n</pre>\n\n# title",
    "a | b |\n|---|",
    "&lt;b&gt;",
    "\\<b>",
    "https://x.y www.x.y <https://x.y>",
    "`` ` ```` # `",
    "\x1b[2J \u202e \ud800",
    "`" * 9_000,
    "x" * 100_000,
)


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
def test_words_of_students_make_no_markup(course, words):
    location = replace(LINE, file=words, function=words, excerpt=((7, words.replace("\n", " ")),))
    test = failed("a", words, hint=words, example=words, locations=(location,))
    test = replace(test, title=words)
    text = summary(course, [test, failed("b", depends=("00/a",))], notes=[f"Isolation {words}"])
    text.encode("utf-8")
    assert len(text) < 40_000
    tags = set(re.findall(r"<(/?\w+)", html(text)))
    allowed = {"h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "p", "pre", "code"}
    assert tags <= allowed | {f"/{tag}" for tag in allowed}
    assert re.findall("<h[23]>(.{5})", html(text)) == ["Grade", "FAIL ", "FAIL "][:2]


@pytest.mark.parametrize("words", [words for words in WORDS if len(words) < 400])
def test_words_of_students_can_be_read(words):
    """Markdown takes away what was added, and nothing else."""
    from html import unescape

    from pytest_tinytorch.core.text import printable

    line = " ".join(printable(words).split())
    assert unescape(re.sub("<.*?>", "", html(f"Hint: {inline(words)}"))) == f"Hint: {line}\n"
    assert unescape(html(f"At {code(words)}")) == f"<p>At <code>{line}</code></p>\n"
    shown = re.search('<code class="language-text">(.*)</code>', html(block(words)), re.DOTALL)[1]
    assert unescape(shown) == f"{printable(words)}\n"
