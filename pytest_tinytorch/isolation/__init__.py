"""Runs student code in a process of its own; only numbers, strings, arrays and handles cross."""
