"""The readers, fed by atheris: coverage says which mutations are worth going on with.

    pip install -e ".[fuzz]"                   # Linux; a development tool, which no test needs
    python tests/fuzz/guided.py record -max_total_time=300 [FOLDER OF FOUND INPUTS]

The first word is a reader's name in `readers.READERS`; the rest goes to libFuzzer. It ends with the
input, in a file `crash-...`, when an exception leaves the reader that is not meant for people.
"""

import contextlib
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pytest_tinytorch"]):
    from readers import MEANT, READERS


def main() -> None:
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name not in READERS:
        sys.exit(f"{name!r} is no reader; choose one of: {', '.join(READERS)}")
    reader = READERS[name]
    warnings.simplefilter("ignore")

    def one_input(data: bytes) -> None:
        with contextlib.suppress(*MEANT):
            reader.read(data)

    with tempfile.TemporaryDirectory() as seeds:
        for number, example in enumerate(reader.examples()):
            Path(seeds, str(number)).write_bytes(example)
        limits = ["-timeout=5", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *limits, *sys.argv[1:], seeds], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
