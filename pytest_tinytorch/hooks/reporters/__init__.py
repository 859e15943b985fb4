"""What the controller tells the outside: the terminal, and files for other programs."""
