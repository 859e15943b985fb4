# Generated from src_modules/15_mlops.py. Do not edit: write in src_modules/15_mlops.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=35f0ac4a62a99b5a code=096b61cd9fd9435a content=ca449aec27f23552
# %% src_modules/15_mlops.py:1080
import copy
import io
import json  # noqa: F811 - this file stands for two
import math
import re  # noqa: F811
import socket
import threading  # noqa: F811
import time  # noqa: F811
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import Any

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Module
from tinytorch.core.tensor import Tensor

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def labelled(name: str, labels: Mapping[str, Any]) -> str:
    """A name with its labels: `requests_total{path="/a",status="200"}`. Given."""
    escape = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
    texts = {key: "".join(escape.get(c, c) for c in str(value)) for key, value in labels.items()}
    inside = ",".join(f'{key}="{text}"' for key, text in texts.items())
    return f"{name}{{{inside}}}" if inside else name


class Metrics:
    """Counters and histograms that many threads may change, as Prometheus reads them.

    counters, histograms: name -> what it is, in words. Names of counters end with "_total".
    """

    def __init__(self, counters: Mapping[str, str], histograms: Mapping[str, str]) -> None:
        self.counters = {**counters, "invalid_values_total": "Values that were not finite, left out"}
        self.histograms, self._lock = dict(histograms), threading.Lock()
        self._counts = {name: Counter() for name in self.counters}
        self._values: dict[str, list] = {name: [0] * (len(BUCKETS) + 1) for name in histograms}
        self._sums = dict.fromkeys(histograms, 0.0)

    def count(self, name: str, amount: float = 1, **labels: Any) -> None:
        """Add to a counter, for these labels. ValueError for less than 0, or what is not finite."""
        ### BEGIN SOLUTION
        if not 0 <= amount < math.inf:
            raise ValueError(f"a counter only grows, by a finite amount; got {amount!r}")
        with self._lock:
            self._counts[name][labelled(name, labels)] += amount
        ### END SOLUTION

    def observe(self, name: str, value: float) -> None:
        """Add a value to a histogram. What is not finite: invalid_values_total{metric=name}.

        TODO: under `self._lock`, find the first of BUCKETS that is at least the value (the last
            place is for all that is larger), and add 1 there, and the value to the sum.
        """
        ### BEGIN SOLUTION
        if not math.isfinite(value):
            return self.count("invalid_values_total", metric=name)
        with self._lock:
            self._values[name][int(np.searchsorted(BUCKETS, value))] += 1
            self._sums[name] += value
        return None
        ### END SOLUTION

    def text(self) -> str:
        """Everything, in the format of the example; a line break at the end of each line.

        TODO: for each counter HELP, TYPE ... counter, and its lines "name{labels} value"; a counter
            that never counted is 0, unless it has labels. For each histogram as above.
        """
        ### BEGIN SOLUTION
        lines = []
        with self._lock:
            for name, words in self.counters.items():
                lines += [f"# HELP {name} {words}", f"# TYPE {name} counter"]
                lines += [f"{key} {value}" for key, value in self._counts[name].items()]
            for name, words in self.histograms.items():
                sums = np.cumsum(self._values[name]).tolist()
                lines += [f"# HELP {name} {words}", f"# TYPE {name} histogram"]
                bounds = [*map(str, BUCKETS), "+Inf"]
                lines += [f'{name}_bucket{{le="{le}"}} {n}' for le, n in zip(bounds, sums, strict=True)]
                lines += [f"{name}_sum {self._sums[name]}", f"{name}_count {sums[-1]}"]
        return "\n".join([*lines, ""])
        ### END SOLUTION


# %% src_modules/15_mlops.py:1230
class Refused(Exception):
    """A request that is answered by a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Timed(io.RawIOBase):
    """What a socket receives until a deadline, then Refused(408), and up to `room` bytes."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.connection, self.seconds, self.deadline = connection, seconds, time.monotonic() + seconds
        self.room = 2**16  # for the first line and the headers

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.connection.settimeout(max(self.deadline - time.monotonic(), 1e-3))
        try:
            count = self.connection.recv_into(buffer)
        except TimeoutError:
            raise Refused(408, f"the request did not arrive within {self.seconds:g} s") from None
        self.room -= count
        if self.room < 0:
            raise Refused(431, f"the headers are larger than {2**16} bytes")
        return count


def read_request(connection: socket.socket, seconds: float, max_body: int) -> tuple[str, str, bytes]:
    """Method, path and body of one HTTP request, all of which arrives within `seconds`.

    Raises Refused for what is no request, late or too large; ConnectionError if the client left."""
    source = Timed(connection, seconds)
    reader = io.BufferedReader(source)
    words = reader.readline(2**13).decode("latin-1").split()
    if not words:
        raise ConnectionError("the client has gone")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refused(400, f"no HTTP request: {' '.join(words)[:80]!r}")
    try:
        headers = parse_headers(reader)
    except HTTPException as error:
        raise Refused(431, f"the headers are too large: {error}") from None
    length = headers.get("Content-Length", "0" if words[0] != "POST" else "missing").strip()
    if "Transfer-Encoding" in headers or length == "missing":
        raise Refused(411, "send the length of the body as Content-Length")
    if not re.fullmatch("[0-9]{1,18}", length):
        raise Refused(400, f"Content-Length is a number of bytes, got {length[:80]!r}")
    if int(length) > max_body:
        raise Refused(413, f"the body has {length} bytes, at most {max_body} are read")
    if "Expect" in headers:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    source.room += int(length)
    if len(body := reader.read(int(length))) < int(length):
        raise ConnectionError("the client has gone")
    return words[0], words[1].partition("?")[0], body


def send(connection: socket.socket, seconds: float, status: int, kind: str, text: str) -> None:
    """Answer, and end the connection so that the answer arrives even if a body was not read."""
    body = text.encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\n"
    head += f"Content-Length: {len(body)}\r\n"
    head += "Retry-After: 1\r\n" * (status == 503) + "Connection: close\r\n\r\n"
    connection.settimeout(seconds)
    connection.sendall(head.encode() + body)
    connection.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + min(seconds, 1)
    while status != 200 and (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        if not connection.recv(2**16):
            return


# %% src_modules/15_mlops.py:1308
def rows_of(body: bytes, shape: tuple[int, ...], most: int) -> np.ndarray:
    """The inputs of a request, float32 (N, *shape), N from 1 to `most`. Refused(400) else.

    TODO: 1. parse the JSON: an object with "inputs"; `parse_constant` of `json.loads` is called for
             NaN and Infinity, which are no JSON;
          2. make `np.array(inputs, dtype=object)`, and check its shape and that every element is
             an int or a float, no bool;
          3. make it float32, and check that all is finite: 1e39 is too large for it.
    HINT: what a client sends may be nested a thousand deep (RecursionError) or have a number of 400
        digits (OverflowError). Say in the reason what was expected, and what was found.
    """
    ### BEGIN SOLUTION
    try:
        inputs = json.loads(body, parse_constant=not_a_number)["inputs"]
        array = np.array(inputs, dtype=object)
    except (KeyError, TypeError):
        raise Refused(400, 'send a JSON object with "inputs", such as {"inputs": [[1.0, 2.0]]}') from None
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {error}") from None
    if array.shape[1:] != shape or not 1 <= len(array) <= most:
        wanted = f"(N, {', '.join(map(str, shape))}) with N from 1 to {most}"
        raise Refused(400, f"inputs have the shape {wanted}, got {array.shape}")
    if not all(type(element) in (int, float) for element in array.flat):
        raise Refused(400, "inputs are numbers, and nothing else")
    try:
        with np.errstate(over="ignore"):
            rows = array.astype(np.float32)
    except OverflowError:
        rows = np.float32([np.inf])
    if not np.isfinite(rows).all():
        raise Refused(400, "inputs are finite numbers; one is too large for float32")
    return rows
    ### END SOLUTION


def not_a_number(text: str) -> float:
    """What `json.loads` is given for NaN and Infinity. Given."""
    raise ValueError(f"{text} is not allowed")


# %% src_modules/15_mlops.py:1350
class ModelServer:
    """Answers HTTP requests with a copy of a model, in batches.

    input_shape: of one row    max_batch: rows in one call of the model
    max_wait: seconds that a request waits for others    max_queue: requests that wait at a time
    max_body: bytes    timeout: seconds for a request to arrive, to be computed, and to be sent
    max_connections: that are open at a time

    A thread calls the model, one batch at a time; each connection has a thread of its own.
    """

    def __init__(self, model: Module, input_shape: tuple[int, ...], *, max_batch: int = 32,
                 max_wait: float = 0.002, max_queue: int = 128, max_body: int = 2**20,
                 timeout: float = 5.0, max_connections: int = 256) -> None:
        self.model, self.input_shape = copy.deepcopy(model).eval(), tuple(input_shape)
        self.max_batch, self.max_wait, self.max_queue = max_batch, max_wait, max_queue
        self.max_body, self.timeout, self.max_connections = max_body, timeout, max_connections
        self.metrics = Metrics(
            {"requests_total": "Requests by path and status", "rows_total": "Rows that were answered"},
            {"request_seconds": "Time to answer", "batch_rows": "Rows in a call of the model"},
        )
        self._waiting: deque[tuple[np.ndarray, Future]] = deque()
        self._changed, self._closing = threading.Condition(), False
        self._open, self._room = set(), threading.Semaphore(max_connections)
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._pool, self._listener = ThreadPoolExecutor(max_connections), None
        self._worker.start()

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """The outputs of rows (N, *input_shape), computed together with those of other threads.

        Raises Refused: 503 if `max_queue` requests wait already, or the server is closing; 504
        after `timeout` seconds; what the thread of the model found.

        TODO: under `self._changed`, refuse, or append (rows, Future()) to `self._waiting` and
            `notify()`. Then wait for its `result(self.timeout)`; cancel it on a TimeoutError.
        """
        ### BEGIN SOLUTION
        future: Future = Future()
        with self._changed:
            if self._closing:
                raise Refused(503, "the server is closing")
            if len(self._waiting) >= self.max_queue:
                raise Refused(503, f"{self.max_queue} requests are waiting already; try again later")
            self._waiting.append((rows, future))
            self._changed.notify()
        try:
            return future.result(self.timeout)
        except TimeoutError:
            future.cancel()
            raise Refused(504, f"the model took longer than {self.timeout:g} s") from None
        ### END SOLUTION

    def _take(self) -> list[tuple[np.ndarray, Future]]:
        """Wait for the next batch, and take it from the queue; nothing once the server has closed.

        TODO: under `self._changed`: 1. `wait()` until something waits, or the server is closing;
              2. until `max_wait` seconds have passed, or `max_batch` rows wait, or it is closing,
                 `wait(seconds that are left)`; 3. take from the left what fits into `max_batch`.
        """
        ### BEGIN SOLUTION
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            end = time.monotonic() + self.max_wait
            while not self._closing and sum(len(rows) for rows, _ in self._waiting) < self.max_batch:
                if (left := end - time.monotonic()) <= 0:
                    break
                self._changed.wait(left)
            batch, room = [], self.max_batch
            while self._waiting and len(self._waiting[0][0]) <= room:
                batch.append(self._waiting.popleft())
                room -= len(batch[-1][0])
            return batch
        ### END SOLUTION

    def _work(self) -> None:
        """The thread of the model: batch by batch, until there is none. Given."""
        while taken := self._take():
            batch = [(rows, future) for rows, future in taken if future.set_running_or_notify_cancel()]
            if batch:
                self._answer_batch([rows for rows, _ in batch], [future for _, future in batch])

    def _answer_batch(self, rows: list[np.ndarray], futures: list[Future]) -> None:
        """Call the model once for all rows, and give each future its own.

        TODO: 1. concatenate, and call the model, with no_grad; 2. cut the output at the borders:
                 `np.split(output, np.cumsum(lengths)[:-1])`; 3. `set_result`, or `set_exception` of
                 Refused(500, ...) for those whose output is not finite, for all if it raised.
        """
        ### BEGIN SOLUTION
        together = np.concatenate(rows)
        self.metrics.observe("batch_rows", len(together))
        try:
            with no_grad():
                outputs = self.model(Tensor(together)).data
            parts = np.split(outputs, np.cumsum([len(part) for part in rows])[:-1])
        except Exception as error:  # a model may raise anything, and the next batch must go on
            for future in futures:
                future.set_exception(Refused(500, f"the model failed: {type(error).__name__}"))
            return
        for part, future in zip(parts, futures, strict=True):
            if np.isfinite(part).all():
                future.set_result(part)
            else:
                future.set_exception(Refused(500, "the model gave numbers that are not finite"))
        ### END SOLUTION

    def answer(self, method: str, path: str, body: bytes = b"") -> tuple[int, str, str]:
        """Status, content type and text for one request; it never raises.

        GET /health    {"status": "ok"}, or 503 and {"status": "closing"}
        GET /metrics   the text of `self.metrics`, as "text/plain; version=0.0.4; charset=utf-8"
        POST /predict  {"outputs": [...]}; all refusals are {"error": "the reason"}

        TODO: 404 for another path, 405 for another method; count requests_total with path ("other"
            for a 404) and status, rows_total, and observe request_seconds of /predict.
        """
        ### BEGIN SOLUTION
        start, known = time.perf_counter(), {"/health": "GET", "/metrics": "GET", "/predict": "POST"}
        status, kind, text = 200, "application/json", ""
        try:
            if path not in known:
                raise Refused(404, f"there is no {path[:80]!r}, only {', '.join(known)}")
            if method != known[path]:
                raise Refused(405, f"{path} takes {known[path]}, got {method[:80]!r}")
            if path == "/metrics":
                kind, text = "text/plain; version=0.0.4; charset=utf-8", self.metrics.text()
            elif path == "/health":
                status, text = (503, '{"status": "closing"}') if self._closing else (200, '{"status": "ok"}')
            else:
                outputs = self.predict(rows_of(body, self.input_shape, self.max_batch))
                text = json.dumps({"outputs": outputs.tolist()})
                self.metrics.count("rows_total", len(outputs))
        except Refused as refusal:
            status, text = refusal.status, json.dumps({"error": str(refusal)})
        if path == "/predict":
            self.metrics.observe("request_seconds", time.perf_counter() - start)
        self.metrics.count("requests_total", path=path if path in known else "other", status=status)
        return status, kind, text
        ### END SOLUTION

    def serve_connection(self, connection: socket.socket) -> None:
        """Answer one request from a connected socket, and close it; it never raises. Given."""
        self._open.add(connection)
        with connection, suppress(OSError):  # which the socket raises once the client has gone
            try:
                answer = self.answer(*read_request(connection, self.timeout, self.max_body))
            except Refused as refusal:
                self.metrics.count("requests_total", path="other", status=refusal.status)
                answer = refusal.status, "application/json", json.dumps({"error": str(refusal)})
            send(connection, self.timeout, *answer)
        self._open.discard(connection)

    def start(self, host: str = "127.0.0.1", port: int = 0) -> "ModelServer":
        """Listen; port 0 takes any free one. Sets `url`. OSError if the port is taken. Given."""
        self._listener = socket.create_server((host, port), backlog=128)
        self._listener.settimeout(0.1)
        self.url = f"http://{host}:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def _accept(self) -> None:
        """Give each connection a thread. Where `max_connections` are open, others wait outside."""
        while not self._closing:
            if not self._room.acquire(timeout=0.1):
                continue
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                self._room.release()
                time.sleep(0 if isinstance(error, TimeoutError) else 0.05)  # no descriptor is left
                continue
            done = self._pool.submit(self.serve_connection, connection)
            done.add_done_callback(lambda _: self._room.release())

    def close(self) -> None:
        """Take no more requests, answer those that wait, and end every thread and socket. Given."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._listener is not None:
            self._accepting.join()
            self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # whoever is still waiting for a request
        self._pool.shutdown()
        self._worker.join()

    def __enter__(self) -> "ModelServer":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def serve(model: Module, input_shape: tuple[int, ...], host: str = "127.0.0.1", port: int = 0,
          **settings: Any) -> ModelServer:
    """A server that listens; `with serve(model, (64,)) as server:` closes it at the end.

    settings: those of ModelServer. OSError if the port is taken.
    """
    ### BEGIN SOLUTION
    server = ModelServer(model, input_shape, **settings)
    try:
        return server.start(host, port)
    except OSError:
        server.close()
        raise
    ### END SOLUTION


# %% src_modules/15_mlops.py:1626
EXACT = 4_000_000  # n m up to which all paths are counted: 2,000 numbers against 2,000


def kolmogorov_smirnov(a: Any, b: Any) -> tuple[float, float]:
    """D and its p-value for two samples (n,) and (m,), two-sided; exact where n m <= EXACT.

    Larger samples take Kolmogorov's series, 2 sum (-1)^(k-1) exp(-2 k^2 z^2) over k = 1, 2, ...,
    with z = D sqrt(n m / (n + m)); that is 1 for z < 0.2.

    TODO: 1. sort both; at all their numbers, count how many of a and of b are at most that; the
             distance in units of 1 / (n m) is |i m - j n|, an integer; take the largest;
          2. go through the steps k = 1 to n + m. `met[i]` is B(i, k - i): each step it becomes
             (i * met[i - 1] + (k - i) * met[i]) / k, and 1 where the distance is that large.
    HINT: i goes from 0 to n, but in step k only max(0, k - m) <= i <= min(n, k) can be; set a row
        of indices, and leave the others as they are.
    """
    a, b = (np.sort(np.asarray(x).ravel()) for x in (a, b))
    n, m = len(a), len(b)
    if not n or not m or np.isnan([*a[-1:], *b[-1:]]).any():
        raise ValueError("both samples need numbers, and no NaN")
    ### BEGIN SOLUTION
    both = np.concatenate([a, b])
    largest = int(np.abs(np.searchsorted(a, both, "right") * m - np.searchsorted(b, both, "right") * n).max())
    if n * m > EXACT:
        z = largest / math.sqrt(n * m * (n + m))
        terms = [(-1) ** (k - 1) * math.exp(-2 * k * k * z * z) for k in range(1, 101)]
        return largest / (n * m), 1.0 if z < 0.2 else min(2 * sum(terms), 1.0)
    met = np.zeros(n + 1)
    for k in range(1, n + m + 1):
        low, high = max(0, k - m), min(n, k)
        i = np.arange(low, high + 1)
        before = np.concatenate([[0.0], met])[low : high + 1]  # met[i - 1]
        now = (i * before + (k - i) * met[low : high + 1]) / k
        met[low : high + 1] = np.where(np.abs(i * m - (k - i) * n) >= largest, 1.0, now)
    return largest / (n * m), float(met[n])
    ### END SOLUTION


def population_stability_index(reference: Any, live: Any, bins: int = 10) -> float:
    """The sum of (q - p) ln(q / p) over bins that each hold an equal share of the reference.

    A share is (count + 0.5) / (n + 0.5 * number of bins), so that none is 0.

    TODO: 1. edges: `np.unique` of the quantiles 1/bins, 2/bins, ... of the reference; so there is
             one bin more than edges; 2. the bin of a number: `np.searchsorted(edges, x)`;
          3. count with `np.bincount(..., minlength=...)`, make shares, and add up.
    """
    ### BEGIN SOLUTION
    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))
    shares = []
    for sample in (reference, live):
        counts = np.bincount(np.searchsorted(edges, np.ravel(sample)), minlength=len(edges) + 1)
        shares.append((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))
    p, q = shares
    return float(((q - p) * np.log(q / p)).sum())
    ### END SOLUTION


class DriftDetector:
    """Says which features of live data come from another distribution than the reference.

    reference: (n, F) numbers    false_alarm_rate: how often `check` may alarm for clean data
    """

    def __init__(self, reference: Any, false_alarm_rate: float = 0.01) -> None:
        self.reference = np.asarray(reference)
        if self.reference.ndim != 2 or not self.reference.size or not 0 < false_alarm_rate < 1:
            raise ValueError(
                f"DriftDetector takes (n, F) numbers and a rate from 0 to 1, got shape"
                f" {self.reference.shape} and {false_alarm_rate!r}"
            )
        self.false_alarm_rate = false_alarm_rate

    def check(self, live: Any) -> dict[str, Any]:
        """Compare live data (m, F) with the reference; ValueError for another number of features.

        "drifted": the features, as a list of columns    "p_values", "psi": (F,), one for each

        TODO: 1. give both the narrower dtype, if both are floating; 2. a p-value and a stability
            index for each column; 3. a feature has drifted if its p-value is below the rate / F.
        """
        ### BEGIN SOLUTION
        live, reference = np.asarray(live), self.reference
        if live.ndim != 2 or live.shape[1] != reference.shape[1]:
            raise ValueError(f"live data are (m, {reference.shape[1]}), got shape {live.shape}")
        if live.dtype.kind == reference.dtype.kind == "f":
            narrow = min(live.dtype, reference.dtype, key=lambda dtype: dtype.itemsize)
            live, reference = live.astype(narrow), reference.astype(narrow)
        columns = list(zip(reference.T, live.T, strict=True))
        p_values = np.array([kolmogorov_smirnov(*pair)[1] for pair in columns])
        psi = np.array([population_stability_index(*pair) for pair in columns])
        drifted = np.flatnonzero(p_values < self.false_alarm_rate / len(columns)).tolist()
        return {"drifted": drifted, "p_values": p_values, "psi": psi}
        ### END SOLUTION


# %% src_modules/15_mlops.py:1724
class ModelMonitor:
    """Keeps what became of the last `window` requests."""

    def __init__(self, window: int = 1000) -> None:
        if window < 1:
            raise ValueError(f"a window holds one request at least, got {window!r}")
        self.window = window
        self._rows: deque[tuple[float, bool, bool | None]] = deque(maxlen=window)

    def record(self, seconds: float, ok: bool = True, correct: bool | None = None) -> None:
        """One request: how long it took, whether it was answered, and whether the answer was right
        (None: nobody knows yet). ValueError for seconds that are negative or not finite."""
        ### BEGIN SOLUTION
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds are a finite number of at least 0, got {seconds!r}")
        self._rows.append((float(seconds), bool(ok), correct))
        ### END SOLUTION

    def summary(self) -> dict[str, float | None]:
        """"count", "error_rate" (of all), "p50", "p99" (seconds, of all), "accuracy" (of those of
        which it is known). What nothing is known of is None."""
        ### BEGIN SOLUTION
        rows, times = list(self._rows), sorted(seconds for seconds, _, _ in self._rows)
        known = [bool(correct) for _, _, correct in rows if correct is not None]
        return {
            "count": len(rows),
            "error_rate": sum(not ok for _, ok, _ in rows) / len(rows) if rows else None,
            "p50": times[int(len(rows) * 0.5)] if rows else None,
            "p99": times[int(len(rows) * 0.99)] if rows else None,
            "accuracy": sum(known) / len(known) if known else None,
        }
        ### END SOLUTION

    def alarms(self, **limits: float) -> list[str]:
        """The names of limits that are broken: `alarms(error_rate=0.01, p99=0.2, accuracy=0.9)`.

        An accuracy is too low below its limit, all others are too high above it. What is None
        breaks none. ValueError for a name that `summary` does not have.
        """
        ### BEGIN SOLUTION
        found = self.summary()
        if unknown := [name for name in limits if name not in found]:
            raise ValueError(f"a limit is one of {', '.join(found)}, got {unknown[0]!r}")
        signs = {name: -1 if name == "accuracy" else 1 for name in limits}
        return [n for n, limit in limits.items() if found[n] is not None and (found[n] - limit) * signs[n] > 0]
        ### END SOLUTION


class RetrainingTrigger:
    """Says when to train again: after `patience` checks in a row with drift, or when the accuracy
    has fallen by more than `drop` below `baseline`; then not again for `cooldown` checks."""

    def __init__(self, baseline: float, drop: float = 0.05, patience: int = 3,
                 cooldown: int = 10) -> None:
        self.baseline, self.drop, self.patience, self.cooldown = baseline, drop, patience, cooldown
        self.in_a_row, self.rest = 0, 0

    def check(self, drifted: bool, accuracy: float | None = None) -> str:
        """One more check. Returns the reason to train, "drift" or "accuracy", or "".

        TODO: count drift in a row, also while it rests; a check that rests gives ""; a reason
            starts the cooldown and the count anew. Of two, it is the accuracy. NaN is no drop.
        """
        ### BEGIN SOLUTION
        self.in_a_row = self.in_a_row + 1 if drifted else 0
        if self.rest:
            self.rest -= 1
            return ""
        reason = "drift" if self.in_a_row >= self.patience else ""
        if accuracy is not None and accuracy < self.baseline - self.drop:
            reason = "accuracy"
        if reason:
            self.in_a_row, self.rest = 0, self.cooldown
        return reason
        ### END SOLUTION


# %% src_modules/15_mlops.py:1865
class Canary:
    """Gives a share of the requests to a new model, and goes back to the old one by itself.

    share: of the requests for the new model    minimum: how many it answers before the first look
    false_alarm_rate: how often an equally good model may be rolled back
    on_rollback: called once, without arguments, such as `lambda: registry.rollback("digits")`
    seed: of the draws that choose    state: "running" or "rolled back"
    """

    def __init__(self, stable: Callable, candidate: Callable, share: float = 0.1, minimum: int = 50,
                 false_alarm_rate: float = 0.05, on_rollback: Callable | None = None,
                 seed: int = 0) -> None:
        if not 0 < share < 1 or minimum < 1:
            raise ValueError(f"the share is between 0 and 1 and the minimum at least 1, got {share!r}, {minimum!r}")
        self.models = {"stable": stable, "candidate": candidate}
        self.share, self.minimum, self.false_alarm_rate = share, minimum, false_alarm_rate
        self.on_rollback, self.state, self.looks = on_rollback, "running", 0
        self.done, self.failed = Counter(), Counter()
        self._draws, self._lock = np.random.default_rng(seed), threading.Lock()

    def predict(self, x: Any) -> tuple[Any, str]:
        """The output, and which model gave it. If the new one raises, or gives what is not finite,
        that is a failure, and the old one answers.

        TODO: while running, draw `self._draws.random()`: below the share, it is the new one's turn.
        """
        ### BEGIN SOLUTION
        with self._lock:
            chosen = self.state == "running" and self._draws.random() < self.share
        if chosen:
            try:
                output = self.models["candidate"](x)
                if np.isfinite(output.data if isinstance(output, Tensor) else output).all():
                    return output, "candidate"
            except Exception:  # whatever it raises, the user gets an answer
                pass
            self.record("candidate", False)
        return self.models["stable"](x), "stable"
        ### END SOLUTION

    def record(self, which: str, ok: bool) -> None:
        """What became of an answer of "stable" or "candidate". May roll back.

        TODO: under `self._lock`, count it in `done` and, if not ok, in `failed`. If the new model
            has now answered minimum * 2^looks, look: add 1 to `looks`, and roll back if the p-value
            is at most rate / 2^looks. Call `on_rollback` after the lock is free.
        """
        if which not in self.models:
            raise ValueError(f"an answer is of 'stable' or 'candidate', got {which!r}")
        ### BEGIN SOLUTION
        with self._lock:
            self.done[which] += 1
            self.failed[which] += not ok
            if which != "candidate" or self.state != "running" or self.done[which] < self.minimum * 2**self.looks:
                return
            self.looks += 1
            if self.p_value() > self.false_alarm_rate / 2**self.looks:
                return
            self.state = "rolled back"
        if self.on_rollback is not None:
            self.on_rollback()
        ### END SOLUTION

    def p_value(self) -> float:
        """How probable so many failures of the new model are, or more, if both are equally good.

        HINT: `math.comb(n, k)`; integers of Python have no end, and their quotient is a float.
        """
        ### BEGIN SOLUTION
        done, failed = sum(self.done.values()), sum(self.failed.values())
        mine = self.done["candidate"]
        ways = (math.comb(failed, i) * math.comb(done - failed, mine - i)
                for i in range(self.failed["candidate"], min(failed, mine) + 1))  # fmt: skip
        return sum(ways) / math.comb(done, mine)
        ### END SOLUTION
