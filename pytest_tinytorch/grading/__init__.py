"""Grades one course folder or a class: reads the sources, runs the tests, writes results."""
