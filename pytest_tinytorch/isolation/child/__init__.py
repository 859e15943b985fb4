"""The program in a sandbox: standard library and NumPy only. `isolation.sandbox` starts it."""
