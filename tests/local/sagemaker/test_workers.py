"""No worker outlives the local cloud."""

import os
import signal
import time
from typing import TYPE_CHECKING

import psutil

from autoflow.local import cloud as host
from autoflow.local.sagemaker.workers import Worker
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


def test_a_worker_that_does_not_heed_is_killed_after_its_time() -> None:
    before = set(psutil.Process().children())
    worker = Worker("autoflow.local.engine.train")
    try:
        [process] = set(psutil.Process().children()) - before
        process.suspend()
        end = time.monotonic() + 30
        while process.status() != psutil.STATUS_STOPPED:  # of two signals at once it may heed the second one first
            assert time.monotonic() < end
            time.sleep(0.01)
        worker.ask_to_end(3)
        assert not worker.ends_within(0.5), "what is held cannot heed"
        assert worker.ends_within(60)
    finally:
        worker.close()
