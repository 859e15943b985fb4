"""Signs the record of a graded run, and verifies such a signature.

`hooks.grading` and `grading.assemble` sign; `tito verify` and `tito feedback` verify. A signature
is `v1:<key id>:<HMAC-SHA256 of the record's text, in hex>`. The key never leaves the process that
grades. The key's id is the first eight digits of its own SHA-256.
"""

import hashlib
import hmac
import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.user_dir import home

VARIABLE = "TINYTORCH_GRADE_KEY"
_SHORTEST_KEY = 16
_ONCE = ("record", "record_sig")


@dataclass(frozen=True)
class Key:
    secret: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(self.secret).hexdigest()[:8]

    def sign(self, text: str) -> str:
        mac = hmac.new(self.secret, text.encode("ascii"), hashlib.sha256).hexdigest()
        return f"v1:{self.id}:{mac}"

    def verify(self, text: str, signature: str) -> str:
        """Return the defect of a signature; "" if it is valid."""
        version, _, rest = signature.partition(":")
        key_id, _, _ = rest.partition(":")
        if version != "v1":
            return f"the signature has the unknown form {version!r}; this harness reads v1"
        if key_id != self.id:
            return f"signed with key {key_id!r}, and the key given here is {self.id!r}"
        if not f"{text}{signature}".isascii() or not hmac.compare_digest(
            self.sign(text), signature
        ):
            return "the record was changed after it was signed"
        return ""


def key_file() -> Path:
    return home() / "grade.key"


def find_key() -> Key | None:
    """The key of this machine, from the environment or the file. Raises CourseError."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return _key(given, VARIABLE)
    return read_key(key_file()) if key_file().exists() else None


def read_key(path: Path) -> Key:
    """The key in a file. Raises CourseError."""
    try:
        return _key(path.read_text("utf-8"), str(path))
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None


def _key(given: str, where: str) -> Key:
    secret = given.strip().encode(errors="surrogateescape")  # the same bytes as in the environment
    if len(secret) < _SHORTEST_KEY:
        make = "`python -c 'import secrets; print(secrets.token_hex(32))'`"
        raise CourseError(
            f"{where} has {len(secret)} characters, too few for a key: at least {_SHORTEST_KEY};"
            f" make one with {make}"
        )
    return Key(secret)


def properties_of(path: Path) -> dict[str, str]:
    """The properties of the suite in a JUnit XML file. Raises CourseError."""
    try:
        root = ET.parse(path).getroot()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (ET.ParseError, ValueError, LookupError) as error:  # also for an unknown encoding
        raise CourseError(f"{path} is not XML: {error}") from None
    entries = root.findall(".//testsuite/properties/property")
    names = [entry.get("name", "") for entry in entries]
    for name in _ONCE:
        if names.count(name) > 1:  # readers would differ in which one they use
            raise CourseError(
                f"{path}: {name!r} stands {names.count(name)} times among its properties"
            )
    return dict(zip(names, (entry.get("value", "") for entry in entries), strict=True))


def verified_record(path: Path, key: Key) -> str:
    """The text of the signed record in a file. Raises CourseError if its signature is invalid."""
    properties = properties_of(path)
    for name in ("record", "record_sig"):
        if name not in properties:
            raise CourseError(f"{path}: there is no {name!r} among its properties")
    if wrong := key.verify(properties["record"], properties["record_sig"]):
        raise CourseError(f"{path}: {wrong}")
    return properties["record"]
