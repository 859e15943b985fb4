"""Sends requests to a sandbox and receives replies, with a deadline and a limit of output.

`sandbox` calls it. It uses two pipes for frames and two for output.
"""

import os
import select
import subprocess
import time
from collections.abc import Callable
from typing import Any

from pytest_tinytorch.isolation.child.protocol import HEAD, WireError, read_body, read_head
from pytest_tinytorch.isolation.failures import Died, Forged, OutOfTime, death

_KEPT_OUTPUT = 16 * 2**10  # bytes of the last output, to be shown
_MOST_OUTPUT = 64 * 2**20  # bytes of output after which the process is killed
_FIRST_PART, _PART, _OUTPUT_PART = 2**12, 2**20, 2**16
_TICK = 0.2  # seconds between two checks of the process's scratch folder and memory


class Channel:
    """The parent's ends of the pipes of one student process."""

    def __init__(self, process: "subprocess.Popen[bytes]", requests: int, replies: int) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._process = process
        self._requests, self._replies = requests, replies
        self._outputs = [process.stdout.fileno(), process.stderr.fileno()]
        self._printed = 0
        self._kept = bytearray()
        self._poll = select.poll()
        for descriptor in (replies, *self._outputs):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)
        os.set_blocking(requests, False)
        self.sequence = 0
        self.largest_reply: int | None = None  # bytes of arrays; None: the protocol's limit
        self.received = 0  # bytes of the last reply
        self.watch: Callable[[], None] = lambda: None  # called from time to time
        self._watched = time.monotonic()

    def exchange(self, data: bytes, seconds: float, limit: str) -> tuple[Any, memoryview]:
        """Send a frame and receive the reply to it. Raises a SandboxFailure."""
        deadline = time.monotonic() + seconds
        try:
            self._send(data, deadline, limit)
            return self._receive(deadline, limit)
        except WireError as error:
            raise Forged(
                f"the process of your code sent an invalid reply ({error}): it must"
                f" not write to the descriptors of the harness"
            ) from None

    def last_word(self, seconds: float) -> tuple[Any, memoryview]:
        """Read the reply that arrives after the deadline of a request. Raises a SandboxFailure
        or WireError."""
        return self._receive(time.monotonic() + seconds, "a last word")

    def output(self) -> str:
        """The output since the last call; only its end if it was long."""
        self._drain()
        text = bytes(self._kept).decode(errors="replace")
        cut = len(self._kept) >= _KEPT_OUTPUT
        self._kept.clear()
        return f"[...]{text}" if cut else text

    def close(self) -> None:
        for descriptor in (self._requests, self._replies):
            os.close(descriptor)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _send(self, data: bytes, deadline: float, limit: str) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._requests, view) :]
            except BlockingIOError:
                self._wait_until_writable(deadline, limit)
            except BrokenPipeError:
                raise Died(self._ending()) from None

    def _wait_until_writable(self, deadline: float, limit: str) -> None:
        self._drain()
        self._watch()
        left = deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime(f"stopped after {limit}: your code did not read its input")
        select.select([], [self._requests], [], min(left, _TICK))

    def _receive(self, deadline: float, limit: str) -> tuple[Any, memoryview]:
        data = bytearray()
        wanted = HEAD.size
        text = 0
        while len(data) < wanted:
            data += self._read(deadline, limit, _PART if data else _FIRST_PART)
            if wanted == HEAD.size and len(data) >= HEAD.size:
                text, payload = read_head(data, self.sequence, self.largest_reply)
                wanted = HEAD.size + text + payload
        if len(data) > wanted:
            raise WireError(f"{len(data) - wanted} bytes too many")
        self.received = wanted
        return read_body(data, text), memoryview(data)[HEAD.size + text :]

    def _read(self, deadline: float, limit: str, most: int) -> bytes:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise OutOfTime(f"stopped after {limit}; look for a loop that does not end")
            ready = self._poll.poll(min(left, _TICK) * 1000)
            self._watch()
            for descriptor, _ in ready:
                if descriptor == self._replies:
                    try:
                        part = os.read(descriptor, most)
                    except BlockingIOError:  # the process may have drained the pipe itself
                        continue
                    if not part:
                        raise Died(self._ending())
                    return part
            self._drain()

    def _watch(self) -> None:
        """Call `watch` once per tick, also while output arrives."""
        now = time.monotonic()
        if now - self._watched >= _TICK:
            self._watched = now
            self.watch()

    def _drain(self) -> None:
        """Read the output, so that the process does not block on a full pipe."""
        for descriptor in tuple(self._outputs):
            try:
                part = os.read(descriptor, _OUTPUT_PART)
            except BlockingIOError:
                continue
            if not part:
                self._outputs.remove(descriptor)
                self._poll.unregister(descriptor)
            self._printed += len(part)
            self._kept += part
            del self._kept[:-_KEPT_OUTPUT]
        if self._printed > _MOST_OUTPUT:
            raise Died(f"stopped because your code printed more than {_MOST_OUTPUT >> 20} MiB")

    def _ending(self) -> str:
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "your code closed the connection of the harness"
        # bubblewrap ends with 128 + the signal that ended what it ran.
        return death(128 - status if 128 < status < 160 else status)
