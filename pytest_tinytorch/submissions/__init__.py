"""Collects and reads submissions, for `tito collect` and `grading`."""
