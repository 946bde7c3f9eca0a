"""S3 in memory, and the context of a function."""

from tests.unit.conftest import data_bucket, lambda_context

__all__ = ["data_bucket", "lambda_context"]
