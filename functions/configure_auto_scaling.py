"""Configure Auto Scaling: lets the endpoint's instances follow its load."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.deployment import endpoint_configs, scaling
from automl.errors import EndpointFailed
from automl.telemetry import Event, task

SAGEMAKER = clients.sagemaker()
AUTO_SCALING = clients.application_autoscaling()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Input", "Endpoint"}`` → ``$.Scaling``. The deployment's config tells what was asked for."""
    name, config_name = event["Endpoint"]["Name"], event["Endpoint"]["ConfigName"]
    config = endpoint_configs.find(SAGEMAKER, config_name)
    if config is None or config.scaling is None:
        raise EndpointFailed(f"Config {config_name!r} of endpoint {name!r} tells of no auto scaling; deploy again")
    scaling.configure(AUTO_SCALING, name, config.scaling)
    return {"MinInstanceCount": config.scaling.min_instances, "MaxInstanceCount": config.scaling.max_instances}
