"""LocalStack provider of the ``sagemaker`` API."""

from collections.abc import Callable, Mapping
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider

from autoflow.local.sagemaker import (
    constraints,
    endpoints,
    model_packages,
    models,
    package_groups,
    tags,
    transform_jobs,
    workers,
)
from autoflow.local.sagemaker.automl import AutoML
from autoflow.local.sagemaker.errors import unsupported
from autoflow.local.sagemaker.state import STATE, Account, Document

Operation = Callable[[Account, Document], Document]
_Handler = Callable[[RequestContext, Mapping[str, Any]], Document]


def operations() -> dict[str, Operation]:
    """What is offered, by the operation's name."""
    automl = AutoML(endpoints.deploy_best)
    return {
        "AddTags": tags.add,
        "CreateAutoMLJobV2": automl.create,
        "CreateEndpoint": endpoints.create,
        "CreateEndpointConfig": models.create_endpoint_config,
        "CreateModel": models.create_model,
        "CreateModelPackage": model_packages.create,
        "CreateModelPackageGroup": package_groups.create,
        "CreateTransformJob": transform_jobs.create,
        "DeleteEndpoint": endpoints.delete,
        "DeleteEndpointConfig": models.delete_endpoint_config,
        "DeleteModel": models.delete_model,
        "DeleteModelPackage": model_packages.delete,
        "DeleteModelPackageGroup": package_groups.delete,
        "DeleteTags": tags.delete,
        "DescribeAutoMLJob": automl.describe_v1,
        "DescribeAutoMLJobV2": automl.describe,
        "DescribeEndpoint": endpoints.describe,
        "DescribeEndpointConfig": models.describe_endpoint_config,
        "DescribeModel": models.describe_model,
        "DescribeModelPackage": model_packages.describe,
        "DescribeModelPackageGroup": package_groups.describe,
        "DescribeTransformJob": transform_jobs.describe,
        "ListAutoMLJobs": automl.list_jobs,
        "ListCandidatesForAutoMLJob": automl.list_candidates,
        "ListEndpointConfigs": models.list_endpoint_configs,
        "ListEndpoints": endpoints.list_endpoints,
        "ListModelPackageGroups": package_groups.list_groups,
        "ListModelPackages": model_packages.list_packages,
        "ListModels": models.list_models,
        "ListTags": tags.list_tags,
        "ListTransformJobs": transform_jobs.list_jobs,
        "StopAutoMLJob": automl.stop,
        "StopTransformJob": transform_jobs.stop,
        "UpdateEndpoint": endpoints.update,
        "UpdateModelPackage": model_packages.update,
    }


class _EndWorkers(ServiceLifecycleHook):
    def on_before_stop(self) -> None:
        workers.close_all()


def _validated(operation: Operation) -> _Handler:
    def handle(context: RequestContext, _: Mapping[str, Any]) -> Document:
        # The document as it was sent: LocalStack's parser drops what it does not know and converts the rest.
        request = context.request.get_json(force=True, silent=True) or {}
        constraints.check(context.operation.input_shape if context.operation else None, request)
        return operation(STATE.account(context.account_id, context.region), _without_nulls(request))

    return handle


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _refused(name: str) -> _Handler:
    def handle(context: RequestContext, _: Mapping[str, Any]) -> Document:
        raise unsupported(name)

    return handle


@aws_provider()  # type: ignore[untyped-decorator]
def sagemaker() -> Service:
    """Entry point of ``localstack.aws.provider``."""
    model = load_service("sagemaker")
    handlers = {name: _refused(name) for name in model.operation_names}
    handlers |= {name: _validated(operation) for name, operation in operations().items()}
    return Service("sagemaker", skeleton=Skeleton(model, handlers), lifecycle_hook=_EndWorkers())
