"""Application Auto Scaling, which the local cloud has none of: nothing can be scaled, and nothing is.

LocalStack answers such calls as an internal error, which clients take for a passing fault and send again, for minutes;
and what was deployed could not be taken away again, since nobody would say that it has no auto scaling.
"""

from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.handlers.service_plugin import ServiceLoader

_REMOVALS = frozenset({"DeleteScalingPolicy", "DeleteScheduledAction", "DeregisterScalableTarget"})


def refuse_auto_scaling() -> None:
    """Answer ValidationException, and for what is to be removed ObjectNotFoundException."""
    loader: Any = ServiceLoader
    require: Any = loader.require_service

    def require_or_refuse(self: ServiceLoader, chain: object, context: RequestContext, response: object) -> None:
        if context.service and context.service.service_name == "application-autoscaling":
            raise _refusal(context.operation.name if context.operation else "")
        require(self, chain, context, response)

    loader.require_service = require_or_refuse


def _refusal(operation: str) -> CommonServiceException:
    code = "ObjectNotFoundException" if operation in _REMOVALS else "ValidationException"
    message = "The local cloud has no Application Auto Scaling; leave it out here, and try it in an AWS account"
    return CommonServiceException(code, message, 400, sender_fault=True)
