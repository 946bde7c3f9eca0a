"""Validate Request: checks the execution input, fills in the stack's defaults and names the run."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, request, runs, storage
from automl.run_files import RunFiles
from automl.telemetry import Event, task

DEFAULTS = environment.read(request.Defaults)
S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Input", "Execution"}`` → ``$.Run``; writes request.json."""
    execution = event["Execution"]
    name = runs.run_name(execution)
    resolved = request.resolve(event["Input"], DEFAULTS, name)
    files = RunFiles(runs.run_uri(DEFAULTS.data_bucket, name))
    storage.write_json(S3, files.request, resolved)
    return {
        "Name": name,
        "Uri": files.uri,
        "StartedAt": execution["StartTime"],
        "Endpoint": resolved["Endpoint"],
        "Staging": request.staging(resolved, DEFAULTS, name),
        "Approval": resolved["Approval"],
        "ApprovalTimeoutSeconds": resolved["ApprovalTimeoutSeconds"],
    }
