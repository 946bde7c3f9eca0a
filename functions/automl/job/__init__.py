"""The AutoML job and its candidates."""
