"""Hook modules that print in the terminal, and write files for other programs."""
