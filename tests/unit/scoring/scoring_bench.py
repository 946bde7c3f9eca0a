"""A scoring from dataset to accepted and review, with an endpoint whose model is a formula on the rows it is sent."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import boto3

from automl import schema
from automl.data.recipe import from_request
from automl.proof.metrics import measure
from automl.run_files import RunFiles
from automl.scoring.inference import score_part
from automl.scoring.part_results import collect_parts, finish_part
from automl.scoring.predictions import filter_part, read_rule
from automl.scoring.prepare import prepare_rows
from automl.scoring.summary import summarize
from automl.storage import list_objects, read_bytes, read_json, write_bytes, write_json
from automl.usage import Meter

OUTPUT = "s3://data-bucket/out/"
RUN = RunFiles("s3://data-bucket/runs/r/")
SERVING = {
    "Name": "r",
    "ModelName": "model",
    "ModelUri": RUN.uri,
    "Engine": "Endpoint",
    "EndpointName": "served",
    "Endpoint": {"Name": "served", "Serverless": {"MemorySizeInMB": 3072, "MaxConcurrency": 3}},
    "MaxConcurrency": 3,
    "MaxPayloadBytes": 4_000_000,
}
TYPES = {"key": "string", "age": "integer", "city": "string", "old": "boolean"}
CLASSES = ["predicted_label", "probability", "probabilities", "labels"]
Formula = Callable[[list[str]], str]


def of_age(record: list[str]) -> str:
    """A classification by the first feature: the older, the surer that ``old`` is true."""
    sure = min(1.0, int(record[0]) / 100)
    return f"{sure > 0.5},{max(sure, 1 - sure)},\"[{1 - sure}, {sure}]\",\"['False', 'True']\""


class Runtime:
    """An endpoint: one line of answer for one line of request."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula
        self.requests = 0

    def invoke_endpoint(self, EndpointName: str, Body: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        assert EndpointName == "served"
        self.requests += 1
        records = csv.reader(io.StringIO(Body.decode(), newline=""))
        return {"Body": io.BytesIO("".join(f"{self._formula(record)}\n" for record in records).encode())}


def serve(s3: Any, problem_type: str = "BinaryClassification", keys: Sequence[str] = CLASSES, **transform: Any) -> Any:
    """A served model whose run knows its recipe; the SageMaker client."""
    request = {"Dataset": {"TargetColumn": "old", "IdColumn": "key"}, "Transform": transform}
    recipe = from_request(request, TYPES)
    write_json(s3, RUN.recipe, recipe.document(problem_type))
    write_json(
        s3,
        RUN.model,
        {"ProblemType": problem_type, "ResponseKeys": list(keys), "Features": list(recipe.features)},
    )
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model(
        ModelName="model",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/sagemaker",
        PrimaryContainer={"Image": "image", "ModelDataUrl": "s3://data-bucket/model"},
        Tags=[{"Key": "autopilot-flow:run", "Value": RUN.uri}],
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName="config",
        ProductionVariants=[
            {
                "VariantName": "all",
                "ModelName": "model",
                "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 3},
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName="served", EndpointConfigName="config")
    return sagemaker


def put(s3: Any, text: str, name: str = "new.csv") -> dict[str, str]:
    write_bytes(s3, f"s3://data-bucket/in/{name}", text.encode())
    return {"S3Uri": f"s3://data-bucket/in/{name}"}


def prepared(s3: Any, sagemaker: Any, dataset: dict[str, str], output: str = OUTPUT, **request: Any) -> dict[str, Any]:
    document = {"Endpoint": {"Name": "served"}, "Dataset": dataset, **request}
    schema.check(document, "scoring-request", "the execution input")
    return prepare_rows(s3, document, SERVING, "new", output, 0.9)


def score(s3: Any, rows: dict[str, Any], formula: Formula) -> dict[str, Any]:
    for part in to_score(s3, rows):
        runtime: Any = Runtime(formula)
        score_part(runtime, s3, rows, part)
    return judged(s3, rows)


def to_score(s3: Any, rows: dict[str, Any]) -> list[int]:
    """The items of the Distributed Map."""
    numbers: list[int] = read_json(s3, f"s3://{rows['Bucket']}/{rows['PartsKey']}")
    return numbers


class Context:
    """What a handler's context says of the function."""

    memory_limit_in_mb = 2048


def judged(s3: Any, rows: dict[str, Any]) -> dict[str, Any]:
    """The scoring of predictions that are there."""
    context: Any = Context()
    for part in to_score(s3, rows):
        finish_part(s3, rows, filter_part(s3, rows, part), {}, Meter(context))
    parts = collect_parts(s3, {"Rows": rows, "Execution": {"StartTime": "2026-01-01T00:00:00.000Z"}})
    document = summarize(rows, parts, measure(s3, rows) if rows["HasTruth"] else {}, read_rule(s3, rows))
    schema.check(document, "scoring", "the summary")
    return document


def table(s3: Any, folder: str) -> list[list[str]]:
    """Header and rows of all objects in the folder."""
    tables = [
        list(csv.reader(io.StringIO(read_bytes(s3, stored.uri).decode(), newline="")))
        for stored in list_objects(s3, folder)
    ]
    return [tables[0][0], *(row for part in tables for row in part[1:])]
