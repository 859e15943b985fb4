"""Finds and collects submissions of students, and reads them by an allow-list."""
