"""Small corrections of LocalStack 4.14, applied once before any service is loaded."""

import contextlib
import dataclasses
import functools
import json
import os
import tempfile
import threading
import time
import types
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil
from localstack.runtime import hooks

from autoflow.local import processes
from autoflow.local.access import function_logs, gate
from autoflow.local.auto_scaling import refuse_auto_scaling
from autoflow.local.cloud import OWNER_VARIABLE
from autoflow.local.ended_executions import end_executions_at_once
from autoflow.local.sagemaker.front_door import refuse_unreadable_requests
from autoflow.local.task_errors import name_errors_of_calls
from autoflow.local.visitors import refuse_web_pages


@hooks.on_runtime_create()  # type: ignore[untyped-decorator]
def apply() -> None:
    """Entry point ``localstack.hooks.on_runtime_create``."""
    allow_reserved_error_names()
    name_errors_of_calls()
    let_nothing_catch_what_ends_executions()
    choose_by_what_is_there()
    remember_json_paths()
    read_definitions_once()
    leave_connections_non_blocking()
    end_executions_at_once(_replace)
    stop_waiting_for_answers()
    keep_objects_apart()
    transform_before_resolving()
    tell_rules_the_keys_of_objects()
    start_executions_with_transformed_input()
    refuse_unreadable_requests()
    refuse_auto_scaling()
    function_logs.write_as_lambda_does()
    gate.record_calls()
    refuse_web_pages()
    if os.environ.get("AUTOFLOW_FAULTS"):
        from autoflow.local.faults.door import open_door

        open_door()
    gate.deny_calls()
    if owner := os.environ.get(OWNER_VARIABLE):
        end_with(int(owner))
    scale = float(os.environ.get("AUTOFLOW_WAIT_SCALE", "1"))
    if scale != 1:
        scale_waits(scale)


def end_with(owner: int) -> None:
    """End this cloud when the process that it was started for is gone, however it ended."""

    def watch() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(owner).wait()
        for process in processes.find(os.environ[processes.MARK]):
            if process.pid != os.getpid():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        os._exit(1)

    threading.Thread(target=watch, name="owner-watch", daemon=True).start()


def remember_json_paths() -> None:
    """Parse each JSONPath once: LocalStack parses it anew whenever a state reads it, which takes 13 ms."""
    from localstack.services.stepfunctions.asl.utils import json_path

    _replace(json_path, "parse", functools.lru_cache(maxsize=4096)(vars(json_path)["parse"]))


def read_definitions_once() -> None:
    """Keep the syntax tree of each definition: LocalStack reads the text anew for every execution, for 0.2 s."""
    from localstack.services.stepfunctions.asl.parse import asl_parser

    parse: Any = asl_parser.AmazonStateLanguageParser.parse
    preprocessor: Any = vars(asl_parser)["Preprocessor"]
    tree = functools.lru_cache(maxsize=64)(lambda definition: parse(definition)[1])

    def parse_from_tree(definition: str) -> tuple[Any, Any]:
        return preprocessor().visit(tree(definition)), tree(definition)

    _replace(asl_parser.AmazonStateLanguageParser, "parse", staticmethod(parse_from_tree))


def scale_waits(factor: float) -> None:
    """Wait states and Retry back-off sleep ``factor`` times their seconds; TimeoutSeconds stay real."""
    from localstack.services.stepfunctions.asl.component.common.retry import retrier_decl
    from localstack.services.stepfunctions.asl.component.state.state_wait.wait_function import wait_function

    def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
        end = time.monotonic() + wait_seconds * factor
        while env.is_running() and (left := end - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    _replace(retrier_decl, "time", types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * factor)))
    _replace(wait_function.WaitFunction, "_wait_interval", wait_interval)


def allow_reserved_error_names() -> None:
    """Let a failed Task, a Fail state and a Map pass ``States.Timeout`` and the like on, as Step Functions does."""
    from localstack.services.stepfunctions.asl.component.common.error_name.error_name import ErrorName
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.iteration import (
        iteration_worker,
    )
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import local_mock_eval_utils
    from localstack.services.stepfunctions.asl.component.state.state_fail import state_fail

    custom: Any = vars(state_fail)["CustomErrorName"]

    class ReservedErrorName(ErrorName):
        def __init__(self, error_name: str) -> None:
            super().__init__(error_name=error_name)

    def name(error_name: str) -> object:
        return ReservedErrorName(error_name) if error_name.startswith("States.") else custom(error_name)

    for module in (iteration_worker, local_mock_eval_utils, state_fail):
        _replace(module, "CustomErrorName", name)


def let_nothing_catch_what_ends_executions() -> None:
    """``States.ALL`` matches neither ``States.Runtime`` nor ``States.DataLimitExceeded``, as in Step Functions.

    A path of a Task's Parameters that leads nowhere is the former; LocalStack takes it for an error of the function.
    """
    from localstack.services.stepfunctions.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import state_task_lambda
    from localstack.services.stepfunctions.asl.utils.json_path import NoSuchJsonPathError

    matches: Any = vars(ErrorEqualsDecl)["_eval_body"]

    def match_unless_terminal(self: Any, env: Any) -> None:
        error = env.stack[-1]
        matches(self, env)
        if error.error_name in {"States.Runtime", "States.DataLimitExceeded"} and error not in self.error_names:
            env.stack[-1] = False

    lambda_task: Any = vars(state_task_lambda)["StateTaskLambda"]
    from_function: Any = vars(lambda_task)["_from_error"]

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, NoSuchJsonPathError):
            return super(lambda_task, self)._from_error(env=env, ex=ex)
        return from_function(self, env, ex)

    _replace(ErrorEqualsDecl, "_eval_body", match_unless_terminal)
    _replace(lambda_task, "_from_error", from_error)


def choose_by_what_is_there() -> None:
    """A Choice that compares what is missing ends the execution, as in Step Functions; it may ask if it is there."""
    from localstack.services.stepfunctions.asl.component.state.state_choice.comparison import comparison_variable
    from localstack.services.stepfunctions.asl.component.state.state_choice.comparison.comparison_operator_type import (
        ComparisonOperatorType,
    )
    from localstack.services.stepfunctions.asl.component.state.state_choice.comparison.variable import NoSuchVariable
    from localstack.services.stepfunctions.asl.utils.json_path import NoSuchJsonPathError

    def compare(self: Any, env: Any) -> None:
        self.variable.eval(env)
        missing = isinstance(env.stack[-1], NoSuchVariable)
        if missing and self.comparison_function.operator_type is not ComparisonOperatorType.IsPresent:
            raise NoSuchJsonPathError(self.variable.string_sampler.literal_value, env.states.get_input())
        self.comparison_function.eval(env)

    _replace(comparison_variable.ComparisonVariable, "_eval_body", compare)


def leave_connections_non_blocking() -> None:
    """Serve plain HTTP only, so that LocalStack does not look whether a new connection speaks TLS.

    To look, it makes the connection block for up to a second and leaves it so. Then a client that reads slower than the
    cloud writes, as functions do that stream a large object, first stops the whole cloud and then loses its connection.
    """
    from localstack.http.duplex_socket import DuplexSocket

    _replace(DuplexSocket, "is_ssl_socket", staticmethod(lambda connection: False))


def stop_waiting_for_answers() -> None:
    """An execution that waits for a task token ends when it is stopped, not when its TimeoutSeconds are over."""
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service_callback,
    )

    task = vars(state_task_service_callback)["StateTaskServiceCallback"]
    wait: Any = vars(task)["_eval_wait_for_task_token"]

    def wait_while_running(self: Any, env: Any, callback_endpoint: Any, **more: Any) -> Any:
        def interrupt() -> None:
            while env.is_running():
                env.program_state_event.wait(1)
            callback_endpoint.interrupt_all()

        threading.Thread(target=interrupt, name="task-token", daemon=True).start()
        return wait(self, env=env, callback_endpoint=callback_endpoint, **more)

    _replace(task, "_eval_wait_for_task_token", wait_while_running)


def keep_objects_apart() -> None:
    """Write large objects where everything else of this cloud is: LocalStack has one folder for all clouds and users.

    There, deleting a bucket takes the place of the objects from another cloud's bucket of that name. Nobody cleans up.
    """
    from localstack.services.s3 import provider

    _replace(provider, "DEFAULT_S3_TMP_DIR", str(Path(tempfile.gettempdir()) / "s3"))


def transform_before_resolving() -> None:
    """Apply the SAM transform to a template as it is, as CloudFormation does: it makes resources that others refer to.

    LocalStack looks for snippets with macros first, and resolves every reference on the way, also to a role that only
    the transform will make. No template here has such snippets.
    """
    from localstack.services.cloudformation.engine.v2.change_set_model_transform import ChangeSetModelTransform

    _replace(ChangeSetModelTransform, "_execute_local_transforms", lambda self: None)


def tell_rules_the_keys_of_objects() -> None:
    """An event of S3 on the event bus has the object's key as it is, not as a URL has it.

    LocalStack encodes it as S3 does for its older notifications.
    """
    from localstack.services.s3.notifications import EventBridgeNotifier

    payload: Any = EventBridgeNotifier._get_event_payload

    def with_key(context: Any, config_id: Any = None) -> Any:
        return payload(dataclasses.replace(context, key_name=unquote(context.key_name)), config_id)

    _replace(EventBridgeNotifier, "_get_event_payload", staticmethod(with_key))


def start_executions_with_transformed_input() -> None:
    """A rule starts an execution with whatever its input transformer made of the event.

    LocalStack names the execution after the event's id, which it looks for in what the transformer made.
    """
    from localstack.services.events.target import StatesTargetSender

    def send_event(self: Any, event: Any, trace_header: Any) -> None:
        self.service = "stepfunctions"
        self.client.start_execution(stateMachineArn=self.target["Arn"], input=json.dumps(event))

    _replace(StatesTargetSender, "send_event", send_event)


def _replace(owner: object, name: str, value: object) -> None:
    """Set an attribute that must exist: a LocalStack that moved it must fail loudly, not silently misbehave."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner!r} has no {name}; this is not LocalStack 4.14")
    setattr(owner, name, value)
