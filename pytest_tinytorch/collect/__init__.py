"""Submissions of a class, brought together: one folder or zip for each student, and a list."""
