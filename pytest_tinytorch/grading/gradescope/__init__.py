"""Gradescope: the bundle that becomes an autograder, what it does there, and what it hands back."""
