"""Compares the results of two runs over a class."""

import hashlib
import re
from pathlib import Path

# What differs between two runs with the same result: attributes of XML, and a list in a part.
_TIMES = re.compile(rb' time="[0-9.]+"|"seconds": \[[^\]]*\]')


def digests(results: Path) -> dict[str, str]:
    """Each file of the results -> the hash of what is in it, apart from times."""
    return {
        str(path.relative_to(results)): hashlib.sha256(
            _TIMES.sub(b"", path.read_bytes())
        ).hexdigest()
        for path in results.rglob("*")
        if path.is_file() and path.suffix != ".tmp"
    }
