"""The code that runs in the sandbox. It imports only the standard library and NumPy."""
