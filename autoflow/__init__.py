"""The operator's tool: command line and local cloud. Never deployed."""
