"""What SageMaker tells CloudWatch about every invocation. Collected here, sent once a second: nobody waits for it."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from localstack.aws.connect import connect_to

from autoflow.local.sagemaker.state import Account, Document, now

_log = logging.getLogger(__name__)

_NAMESPACE = "AWS/SageMaker"
_INTERVAL_SECONDS = 1.0
_Key = tuple[tuple[str, str], ...]
"""Dimensions, and the metric under the name "Metric"."""


@dataclass
class _Statistics:
    """Of the values since the last sending."""

    count: int = 0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, value: float) -> None:
        self.count, self.total = self.count + 1, self.total + value
        self.low, self.high = min(self.low, value), max(self.high, value)


@dataclass
class _Recorder:
    account: Account
    values: dict[_Key, _Statistics] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        name = f"sagemaker-metrics-{self.account.account_id}-{self.account.region}"
        threading.Thread(target=self._send_for_ever, name=name, daemon=True).start()

    def add(self, dimensions: dict[str, str], metrics: dict[str, float]) -> None:
        with self.lock:
            for metric, value in metrics.items():
                key = (("Metric", metric), *dimensions.items())
                self.values.setdefault(key, _Statistics()).add(value)
        self.wanted.set()

    def _send_for_ever(self) -> None:
        while True:
            self.wanted.wait()
            time.sleep(_INTERVAL_SECONDS)
            self.wanted.clear()
            with self.lock:
                values, self.values = self.values, {}
            try:
                self._send([_datum(key, statistics) for key, statistics in values.items()])
            except Exception as error:  # a cloud without the cloudwatch service, or one that is ending
                _log.debug("cannot put metrics of endpoints: %s", error)

    def _send(self, data: list[Document]) -> None:
        cloudwatch: Any = connect_to(
            aws_access_key_id=self.account.account_id, region_name=self.account.region
        ).cloudwatch
        cloudwatch.put_metric_data(Namespace=_NAMESPACE, MetricData=data)


def _datum(key: _Key, statistics: _Statistics) -> Document:
    (_, metric), *dimensions = key
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
        "Timestamp": now(),
        "Unit": "Microseconds" if metric.endswith("Latency") else "None",
        "StatisticValues": {
            "SampleCount": statistics.count,
            "Sum": statistics.total,
            "Minimum": statistics.low,
            "Maximum": statistics.high,
        },
    }


_recorders: dict[tuple[str, str], _Recorder] = {}
_recorders_lock = threading.Lock()


def invoked(account: Account, place: tuple[str, str, str], status: int, seconds: float, overhead: float) -> None:
    """Record one invocation; returns at once.

    Args:
        account: the endpoint's.
        place: names of the endpoint, the variant and the endpoint config that answered.
        status: HTTP status of the answer; 0 for none in time.
        seconds: that the container took.
        overhead: seconds that the endpoint took beside that.
    """
    key = account.account_id, account.region
    with _recorders_lock:
        if key not in _recorders:
            _recorders[key] = _Recorder(account)
        recorder = _recorders[key]
    metrics = {
        "Invocations": 1.0,
        "Invocation4XXErrors": float(400 <= status < 500),
        "Invocation5XXErrors": float(status == 0 or status >= 500),
        "ModelLatency": seconds * 1e6,
        "OverheadLatency": overhead * 1e6,
    }
    dimensions = dict(zip(("EndpointName", "VariantName"), place[:2], strict=True))
    recorder.add(dimensions, metrics)
    # So that an alarm can watch one fleet of an update.
    recorder.add(dimensions | {"EndpointConfigName": place[2]}, metrics)
