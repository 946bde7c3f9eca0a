"""AutoML with AutoGluon: a worker process that trains candidates, and one that serves a candidate.

The engine knows files, columns and models. It knows nothing of AWS: whoever starts a worker moves the files.
"""
