"""src_modules/NN_name.py -> the generated package. `service.export` is the door.

    source text --cells--> exported cells --render--> generated text --transaction--> files

Each exported cell stands under a comment with its place in the source; `linemap` reads these
comments back, so that a traceback through generated code ends on a line the student wrote.
"""
