"""Suppresses pytest's own output in graded runs. The reporters of terminal and batch call it."""

import argparse


def silence(option: argparse.Namespace, may_hide: bool) -> None:
    """may_hide: there are tests that students are not to know."""
    option.disable_warnings = True  # they print text of students
    if may_hide:  # all else could name a hidden test, its inputs or its fixtures
        option.verbose = 0
        option.tbstyle, option.reportchars = "no", ""
        option.durations = option.log_cli_level = None
        option.setupshow = option.setuponly = option.usepdb = option.trace = False
