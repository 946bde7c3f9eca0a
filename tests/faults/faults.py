"""Set faults in a local cloud, and see which have happened."""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from autoflow.local.cloud import Cloud
from autoflow.local.faults import PATH

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def control(cloud: Cloud, method: str, body: object = None) -> dict[str, Any]:
    """The cloud's answer over the path on which faults are set."""
    data = None if body is None else json.dumps(body).encode()
    with _DIRECT.open(urllib.request.Request(cloud.url + PATH, data, method=method), timeout=60) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


def set_faults(cloud: Cloud, *rules: Mapping[str, Any]) -> None:
    """These faults and no other from now on; what has happened is forgotten."""
    control(cloud, "DELETE")
    control(cloud, "POST", rules)


def happened(cloud: Cloud) -> dict[str, int]:
    """Name of each fault that is set → how often it has happened."""
    return {rule["Name"]: rule["Fired"] for rule in control(cloud, "GET")["Rules"]}


def seen(cloud: Cloud) -> set[str]:
    """Names of the faults that were set and have seen one of their calls at least."""
    return {rule["Name"] for rule in control(cloud, "GET")["Rules"] if rule["Seen"]}
