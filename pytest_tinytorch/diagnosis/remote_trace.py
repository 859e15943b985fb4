"""Gets the lines recorded by `call_trace` when the student's code ran in a sandbox.

`hooks.recording` calls it after a check has failed.
"""

import itertools
from types import TracebackType

from pytest_tinytorch.diagnosis.call_trace import HANDED_OUT, Call, CallTrace, Return
from pytest_tinytorch.diagnosis.sources import StudentSources
from pytest_tinytorch.isolation.pool import Request, SandboxPool


class RemoteTrace(CallTrace):
    """A CallTrace that the sandbox records. It is fetched after a comparison has failed."""

    def __init__(self, pool: SandboxPool, sources: StudentSources, test_file: str) -> None:
        super().__init__(sources, test_file)
        self._pool = pool
        self._files = sources

    def __enter__(self) -> "RemoteTrace":
        self._pool.watching = self.test_file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.watching = None

    def between(self, first: int, last: int) -> list[Call]:
        requests = self._pool.requests
        made = [request for request in requests if first <= request.line <= last]
        calls = [call for call in map(self._call, made) if call.returns]
        # Reading an attribute is not a call: then the last call computed the value.
        earlier = (call for call in map(self._call, reversed(requests)) if call.returns)
        return calls or list(itertools.islice(earlier, 1))

    def recent(self) -> list[Call]:
        return [call for call in map(self._call, reversed(self._pool.requests)) if call.returns]

    def _call(self, request: Request) -> Call:
        places = self._pool.returns_of(request)
        if request.on_behalf:
            places = [p for p in places if p[2].rpartition(".")[2] not in HANDED_OUT]
        returns = tuple(Return(self._files.generated(p[0]), *p[1:]) for p in places)
        return Call(request.line, returns)
