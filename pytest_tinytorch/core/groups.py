"""Defines groups of tests: a checkpoint, its hidden tests, a module, a milestone, a demo.

Only this file builds and parses the text of a group (`05`, `hidden 05`, `module 05`,
`milestone xor`) and of a test's id (`05/test_name[param]`). Files store these texts; records,
manifests, hook modules and reports use `Group`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """Kinds of groups. The value stands before the id; a checkpoint's text is the id alone."""

    CHECKPOINT = "checkpoint"
    HIDDEN = "hidden"  # an instructor's own tests for a checkpoint
    MODULE = "module"  # the inline tests of a module's source
    INTEGRATION = "integration"  # a module together with the modules it needs
    MILESTONE = "milestone"
    DEMO = "demo"

    @property
    def option(self) -> str:
        """The option of pytest that runs groups of this kind, without its dashes."""
        return _OPTIONS.get(self, self).value

    @property
    def heading(self) -> str:
        """The kind in a heading: `Checkpoint`."""
        return self.value.capitalize()

    @property
    def plural(self) -> str:
        """The plural, `checkpoints`; also the key in stored files."""
        return f"{self.value}s"


# The kinds whose option has another name.
_OPTIONS = {Kind.HIDDEN: Kind.CHECKPOINT, Kind.INTEGRATION: Kind.MODULE}
# The kinds of collections in course.toml: they have points, evidence and a state.
COLLECTED = (Kind.CHECKPOINT, Kind.MILESTONE)
_WITH_POINTS = (*COLLECTED, Kind.HIDDEN)
OPTIONS = tuple(dict.fromkeys(kind.option for kind in Kind))  # all that run groups of tests


@dataclass(frozen=True)
class Group:
    """A kind and an id. `str` and `parse` are inverse to each other."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return self.id if self.kind is Kind.CHECKPOINT else f"{self.kind} {self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`05` or `hidden 05`. Raises ValueError for an unknown kind or a missing id."""
        word, _, identifier = text.rpartition(" ")
        valid = [kind.value for kind in Kind if kind is not Kind.CHECKPOINT]
        if not identifier or (word and word not in valid):
            raise ValueError(
                f"{text!r} is not a group of tests; write a checkpoint's id, or one of"
                f" {', '.join(valid)} and an id: 'hidden 05'"
            )
        return cls(Kind(word) if word else Kind.CHECKPOINT, identifier)

    @classmethod
    def of_test(cls, test_id: str) -> Self:
        """The group of a test: `hidden 05` of `hidden 05/test_name`. Raises ValueError."""
        return cls.parse(test_id.partition("/")[0])

    def test_id(self, name: str) -> str:
        """The id of a test of this group; `name` is pytest's: `test_name[param]`."""
        return f"{self}/{name}"

    @property
    def is_hidden(self) -> bool:
        return self.kind is Kind.HIDDEN

    @property
    def has_points(self) -> bool:
        """Whether its tests are in a manifest, and count for progress and grades."""
        return self.kind in _WITH_POINTS

    @property
    def about(self) -> "Group":
        """The group that its tests are about: for hidden tests, the checkpoint; else itself."""
        return checkpoint_group(self.id) if self.is_hidden else self

    @property
    def command(self) -> str:
        """The command that runs it; for hidden tests, the command of their checkpoint."""
        return f"pytest --{self.kind.option} {self.id}"


def test_name(test_id: str) -> str:
    """The test's name in pytest, without its group: `test_name[param]`."""
    return test_id.partition("/")[2]


def checkpoint_group(identifier: str) -> Group:
    return Group(Kind.CHECKPOINT, identifier)


def hidden_group(identifier: str) -> Group:
    """The group of an instructor's own tests for the checkpoint with this id."""
    return Group(Kind.HIDDEN, identifier)
