"""How each service says that it is called too often, and that the caller may not.

Codes and HTTP status are those of the services' API references ("Common Errors", for S3 "Error Responses", for Lambda
"Invoke"); clients decide by them whether they try again.
"""

from localstack.aws.api import CommonServiceException

from autoflow.local.access import gate
from autoflow.local.access.policies import Ask
from autoflow.local.faults.rules import Call

_TOO_MANY = {
    "cloudwatch": ("Throttling", 400),
    "lambda": ("TooManyRequestsException", 429),
    "s3": ("SlowDown", 503),
    "sagemaker": ("ThrottlingException", 400),
    "sns": ("Throttled", 429),
    "sqs": ("RequestThrottled", 403),
}


def throttled(call: Call) -> CommonServiceException:
    """The error of a service that is called too often."""
    code, status = _TOO_MANY.get(call.service, ("ThrottlingException", 400))
    message = "Please reduce your request rate." if call.service == "s3" else "Rate exceeded"
    return CommonServiceException(code, message, status, sender_fault=True)


def refused(call: Call, session: str, ask: Ask) -> CommonServiceException:
    """The error of a caller without the permission.

    Args:
        call: what it called.
        session: ARN of the caller.
        ask: what it may not.
    """
    reason = f"because no identity-based policy allows the {ask.action} action"
    return gate.refused_by(call.service, gate.worded(session, ask, reason))
