"""The smoke test: a few of the run's own rows, sent to the endpoint as scoring will send them."""

from typing import TYPE_CHECKING

from automl.errors import InvalidRequest, PredictionMismatch
from automl.objectives import REGRESSION
from automl.scoring.answers import finite
from automl.scoring.inference import invoke
from automl.scoring.responses import parse_answer
from automl.scoring.served_model import how_to_ask, in_service
from automl.storage import exists, read_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


def smoke_test(
    sagemaker: "SageMakerClient", runtime: "SageMakerRuntimeClient", s3: "S3Client", endpoint_name: str
) -> int:
    """Send the smoke rows of the run that made the endpoint's model and return how many were answered.

    Raises:
        InvalidRequest: the rows are gone.
        EndpointFailed: the model breaks on the rows.
        PredictionMismatch: there is not one readable record for each row.
    """
    model = in_service(sagemaker, endpoint_name)
    told = how_to_ask(s3, model.name, model.run)
    if not exists(s3, model.run.smoke_rows):
        raise InvalidRequest(
            f"{model.run.smoke_rows} is gone, so model {model.name!r} cannot be tested; restore it, or train anew"
        )
    body = read_bytes(s3, model.run.smoke_rows)
    rows = len(body.splitlines())
    records = parse_answer(invoke(runtime, endpoint_name, body), told["ResponseKeys"], rows)
    for number, record in enumerate(records):
        if not _readable(record[0], told["ProblemType"]):
            raise PredictionMismatch(
                f"Endpoint {endpoint_name!r} answered {record[0]!r} to smoke row {number}, which is no prediction for "
                f"{told['ProblemType']}; see its log group /aws/sagemaker/Endpoints/{endpoint_name} and deploy again"
            )
    return rows


def _readable(prediction: str, problem_type: str) -> bool:
    if problem_type != REGRESSION:
        return bool(prediction.strip())
    return finite(prediction) is not None
