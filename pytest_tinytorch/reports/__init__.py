"""Turns records into text for people and into files for other programs."""
