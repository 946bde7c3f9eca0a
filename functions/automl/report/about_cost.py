"""The section about what the run costs."""

from collections.abc import Mapping
from typing import Any

from automl.report.blocks import Block, Missing, Table, Text, numeric
from automl.report.documents import Document
from automl.report.wording import count, dollars, duration, number


def cost(document: Document) -> list[Block]:
    """What AWS asks for the run up to this report, what goes on costing, and what is not in it."""
    if document.content is None:
        return [Missing(document.missing)]
    found = document.content
    lines = [[name, used, dollars(found["USD"][key])] for key, name, used in _parts(found)]
    lines.append(["Together", "", dollars(found["USD"]["Total"])])
    caption = "Used up to this report, and its price in US dollars"
    return [
        Text(f"About {dollars(found['USD']['Total'])} on AWS up to this report, by the prices of {found['Prices']}."),
        Text(_afterwards(found["EndpointUSDPerHour"])),
        Table(caption, ["Service", "Used", "Price"], lines, numeric(2, 2), len(lines) - 1),
        Text(f"Not included: {'; '.join(found['NotIncluded'])}."),
    ]


def _parts(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    requests = count(found["LambdaRequests"], "request")
    used = [
        ("StepFunctions", "Step Functions", count(found["StateTransitions"], "state transition")),
        ("Lambda", "Lambda", f"{requests}, {number(found['LambdaGBSeconds'])} GB-seconds"),
    ]
    stood_by = {"EndpointSeconds": "of requests", "EndpointInstanceSeconds": "of instances"}
    endpoints = [f"{duration(found[key])} {what}" for key, what in stood_by.items() if key in found]
    if endpoints:
        used.append(("Endpoint", "Endpoints", ", ".join(endpoints)))
    if "TransformInstanceSeconds" in found:
        used.append(("Transform", "Transform jobs", f"{duration(found['TransformInstanceSeconds'])} of instances"))
    return used


def _afterwards(hourly: float | None) -> str:
    if hourly is None:
        return "The endpoint that is kept costs more every hour; the price table does not know how much."
    if hourly:
        return f"The endpoint that is kept costs {dollars(hourly)} more every hour until it is removed."
    return "Nothing that the run leaves behind costs while it is idle."
