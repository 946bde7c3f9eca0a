"""Create Model: the candidate's containers, told to answer with all that scoring needs."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, storage
from automl.job import jobs
from automl.lineage import models
from automl.run_files import RunFiles
from automl.telemetry import Event, task

SETTINGS = environment.read(models.ModelSettings)
S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data", "Candidate"}`` → ``$.Model``; writes model.json."""
    run, problem_type, candidate = event["Run"], event["Data"]["ProblemType"], event["Candidate"]["Name"]
    files = RunFiles(run["Uri"])
    containers = storage.read_json(S3, files.candidate)["InferenceContainers"]
    containers, keys = models.inference_containers(candidate, containers, problem_type)
    vpc = jobs.vpc_config(SETTINGS.subnet_ids, SETTINGS.security_group_ids)
    request = models.model_request(run["Name"], run["Uri"], containers, SETTINGS.sagemaker_role_arn, vpc)
    models.create_model(SAGEMAKER, request, run["Uri"])
    mode = storage.read_json(S3, files.request)["AutoML"]["Mode"]
    features = storage.read_json(S3, files.recipe)["Features"]
    document = models.model_document(run["Name"], candidate, mode, problem_type, keys, len(containers), features)
    storage.write_json(S3, files.model, document)
    return {"Name": run["Name"], "Containers": len(containers)}
