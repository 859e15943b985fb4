"""Grades one tree or a class: reads what counts, runs it in a clean process, writes results."""
