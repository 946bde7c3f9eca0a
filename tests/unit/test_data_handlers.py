"""Each data handler with its sample event, in the order of the states, on a dataset like the samples' one."""

import io
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import collect_parts
import filter_predictions
import invoke_endpoint
import measure_predictions
import prepare_rows
import pytest
import summarize_scoring
import transform_data

from automl import schema
from automl.errors import InvalidDataset, InvalidRequest
from automl.storage import read_json, write_bytes, write_json

ROOT = Path(__file__).parents[2]
URI = "s3://data-bucket/runs/abalone-0a1b2c3d/"
REQUEST = {
    "Dataset": {"S3Uri": "s3://data-bucket/datasets/abalone.csv", "TargetColumn": "Rings"},
    "Transform": {"Filter": "Height > 0", "Derive": {}, "Drop": [], "Calibration": 0.1, "Test": 0.1},
    "Confidence": {"Threshold": 0.9, "IsDefault": True},
}


def event(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return document


def put_run(s3: Any) -> None:
    numbers = random.Random(1)
    rows = "".join(f"{numbers.choice('MFI')},{numbers.random():.3f},{numbers.randint(1, 29)}\n" for _ in range(1000))
    write_bytes(s3, REQUEST["Dataset"]["S3Uri"], f"Sex,Height,Rings\n{rows}".encode())  # type: ignore[index]
    write_json(s3, f"{URI}request.json", REQUEST)


def serve(s3: Any) -> None:
    model = {"ProblemType": "Regression", "ResponseKeys": ["prediction"], "Features": ["Sex", "Height"]}
    write_json(s3, f"{URI}model.json", model)


class Runtime:
    """An endpoint that predicts ten times the height."""

    def invoke_endpoint(self, Body: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        heights = [float(record.split(b",")[1]) for record in Body.splitlines()]
        return {"Body": io.BytesIO("".join(f"{height * 10}\n" for height in heights).encode())}


def test_from_dataset_to_summary(data_bucket: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put_run(data_bucket)
    monkeypatch.setattr(invoke_endpoint, "RUNTIME", Runtime())

    data = transform_data.handler(event("transform_data"), lambda_context)
    serve(data_bucket)
    rows = prepare_rows.handler(event("prepare_rows"), lambda_context)
    answered = invoke_endpoint.handler(event("invoke_endpoint"), lambda_context)
    part = filter_predictions.handler(event("filter_predictions"), lambda_context)
    parts = collect_parts.handler({"State": {**event("collect_parts")["State"], "Rows": rows}}, lambda_context)
    evaluation = measure_predictions.handler(event("measure_predictions"), lambda_context)
    state = {**event("summarize_scoring")["State"], "Parts": parts, "Evaluation": evaluation}
    state["Input"]["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"] = "arn:parent"  # which counts what the scoring costs
    summary = summarize_scoring.handler({"State": state}, lambda_context)

    assert data["ProblemType"] == "Regression"
    assert rows["Rows"] == answered["Rows"] == part["Accepted"] == data["Rows"]["Test"]
    assert set(rows) == set(event("invoke_endpoint")["Rows"])
    assert set(evaluation["All"]["Metrics"]) == {"RMSE", "MSE", "MAE", "R2"}
    assert set(parts) == set(event("summarize_scoring")["State"]["Parts"])
    assert summary["Rows"] == parts["Rows"] == rows["Rows"]
    assert read_json(data_bucket, f"{rows['OutputUri']}result.json") == summary
    schema.check(summary, "scoring", "the summary")


def test_a_standalone_scoring_gets_a_folder_of_its_own(data_bucket: Any, lambda_context: Any) -> None:
    put_run(data_bucket)
    transform_data.handler(event("transform_data"), lambda_context)
    serve(data_bucket)
    asked = event("prepare_rows")
    del asked["Input"]["OutputUri"]

    rows = prepare_rows.handler(asked, lambda_context)

    assert rows["OutputUri"].startswith("s3://data-bucket/scorings/new-abalone-")
    assert rows["OutputUri"] == prepare_rows.handler(asked, lambda_context)["OutputUri"]


def test_errors_keep_their_names(data_bucket: Any, lambda_context: Any) -> None:
    put_run(data_bucket)
    data_bucket.delete_object(Bucket="data-bucket", Key="datasets/abalone.csv")
    misspelt = event("prepare_rows")
    misspelt["Input"]["Datset"] = misspelt["Input"].pop("Dataset")

    with pytest.raises(InvalidDataset, match="no object at s3://data-bucket/datasets/abalone"):
        transform_data.handler(event("transform_data"), lambda_context)
    with pytest.raises(InvalidRequest, match="Did you mean 'Dataset'"):
        prepare_rows.handler(misspelt, lambda_context)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("invoke_endpoint", ["polars", "sklearn", "numpy"]),
        ("filter_predictions", ["polars", "sklearn", "numpy"]),
        ("summarize_scoring", ["polars", "sklearn", "numpy"]),
        ("measure_predictions", ["polars"]),
        ("transform_data", ["sklearn"]),
        ("prepare_rows", ["sklearn"]),
    ],
)
def test_a_function_imports_only_what_its_layers_hold(module: str, absent: list[str]) -> None:
    code = f"import sys, {module}; sys.exit(', '.join(set({absent!r}) & set(sys.modules)) or 0)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "functions", capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
