"""Select Best Candidate: ranks all candidates under the request's constraints and writes the leaderboard."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, storage
from automl.job import candidates
from automl.run_files import RunFiles
from automl.telemetry import Event, task

S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data", "Job"}`` → ``$.Candidate``; writes leaderboard.json and candidate.json."""
    files, job_name, metric = RunFiles(event["Run"]["Uri"]), event["Job"]["Name"], event["Data"]["ObjectiveMetric"]
    constraints = storage.read_json(S3, files.request)["Selection"]
    description = SAGEMAKER.describe_auto_ml_job_v2(AutoMLJobName=job_name)
    found = candidates.with_best(candidates.list_candidates(SAGEMAKER, job_name), description)
    direction = candidates.direction(found, metric)
    ranked = candidates.rank(found, direction, constraints.get("MaxInferenceLatencySeconds"))
    failures = candidates.partial_failures(description)
    board = candidates.leaderboard(job_name, metric, direction, constraints, ranked, failures)
    storage.write_json(S3, files.leaderboard, board)
    best = candidates.select(ranked, job_name, failures)
    storage.write_json(S3, files.candidate, candidates.as_json(best.candidate))
    return candidates.summary(best, ranked, metric, direction)
