"""What a mocked Task answers, in the notation of Step Functions Local's mock file."""

import json
from typing import Any

Json = dict[str, Any]

RUN_URI = "s3://data/runs/digits-0a1b2c3d/"
JOB: Json = {
    "Name": "digits-0a1b2c3d",
    "Status": "InProgress",
    "SecondaryStatus": "TrainingModels",
    "HasCandidate": False,
    "Candidates": 0,
    "ElapsedSeconds": 60,
    "DeadlineSeconds": 5400,
    "AbandonSeconds": 9000,
    "WaitSeconds": 15,
    "Polls": 1,
    "FailureReason": "",
    "Progress": "Training models",
    "StartedAt": "2026-11-20T10:00:00+00:00",
}
ENDPOINT: Json = {
    "Name": "digits",
    "ConfigName": "digits-0a1b2c3d",
    "ConfigInService": "digits-0a1b2c3d",
    "PreviousConfigName": "",
    "Action": "Create",
    "Created": True,
    "Status": "InService",
    "FailureReason": "",
    "Restoring": False,
    "FailedConfigName": "",
    "Polls": 1,
    "WaitSeconds": 15,
    "ElapsedSeconds": 120,
    "DeadlineSeconds": 3600,
    "StartedAt": "2026-11-20T10:00:00+00:00",
}
DATASET: Json = {"S3Uri": f"{RUN_URI}data/test/", "TargetColumn": "digit", "RowColumn": "__row__"}
CALIBRATION: Json = {
    "Dataset": {**DATASET, "S3Uri": f"{RUN_URI}data/calibration/"},
    "OutputUri": f"{RUN_URI}proof/calibration/",
}
DATA: Json = {
    "ProblemType": "MulticlassClassification",
    "ObjectiveMetric": "Accuracy",
    "Rows": {"Read": 1797, "Train": 1400, "Calibration": 200, "Test": 197},
    "TrainUri": f"{RUN_URI}data/train/",
    "Confidence": {"Threshold": 0.9},
    "Calibration": CALIBRATION,
    "Test": {"Dataset": DATASET, "OutputUri": RUN_URI},
}
OTHER_ROWS: Json = {**DATA, "Scoring": {"Dataset": {"S3Uri": "s3://data/new.csv"}, "OutputUri": RUN_URI}}
STAGING: Json = {"Name": "digits-0a1b2c3d-staging", "Serverless": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}}
NO_CHAMPION: Json = {"Exists": False, "InService": False, "Comparable": False, "Reason": "first", "ConfigName": ""}
CHAMPION: Json = {
    "Exists": True,
    "InService": True,
    "Comparable": True,
    "Reason": "",
    "EndpointName": "digits",
    "ConfigName": "former",
    "ModelName": "digits-former",
    "OutputUri": f"{RUN_URI}proof/champion/",
    "Staging": {"Name": "digits-0a1b2c3d-champion", "Serverless": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}},
}
FORMER_TEST: Json = {
    "Dataset": {**DATASET, "S3Uri": "s3://data/runs/former/data/test/"},
    "OutputUri": f"{RUN_URI}proof/former-test/",
    "PredictionsUri": "s3://data/runs/former/",
}
PACKAGE: Json = {"Arn": "arn:package/digits/2", "GroupName": "digits", "Version": 2, "ApprovalStatus": "Approved"}
NOT_GOOD_ENOUGH: Json = {"Uri": f"{RUN_URI}evaluation.json", "Accepted": False, "Reason": "R2 0.1 is below 0.5"}
SCORING: Json = {"Rows": 197, "Accepted": 180, "Review": 17, "Quality": {"Rows": 197, "Metrics": {"Accuracy": 0.97}}}
CALIBRATED: Json = {"Uri": f"{RUN_URI}calibration.json", "Method": "Sigmoid", "Confidence": {"Threshold": 0.9}}
RESULT: Json = {"Run": "digits-0a1b2c3d", "Outcome": "Completed"}
LONG_CAUSE = json.dumps({"ExecutionArn": "arn:nested", "Error": "E", "Cause": '{"a": "b"} ' * 4_000})[:32_768]
"""As long as Step Functions lets a Cause be, and half as long again once it is written into state data."""
FAILURE: Json = {"Error": "WhatCleanUpSays", "Cause": "what people are told", "Removed": []}
EXPLAINED: Json = {"Error": "WhatExplainFailureSays", "Cause": "what people are told"}
TOLD: dict[str, Json] = {"automl": FAILURE, "deployment": EXPLAINED, "scoring": EXPLAINED}
"""What a machine fails with, whatever went wrong: what its Task makes of the error is mocked."""
ROWS: Json = {
    "OutputUri": RUN_URI,
    "EndpointName": "digits",
    "Scoring": "new-0a1b2c3d",
    "ModelName": "digits-0a1b2c3d",
    "Engine": "Endpoint",
    "PartCount": 2,
    "PartsToScore": 2,
    "Bucket": "data",
    "PartsKey": "runs/digits-0a1b2c3d/parts.json",
    "PartsAtOnce": 1,
    "ToleratedFailurePercentage": 0,
    "ToleratedFailurePercentageOfMap": 0,
    "Rows": 197,
    "Sent": 197,
    "HasTruth": True,
    "ModelUri": RUN_URI,
    "CalibrationUri": f"{RUN_URI}calibration.json",
    "Calibrate": False,
    "Predicted": False,
    "PredictionsUri": RUN_URI,
    "Confidence": {"Threshold": 0.9},
    "MaxConcurrency": 1,
    "MaxPayloadBytes": 4_000_000,
}
SERVING: Json = {
    "Name": "digits-0a1b2c3d",
    "ModelName": "digits-0a1b2c3d",
    "ModelUri": RUN_URI,
    "Engine": "Endpoint",
    "EndpointName": "digits",
    "Ready": True,
    "Keep": True,
    "Endpoint": {"Name": "digits", "Serverless": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}},
    "MaxConcurrency": 1,
    "MaxPayloadBytes": 4_000_000,
}
TRANSFORM_JOB: Json = {
    "Name": "new-0a1b2c3d",
    "Status": "InProgress",
    "FailureReason": "",
    "ElapsedSeconds": 60,
    "DeadlineSeconds": 5400,
    "WaitSeconds": 15,
}
ENDED: Json = {
    "Kind": "run",
    "Name": "digits",
    "Status": "ABORTED",
    "What": "run was stopped",
    "Execution": {"Id": "arn:execution", "Name": "digits", "StartTime": "2026-11-20T10:00:00.000Z"},
    "By": "arn:cleanup",
    "Error": "Aborted",
    "Cause": "stopped by the user",
    "Deployments": [],
    "Todo": "Tell",
    "WaitSeconds": 15,
    "Left": 0,
}
CLEANED_UP: Json = {
    "Error": "Aborted",
    "Cause": "stopped by the user",
    "Removed": ["model digits"],
    "Left": [],
    "Lasting": [],
}
PARTS: Json = {"Rows": 197, "Accepted": 180, "Review": 17, "Usage": {"LambdaRequests": 4}}
PART: Json = {"Part": 0, "Rows": 100, "Accepted": 90, "Review": 10}


def run(*, keep: bool = True, approval: str = "Automatic") -> Json:
    return {
        "Name": "digits-0a1b2c3d",
        "Uri": RUN_URI,
        "Endpoint": {"Name": "digits", "Keep": keep},
        "Staging": STAGING,
        "Approval": approval,
        "ApprovalTimeoutSeconds": 604800,
    }


def job(status: str, **changes: Any) -> Json:
    return result({**JOB, "Status": status, **changes})


def endpoint(status: str, **changes: Any) -> Json:
    return result({**ENDPOINT, "Status": status, **changes})


def transform_job(status: str, **changes: Any) -> Json:
    return result({**TRANSFORM_JOB, "Status": status, **changes})


def settled(todo: str, **changes: Any) -> Json:
    return result({**ENDED, "Todo": todo, **changes})


def result(value: Any) -> Json:
    """A function returned the value."""
    return {"Return": {"StatusCode": 200, "Payload": value}}


def succeeded(output: Json) -> Json:
    """A nested execution ended with the output."""
    return {"Return": {"ExecutionArn": "arn:nested", "Status": "SUCCEEDED", "Output": output}}


def throw(error: str, cause: str = "something to read") -> Json:
    return {"Throw": {"Error": error, "Cause": cause}}


def deployed(outcome: str = "InService", reason: str = "", **changes: Any) -> Json:
    """A nested deployment ended with the outcome."""
    return succeeded({"Endpoint": {**ENDPOINT, **changes}, "Outcome": outcome, "Reason": reason})


def answered(status: str, reason: str) -> Json:
    """A person's answer came back with the task token."""
    return {"Return": {"Status": status, "Reason": reason}}


def raised(error: str, message: str) -> Json:
    """A function raised the error: what Lambda makes of it is the Cause."""
    return throw(error, json.dumps({"errorType": error, "errorMessage": message}))


USUAL: dict[str, dict[str, Json]] = {
    "automl": {
        "Validate Request": result(run()),
        "Transform Data": result(DATA),
        "Find Previous Model": result({"Found": False}),
        "Create AutoML Job": result(JOB),
        "Get AutoML Job": job("Completed", HasCandidate=True),
        "Stop AutoML Job": result(JOB),
        "Select Best Candidate": result({"Name": "c1", "Metric": "Accuracy", "Value": 0.97}),
        "Create Model": result({"Name": "digits-0a1b2c3d", "Containers": 1}),
        "Deploy to Staging": deployed(Name=STAGING["Name"]),
        "Score Calibration Split": succeeded(SCORING),
        "Calibrate Model": result(CALIBRATED),
        "Score Test Split": succeeded(SCORING),
        "Find Champion": result(NO_CHAMPION),
        "Deploy Champion": deployed(Name=CHAMPION["Staging"]["Name"]),
        "Score Champion": succeeded(SCORING),
        "Score Former Test Split": succeeded(SCORING),
        "Evaluate Model": result({"Uri": f"{RUN_URI}evaluation.json", "Accepted": True, "Reason": ""}),
        "Remove Staging": result({"Removed": []}),
        "Register Model": result(PACKAGE),
        "Wait for Approval": answered("Approved", "package/digits/2 was approved"),
        "Deploy Model": deployed(),
        "Score Dataset": succeeded(SCORING),
        "Retire Model": result({"Removed": [], "Left": []}),
        "Remove Endpoint": result({**ENDPOINT, "Status": "Deleted"}),
        "Write Report": result({"Uri": f"{RUN_URI}report.html"}),
        "Publish Results": result(RESULT),
        "Notify Success": {"Return": {"MessageId": "m"}},
        "Clean Up": result(FAILURE),
        "Notify Failure": {"Return": {"MessageId": "m"}},
    },
    "deployment": {
        "Create Endpoint": endpoint("Creating", ConfigInService=""),
        "Get Endpoint": endpoint("InService"),
        "Test Endpoint": result({"Rows": 5}),
        "Configure Auto Scaling": result({"MinInstanceCount": 1, "MaxInstanceCount": 4}),
        "Roll Back Endpoint": endpoint("Deleted", Reason="because"),
        "Explain Failure": result(EXPLAINED),
    },
    "scoring": {
        "Find Model": result(SERVING),
        "Prepare Rows": result(ROWS),
        "Deploy Endpoint": deployed(),
        "Create Transform Job": result(TRANSFORM_JOB),
        "Get Transform Job": transform_job("Completed"),
        "Stop Transform Job": transform_job("Stopping"),
        "Invoke Endpoint": result({"Part": 0, "Rows": 100}),
        "Read Transform Output": result({"Part": 0, "Rows": 100}),
        "Filter Predictions": result(PART),
        "Collect Parts": result(PARTS),
        "Calibrate Model": result(CALIBRATED),
        "Measure Predictions": result({"All": {"Rows": 197}, "Accepted": {"Rows": 180}}),
        "Remove Endpoint": result({**ENDPOINT, "Status": "Deleted"}),
        "Summarize Scoring": result(SCORING),
        "Explain Failure": result(EXPLAINED),
    },
    "cleanup": {
        "Settle Execution": settled("Tell"),
        "Clean Up": result(CLEANED_UP),
        "Notify Failure": {"Return": {"MessageId": "m"}},
    },
    "part": {
        "Invoke Endpoint": result({"Part": 0, "Rows": 100}),
        "Read Transform Output": result({"Part": 0, "Rows": 100}),
        "Filter Predictions": result(PART),
    },
}
