"""Reads processor time and memory of the process that it runs in.

`server` calls it in the sandbox, and `fixtures.measure` in process.
"""

import gc
import time
import tracemalloc

# Kept here, so that student code which replaces it harms only itself.
seconds = time.process_time


class Traced:
    """The bytes that are allocated between `begin` and `end`."""

    def begin(self) -> None:
        gc.collect()
        self._is_ours = not tracemalloc.is_tracing()
        if self._is_ours:
            tracemalloc.start()
        self._before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()

    def end(self) -> tuple[int, int]:
        """The most that was held at any moment, and what is held still."""
        _, peak = tracemalloc.get_traced_memory()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        if self._is_ours:
            tracemalloc.stop()
        return peak - self._before, after - self._before
