"""Runs student code in a process of its own, and sends numbers, strings, arrays and handles."""
