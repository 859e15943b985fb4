import pytest

pytestmark = pytest.mark.checkpoint("00")
@pytest.mark.points(20)
def test_x(tt, check):
    """X"""
    check.equal(1, 1)
