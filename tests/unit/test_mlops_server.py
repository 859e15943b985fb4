"""The server of module 15 on loopback: many clients, slow and bad ones; what Prometheus reads.

Each test ends by itself: sockets have timeouts, and clients are counted.
"""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.mlops import Refused

PATIENCE = 20  # seconds


def model():
    tt.manual_seed(0)
    return tt.Sequential(tt.Linear(4, 8), tt.relu, tt.Linear(8, 3), tt.Dropout(0.5)).eval()


def address(server):
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def talk(server, *parts, pause=0.0, read=2**16, wait=0.0):
    """Send parts, then read everything. Returns status and body; (0, b"") for none."""
    reply = b""
    with socket.create_connection(address(server), timeout=PATIENCE) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while data := connection.recv(read):
                reply += data
                time.sleep(wait)
        except ConnectionError:
            pass
    head, _, body = reply.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else 0), body


def post(body, headers=""):
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def asked(rows):
    return json.dumps({"inputs": np.asarray(rows).tolist()}).encode()


def descriptors():
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


GOOD = [0, 4, 8, 12]  # kinds of clients, by their number modulo 16


def client(server, number, rows):
    """One of 64 clients, by its number. Returns its kind, status and body."""
    body, kind = asked(rows), number % 16
    if kind in GOOD:
        return "good", *talk(server, post(body))
    if kind == 1:
        return "slow reader", *talk(server, post(body), read=7, wait=0.01)
    if kind == 2:
        return "slow writer", *talk(server, *[bytes([b]) for b in post(body)], pause=0.001)
    if kind == 3:
        return "large", *talk(server, post(b"x" * 300_000))
    if kind == 5:
        return "no JSON", *talk(server, post(b'{"inputs": [[1, 2'))
    if kind == 6:
        return "shape", *talk(server, post(asked([[1.0, 2.0]])))
    if kind == 7:
        return "NaN", *talk(server, post(b'{"inputs": [[1, 2, 3, NaN]]}'))
    if kind == 9:
        connection = socket.create_connection(address(server), timeout=PATIENCE)
        connection.sendall(post(body)[: 20 + number])
        connection.close()
        return "vanished", 0, b""
    if kind == 10:
        connection = socket.create_connection(address(server), timeout=PATIENCE)
        connection.sendall(post(body))
        connection.close()  # does not wait for its answer
        return "vanished", 0, b""
    if kind == 11:
        return "dripping", *talk(server, *[b"P"] * 40, pause=0.1)
    if kind == 13:
        return "path", *talk(server, b"GET /etc/passwd HTTP/1.1\r\n\r\n")
    if kind == 14:
        return "no HTTP", *talk(server, b"\x16\x03\x01\x02\x00\x01\x00 what\r\n\r\n")
    return "metrics", *talk(server, b"GET /metrics HTTP/1.1\r\n\r\n")


WANTED = {
    "good": 200, "slow reader": 200, "slow writer": 200, "large": 413, "no JSON": 400,
    "shape": 400, "NaN": 400, "vanished": 0, "dripping": 408, "path": 404, "no HTTP": 400,
    "metrics": 200,
}  # fmt: skip


def test_64_clients_at_once():
    threads, files = threading.active_count(), descriptors()
    net, draw = model(), np.random.default_rng(0)
    rows = draw.standard_normal((128, 2, 4)).astype(np.float32)
    settings = {"timeout": 3.0, "max_body": 10_000, "max_queue": 256}
    with tt.serve(net, (4,), **settings) as server, ThreadPoolExecutor(64) as pool:
        for turn in range(2):
            numbers = range(64 * turn, 64 * turn + 64)
            found = list(pool.map(lambda n: client(server, n, rows[n]), numbers))
            kinds = {(kind, status) for kind, status, _ in found}
            # Who goes on sending after the deadline may lose the answer.
            assert kinds - {("dripping", 0)} | {("dripping", 408)} == set(WANTED.items())
            for number, (kind, status, body) in zip(numbers, found, strict=True):
                if status == 200 and kind != "metrics":
                    outputs = np.array(json.loads(body)["outputs"])
                    wanted = net(tt.Tensor(rows[number])).numpy()
                    np.testing.assert_allclose(outputs, wanted, rtol=1e-4, atol=1e-5)
                elif 400 <= status < 500:
                    assert json.loads(body)["error"], kind
        text = server.metrics.text()
        start = time.monotonic()
    assert time.monotonic() - start < 8
    assert threading.active_count() == threads
    assert descriptors() == files
    assert "nan" not in text.lower()
    with pytest.raises(OSError):
        socket.create_connection(address(server), timeout=1)


def test_more_clients_than_connections_wait_their_turn():
    body, settings = asked(np.ones((1, 4))), {"max_connections": 4, "timeout": 5.0}
    with tt.serve(model(), (4,), **settings) as server, ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda _: talk(server, post(body)), range(64)))
    assert [status for status, _ in found] == [200] * 64


def test_a_large_answer_to_a_client_that_does_not_read():
    """It fits no socket buffer: after the timeout the server gives the client up."""

    class Wide(tt.Module):
        def forward(self, x):
            return tt.Tensor(np.tile(x.data, (1, 500_000)))

    with tt.serve(Wide(), (1,), timeout=1.0) as server:
        connection = socket.create_connection(address(server), timeout=PATIENCE)
        connection.sendall(post(asked([[0.123456789]])))
        time.sleep(0.3)
        assert talk(server, post(asked([[1.0]])))[0] == 200  # others are answered meanwhile
        start = time.monotonic()
    assert time.monotonic() - start < 5
    connection.close()


def test_close_answers_what_has_been_taken():
    go = threading.Event()

    class Waits(tt.Module):
        def forward(self, x):
            go.wait(PATIENCE)
            return x

    with ThreadPoolExecutor(4) as pool:
        with tt.serve(Waits(), (1,), max_batch=2, timeout=PATIENCE) as server:
            replies = [pool.submit(talk, server, post(asked([[1.0]]))) for _ in range(3)]
            time.sleep(0.5)
            threading.Timer(0.2, go.set).start()
        assert [reply.result()[0] for reply in replies] == [200] * 3


def test_close_does_not_wait_for_idle_clients():
    with tt.serve(model(), (4,), timeout=PATIENCE) as server:
        idle = [socket.create_connection(address(server), timeout=PATIENCE) for _ in range(5)]
        assert talk(server, b"GET /health HTTP/1.1\r\n\r\n")[0] == 200
        start = time.monotonic()
    assert time.monotonic() - start < 3
    for connection in idle:
        connection.close()


def test_closing_twice_and_a_port_that_is_taken():
    threads = threading.active_count()
    with tt.serve(model(), (4,)) as server, pytest.raises(OSError):
        tt.serve(model(), (4,), port=address(server)[1])
    server.close()
    assert threading.active_count() == threads
    with pytest.raises(Refused, match="closing"):
        server.predict(np.ones((1, 4), np.float32))


@pytest.mark.parametrize(
    "request_text, status, says",
    [
        (b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, "length"),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", 400, "'1e3'"),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 9" + b"9" * 30 + b"\r\n\r\n", 400, "bytes"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, "headers"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431, "headers"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 400, "no HTTP request"),
        (b"DELETE /predict HTTP/1.1\r\n\r\n", 405, "takes POST, got 'DELETE'"),
        (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", 404, "there is no"),
    ],
    ids=["chunked", "float", "31 digits", "200 headers", "long header", "long", "method", "bytes"],
)
def test_requests_that_are_refused_with_a_reason(request_text, status, says):
    with tt.serve(model(), (4,)) as server:
        found, body = talk(server, request_text)
        assert found == status and says in json.loads(body)["error"]
        assert talk(server, post(asked(np.ones((1, 4)))))[0] == 200


def test_clients_of_other_programs():
    """urllib keeps nothing open; curl asks first whether it may send a large body."""
    from urllib.request import urlopen

    with tt.serve(model(), (4,)) as server:
        with urlopen(f"{server.url}/predict", asked(np.ones((2, 4))), timeout=PATIENCE) as reply:
            assert np.shape(json.load(reply)["outputs"]) == (2, 3)
        body = asked(np.ones((2, 4)))
        with socket.create_connection(address(server), timeout=PATIENCE) as connection:
            connection.sendall(post(body, "Expect: 100-continue\r\n")[: -len(body)])
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_prometheus_reads_the_metrics():
    parser = pytest.importorskip("prometheus_client.parser")
    with tt.ModelServer(model(), (4,)) as server:
        for rows in (1, 3):
            server.answer("POST", "/predict", asked(np.ones((rows, 4))))
        server.answer("POST", "/predict", b"{")
        server.answer("GET", '/"\\\n', b"")
        server.metrics.observe("request_seconds", float("nan"))
        _, kind, text = server.answer("GET", "/metrics", b"")
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    families = {f.name: f for f in parser.text_string_to_metric_families(text)}
    kinds = {name: family.type for name, family in families.items()}
    assert kinds == {
        "requests": "counter", "rows": "counter", "invalid_values": "counter",
        "request_seconds": "histogram", "batch_rows": "histogram",
    }  # fmt: skip
    samples = {
        (s.name, *sorted(s.labels.items())): s.value for f in families.values() for s in f.samples
    }
    assert samples["requests_total", ("path", "/predict"), ("status", "200")] == 2
    assert samples["requests_total", ("path", "/predict"), ("status", "400")] == 1
    assert samples["requests_total", ("path", "other"), ("status", "404")] == 1
    assert samples["rows_total",] == 4 and samples["batch_rows_sum",] == 4
    assert samples["request_seconds_count",] == 3
    assert samples["invalid_values_total", ("metric", "request_seconds")] == 1
    assert all(np.isfinite(value) for value in samples.values())


def test_prometheus_reads_odd_labels():
    parser = pytest.importorskip("prometheus_client.parser")
    metrics, odd = tt.Metrics({"a_total": "Odd ones"}, {}), 'q"b\\n\n{},= é'
    metrics.count("a_total", 2, label=odd)
    (sample,) = [
        s
        for f in parser.text_string_to_metric_families(metrics.text())
        for s in f.samples
        if s.name == "a_total"
    ]
    assert (sample.labels, sample.value) == ({"label": odd}, 2)


def test_metrics_lose_nothing_between_threads():
    metrics = tt.Metrics({"a_total": "Counted"}, {"b": "Observed"})

    def work(_):
        for _ in range(2000):
            metrics.count("a_total")
            metrics.observe("b", 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    lines = metrics.text().splitlines()
    assert "a_total 16000" in lines and "b_count 16000" in lines and "b_sum 16000.0" in lines
