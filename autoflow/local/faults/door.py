"""The gateway's part: calls that meet a fault, and the path over which faults are set.

``POST /_autoflow/faults`` takes a rule or a list of them (see :data:`autoflow.local.faults.rules.SCHEMA`), ``GET``
tells all rules with how many calls each has seen and how often it has happened; ``DELETE`` forgets them.
"""

import functools
import http.client
import io
import time
from typing import Any

from localstack.aws import handlers
from localstack.aws.api import RequestContext
from localstack.services.edge import ROUTER
from rolo import Request, Response
from rolo.gateway import HandlerChain

from autoflow.local.access import caller, gate
from autoflow.local.faults import PATH, answers, connections
from autoflow.local.faults.rules import Call, InvalidRule, Rule, Rules

_REPEATED = "X-Autoflow-Repeated"
"""Header of a request that this cloud sends to itself: it meets no fault."""


def open_door() -> None:
    """Offer the path, and look at every call from now on."""
    rules = Rules()
    connections.watch()
    ROUTER.add(PATH, functools.partial(_control, rules), methods=["GET", "POST", "DELETE"])
    handlers.serve_custom_service_request_handlers.append(_Before(rules))
    handlers.run_custom_response_handlers.append(_after)


def _control(rules: Rules, request: Request, **_: Any) -> Response:
    if request.method == "DELETE":
        rules.clear()
    if request.method == "POST":
        document: Any = request.get_json(force=True, silent=True)
        try:
            rules.add(document if isinstance(document, list) else [document])
        except InvalidRule as error:
            return Response.for_json({"Error": str(error)}, status=400)
    return Response.for_json(rules.document)


class _Before:
    """Request handler: what happens to a call before the service gets it."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def __call__(self, chain: HandlerChain[Any], context: RequestContext, response: Response) -> None:
        if not (context.service and context.operation) or _REPEATED in context.request.headers:
            return
        who = caller.of_request(context)
        call = Call(context.service.service_name, context.operation.name, who.role if who else None)
        rule = self.rules.meet(call, context.service_request or {})
        match rule.kind if rule else None:
            case "Throttled":
                raise answers.throttled(call)
            case "Refused":
                session = who.session if who else f"arn:aws:iam::{context.account_id}:root"
                raise answers.refused(call, session, gate.asked(context)[0])
            case "Reset":
                _reset(context)
                chain.terminate()
            case "Twice":
                _send_before(context)
            case "Lost" | "Slow":
                context.autoflow_fault = rule


def _after(chain: HandlerChain[Any], context: RequestContext, response: Response) -> None:
    """Response handler: what happens to an answer."""
    fault: Rule | None = context.get("autoflow_fault")
    if fault and fault.kind == "Slow":
        time.sleep(fault.seconds)
    elif fault:
        _reset(context)


def _reset(context: RequestContext) -> None:
    connections.reset(int(context.request.environ["REMOTE_PORT"]))


def _send_before(context: RequestContext) -> None:
    """Let the service do all the work once before it gets the call that is answered."""
    environ: Any = context.request.environ
    call: Any = context.service_request
    payload = call["Payload"].read() if "Payload" in call else b""
    call["Payload"] = io.BytesIO(payload)
    connection = http.client.HTTPConnection(environ["SERVER_NAME"], int(environ["SERVER_PORT"]), timeout=900)
    try:
        headers = {**dict(context.request.headers), _REPEATED: "1"}
        connection.request(context.request.method, environ["RAW_URI"], payload, headers)
        connection.getresponse().read()
    finally:
        connection.close()
