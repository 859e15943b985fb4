"""Data -> renderables -> text. Nothing here decides anything."""
