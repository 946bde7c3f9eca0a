"""The library that the handlers call: plain Python, no handler code, AWS clients passed in."""

import csv

csv.field_size_limit(2**31 - 1)  # of the process: a text, or the labels of many classes, makes a long cell
