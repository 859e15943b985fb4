"""A whole class: submissions taken in, graded part by part, and put together for each student."""
