"""What runs in the sandbox. It imports the standard library and NumPy, nothing else."""
