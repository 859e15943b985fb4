"""What every part works with: course, manifest, records, scores. Standard library only."""
