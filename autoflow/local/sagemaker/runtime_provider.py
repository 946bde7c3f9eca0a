"""LocalStack provider of the ``sagemaker-runtime`` API."""

from collections.abc import Mapping
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.plugins import Service, aws_provider

from autoflow.local.sagemaker import constraints, invocations
from autoflow.local.sagemaker.errors import runtime_validation, unsupported
from autoflow.local.sagemaker.state import STATE


def _invoke(context: RequestContext, request: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        constraints.check(context.operation.input_shape if context.operation else None, {**request, "Body": b""})
    except CommonServiceException as error:
        raise runtime_validation(error.message) from error
    return invocations.invoke(STATE.account(context.account_id, context.region), request)


@aws_provider(api="sagemaker-runtime")  # type: ignore[untyped-decorator]
def sagemaker_runtime() -> Service:
    """Entry point of ``localstack.aws.provider``."""
    model = load_service("sagemaker-runtime")

    def refused(context: RequestContext, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise unsupported(context.operation.name if context.operation else "")

    handlers = dict.fromkeys(model.operation_names, refused) | {"InvokeEndpoint": _invoke}
    return Service("sagemaker-runtime", skeleton=Skeleton(model, handlers))
