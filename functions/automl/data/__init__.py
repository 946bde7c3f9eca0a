"""From a dataset in S3 to a checked, split, model-ready copy of it."""
