"""Stores evidence of runs, and computes the next step. `hooks.session` and `tito` call it."""
