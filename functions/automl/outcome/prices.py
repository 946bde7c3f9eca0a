"""What AWS asks for what a run uses: prices.json, beside this module."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KNOWN_REGION = "us-east-1"
_TABLE = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Prices:
    """The prices of one region, in US dollars. What is not in the table is None, which nobody may take for nothing."""

    title: str
    """Region and date, and whose region they stand in for."""
    state_transition: float
    lambda_request: float
    lambda_gb_second: Mapping[str, float]
    """By architecture."""
    serverless_second: Mapping[int, float]
    """By the endpoint's memory in MB."""
    endpoint_hour: Mapping[str, float]
    transform_hour: Mapping[str, float]


@functools.cache
def table() -> dict[str, Any]:
    """The whole table as it is in the file."""
    document: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return document


def of_region(region: str) -> Prices:
    """The region's prices, or those of us-east-1, saying so."""
    known = table()["Regions"]
    title = f"{region if region in known else KNOWN_REGION}, {table()['Date']}"
    if region not in known:
        title += f" (the table has none of {region})"
    prices = known.get(region, known[KNOWN_REGION])
    return Prices(
        title,
        prices["StateTransition"],
        prices["LambdaRequest"],
        prices["LambdaGBSecond"],
        {int(memory): price for memory, price in prices["ServerlessEndpointSecond"].items()},
        prices["EndpointInstanceHour"],
        prices["TransformInstanceHour"],
    )
