"""Exports src_modules/NN_name.py to the generated package. `hooks.export` and `tito` call it.

    source text --cells--> exported cells --render--> generated text --atomic--> files

Above each exported cell stands a comment with its place in the source. `line_map` reads these
comments, so that a traceback through generated code ends on a line of the student's source.
"""
