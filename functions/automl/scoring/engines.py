"""Who predicts: an endpoint that is asked request by request, or a transform job that reads and writes S3."""

ENDPOINT = "Endpoint"
BATCH_TRANSFORM = "BatchTransform"
