"""Loads the Jinja templates of pages: text is escaped, and only the given style and script have an
effect.

`reports.html`, `reports.certificate` and `gradebook.dashboard` call it.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent


@cache
def environment(*style_files: str, script_file: str = "") -> "Environment":
    """The templates of this folder. `head.html` puts the given files into a page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "".join((_FOLDER / name).read_text("utf-8") for name in style_files)
    script = (_FOLDER / script_file).read_text("utf-8") if script_file else ""
    found.globals |= {
        "style": Markup(style),
        # The content security policy has the hashes, so no other style or script has an effect.
        "style_hash": _hash(style),
        "script": Markup(script),
        "script_hash": _hash(script) if script else "",
    }
    return found


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
