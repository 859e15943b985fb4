"""Runs student code in a sandbox, a process of its own. `hooks.isolation` starts it."""
