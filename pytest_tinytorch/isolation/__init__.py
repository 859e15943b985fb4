"""Student code in a process of its own: only numbers, strings and handles cross."""
