"""Finds out why a test did not pass, and on which of the student's lines."""
