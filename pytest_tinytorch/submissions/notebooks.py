"""Converts a submitted notebook to its literate source, without running it. `reader` calls it."""

from pytest_tinytorch.export.notebook import NotebookRefused
from pytest_tinytorch.isolation.bounded import SECONDS_OF_NOTEBOOKS, Bounded

LARGEST_NOTEBOOK = 8 * 2**20
SUFFIX = ".ipynb"

__all__ = ["LARGEST_NOTEBOOK", "SUFFIX", "NotebookReader", "NotebookRefused"]


class NotebookReader:
    """Converts the notebooks of one submission, within limits for all of them together."""

    def __init__(self) -> None:
        self._bounded = Bounded(SECONDS_OF_NOTEBOOKS)

    def source_of(self, content: bytes) -> tuple[bytes, list[str]]:
        """The source, and a line for each omission. Raises NotebookRefused."""
        text, notes = self._bounded.notebook(content)
        return text.encode("utf-8", "replace"), notes
