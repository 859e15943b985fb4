"""Serving beside a plain call of the model in the same run: throughput and the slowest answers.

One client asks in turn with the plain call, so a busy moment disturbs both. Then sixteen ask
at once over loopback, with batches and without, each of them in turn.
"""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinytorch as tt

CLIENTS, ROUNDS = 16, 6
WIDTH = 512


def model():
    return tt.Sequential(tt.Linear(WIDTH, 1024), tt.relu, tt.Linear(1024, 10)).eval()


def body():
    return json.dumps({"inputs": np.ones((1, WIDTH)).tolist()}).encode()


def ask(address, content):
    """Seconds from the connection to the last byte of the answer."""
    head = f"POST /predict HTTP/1.1\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    start = time.perf_counter()
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(head + content)
        reply = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert reply.startswith(b"HTTP/1.1 200")
    return time.perf_counter() - start


def address(server):
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def test_one_answer(versus):
    """What JSON, the queue and HTTP add to a call of the model."""
    net, x, content = model(), tt.zeros(1, WIDTH), body()
    with tt.serve(net, (WIDTH,), max_wait=0.0) as server, tt.no_grad():
        inside = lambda: server.answer("POST", "/predict", content)  # noqa: E731
        versus("serving 1 row, without a socket / model", inside, lambda: net(x), 100)
        place = address(server)
        versus(
            "serving 1 row, over loopback / model",
            lambda: ask(place, content),
            lambda: net(x),
            100,
        )


def test_many_clients(request, versus):
    """Requests a second, and the slowest of a hundred, of sixteen clients."""
    net, content, count = model(), body(), 10
    rates, times = {True: [], False: []}, {True: [], False: []}
    rounds = 1 if request.config.getoption("benchmark_disable") else ROUNDS
    with (
        tt.serve(net, (WIDTH,), max_batch=32) as batched,
        tt.serve(net, (WIDTH,), max_batch=1) as alone,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        for _ in range(rounds):
            for server, batches in ((batched, True), (alone, False)):
                start, place = time.perf_counter(), address(server)
                times[batches] += pool.map(
                    lambda _, p=place: ask(p, content), range(CLIENTS * count)
                )
                rates[batches].append(CLIENTS * count / (time.perf_counter() - start))
    if rounds == 1:
        return
    with tt.no_grad():
        plain = sorted(_seconds(lambda: net(tt.zeros(1, WIDTH))) for _ in range(300))
    for batches, name in ((True, "batches of up to 32"), (False, "one row at a time")):
        slowest = sorted(times[batches])[int(0.99 * len(times[batches]))]
        middle = 1 / sorted(rates[batches])[rounds // 2]
        versus.row(f"16 clients, {name}: a request / model", middle, plain[150])
        versus.row(f"16 clients, {name}: p99 / p99 of the model", slowest, plain[297])


def _seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@pytest.mark.parametrize("size", [200, 1000])
def test_exact_p_value(versus, size):
    """Beside SciPy's, which counts the same paths."""
    stats = pytest.importorskip("scipy.stats")
    a, b = np.random.default_rng(0).standard_normal((2, size))
    versus(
        f"kolmogorov_smirnov {size} / SciPy, exact",
        lambda: tt.kolmogorov_smirnov(a, b),
        lambda: stats.ks_2samp(a, b, method="exact"),
        5,
    )


@pytest.mark.parametrize("kind", ["save", "load"])
def test_safetensors(versus, tmp_path, kind):
    """Beside the library."""
    library = pytest.importorskip("safetensors.numpy")
    state, ours, theirs = model().state_dict(), tmp_path / "a", tmp_path / "b"
    tt.save_safetensors(ours, state)
    actions = {
        "save": (
            lambda: tt.save_safetensors(ours, state),
            lambda: library.save_file(state, theirs),
        ),
        "load": (lambda: tt.load_safetensors(ours), lambda: library.load_file(ours)),
    }
    versus(f"safetensors, 2 MiB: {kind} / library", *actions[kind], 20)
