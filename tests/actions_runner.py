"""What a runner of GitHub Actions makes of the output of a step: the commands that it obeys.

By the runner's own sources (`ActionCommand.cs`, `ActionCommandManager.cs`, `OutputManager.cs`): a
command stands at the beginning of a line, or in its older form anywhere in it; between
`stop-commands` and its token none is obeyed, but a matcher still reads every line.
"""

import re
from dataclasses import dataclass, field

NAMES = {
    "error", "warning", "notice", "debug", "group", "endgroup", "echo", "add-mask", "add-path",
    "add-matcher", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands",
}  # fmt: skip
_IN_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_IN_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
# The matcher that actions/setup-python leaves behind.
_FRAME = re.compile(r'^\s*File\s"(.*)",\sline\s(\d+),\sin\s(.*)$')
_RAISE = re.compile(r"^\s*raise\s(.*)\('(.*)'\)$")


@dataclass
class Command:
    name: str
    properties: dict[str, str] = field(default_factory=dict)
    data: str = ""


def obeyed(output: str) -> list[Command]:
    """The commands that a step's output gives, `stop-commands` and its token left out."""
    found: list[Command] = []
    token, matching, frame = "", True, False
    for line in re.split(r"\r\n|\r|\n", output):
        command = _parsed(line, NAMES | {token} - {""})
        if command is not None and token:
            if command.name == token.lower():
                token = ""
                continue
        elif command is not None and command.name == "stop-commands":
            token = command.data
            continue
        elif command is not None:
            matching = matching and command.name != "remove-matcher"
            found.append(command)
            continue
        if matching and frame and (match := _RAISE.match(line)):
            found.append(Command("error", {}, match[2]))
        frame = bool(_FRAME.match(line))
    return found


def _parsed(line: str, names: set[str]) -> Command | None:
    known = {name.lower() for name in names}
    if match := re.match(r"\s*::(?! )(.*?)::(.*)", line):
        name, _, rest = match[1].partition(" ")
        if name.lower() in known:
            return _command(name, rest.strip(), ",", match[2])
    if match := re.search(r"##\[(.*?)\](.*)", line):
        name, _, rest = match[1].partition(" ")
        if name.lower() in known:
            return _command(name, rest, ";", match[2])
    return None


def _command(name: str, properties: str, separator: str, data: str) -> Command:
    pairs = (entry.partition("=") for entry in properties.split(separator))
    values = {key: _unescaped(value, _IN_PROPERTY) for key, _, value in pairs if value}
    return Command(name.lower(), values, _unescaped(data, _IN_DATA))


def _unescaped(text: str, codes: tuple[tuple[str, str], ...]) -> str:
    for code, sign in codes:
        text = text.replace(code, sign)
    return text
