"""The gradebook: reads results of a class into one SQLite file, and answers who has which grade.

    JUnit XML --ingest--> attempt, result --policy--> grades --> tables, CSV, pages
    LMS file  --roster--> student, alias ---^
    mark --------------------------------^

`cli.gradebook` calls it. docs/gradebook.md describes the tables.
"""
