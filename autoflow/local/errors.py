"""What can go wrong with the local cloud, in words for the person at the terminal."""


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked; the message says why and what to do."""
