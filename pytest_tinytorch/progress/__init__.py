"""Stores evidence of runs, computes which checkpoints are achieved, and names the next step."""
