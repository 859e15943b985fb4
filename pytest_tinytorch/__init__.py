"""A pytest plugin that tests and grades a course in which students build a framework.

pytest loads `plugin`; `tito` is `cli.main`.
"""
