"""Makes an autograder for Gradescope (called by `tito`), and is the program that runs there."""
