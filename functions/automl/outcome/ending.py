"""The end of an execution that failed: what it made is taken away, and a run's result says why it failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl import storage
from automl.chores import Chores
from automl.deployment.endpoint_services import EndpointServices
from automl.failures import Failure, unwrap
from automl.outcome import cleanup, cost, leftovers, results
from automl.outcome.histories import last_moments
from automl.outcome.settling import RUN, SCORING
from automl.run_files import RunFiles

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

Document = dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """Cleans up after executions of a stack."""

    services: EndpointServices
    s3: "S3Client"
    sfn: "SFNClient"
    lambda_client: "LambdaClient"
    bucket: str

    def of_failed_run(self, state: Mapping[str, Any]) -> Document:
        """``$.Failure`` of a run that caught an error, as :meth:`after` answers it.

        Args:
            state: the run's state data, of which any part may be missing.

        Raises:
            ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
        """
        return self._end_run(cleanup.sound(state), unwrap(state.get("Error")), Chores(), ())

    def after(self, ended: Mapping[str, Any], before: Sequence[str]) -> Document:
        """Clean up after an execution that could not do it itself. Again is safe.

        Args:
            ended: what Settle Execution said of it.
            before: what was removed before.

        Returns:
            ``Error``, ``Cause``, ``Removed`` (by now), ``Left``, and what of it is ``Lasting``: not worth another try.

        Raises:
            ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
        """
        last = last_moments(self.sfn, ended["Execution"]["Id"]).state
        state = cleanup.sound(last or {"Execution": ended["Execution"], "Input": {}})
        failure, chores = Failure(ended["Error"], ended["Cause"]), Chores()
        leftovers.take_back(self.services, ended["Deployments"], chores)
        if ended["Kind"] == RUN:
            return self._end_run(state, failure, chores, before)
        if ended["Kind"] == SCORING:
            leftovers.of_scoring(self.services, state, chores)
        return _told(failure, chores, before)

    def _end_run(self, state: Mapping[str, Any], failure: Failure, chores: Chores, before: Sequence[str]) -> Document:
        run = cleanup.run_of(state, self.bucket)
        cleanup.CleanUp(self.services, self.s3, run, chores).perform(state, failure.error)
        failure = failure.with_unfinished(chores.left)
        now = datetime.now(UTC)
        spent = cost.known_cost(self.sfn, self.lambda_client, state, now, chores.removed)
        told = _told(failure, chores, [*state.get("Failure", {}).get("Removed", []), *before])
        document = results.failed(state, run, failure, told["Removed"], spent, now)
        storage.write_json(self.s3, RunFiles(run["Uri"]).result, document)
        return told


def _told(failure: Failure, chores: Chores, before: Sequence[str]) -> Document:
    removed = list(dict.fromkeys([*before, *chores.removed]))
    said = {"Error": failure.error, "Cause": failure.cause, "Removed": removed}
    return {**said, "Left": chores.left, "Lasting": chores.lasting}
