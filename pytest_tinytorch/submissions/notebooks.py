"""A notebook -> the literate source that it is a view of. Nothing in it is run."""

import warnings

LARGEST_NOTEBOOK = 8 * 2**20
SUFFIX = ".ipynb"


class NotebookRefused(Exception):
    """A file that is no notebook, in words that follow its name."""


def source_of(content: bytes) -> bytes:
    """The source in jupytext's percent format. Raises NotebookRefused."""
    import jupytext

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions and missing keys: the reader's business
            text: str = jupytext.writes(_cells_of(content), fmt="py:percent")
    except Exception as error:  # whatever a stranger's JSON does to a library
        words = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise NotebookRefused(f"is no notebook that can be read ({words})") from None
    return text.encode("utf-8", "replace")


def _cells_of(content: bytes) -> object:
    import jupytext

    notebook = jupytext.reads(content.decode("utf-8-sig"), fmt="ipynb")
    notebook.metadata = {}  # a header would say which editor wrote it
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
