"""Gradescope: makes the autograder's zip, and runs as the autograder."""
