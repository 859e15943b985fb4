"""What a student has achieved, from the evidence of runs, and what to do next."""
