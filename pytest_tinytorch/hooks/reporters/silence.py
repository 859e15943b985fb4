"""Suppresses pytest's own output in graded runs. The reporters of terminal and batch call it."""

import argparse


def silence(option: argparse.Namespace, may_hide: bool) -> None:
    """may_hide: the course may have tests that students must not see."""
    option.disable_warnings = True  # warnings contain text of students
    if may_hide:  # pytest's output could name a hidden test, its inputs or its fixtures
        option.verbose = 0
        option.tbstyle, option.reportchars = "no", ""
        option.durations = option.log_cli_level = None
        option.setupshow = option.setuponly = option.usepdb = option.trace = False
