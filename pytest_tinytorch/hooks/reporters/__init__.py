"""What the controller writes and prints: the terminal, and files for other programs."""
