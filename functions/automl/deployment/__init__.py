"""Endpoints: created, updated, tested, scaled, taken back."""
