"""Makes an Open Badges 3.0 credential of a certificate, and has it verified.

`tito milestone share` calls it. Signing and verifying is all openbadgeslib's, an optional
dependency. The key is made once, in `~/.tinytorch`: the credential is issued by the student
themselves, and its issuer is a `did:key`, which holds the public key.
"""

import os
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_tinytorch.core.errors import CourseError, MachineError
from pytest_tinytorch.core.user_dir import home
from pytest_tinytorch.progress.certificates import Certificate
from pytest_tinytorch.reports.phrases import milestone_title, tests_text

if TYPE_CHECKING:
    from openbadgeslib.ob3 import OpenBadgeCredential

INSTALL = "pip install 'pytest-tinytorch[badges]'"
_KEY_FILE = "badge-key.pem"
_NAMES = uuid.UUID("c6b7a1de-3a52-4b8b-9a44-58a2f1f0b5d3")  # of this project's badges


@dataclass(frozen=True)
class Credential:
    """The signed credential, and the badge that has it inside."""

    json: str
    svg: bytes
    issuer: str  # did:key:...


def open_badge(certificate: Certificate, svg: str) -> Credential:
    """Sign and verify the credential. Raises CourseError where openbadgeslib is not installed, the
    key cannot be used, or the result cannot be verified."""
    try:
        from openbadgeslib.errors import LibOpenBadgesException
        from openbadgeslib.ob3 import OB3LdpSigner, did_key_from_pem
        from openbadgeslib.verify import verify_badge
    except ImportError:
        raise CourseError(f"an Open Badges credential needs openbadgeslib: {INSTALL}") from None
    private, public = _keys()
    try:
        issuer = did_key_from_pem(public)
        signer = OB3LdpSigner(private)
        credential = _credential(certificate, issuer)
        made = Credential(
            signer.sign_to_json(credential),
            signer.sign_into_svg(credential, svg.encode()),
            issuer,
        )
        result = verify_badge(made.svg, resolve_did=True)
    except (LibOpenBadgesException, ValueError) as error:
        raise CourseError(f"the Open Badges credential cannot be made: {error}") from None
    if not result.valid:
        raise CourseError(f"the Open Badges credential does not verify: {result.reason}")
    return made


def _credential(certificate: Certificate, issuer: str) -> "OpenBadgeCredential":
    from openbadgeslib.ob3 import Achievement, Evidence, Issuer, OpenBadgeCredential

    course, milestone = certificate.course, certificate.milestone
    achievement = Achievement(
        id=uuid.uuid5(_NAMES, f"{course.id}: {milestone.group}").urn,
        name=milestone_title(milestone),
        description=f"{course.title}: can {milestone.you_can}",
        criteria_narrative=f"{milestone.question}. All tests of `{milestone.group.command}` pass.",
        achievement_type="Badge",
        tags=[course.title, milestone.ladder],
    )
    facts = [*(f"measured: {text}" for text in certificate.measured)]
    facts += [f"{tests_text(certificate.tests)} passed", f"code {certificate.code}"]
    facts += [f"commit {certificate.commit}"] if certificate.commit else []
    evidence = Evidence(
        name="Outcome of the milestone's tests",
        narrative=f"{'; '.join(facts)}; evidence {certificate.evidence}",
    )
    return OpenBadgeCredential(
        issuer=Issuer(id=issuer, name=certificate.name or f"A student of {course.title}"),
        recipient_id=issuer,
        achievement=achievement,
        issuance_date=datetime.fromisoformat(certificate.when),
        evidence=[evidence],
    )


def _keys() -> tuple[bytes, bytes]:
    """The private and the public key, as PEM. The key is made where there is none."""
    from openbadgeslib.keys import KeyEd25519

    path = home() / _KEY_FILE
    pair = KeyEd25519()
    try:
        if not path.exists():
            _write_key(path, pair.generate_keypair()[0])
        pair.read_private_key(path.read_bytes())
        pair.pub_key = pair.get_priv_key().public_key()
        return pair.get_priv_key_pem(), pair.get_pub_key_pem()
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror}; no Open Badges credential is made") from None
    except Exception as error:  # of openbadgeslib or of cryptography
        raise CourseError(
            f"{path} is not a key for badges ({type(error).__name__}); rename it, and a new one is"
            " made"
        ) from None


def _write_key(path: Path, private: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
