"""Hostile and broken submissions get what they have earned, and nothing else; nothing is left."""

import json
import os
import shutil
import socket
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from forkserver import ForkServer

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

import ends
import floods
import forgeries
import machine
import patches
import trees
import words
from arena import FULL, RIGHT, make_arena
from attack import Attack, Unusual, lay_out
from unusual import UNUSUAL

from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.isolation.levels import CONFINED, missing

FILES = (ends, patches, forgeries, trees, machine, floods, words)
ATTACKS = [
    pytest.param(attack, id=f"{file.__name__}-{name.replace(' ', '-')}")
    for file in FILES
    for name, attack in file.ATTACKS.items()
]
OTHERS = [
    pytest.param(level, marks=[pytest.mark.slow, *reason])
    for level in ("landlock", "process")
    for reason in [[pytest.mark.skip(reason=missing(level))] if missing(level) else []]
]


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the graded run keeps what it needs for a while."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def contents(root: Path) -> dict[str, str]:
    """Every file of a tree, without following links, but for the results."""
    return {
        str(path.relative_to(root)): f"{path.lstat().st_mode} {path.lstat().st_size}"
        for path in root.rglob("*")
        if not path.name.startswith("grade.")
    }


def processes(temporary: Path) -> set[str]:
    """The command lines of all processes that were started with a home in this folder."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={temporary}".encode() in (folder / "environ").read_bytes():
                found.add(f"{folder.name}: {(folder / 'cmdline').read_bytes()!r}")
        except OSError:
            continue
    return found


def grade(
    server: ForkServer, attack: Attack, tmp_path: Path, port: int, *options: str
) -> tuple[RunRecord, pytest.RunResult]:
    root = tmp_path / "tree"
    lay_out(attack, root, port)
    before = contents(root)
    for name, value in attack.environment.items():
        os.environ[name] = value.replace("@ROOT@", str(root))
    try:
        result = server.run(["--grade", "--junitxml=grade.xml", *options], root)
    finally:
        for name in attack.environment:
            del os.environ[name]
    assert (root / "grade.xml").is_file(), "\n".join([*result.outlines, *result.errlines])
    assert not (root / "grade.xml").is_symlink()
    properties = ET.parse(root / "grade.xml").getroot().findall(".//testsuite/properties/")
    text = {entry.get("name"): entry.get("value") for entry in properties}["record"]
    record = RunRecord.from_json(json.loads(text or ""))
    if record.isolation in CONFINED:
        assert contents(root) == before
    return record, result


def check_result(attack: Attack, record: RunRecord, result: pytest.RunResult) -> None:
    tests = {test.id: test for test in record.tests}
    told = "\n".join(f"{test.id} {test.outcome} {test.message}" for test in record.tests)
    low, high = attack.points if isinstance(attack.points, tuple) else (attack.points,) * 2
    assert low <= sum(test.points for test in record.tests) <= high, told
    assert len(tests) == 7, told
    assert attack.says in tests[attack.test].message, told
    if record.isolation in CONFINED:
        assert attack.confined in tests[attack.test].message, told
    assert result.ret == attack.code, "\n".join([*result.outlines, *result.errlines])
    output = "\n".join([*result.outlines, *result.errlines])
    assert "\x1b" not in output and "\x07" not in output and "\u202e" not in output
    assert not attack.never or attack.never not in output
    assert "INTERNALERROR" not in output and "Traceback" not in output


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_submission_gets_what_it_has_earned(
    forkserver: ForkServer, attack: Attack, tmp_path: Path, temporary: Path, listener: int
) -> None:
    record, result = grade(forkserver, attack, tmp_path, listener)
    check_result(attack, record, result)
    assert list(temporary.iterdir()) == []
    assert processes(temporary) == set()


@pytest.mark.parametrize("level", OTHERS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_submission_gets_no_more_at_a_lower_level(
    forkserver: ForkServer,
    attack: Attack,
    level: str,
    tmp_path: Path,
    temporary: Path,
    listener: int,
) -> None:
    record, result = grade(forkserver, attack, tmp_path, listener, f"--isolate={level}")
    check_result(attack, record, result)
    shutil.rmtree(tmp_path / "tree", ignore_errors=True)


@pytest.mark.parametrize("unusual", UNUSUAL.values(), ids=[n.replace(" ", "-") for n in UNUSUAL])
def test_an_unusual_submission_gets_all_points(
    forkserver: ForkServer, unusual: Unusual, tmp_path: Path, temporary: Path
) -> None:
    root = make_arena(tmp_path / "tree", unusual.source)
    source = root / "src/01_ops.py"
    text = source.read_text("utf-8").replace("\n", unusual.newline)
    source.write_bytes(text.encode(unusual.encoding))
    for name, content in unusual.files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content)
    result = forkserver.run(["--grade", "--fail-under=100", "--junitxml=grade.xml"], root)
    output = "\n".join([*result.outlines, *result.errlines])
    assert result.ret == 0 and f"{FULL:g} of {FULL:g} points" in output, output
    assert list(temporary.iterdir()) == []


READS_DATA = """    from pathlib import Path
    import os
    assert (Path(os.environ["TINYTORCH_DATA"]) / "numbers.txt").read_text() == "1 2 3"
    return np.maximum(x, 0)"""


def test_the_data_folder_can_be_read(
    forkserver: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/numbers.txt").write_text("1 2 3")
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path / "data"))
    ops = RIGHT.replace("    return np.maximum(x, 0)", READS_DATA)
    root = make_arena(tmp_path / "tree", ops)
    result = forkserver.run(["--grade", "--fail-under=100"], root)
    assert result.ret == 0, "\n".join(result.outlines)


def test_there_are_many() -> None:
    assert len(ATTACKS) >= 60
    assert len(UNUSUAL) >= 25
