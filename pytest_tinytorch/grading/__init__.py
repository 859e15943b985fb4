"""How a grade comes about: what is taken in, run in a clean process, and written down."""
