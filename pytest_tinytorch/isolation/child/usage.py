"""Reads processor time and memory of the process that it runs in.

`server` calls it in the sandbox, and `fixtures.measure` in process.
"""

import gc
import time
import tracemalloc

# Saved here, so that a replacement by student code has no effect on the harness.
seconds = time.process_time


class Traced:
    """Measures the bytes allocated between `begin` and `end`."""

    def begin(self) -> None:
        gc.collect()
        self._is_ours = not tracemalloc.is_tracing()
        if self._is_ours:
            tracemalloc.start()
        self._before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()

    def end(self) -> tuple[int, int]:
        """The peak of allocated bytes, and the bytes that are still allocated."""
        _, peak = tracemalloc.get_traced_memory()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        if self._is_ours:
            tracemalloc.stop()
        return peak - self._before, after - self._before
