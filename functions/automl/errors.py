"""The errors a state machine can name. The class name is the ASL error name.

A message says what was wrong, where (file, column, first offending row) and what to do about it.
"""

from automl.quoting import shortened

MAX_MESSAGE = 4_000
"""Characters. A message is in the state data and in what a Catch hands on, and those hold 256 KiB."""


class AutopilotFlowError(Exception):
    """Base of every error this project raises on purpose."""

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(message, MAX_MESSAGE))


class InvalidRequest(AutopilotFlowError):
    """The execution input breaks its schema or asks for something that cannot be done."""


class InvalidDataset(AutopilotFlowError):
    """A dataset cannot be read, or cannot be learnt from or scored as requested."""


class QuotaExceeded(AutopilotFlowError):
    """An account limit is reached for now; the same call may succeed later."""


class ServiceUnavailable(AutopilotFlowError):
    """AWS throttled the call, failed inside or could not be reached; the same call may succeed shortly."""


class AutoMLJobFailed(AutopilotFlowError):
    """The AutoML job ended in Failed, or was stopped before it had a candidate."""


class AutoMLJobTimedOut(AutopilotFlowError):
    """The AutoML job did not end, not even after it was told to stop."""


class NoUsableCandidate(AutopilotFlowError):
    """The AutoML job has no finished candidate that meets the request's constraints."""


class EndpointBusy(AutopilotFlowError):
    """The endpoint is being created, updated or deleted by someone else; wait and try again."""


class EndpointFailed(AutopilotFlowError):
    """The endpoint did not come into service with this model, or does not answer as it must."""


class ChampionChanged(AutopilotFlowError):
    """The endpoint no longer serves the model that the new one was compared with."""


class PredictionMismatch(AutopilotFlowError):
    """The endpoint's answer does not fit the rows that were sent."""


class PartsFailed(AutopilotFlowError):
    """More parts of a scoring failed than it tolerates."""


class TransformJobFailed(AutopilotFlowError):
    """The transform job ended in Failed, was stopped, or did not end in time."""
