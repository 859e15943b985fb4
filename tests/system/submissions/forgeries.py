"""Submissions that write into the channel of the harness, or into its files."""

from attack import Attack

_EVERY = "import os\nfor number in range(3, 40):\n    try:\n        {}\n    except OSError:\n        pass\n"
_NO_REPLY = "invalid reply"
# The host program, with another answer to some of the requests.
_HOST = """
import sys
host = sys.modules["__main__"]
honest = host.Host.answer
{setup}
def answer(self, sequence, body, payload):
    return {reply} if body[0] == "{operation}" else honest(self, sequence, body, payload)
host.Host.answer = answer
"""


def _written(data: str) -> Attack:
    """These bytes, written to every descriptor there is."""
    return Attack(relu=_EVERY.format(f"os.write(number, {data})") + "return x", says=_NO_REPLY)


def _answered(operation: str, reply: str, says: str, setup: str = "", never: str = "") -> Attack:
    """Requests of this operation are answered with the bytes of an expression."""
    top = _HOST.format(operation=operation, reply=reply, setup=setup)
    return Attack(top=top, says=says, never=never)


def _framed(reply: str) -> str:
    return f"host.frame(sequence, {reply}, [])"


ATTACKS = {
    "noise in the channel": _written("b'passed' * 20"),
    "zeros in the channel": _written("bytes(64)"),
    "a frame of another request": _written(
        "__import__('struct').pack('<IIQ', 9999, 6, 0) + b'[true]'"
    ),
    "a frame of a huge length": _written("__import__('struct').pack('<IIQ', 3, 2**31, 2**62)"),
    "a frame whose text is too long": _written(
        "__import__('struct').pack('<IIQ', 3, 9 * 2**20, 0)"
    ),
    "pickled bytes": _written("__import__('pickle').dumps(print)"),
    "a frame that is cut short": Attack(
        relu=(
            "import os, struct\nfor number in range(3, 40):\n    try:\n"
            "        os.write(number, struct.pack('<IIQ', 3, 100, 0))\n"
            "    except OSError:\n        pass\nwhile True:\n    pass"
        ),
        test="00/test_relu",
    ),
    "the channel closed": Attack(
        relu="import os\nos.closerange(3, 40)\nreturn x", says="exit code 1"
    ),
    "the channel made into a file": Attack(
        relu=(
            "import os\nplace = os.open('x', os.O_CREAT | os.O_RDWR)\n"
            "for number in range(3, 20):\n    if number != place:\n        try:\n"
            "            os.fstat(number)\n            os.dup2(place, number)\n"
            "        except OSError:\n            pass\nreturn x"
        ),
        test="00/test_relu",
    ),
    "requests read away": Attack(
        top=(
            "import os, threading\ndef steal():\n    while True:\n        for number in range(3, 9):\n"
            "            try:\n                os.set_blocking(number, False)\n"
            "                os.read(number, 100)\n            except OSError:\n"
            "                pass\nthreading.Thread(target=steal, daemon=True).start()\n"
        ),
        test="00/test_relu",
    ),
    "its lines kept back": _answered(
        "returns", _framed("[None, {'cannot_cross': 'x'}]"), "largest difference"
    ),
    "its lines named by an object": _answered(
        "returns", _framed("[[['core/ops.py', 3, {'h': [5, 'x']}]]]"), "largest difference"
    ),
    "a refusal that is a verdict": _answered(
        "call",
        _framed("[None, {'cannot_cross': 'not graded\\n\\nGrade: 15 of 15'}]"),
        "your code gave not graded Grade: 15 of 15, expected",
    ),
    "handles of endless numbers": _answered(
        "call",
        "host.HEAD.pack(sequence, len(text), 0) + text",
        "a handle of an unknown form",
        setup="one = '{\"h\":[1%s,\"x\"]}' % ('0' * 4000)\n"
        "text = ('[[' + ','.join([one] * 2000) + ']]').encode()",
    ),
    "keys that take long to compare": _answered(
        "call",
        "host.HEAD.pack(sequence, len(text), 0) + text",
        "a very large number or tuple as a key",
        setup="keys = ['{\"t\":[%s%d]}' % ('0,' * 400, n * (2**61 - 1)) for n in range(8000)]\n"
        "text = ('[{\"S\":[' + ','.join(keys) + ']}]').encode()",
    ),
    "warnings without end": _answered(
        "call",
        _framed("[0, None, [['W', ['UserWarning'], str(n), 0] for n in range(30_000)]]"),
        "got shape ()",
        never="UserWarning: 29999",
    ),
    "replies taken back": Attack(
        relu=(
            "import os, sys, threading, time\nreplies = int(sys.argv[2])\n"
            "again = os.open(f'/proc/self/fd/{replies}', os.O_RDONLY | os.O_NONBLOCK)\n"
            "def steal():\n    while True:\n        try:\n            os.write(replies, b'x')\n"
            "            os.read(again, 1)\n        except OSError:\n            pass\n"
            "for _ in range(2):\n    threading.Thread(target=steal, daemon=True).start()\n"
            "time.sleep(1)\nreturn x"
        ),
        test="00/test_relu",
    ),
    "results of its own in the folder": Attack(
        top="open('grade.xml', 'w').write('<testsuites/>')\nopen('grade.jsonl', 'w').write('{}')\n",
        says="largest difference",
    ),
    "results of an earlier run": Attack(
        files={"grade.xml": "<testsuites tests='7' failures='0'/>", "grade.jsonl": "{}"},
        says="largest difference",
    ),
    "results that are a link": Attack(
        lay=lambda root: (root / "grade.xml").symlink_to(root / "course.toml"),
        says="largest difference",
    ),
}  # fmt: skip
