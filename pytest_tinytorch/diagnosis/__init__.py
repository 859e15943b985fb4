"""Finds why a test failed, and the student's lines to look at. `hooks.recording` calls it."""
