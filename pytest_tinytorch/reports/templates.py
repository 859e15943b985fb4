"""Loads the Jinja templates of pages: text is escaped, and only the given style has an effect.

`reports.html` and `reports.certificate` call it.
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
def environment(style_file: str) -> "Environment":
    """The templates of this folder. `head.html` puts the style of the given file into a page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_FOLDER / style_file).read_text("utf-8")
    digest = hashlib.sha256(style.encode()).digest()
    found.globals |= {
        "style": Markup(style),
        # The content security policy has the hash of this style, so no other style has an effect.
        "style_hash": f"sha256-{base64.b64encode(digest).decode()}",
    }
    return found
