"""`tito`'s larger commands, a file each: they parse, delegate, print, like `cli.py` itself."""
