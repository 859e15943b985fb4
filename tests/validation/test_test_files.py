"""Test files need names of their own: pytest imports each by its bare name, whatever its folder."""

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["tests", "benchmarks"])
def test_no_two_files_have_one_name(folder):
    names = Counter(path.name for path in (ROOT / folder).rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
