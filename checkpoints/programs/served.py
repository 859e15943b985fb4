"""A model behind a server, and clients: by `answer`, over a pair of sockets, and over TCP."""

import json
import socket
import threading
import time
from typing import Any

PATIENCE = 10  # seconds after which something hangs


def main(tt: Any, kind: str, **inputs: Any) -> Any:
    kinds = {"answers": answers, "batches": batches, "full": full, "broken": broken}
    return (kinds | {"sockets": sockets, "slow": slow, "network": network})[kind](tt, **inputs)


def linear(tt: Any, weight: Any, bias: Any) -> Any:
    layer = tt.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight.copy(), bias.copy()
    return tt.Sequential(layer, tt.Dropout(0.5))


def answers(tt: Any, weight: Any, bias: Any, requests: list, settings: dict) -> list:
    """(status, content type, text) for each (method, path, body)."""
    model = linear(tt, weight, bias)
    with tt.ModelServer(model, (weight.shape[1],), **settings) as server:
        model[0].weight.data = 0 * model[0].weight.data  # what it serves is a copy
        return [list(server.answer(m, p, body.encode("latin-1"))) for m, p, body in requests]


def in_threads(work: Any, count: int, pause: float = 0.0) -> None:
    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
        time.sleep(pause)
    for thread in threads:
        thread.join(PATIENCE)


def ask(server: Any, row: list) -> tuple[int, Any]:
    status, _, text = server.answer("POST", "/predict", json.dumps({"inputs": row}).encode())
    return int(status), json.loads(text).get("outputs")


def batches(tt: Any, rows: list, settings: dict, pause: float = 0.0) -> dict:
    """Threads ask for one row each, `pause` seconds after each other; the model says how many rows
    it got at a time."""
    sizes, found = [], {}

    class Model(tt.Module):
        def forward(self, x: Any) -> Any:
            sizes.append(len(x))
            time.sleep(0.02)
            return x * 2.0

    with tt.ModelServer(Model(), (len(rows[0]),), **settings) as server:
        in_threads(lambda i: found.update({i: ask(server, [rows[i]])}), len(rows), pause)
        text = server.answer("GET", "/metrics", b"")[2]
    return {"sizes": sizes, "answers": [found.get(i) for i in range(len(rows))], "metrics": text}


def full(tt: Any, queue: int, more: int) -> dict:
    """A model that waits, while more requests come than the queue holds."""
    begun, go, statuses, quick = threading.Event(), threading.Event(), [], []

    class Model(tt.Module):
        def forward(self, x: Any) -> Any:
            begun.set()
            go.wait(PATIENCE)
            return x

    server = tt.ModelServer(Model(), (1,), max_batch=1, max_wait=0.0, max_queue=queue, timeout=5.0)
    first = threading.Thread(target=lambda: statuses.append(ask(server, [[1.0]])[0]), daemon=True)
    first.start()
    begun.wait(PATIENCE)

    def work(_: int) -> None:
        status = ask(server, [[1.0]])[0]
        statuses.append(status)
        if not go.is_set():
            quick.append(status)

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(queue + more)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 3
    while len(quick) < more and time.monotonic() < end:
        time.sleep(0.01)
    go.set()
    for thread in [first, *threads]:
        thread.join(PATIENCE)
    server.close()
    return {"quick": quick, "all": sorted(statuses), "closed": ask(server, [[1.0]])[0]}


def broken(tt: Any) -> dict:
    """A model that raises for 1, gives NaN for 2, takes too long for 3, and answers else."""
    go = threading.Event()

    class Model(tt.Module):
        def forward(self, x: Any) -> Any:
            kind = float(x.data.max())
            if kind == 1:
                raise ZeroDivisionError("secret")
            if kind == 3:
                go.wait(PATIENCE)
            return x * (float("nan") if kind == 2 else 1.0)

    with tt.ModelServer(Model(), (1,), timeout=1.0, max_wait=0.0) as server:
        found = {str(kind): ask(server, [[kind]]) for kind in (1, 2, 4, 3)}
        go.set()
        found["text"] = server.answer("POST", "/predict", b'{"inputs": [[1]]}')[2]
        found["after"] = ask(server, [[5]])
    return found


def exchange(server: Any, parts: list[bytes], pause: float = 0.0) -> dict:
    """Send parts over a pair of sockets, at the other end of which the server answers."""
    here, there = socket.socketpair()
    here.settimeout(PATIENCE)
    start, thread, raised = time.monotonic(), *answering(server, there)
    try:
        for part in parts:
            here.sendall(part)
            time.sleep(pause)
    except OSError:
        pass  # it has answered before everything was sent
    reply = received(here)
    here.close()
    thread.join(PATIENCE)
    if raised:
        raise raised[0]
    head, _, body = reply.partition(b"\r\n\r\n")
    return {
        "status": int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0,
        "head": head.decode("latin-1").lower(),
        "body": body.decode("latin-1"),
        "seconds": time.monotonic() - start,
        "ended": not thread.is_alive(),
        "closed": there.fileno() == -1,
    }


def answering(server: Any, connection: socket.socket) -> tuple[threading.Thread, list]:
    """A thread in which the server answers, and what that raised, after which nobody need wait."""
    raised: list[Exception] = []

    def work() -> None:
        try:
            server.serve_connection(connection)
        except Exception as error:
            raised.append(error)
            connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, raised


def received(connection: socket.socket) -> bytes:
    reply = b""
    try:
        while data := connection.recv(2**16):
            reply += data
    except OSError:
        pass
    return reply


def request(body: bytes, *headers: str, first: str = "POST /predict HTTP/1.1") -> bytes:
    lines = [first, "Host: here", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def sockets(tt: Any, weight: Any, bias: Any, bodies: list) -> dict:
    """What comes back over sockets, for good and bad requests."""
    before = threading.active_count()
    with tt.ModelServer(linear(tt, weight, bias), (weight.shape[1],), max_body=2000) as server:
        found = {
            "good": [exchange(server, [request(body.encode())]) for body in bodies],
            "in pieces": exchange(server, [bytes([byte]) for byte in request(bodies[0].encode())]),
            "two parts": exchange(
                server, [request(bodies[0].encode())[:-5], bodies[0].encode()[-5:]], 0.05
            ),
            "health": exchange(server, [b"GET /health?x=1 HTTP/1.1\r\nHost: here\r\n\r\n"]),
            "large": exchange(server, [request(b" " * 100_000)]),
            "no length": exchange(server, [b"POST /predict HTTP/1.1\r\nHost: here\r\n\r\n"]),
            "bad length": exchange(
                server, [b"POST /predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n"]
            ),
            "no HTTP": exchange(server, [b"hello there\r\n\r\n"]),
            "gone": exchange_and_leave(server),
        }
        found["after"] = exchange(server, [request(bodies[0].encode())])
    return found | {"threads": threading.active_count() - before}


def exchange_and_leave(server: Any) -> bool:
    """A client that sends half a request and vanishes; whether the server is done with it."""
    here, there = socket.socketpair()
    thread, _ = answering(server, there)
    here.sendall(b"POST /predict HTTP/1.1\r\nContent-Length: 50\r\n\r\n{")
    here.close()
    thread.join(PATIENCE)
    return not thread.is_alive()


def slow(tt: Any, weight: Any, bias: Any) -> dict:
    """A client that sends a byte now and then, and one that sends nothing."""
    with tt.ModelServer(linear(tt, weight, bias), (weight.shape[1],), timeout=0.4) as server:
        dripping = exchange(server, [b"P", *[b"O" for _ in range(30)]], pause=0.05)
        silent = exchange(server, [b"POST /predict HTTP/1.1\r\nContent-Length: 9\r\n\r\n"])
    return {"dripping": dripping, "silent": silent}


def network(tt: Any, weight: Any, bias: Any, body: str) -> dict:
    """Over TCP, where that is allowed: what is answered, and what is left afterwards."""
    before = threading.active_count()
    try:
        server = tt.serve(linear(tt, weight, bias), (weight.shape[1],))
    except PermissionError:  # in isolation there is no network
        return {"network": False, "threads": threading.active_count() - before}
    with server:
        host, port = server.url.removeprefix("http://").split(":")
        half = socket.create_connection((host, int(port)), timeout=PATIENCE)
        half.sendall(b"POST /predict HTTP/1.1\r\n")
        replies: list = [b""] * 8

        def work(i: int) -> None:
            with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
                connection.sendall(request(body.encode()))
                replies[i] = received(connection)

        in_threads(work, 8)
        start = time.monotonic()
    seconds = time.monotonic() - start
    half.close()
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        listens = True
    except OSError:
        listens = False
    return {
        "network": True,
        "replies": [reply.decode("latin-1") for reply in replies],
        "seconds": seconds,
        "listens": listens,
        "threads": threading.active_count() - before,
    }
