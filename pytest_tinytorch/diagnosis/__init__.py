"""Finds the reason why a test failed, and the student's lines to look at."""
