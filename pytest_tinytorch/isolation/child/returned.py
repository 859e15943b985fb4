"""Names the type of the value that a function returned, from an event of `sys.setprofile`.

`server` and `diagnosis.call_trace` call it.
"""

import opcode
from types import FrameType
from typing import Any

_RETURNS = {opcode.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opcode.opmap}
_GENERATORS = 0x20 | 0x80 | 0x200  # inspect.CO_GENERATOR and the like: the end of one gives None
_LONGEST = 100


def returned_kind(frame: FrameType, value: Any) -> str:
    """The name of the value's type; "" if the function was left by an exception or a `yield`."""
    # An exception gives None, too. Then the last instruction is not a return.
    code = frame.f_code
    if value is None and (
        code.co_flags & _GENERATORS or code.co_code[frame.f_lasti] not in _RETURNS
    ):
        return ""
    try:
        return str(type.__getattribute__(type(value), "__name__"))[:_LONGEST]
    except Exception:
        return "object"
