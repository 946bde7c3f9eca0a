"""A local cloud with the project's stack in it: the pair that every command needs."""

from collections.abc import Callable

from autoflow.local import cloud, deploy
from autoflow.local.cloud import DEFAULT_PORT, Cloud
from autoflow.local.deploy import Stack
from autoflow.local.instance import Instance

__all__ = ["DEFAULT_PORT", "up"]


def up(port: int, progress: Callable[[str], None]) -> tuple[Cloud, Stack]:
    """The cloud on the port and its stack. What is missing is started; what was half started begins anew.

    When this is interrupted, nothing half-started remains.

    Raises:
        LocalCloudError: the port belongs to another program, or something does not start.
    """
    instance = Instance(port)
    with instance.locked(lambda: progress(f"Another autoflow is busy with the cloud on port {port}; waiting for it")):
        running = cloud.find(port)
        if running and (stack := deploy.deployed(running)):
            return cloud.start_locked(port), stack
        if running:
            progress(f"The cloud on port {port} has no stack; starting it anew")
        cloud.stop_locked(port)
        started = cloud.start_locked(port, progress=progress)
        try:
            progress("Deploying the project's template into it")
            return started, deploy.deploy(started)
        except BaseException:
            cloud.stop_locked(port)
            raise
