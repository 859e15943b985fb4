"""Grades one course folder or a class. `plugin`, hook modules and `tito` call it."""
