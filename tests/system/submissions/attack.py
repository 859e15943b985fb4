"""One submission that tries something, or does it in its own way, and what it must come to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from arena import HONEST, RIGHT, WRONG, make_arena

_RELU = "return np.asarray(x) - 1"


@dataclass(frozen=True)
class Attack:
    """A wrong module 01 with something more. `@ROOT@` and `@PORT@` in its code are filled in.

    top: code before everything else; relu: the body of that function; ops: a module of its own.
    says: words in the message of the test `test`; confined: words that only the two upper levels
    promise.
    """

    top: str = ""
    relu: str = _RELU
    ops: str = ""
    points: float | tuple[float, float] = HONEST
    says: str = ""
    confined: str = ""
    never: str = ""  # what the output must not hold
    test: str = "00/test_relu"
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    lay: Callable[[Path], object] | None = None  # what text files cannot say
    code: int = 0

    @property
    def source(self) -> str:
        body = "\n".join(f"    {line}" for line in self.relu.strip().splitlines()).lstrip()
        return self.top + (self.ops or WRONG.replace(_RELU, body))


def tries(code: str, confined: str = "got -1.0") -> Attack:
    """An attack that returns 777 where `code` ends without an OSError, and -1 where it does not."""
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    relu = f"try:\n{body}\n    found = 777.0\nexcept OSError:\n    found = -1.0\n"
    return Attack(relu=relu + "return np.full(2, found)", confined=confined)


class Unusual:
    """A right module 01, changed by edits (old, new), or with other files, newlines or encoding."""

    def __init__(
        self,
        *edits: tuple[str, str],
        files: dict[str, str] | None = None,
        newline: str = "\n",
        encoding: str = "utf-8",
    ) -> None:
        self.edits, self.files = edits, files or {}
        self.newline, self.encoding = newline, encoding

    @property
    def source(self) -> str:
        text = RIGHT
        for old, new in self.edits:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
            text = text.replace(old, new)
        return text


def lay_out(attack: Attack, root: Path, port: int) -> None:
    """The tree of somebody who hands this in, and beside it one of somebody else's."""

    def filled(text: str) -> str:
        return text.replace("@ROOT@", str(root)).replace("@PORT@", str(port))

    make_arena(root, filled(attack.source))
    other = root.parent / "other"
    other.mkdir(exist_ok=True)
    (other / "01_ops.py").write_text("# somebody else's work\n")
    for name, text in attack.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text))
    if attack.lay is not None:
        attack.lay(root)
