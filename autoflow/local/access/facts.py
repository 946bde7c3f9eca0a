"""What authorization must know of the local services beyond a request."""

from collections.abc import Mapping
from dataclasses import dataclass

from localstack.services.s3.models import S3DeleteMarker, s3_stores
from localstack.services.stepfunctions.backend.store import sfn_stores

from autoflow.local.sagemaker.state import STATE


@dataclass(frozen=True)
class Here:
    """The services of this process, for one account and region."""

    account: str
    region: str

    def tags(self, arn: str) -> Mapping[str, str]:
        """Tags of a resource of SageMaker; none of what is not there."""
        return dict(STATE.account(self.account, self.region).tags.get(arn, {}))

    def has_object(self, bucket: str, key: str) -> bool:
        """Whether the object is there, and not only a marker of its deletion."""
        store = s3_stores[self.account][self.region]
        owner = s3_stores[store.global_bucket_map.get(bucket, self.account)][self.region]
        found = owner.buckets[bucket].objects.get(key) if bucket in owner.buckets else None
        return found is not None and not isinstance(found, S3DeleteMarker)

    def machine_of_token(self, token: str) -> str | None:
        """ARN of the state machine whose execution waits with the task token; None when nobody waits."""
        for execution in list(sfn_stores[self.account][self.region].executions.values()):
            if execution.exec_worker and execution.exec_worker.env.callback_pool_manager.get(token):
                return str(execution.state_machine_arn)
        return None
