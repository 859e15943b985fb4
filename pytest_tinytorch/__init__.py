"""A pytest plugin with which students build a deep-learning framework, module by module."""
