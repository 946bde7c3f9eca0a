"""No worker outlives the local cloud."""

import os
import signal
import time
from typing import TYPE_CHECKING

from autoflow.local import cloud as host
from tests.local.workers import engine_workers

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker


def test_workers_end_when_the_cloud_is_killed(aws: "SageMaker") -> None:
    with host.temporary(services=("s3", "sagemaker", "sts")) as cloud:
        s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
        s3.create_bucket(Bucket=aws.bucket)
        s3.put_object(Bucket=aws.bucket, Key="in/data.csv", Body=aws.table(aws.people(20_000)))
        sagemaker.create_auto_ml_job_v2(**aws.job_request("killed", "in/"))
        end = time.monotonic() + 60
        while len(engine_workers(cloud.mark)) < 2:  # the worker and the fit that it forked
            assert time.monotonic() < end
            time.sleep(0.05)
        os.kill(cloud.pid, signal.SIGKILL)
        end = time.monotonic() + 5
        while engine_workers(cloud.mark):
            assert time.monotonic() < end, "a worker outlives the cloud"
            time.sleep(0.05)
