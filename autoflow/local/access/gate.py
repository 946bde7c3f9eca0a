"""Every call that is made in a role's name: noted down where somebody asks for it, and refused unless its role may.

The owner ("test") and the cloud's own calls have no role and pass.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

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
_END = "</DeleteResult>"


def record_calls() -> None:
    """Note down every call in a role's name, if the environment asks for it."""
    if folder := os.environ.get(RECORDS_VARIABLE):
        handlers.serve_custom_service_request_handlers.append(_Recorder(Path(folder)))


def deny_calls() -> None:
    """Refuse what the caller's role may not, before the service sees it."""
    handlers.serve_custom_service_request_handlers.append(_deny)
    handlers.run_custom_response_handlers.append(_tell_refused_keys)


def denied(who: Caller, ask: Ask) -> str | None:
    """Why the caller may not, as AWS says it; None when it may."""
    rights = rights_of(who.role)
    reason = refusal(rights, ask) if rights else None
    return worded(who.session, ask, reason) if reason else None


def worded(session: str, ask: Ask, reason: str) -> str:
    """AWS's sentence for a caller that may not do what it asked for."""
    resource = f'"{ask.resource}"' if ask.action.startswith("s3:") else ask.resource
    message = f"User: {session} is not authorized to perform: {ask.action} on resource: {resource} {reason}"
    return message.replace(ask.action, ask.action.replace("sns:", "SNS:"))


def refused_by(service: str, message: str) -> CommonServiceException:
    """The error with which a service says that the caller may not."""
    code, status = _CODES.get(service, _JSON)
    return CommonServiceException(code, message, status, sender_fault=True)


def asked(context: RequestContext) -> list[Ask]:
    """What a request needs to be allowed; nothing for one that is none of an AWS API."""
    if context.service is None or context.operation is None:
        return []
    parameters: Any = context.service_request or {}
    # The account is the role's own: where a key is not LocalStack's, the gateway takes the default one.
    call = Call(
        context.service.service_name, context.operation.name, parameters, context.account_id, context.region or ""
    )
    return asks(call, Here(call.account, call.region))


def _deny(chain: Any, context: Any, response: Any) -> None:
    who = caller.of_request(context)
    if who is None:
        return
    refused = [(ask, message) for ask in asked(context) if (message := denied(who, ask))]
    if refused and context.operation.name == "DeleteObjects":
        _delete_the_others(chain, context, response, dict(refused))
        return
    for _, message in refused:
        raise refused_by(context.service.service_name, message)


def _delete_the_others(chain: Any, context: Any, response: Any, refused: dict[Ask, str]) -> None:
    """S3 answers for each key by itself: those that may be deleted are, the others are among the errors."""
    keys = {ask.resource.partition("/")[2]: message for ask, message in refused.items()}
    context.refused_keys = "".join(
        f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
        for key, message in keys.items()
    )
    delete = context.service_request["Delete"]
    if left := [each for each in delete["Objects"] if each["Key"] not in keys]:
        delete["Objects"] = left
    else:
        response.set_response(f'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{_END}')
        response.content_type = "application/xml"
        chain.stop()


def _tell_refused_keys(chain: Any, context: Any, response: Any) -> None:
    if (errors := context.get("refused_keys")) and response.status_code == 200:
        response.set_response(response.get_data(as_text=True).replace(_END, f"{errors}{_END}"))


class _Recorder:
    """One file per process, one JSON line for each different thing that was asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.environ.get(processes.MARK, 'cloud')}-{os.getpid()}.jsonl"
        self._seen: set[tuple[str, Ask]] = set()
        self._lock = threading.Lock()

    def __call__(self, chain: Any, context: Any, response: Any) -> None:
        who = caller.of_request(context)
        if who is None:
            return
        for ask in asked(context):
            if (who.role, ask) not in self._seen:
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
