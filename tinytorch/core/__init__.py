# Generated from course.toml. Do not edit: write in course.toml instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=63d09f240eb58161 code=114ccd7fbaf001f6 content=6106d89f0de119a0
"""Generated from the module sources."""
