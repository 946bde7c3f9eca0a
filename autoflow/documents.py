"""JSON in what AWS hands on as text."""

import json
from typing import Any


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that the text is; empty when it is anything else."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
