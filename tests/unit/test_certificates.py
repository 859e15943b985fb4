"""Certificates, badges and Open Badges credentials: only of what a run has shown."""

import base64
import hashlib
import json
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from evidence import keep_evidence
from milestone_course import edit, make_course_with_milestones

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome
from pytest_tinytorch.progress.certificates import certify
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.reports.certificate import (
    badge_svg,
    certificate_html,
    portfolio_html,
    share_text,
)

WHEN = "2026-05-06T07:08:09+00:00"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def course(tmp_path):
    return make_course_with_milestones(tmp_path / "course")


def progress(course):
    return Progress.of(course, load_manifest(course))


def achieve(course, milestone=1, measured="2 waves", when=WHEN):
    keep_evidence(course, *course.checkpoints[:2])
    keep_evidence(course, course.milestones[milestone], measured=measured, when=when)


def certificate(course, milestone=1, name=""):
    return certify(course, progress(course), course.milestones[milestone], name)


# --- who gets one -------------------------------------------------------------------------------


def test_it_says_what_the_run_has_shown(course):
    achieve(course)
    found = certificate(course, name=" Ada Lovelace ")
    assert (found.name, found.date, found.tests) == ("Ada Lovelace", "2026-05-06", 1)
    assert found.measured == ("2 waves",)
    assert re.fullmatch("[0-9a-f]{64}", found.evidence)
    assert (found.commit, found.has_changes) == ("", False)


def test_the_evidence_hash_is_that_of_all_that_is_kept_but_the_folder(course):
    achieve(course)
    found = certificate(course)
    kept = {
        "when": WHEN,
        "seconds": 1.5,
        "seed": 7,
        "tests": {"milestone wave/test_waves": "passed"},
        "measured": ["2 waves"],
    }
    text = json.dumps(["mini", "1", "wave", found.code, kept], sort_keys=True)
    compact = text.replace(": ", ":").replace(", ", ",")
    assert found.evidence == hashlib.sha256(compact.encode()).hexdigest()


@pytest.mark.parametrize("change", ["measured", "when", "code"])
def test_the_evidence_hash_depends_on(course, change):
    achieve(course)
    before = certificate(course).evidence
    if change == "code":
        edit(course, "return a + b", "return b + a")
    achieve(
        course,
        measured="3 waves" if change == "measured" else "2 waves",
        when="2026-05-06T07:08:10+00:00" if change == "when" else WHEN,
    )
    assert certificate(course).evidence != before


def not_attempted(course):
    keep_evidence(course, course.checkpoints[0])


def skipped(course):
    not_attempted(course)
    keep_evidence(course, course.milestones[1], outcome=Outcome.SKIPPED)


def failing(course):
    not_attempted(course)
    keep_evidence(course, course.milestones[1], outcome=Outcome.FAILED)


def stale(course):
    achieve(course)
    edit(course, "return a + b", "return b + a")


def forged(course):
    not_attempted(course)
    progress(course).note(completed_milestones=["wave"], unlocked_milestones=["wave"])


def forged_after_a_failure(course):
    failing(course)
    progress(course).note(completed_milestones=["wave"])


NONE = {
    "locked": (lambda course: None, "its tests were not run here. Run: pytest --checkpoint 00"),
    "not attempted": (not_attempted, "its tests were not run here. Run: pytest --milestone wave"),
    "skipped": (skipped, "its tests were not run here. Run: pytest --milestone wave"),
    "failing": (failing, "its tests fail (failing 1 of 1). Run: pytest --milestone wave"),
    "stale": (stale, "the code changed since it was run. Run: pytest --milestone wave"),
    "forged": (forged, "it is claimed, unverified: no run shows it. Run: pytest --milestone wave"),
    "forged failure": (forged_after_a_failure, "its tests fail (failing 1 of 1). Run: pytest"),
}


@pytest.mark.parametrize("prepare, why", NONE.values(), ids=NONE)
def test_without_evidence_there_is_none(course, prepare, why):
    prepare(course)
    with pytest.raises(CourseError) as error:
        certificate(course)
    assert str(error.value).startswith(f"wave: no certificate: {why}")


def test_of_a_planned_one_there_is_none(course):
    achieve(course)
    path = course.root / "course.toml"
    head, _, rest = path.read_text().rpartition("written = true")
    path.write_text(f"{head}written = false{rest}")
    with pytest.raises(CourseError) as error:
        certificate(load_course(course.root))
    assert str(error.value) == "wave: no certificate: it is not part of this course yet"


@pytest.mark.parametrize("name", ["a\nb", "x" * 81, "a\x1b[31m", "\u202eoda"])
def test_a_name_is_one_short_line(course, name):
    achieve(course)
    with pytest.raises(CourseError) as error:
        certificate(course, name=name)
    said = f"--name {name!r}: write one line of at most 80 characters"
    assert str(error.value) == said


# --- the commit ---------------------------------------------------------------------------------


def git(course, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(course.root), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_and_whether_the_sources_differ_from_it(course):
    achieve(course)
    git(course, "init", "-q")
    assert certificate(course).commit == ""  # there is no commit yet
    git(course, "add", ".")
    git(course, "commit", "-qm", "all")
    found = certificate(course)
    assert (found.commit, found.has_changes) == (git(course, "rev-parse", "HEAD"), False)
    (course.root / "notes.txt").write_text("not a source")
    assert not certificate(course).has_changes
    source = course.root / "src/01_numbers.py"
    source.write_text(source.read_text() + "\n# a comment, which makes nothing stale\n")
    changed = certificate(course)
    assert changed.has_changes
    assert f"{changed.commit[:12]} with uncommitted changes" in share_text(changed)


def test_without_git_there_is_no_commit(course, monkeypatch):
    achieve(course)
    monkeypatch.setenv("PATH", "")
    assert certificate(course).commit == ""


# --- the badge ----------------------------------------------------------------------------------


def test_the_badge_is_an_image_with_a_title_and_the_place_in_the_ladder(course):
    achieve(course)
    root = ET.fromstring(badge_svg(certificate(course)))
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Mini: 1986 It waves!, 2026-05-06"
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts == ["Mini", "1986", "It waves!"]
    assert len(list(root.iter(f"{SVG}circle"))) == 1


def test_a_badge_without_a_year_has_its_number_and_each_ladder_its_colour(course):
    achieve(course, 0)
    achieve(course, 1)
    images = [ET.fromstring(badge_svg(certificate(course, number))) for number in (0, 1)]
    texts = [element.text for element in images[0].iter(f"{SVG}text")]
    assert texts == ["Mini", "1", "A machine that", "greets"]
    colours = [next(image.iter(f"{SVG}path")).get("fill") for image in images]
    assert len(set(colours)) == 2


def test_a_long_name_is_cut_and_text_is_no_markup(course):
    achieve(course)
    found = certificate(course)
    long = replace(found.milestone, name="<script> & " * 20)
    root = ET.fromstring(badge_svg(replace(found, milestone=long)))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert len(texts) == 2 + 3 and texts[-1].endswith("...")
    assert max(map(len, texts[2:])) <= 17
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "path", "g", "text", "circle")
    }


# --- the pages ----------------------------------------------------------------------------------


class Page(HTMLParser):
    """Every tag with its attributes, the headings, and all text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += f"{data} "


def test_the_page_has_every_fact(course):
    achieve(course)
    git(course, "init", "-q")
    git(course, "add", ".")
    git(course, "commit", "-qm", "all")
    found = certificate(course, name="Ada Lovelace")
    text = Page(certificate_html(found)).text
    for fact in (
        *("1986 It waves!", "Ada Lovelace", "It waves twice.", "Measured: 2 waves"),
        *("Ada Lovelace can wave.", "date 2026-05-06", "tests 1 passed"),
        f"commit {found.commit[:12]}",
        f"code {found.code}",
        f"evidence {found.evidence}",
        "run pytest --milestone wave",
    ):
        assert fact in text, fact


def test_no_name_is_written_unless_it_is_given(course):
    achieve(course)
    text = Page(certificate_html(certificate(course))).text
    assert "The holder can wave." in text and 'class="name"' not in text


def test_the_page_loads_nothing_and_runs_nothing(course):
    achieve(course)
    html = certificate_html(certificate(course, name='<img src="https://a.example/x">'))
    page = Page(html)
    assert {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object"} == set()
    for _, attributes in page.tags:
        assert not {"src", "href", "style", "onload"} & set(attributes)
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv"))
    style = re.search("<style>(.*)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in policy
    assert "url(" not in style and "@import" not in style
    assert "prefers-color-scheme: dark" in style and "@media print" in style


def test_the_portfolio_has_all_in_the_order_of_the_course(course):
    achieve(course, 0, measured="4 letters")
    achieve(course, 1)
    page = Page(portfolio_html([certificate(course, 0), certificate(course, 1)]))
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2")] == ["h1", "h2", "h2"]
    assert page.text.index("4 letters") < page.text.index("2 waves")
    assert "run pytest --milestone all" in page.text


def test_the_text_to_share(course):
    achieve(course)
    found = certificate(course)
    assert share_text(found) == (
        "1986 It waves!: a milestone that I reached with Mini.\n"
        "It waves twice.\n"
        "Measured: 2 waves.\n"
        f"date: 2026-05-06\ntests: 1 passed\ncode: {found.code}\nevidence: {found.evidence}\n"
    )
    assert max(map(len, share_text(found).splitlines())) <= 80
    named = share_text(certificate(course, name="Ada"))
    assert "a milestone that Ada reached with Mini" in named


# --- Open Badges --------------------------------------------------------------------------------


@pytest.fixture
def open_badges():
    pytest.importorskip("openbadgeslib", reason="the badges extra is not installed")
    pytest.importorskip("pyld", reason="the badges extra is not installed")
    from pytest_tinytorch.reports import open_badge

    return open_badge


def made(open_badges, found):
    return open_badges.open_badge(found, badge_svg(found))


def test_the_librarys_own_verifier_accepts_the_credential_and_the_badge(course, open_badges):
    from openbadgeslib.ob3 import OB3LdpVerifier
    from openbadgeslib.verify import verify_badge

    achieve(course)
    found = certificate(course, name="Ada Lovelace")
    credential = made(open_badges, found)
    verified = OB3LdpVerifier.for_issuer_did(credential.issuer).verify(credential.json)
    assert (verified.name, verified.issuer.name) == ("1986 It waves!", "Ada Lovelace")
    result = verify_badge(credential.svg, resolve_did=True)
    assert result.valid and result.issuer_did == credential.issuer
    assert not result.trusted  # issued by the student: nobody else vouches for it
    document = json.loads(credential.json)
    assert document["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert document["validFrom"] == "2026-05-06T07:08:09Z"
    narrative = document["evidence"][0]["narrative"]
    assert f"evidence {found.evidence}" in narrative and "measured: 2 waves" in narrative
    assert ET.fromstring(credential.svg).findtext(f"{SVG}title").startswith("Mini: 1986")


@pytest.mark.parametrize(
    "old, new", [("2 waves", "9 waves"), ("2026-05-06T", "2020-05-06T"), ("Ada", "Eve")]
)
def test_a_changed_credential_does_not_verify(course, open_badges, old, new):
    from openbadgeslib.ob3 import OB3LdpVerifier, OB3VerificationError

    achieve(course)
    credential = made(open_badges, certificate(course, name="Ada"))
    assert old in credential.json
    with pytest.raises(OB3VerificationError):
        OB3LdpVerifier.for_issuer_did(credential.issuer).verify(credential.json.replace(old, new))


def test_the_commands_of_the_library_accept_the_badge(course, open_badges, tmp_path):
    achieve(course)
    credential = made(open_badges, certificate(course))
    path = tmp_path / "badge.svg"
    path.write_bytes(credential.svg)
    command = [sys.executable, "-m", "openbadgeslib.openbadges_verifier", "-i", str(path)]
    command += ["-r", credential.issuer, "--resolve-did"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr  # valid, the issuer is self-asserted


def test_without_a_name_the_issuer_is_a_student(course, open_badges):
    achieve(course)
    document = json.loads(made(open_badges, certificate(course)).json)
    assert document["issuer"]["name"] == "A student of Mini"
    assert "Ada" not in json.dumps(document)


def test_the_key_is_made_once_and_is_private(course, open_badges, own_progress):
    achieve(course)
    issuers = {made(open_badges, certificate(course)).issuer for _ in range(2)}
    assert len(issuers) == 1
    key = own_progress / "badge-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" in key.read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_key_that_is_none_is_kept_and_said(course, open_badges, own_progress, content):
    achieve(course)
    (own_progress / "badge-key.pem").write_bytes(content)
    with pytest.raises(CourseError) as error:
        made(open_badges, certificate(course))
    assert "badge-key.pem is not a key for badges (" in str(error.value)
    assert str(error.value).endswith("rename it, and a new one is made")
    assert (own_progress / "badge-key.pem").read_bytes() == content


def test_without_the_library_it_says_how_to_install_it(course, monkeypatch):
    from pytest_tinytorch.reports.open_badge import open_badge

    achieve(course)
    monkeypatch.setitem(sys.modules, "openbadgeslib", None)
    for name in [name for name in sys.modules if name.startswith("openbadgeslib.")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CourseError) as error:
        open_badge(certificate(course), "<svg/>")
    assert str(error.value) == (
        "an Open Badges credential needs openbadgeslib: pip install 'pytest-tinytorch[badges]'"
    )
