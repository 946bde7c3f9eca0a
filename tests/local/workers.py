"""Which training and inference workers of a cloud are alive."""

import contextlib

import psutil

from autoflow.local import processes


def engine_workers(mark: str) -> list[str]:
    """Command lines of the live workers; one that ends while it is looked at is not alive."""
    lines = []
    for process in processes.find(mark):
        with contextlib.suppress(psutil.Error):
            lines.append(" ".join(process.cmdline()))
    return [line for line in lines if "autoflow.local.engine" in line]
