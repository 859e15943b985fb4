"""Submissions of students: found, collected, and read by an allow-list."""
