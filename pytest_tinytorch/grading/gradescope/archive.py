"""Makes the bytes of a zip from files; the same files always give the same bytes.

`bundle` and `wheel` call it.
"""

import io
import zipfile
from collections.abc import Collection, Mapping

_WHEN = (1980, 1, 1, 0, 0, 0)  # the earliest time in a zip
_UNIX = 3


def zipped(files: Mapping[str, bytes], executable: Collection[str] = ()) -> bytes:
    """A zip of these files, name -> content, in alphabetical order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.create_system = _UNIX
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, compresslevel=9)
    return target.getvalue()
