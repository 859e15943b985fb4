"""Hook modules that print, and write files for other programs. pytest calls their hooks."""
