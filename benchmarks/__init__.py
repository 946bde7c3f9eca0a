"""Measurements. Each module is one command that prints a table for docs/."""
