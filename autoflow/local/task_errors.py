"""What Step Functions calls the errors of its own calls: ``<Service>.<Error>``, as state machines retry them by name.

LocalStack calls every error of a function's invocation ``Exception``, doubles the end of Step Functions' own, and takes
a lost connection for a fault of its own, which no state can retry. On AWS that is the client's ``SdkClientException``.
What goes wrong with the list of a Map's items, or with its results, has names of its own.
"""

import importlib
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.aws.api.stepfunctions import (
    HistoryEventType,
    LambdaFunctionFailedEventDetails,
    MapRunFailedEventDetails,
    TaskFailedEventDetails,
)
from localstack.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_lambda,
    state_task_service_sfn,
    state_task_service_sns,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.state_task_lambda import (
    StateTaskLambda,
)
from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails

_LOST = "SdkClientException"
_TASKS: dict[Any, str] = {
    StateTaskLambda: "Lambda",
    state_task_service_lambda.StateTaskServiceLambda: "Lambda",
    state_task_service_sfn.StateTaskServiceSfn: "StepFunctions",
    state_task_service_sns.StateTaskServiceSns: "SNS",
}


_MAP = "localstack.services.stepfunctions.asl.component.state.state_execution.state_map"
_S3 = {
    f"{_MAP}.item_reader.resource_eval.resource_eval_s3": StatesErrorNameType.StatesItemReaderFailed,
    f"{_MAP}.result_writer.resource_eval.resource_eval_s3": StatesErrorNameType.StatesResultWriterFailed,
}


def name_errors_of_calls() -> None:
    """Name the errors of all tasks that this project has, and of its Map, as AWS does."""
    for task, service in _TASKS.items():
        task._from_error = _naming(service, task._from_error)
    for module, name in _S3.items():
        access: Any = importlib.import_module(module).ResourceEvalS3
        access.eval_resource = _raising(name, access.eval_resource)


def _raising(name: StatesErrorNameType, evaluate: Callable[..., None]) -> Callable[..., None]:
    def eval_resource(self: Any, env: Any) -> None:
        try:
            evaluate(self, env)
        except (BotoCoreError, ClientError) as error:
            details = MapRunFailedEventDetails(error=name.to_name(), cause=str(error))
            raise FailureEventException(
                FailureEvent(
                    env=env,
                    error_name=StatesErrorName(name),
                    event_type=HistoryEventType.MapRunFailed,
                    event_details=EventDetails(mapRunFailedEventDetails=details),
                )
            ) from error

    return eval_resource


def _naming(service: str, otherwise: Callable[..., FailureEvent]) -> Callable[..., FailureEvent]:
    def from_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            code, cause = ex.response["Error"]["Code"], ex.response["Error"].get("Message", "")
            return _failed(self, env, f"{service}.{code.removesuffix('Exception')}Exception", cause)
        if isinstance(ex, BotoCoreError):
            return _failed(self, env, f"{service}.{_LOST}", str(ex))
        return otherwise(self, env=env, ex=ex)

    return from_error


def _failed(task: Any, env: Any, error: str, cause: str) -> FailureEvent:
    if isinstance(task, StateTaskLambda):
        function = LambdaFunctionFailedEventDetails(error=error, cause=cause)
        kind, details = HistoryEventType.LambdaFunctionFailed, EventDetails(lambdaFunctionFailedEventDetails=function)
    else:
        call = TaskFailedEventDetails(
            error=error, cause=cause, resource=task._get_sfn_resource(), resourceType=task._get_sfn_resource_type()
        )
        kind, details = HistoryEventType.TaskFailed, EventDetails(taskFailedEventDetails=call)
    return FailureEvent(env=env, error_name=CustomErrorName(error), event_type=kind, event_details=details)
