"""Checkpoint 10."""
import pytest
pytestmark = pytest.mark.checkpoint("10")
