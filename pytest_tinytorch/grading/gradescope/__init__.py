"""Gradescope: makes the autograder's zip, and is the autograder that runs there."""
