"""Data that all other folders use: course, manifest, records, scores. Standard library only."""
