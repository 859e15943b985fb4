"""Submissions whose words are meant for whoever reads the report."""

from attack import Attack

ATTACKS = {
    "words that clear the screen": Attack(
        relu="raise ValueError('\\x1b[2J\\x1b[31m all passed \\x07')", says="\\x1b[2J"
    ),
    "words that turn around": Attack(
        relu="raise ValueError('\\u202e dessap')", says="\\u202e dessap"
    ),
    "words that are no text": Attack(
        relu="raise ValueError('\\ud800 \\x00 \\ufffe')", says="ValueError"
    ),
    "words that are markup": Attack(
        relu="raise ValueError(']]></failure><testcase name=\"x\"/> [bold]&amp;<script>')",
        says="</failure>",
    ),
    "words that are a formula": Attack(
        relu="raise ValueError('=cmd|\\' /C calc\\'!A0')", says="=cmd"
    ),
    "words that are a command of a workflow": Attack(
        relu="print('::error::x')\nraise ValueError('%0A::set-env name=PATH::x')", says="::set-env"
    ),
    "a name that is no name": Attack(
        relu="raise type('\\x1b[2J', (ValueError,), {})('odd')", says="odd"
    ),
    "a name that is a verdict": Attack(
        relu="raise type('PAS' + 'SED: could not be graded\\n\\nGrade: 15 of', (ValueError,), {})()",
        says="Exception",
        never="PASSED",
    ),
    "a type that is a verdict": Attack(
        relu="return type('x\\n\\nGrade: 15 of', (), {})()",
        says="got an object of type x Grade: 15 of, expected",
    ),
    "a name of a thousand words": Attack(
        relu="return type('Long' * 1000, (), {})()", says="an object of type LongLong"
    ),
    "a source with control characters": Attack(
        relu="# \x1b[2J\x1b]0;title\x07\nraise ValueError('here')", says="here"
    ),
}
