"""The library that the handlers call: plain Python, no handler code, AWS clients passed in."""
