"""What a grade is made of: what was taken in, what counts, who may see it, who wrote it down."""
