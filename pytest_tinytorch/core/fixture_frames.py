"""Marks the frames of fixtures that call student code on behalf of a line of the test.

`isolation.pool` and `diagnosis.call_trace` skip these frames to find the line of the test.
"""

from pathlib import Path

# The gradcheck fixture.
ON_BEHALF = str(Path(__file__).parents[1] / "fixtures" / "gradients.py")
