"""Turns records into text and files. `hooks.reporters`, `grading` and `cli` call it."""
