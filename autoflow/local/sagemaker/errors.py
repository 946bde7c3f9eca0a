"""Errors with SageMaker's codes and HTTP statuses."""

from localstack.aws.api import CommonServiceException, ServiceException


def validation(message: str) -> CommonServiceException:
    """The request is refused."""
    return CommonServiceException("ValidationException", message, 400, sender_fault=True)


def serialization(message: str) -> CommonServiceException:
    """A value has another JSON type than the service model says."""
    return CommonServiceException("SerializationException", message, 400, sender_fault=True)


def not_found(message: str) -> CommonServiceException:
    """AutoML operations say so; models and endpoints answer with :func:`validation`."""
    return CommonServiceException("ResourceNotFound", message, 400, sender_fault=True)


def in_use(message: str) -> CommonServiceException:
    """The name is taken."""
    return CommonServiceException("ResourceInUse", message, 400, sender_fault=True)


def conflict(message: str) -> CommonServiceException:
    """The request contradicts what exists."""
    return CommonServiceException("ConflictException", message, 400, sender_fault=True)


def limit_exceeded(message: str) -> CommonServiceException:
    """A quota is used up."""
    return CommonServiceException("ResourceLimitExceeded", message, 400, sender_fault=True)


def unsupported(operation: str) -> CommonServiceException:
    """The operation does not exist here."""
    return CommonServiceException(
        "UnknownOperationException", f"The local cloud does not offer SageMaker's {operation}", 400, sender_fault=True
    )


def runtime_validation(message: str) -> CommonServiceException:
    """InvokeEndpoint refuses the request."""
    return CommonServiceException("ValidationError", message, 400, sender_fault=True)


def throttled(message: str) -> CommonServiceException:
    """Too many invocations at once."""
    return CommonServiceException("ThrottlingException", message, 429, sender_fault=True)


class ModelError(ServiceException):
    """The container answered with an error."""

    code = "ModelError"
    status_code = 424
    sender_fault = True

    def __init__(self, message: str, status: int, original: str, log_stream_arn: str) -> None:
        super().__init__(message)
        self.Message = message
        self.OriginalStatusCode = status
        self.OriginalMessage = original
        self.LogStreamArn = log_stream_arn
