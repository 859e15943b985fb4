"""Work that students handed in: found, collected, and read by an allow-list."""
