"""Requests that cannot be parsed: refused as AWS refuses them.

LocalStack calls them an internal error (HTTP 500), which clients take for a passing fault and send again.
"""

from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.handlers.service import ServiceRequestParser
from localstack.aws.protocol.parser import OperationNotFoundParserError, RequestParserError

from autoflow.local.sagemaker.errors import serialization, unsupported

_SERVICES = ("sagemaker", "sagemaker-runtime")


def refuse_unreadable_requests() -> None:
    """Answer UnknownOperationException or SerializationException, both HTTP 400."""
    parser: Any = ServiceRequestParser
    parse = parser.parse_and_enrich

    def parse_or_refuse(self: ServiceRequestParser, context: RequestContext) -> None:
        try:
            parse(self, context)
        except RequestParserError as error:
            if context.service is None or context.service.service_name not in _SERVICES:
                raise
            raise _refusal(context, error) from error

    parser.parse_and_enrich = parse_or_refuse


def _refusal(context: RequestContext, error: RequestParserError) -> CommonServiceException:
    service: Any = context.service
    name = context.request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    offered = name in service.operation_names
    # Some operation there must be: the answer is written in its protocol.
    context.operation = service.operation_model(name if offered else service.operation_names[0])
    if not offered and (service.service_name == "sagemaker" or isinstance(error, OperationNotFoundParserError)):
        return unsupported(name or f"{context.request.method} {context.request.path}")
    return serialization(str(error))
