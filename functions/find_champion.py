"""Find Champion: which model the new one has to beat, and how that one can be asked."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment
from automl.lineage import champion, models
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(models.ModelSettings)
S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data", "Model"}`` → ``$.Champion``."""
    found = champion.find_champion(SAGEMAKER, S3, event["Run"], event["Data"], SETTINGS)
    logger.info(
        "champion is looked up", extra={key: found.get(key) for key in ("Exists", "Comparable", "Reason", "Run")}
    )
    return found
