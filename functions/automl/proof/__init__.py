"""What a model is worth on rows it has not seen: calibration, metrics, champion comparison, gate."""
