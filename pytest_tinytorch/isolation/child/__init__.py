"""What runs in the student's process. It imports the standard library and NumPy, nothing else."""
