"""Every call that is made in a role's name: noted down where somebody asks for it, and refused unless its role may.

The owner ("test") and the cloud's own calls have no role and pass.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any

from localstack.aws import handlers
from localstack.aws.api import CommonServiceException, RequestContext

from autoflow.local import processes
from autoflow.local.access import caller
from autoflow.local.access.asks import Call, asks
from autoflow.local.access.caller import Caller
from autoflow.local.access.facts import Here
from autoflow.local.access.policies import Ask, refusal
from autoflow.local.access.roles import rights_of

RECORDS_VARIABLE = "AUTOFLOW_ACCESS_RECORDS"
"""In the cloud's environment: folder for what was asked for. Nothing is noted without it."""
_CODES = {
    "cloudwatch": ("AccessDenied", 403),
    "lambda": ("AccessDeniedException", 403),
    "s3": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 403),
}
"""How a service answers who may not: error code and HTTP status."""
_JSON = ("AccessDeniedException", 400)
"""How all the others do."""


def record_calls() -> None:
    """Note down every call in a role's name, if the environment asks for it."""
    if folder := os.environ.get(RECORDS_VARIABLE):
        handlers.serve_custom_service_request_handlers.append(_Recorder(Path(folder)))


def deny_calls() -> None:
    """Refuse what the caller's role may not, before the service sees it."""
    handlers.serve_custom_service_request_handlers.append(_deny)


def denied(who: Caller, ask: Ask) -> str | None:
    """Why the caller may not, as AWS says it; None when it may."""
    rights = rights_of(who.role)
    reason = refusal(rights, ask) if rights else None
    if reason is None:
        return None
    resource = f'"{ask.resource}"' if ask.action.startswith("s3:") else ask.resource
    return f"User: {who.session} is not authorized to perform: {ask.action} on resource: {resource} {reason}"


def _asked(context: RequestContext) -> tuple[Caller | None, list[Ask]]:
    """Who calls, and what for; nothing for a request that is none of an AWS API, or not in a role's name."""
    if context.service is None or context.operation is None:
        return None, []
    who = caller.of_request(context)
    if who is None:
        return None, []
    parameters: Any = context.service_request or {}
    # The account is the role's own: where a key is not LocalStack's, the gateway takes the default one.
    call = Call(
        context.service.service_name, context.operation.name, parameters, context.account_id, context.region or ""
    )
    return who, asks(call, Here(call.account, call.region))


def _deny(chain: Any, context: Any, response: Any) -> None:
    who, wanted = _asked(context)
    for ask in wanted:
        if who and (message := denied(who, ask)):
            code, status = _CODES.get(context.service.service_name if context.service else "", _JSON)
            raise CommonServiceException(code, message, status, sender_fault=True)


class _Recorder:
    """One file per process, one JSON line for each different thing that was asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.environ.get(processes.MARK, 'cloud')}-{os.getpid()}.jsonl"
        self._seen: set[tuple[str, Ask]] = set()
        self._lock = threading.Lock()

    def __call__(self, chain: Any, context: Any, response: Any) -> None:
        who, wanted = _asked(context)
        for ask in wanted:
            if who and (who.role, ask) not in self._seen:
                self._note(who, ask)

    def _note(self, who: Caller, ask: Ask) -> None:
        line = {
            "Role": who.role,
            "Known": rights_of(who.role) is not None,
            "Action": ask.action,
            "Resource": ask.resource,
            "Keys": {key: list(values) for key, values in sorted(ask.keys)},
            "Denied": denied(who, ask),
        }
        with self._lock:
            self._seen.add((who.role, ask))
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")
