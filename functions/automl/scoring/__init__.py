"""Rows and an endpoint become predictions, accepted or for review."""
