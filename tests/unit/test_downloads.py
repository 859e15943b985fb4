"""Downloads from a server on this machine, which plays the publisher on good days and bad ones."""

import ast
import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core import dataloader

FULL = Path("/dev/full")


class Publisher(ThreadingHTTPServer):
    """Serves `files`; `fault(request, content)` may answer instead, and says whether it did."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.fault: Callable[[Request, bytes], bool] = lambda request, content: False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Request(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.asked.append((name, self.headers["Range"]))
        content = self.server.files[name]
        if not self.server.fault(self, content):
            self.answer(content)

    def answer(self, content: bytes, sent: int | None = None, ranges: bool = True) -> None:
        """The file, or the rest of it that was asked for; only `sent` bytes of it arrive."""
        start = int((self.headers["Range"] or "bytes=0-")[6:-1]) if ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][:sent])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    server = Publisher()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("no_proxy", "*")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def published(publisher: Publisher, files: dict[str, bytes]) -> dict[str, tuple[int, str]]:
    publisher.files = files
    return {
        f"{publisher.address}/{name}": (len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    }


@pytest.fixture
def mnist(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Small files in the places of MNIST's; the first is large enough to be cut."""
    rng = np.random.default_rng(0)
    files = {}
    for name, count in zip(dataloader.MNIST_NAMES, (900, 900, 20, 20), strict=True):
        shape = (count, 28, 28) if "images" in name else (count,)
        array = rng.integers(0, 10, shape, dtype=np.uint8)
        header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
        files[name] = gzip.compress(header + array.tobytes(), 1)
    assert len(files[dataloader.MNIST_NAMES[0]]) > 300_000  # more than one piece
    monkeypatch.setattr(dataloader, "MNIST", published(publisher, files))
    return files


def left(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file() or path.is_symlink())


def test_all_files_arrive_whole_and_are_shown_to_do_so(publisher, mnist, tmp_path, capsys):
    folder = tt.download_mnist(tmp_path)
    assert folder == tmp_path / "mnist" and left(tmp_path) == sorted(mnist)
    assert all((folder / name).read_bytes() == content for name, content in mnist.items())
    assert publisher.asked == [(name, None) for name in mnist]
    shown = capsys.readouterr().err
    size = len(mnist[dataloader.MNIST_NAMES[0]]) / 1e6
    assert f"train-images-idx3-ubyte.gz [{'#' * 20}] 100% of {size:.1f} MB\n" in shown
    assert shown.count("\r") <= 20 * 4
    assert len(tt.MNISTDataset(tmp_path)) == 900
    assert len(tt.MNISTDataset(tmp_path, train=False, download=True)) == 20
    assert tt.download_mnist(tmp_path) == folder and len(publisher.asked) == 4


def test_only_what_is_missing_is_downloaded(publisher, mnist, tmp_path):
    tt.download_mnist(tmp_path)
    (tmp_path / "mnist" / dataloader.MNIST_NAMES[1]).unlink()
    publisher.asked.clear()
    tt.download_mnist(tmp_path)
    assert publisher.asked == [(dataloader.MNIST_NAMES[1], None)] and left(tmp_path) == sorted(
        mnist
    )


def cut_once(at: int) -> Callable[[Request, bytes], bool]:
    """A connection that breaks after so many bytes, the first time."""
    cuts = []

    def fault(request: Request, content: bytes) -> bool:
        if len(content) < at or cuts:
            return False
        cuts.append(at)
        request.answer(content, sent=at)
        return True

    return fault


def test_a_broken_connection_is_resumed(publisher, mnist, tmp_path):
    first = dataloader.MNIST_NAMES[0]
    publisher.fault = cut_once(280_000)
    folder = tt.download_mnist(tmp_path)
    assert publisher.asked[:2] == [(first, None), (first, "bytes=280000-")]
    assert (folder / first).read_bytes() == mnist[first] and left(tmp_path) == sorted(mnist)


def test_a_server_that_cannot_resume_sends_all_again(publisher, mnist, tmp_path):
    first = dataloader.MNIST_NAMES[0]
    broken = cut_once(280_000)

    def fault(request, content):
        return broken(request, content) or request.answer(content, ranges=False) is None

    publisher.fault = fault
    assert (tt.download_mnist(tmp_path) / first).read_bytes() == mnist[first]


def test_what_arrived_is_kept_for_the_next_attempt(publisher, mnist, tmp_path):
    first = dataloader.MNIST_NAMES[0]
    publisher.fault = lambda request, content: request.answer(content, sent=100_000) is None
    with pytest.raises(ConnectionError, match="broke after 300,000 of") as raised:
        tt.download_mnist(tmp_path)
    assert f"{publisher.address}/{first} cannot be downloaded" in str(raised.value)
    assert "Try again later (what arrived is kept)" in str(raised.value)
    assert left(tmp_path) == [f"{first}.part"]
    with pytest.raises(FileNotFoundError):
        tt.MNISTDataset(tmp_path)
    publisher.fault = lambda request, content: False
    publisher.asked.clear()
    assert (tt.download_mnist(tmp_path) / first).read_bytes() == mnist[first]
    assert publisher.asked[0] == (first, "bytes=300000-") and left(tmp_path) == sorted(mnist)


def swapped(request: Request, content: bytes) -> bool:
    request.answer(content[:-1] + bytes([content[-1] ^ 1]))
    return True


def missing(request: Request, content: bytes) -> bool:
    request.send_error(404)
    return True


def shorter(request: Request, content: bytes) -> bool:
    request.answer(content[:-100])
    return True


@pytest.mark.parametrize(
    "fault, says",
    [(swapped, "its SHA-256 is "), (missing, "HTTP Error 404"), (shorter, "bytes, expected ")],
    ids=["other bytes", "not found", "shorter"],
)
def test_a_file_that_is_not_the_published_one_is_refused(publisher, mnist, tmp_path, fault, says):
    publisher.fault = fault
    with pytest.raises(ConnectionError, match=says) as raised:
        tt.download_mnist(tmp_path)
    assert f"put the file into {tmp_path / 'mnist'} yourself" in str(raised.value)
    assert left(tmp_path) == [] and len(publisher.asked) == 3


def test_a_part_of_another_file_is_given_up(publisher, mnist, tmp_path):
    first = dataloader.MNIST_NAMES[0]
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{first}.part").write_bytes(b"x" * 1000)
    assert (tt.download_mnist(tmp_path) / first).read_bytes() == mnist[first]
    assert [asked for _, asked in publisher.asked[:2]] == ["bytes=1000-", None]


def test_without_a_network(mnist, publisher, tmp_path, monkeypatch):
    nobody = {"http://127.0.0.1:9/" + name: (5, "0") for name in mnist}  # port 9: discard
    monkeypatch.setattr(dataloader, "MNIST", nobody)
    with pytest.raises(ConnectionError, match="cannot be downloaded: <urlopen error"):
        tt.MNISTDataset(tmp_path, download=True)
    assert left(tmp_path) == []


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk(mnist, tmp_path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{dataloader.MNIST_NAMES[0]}.part").symlink_to(FULL)
    with pytest.raises(OSError, match="cannot be written \\(No space left on device\\)") as raised:
        tt.download_mnist(tmp_path)
    assert str(tmp_path / "mnist") in str(raised.value) and "TINYTORCH_DATA" in str(raised.value)
    assert left(tmp_path) == [] and FULL.exists()


def test_a_disk_that_fills_up_half_way(mnist, tmp_path):
    resource = pytest.importorskip("resource", reason="no limits on this system")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (290_000, before[1]))
    try:
        with pytest.raises(OSError, match="Nothing half-written is left"):
            tt.download_mnist(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_made(mnist, tmp_path):
    (tmp_path / "mnist").write_text("a file")
    with pytest.raises(OSError, match="cannot be written"):
        tt.download_mnist(tmp_path)
    assert left(tmp_path) == ["mnist"]


def archive(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "../../elsewhere"
        tar.addfile(link)
    return content.getvalue()


@pytest.fixture
def cifar10(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    files = {name: name.encode() * 5000 for name in dataloader.CIFAR10_NAMES}
    members = {f"cifar-10-batches-bin/{name}": content for name, content in files.items()}
    strays = {"../stray.txt": b"x", "cifar-10-batches-bin/readme.html": b"x", "a/b/": b""}
    packed = {"cifar-10-binary.tar.gz": archive(strays | members)}
    monkeypatch.setattr(dataloader, "CIFAR10", published(publisher, packed))
    return files


def test_an_archive_is_unpacked_by_its_names_and_deleted(cifar10, tmp_path):
    root = tmp_path / "root"
    folder = tt.download_cifar10(root)
    assert folder == root / "cifar-10-batches-bin"
    assert left(tmp_path) == sorted(cifar10)
    assert all((folder / name).read_bytes() == content for name, content in cifar10.items())


def test_a_disk_that_fills_up_while_unpacking(publisher, cifar10, tmp_path):
    resource = pytest.importorskip("resource", reason="no limits on this system")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(OSError, match="cannot be written"):
            tt.download_cifar10(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left(tmp_path) == ["cifar-10-binary.tar.gz"]  # whole, and not asked for again
    tt.download_cifar10(tmp_path)
    assert left(tmp_path) == sorted(cifar10) and len(publisher.asked) == 1


def test_where_files_are_looked_for(mnist, tmp_path, monkeypatch):
    given, home = tmp_path / "given", tmp_path / "home"
    monkeypatch.setenv("TINYTORCH_HOME", str(home))
    monkeypatch.delenv("TINYTORCH_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="pass download=True") as raised:
        tt.MNISTDataset()
    assert str(home / "data" / "mnist") in str(raised.value)
    assert tt.download_mnist() == home / "data" / "mnist"
    monkeypatch.setenv("TINYTORCH_DATA", str(given))
    assert tt.download_mnist() == home / "data" / "mnist"  # found there, not downloaded again
    assert tt.download_mnist(given) == given / "mnist"
    assert tt.download_mnist() == given / "mnist"
    monkeypatch.delenv("TINYTORCH_HOME")
    assert dataloader.places(None) == [given, Path.home() / ".tinytorch" / "data"]


def test_checksums_are_those_of_the_files_at_hand():
    """Where MNIST is at hand as it is published; a copy that was compressed anew says nothing."""
    folder = Path(os.environ.get("TINYTORCH_DATA", "nowhere")) / "mnist"
    compared = 0
    for address, (size, sha256) in dataloader.MNIST.items():
        path = folder / address.rpartition("/")[2]
        if path.is_file() and path.stat().st_size == size:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
            compared += 1
    if not compared:
        pytest.skip("MNIST is not there as published: set TINYTORCH_DATA")


def test_nothing_is_unpickled():
    tree = ast.parse(Path(dataloader.__file__).read_text("utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported & {"pickle", "marshal", "shelve"} == set()
    attributes = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert "np.load" not in attributes and "np.fromfile" in attributes
