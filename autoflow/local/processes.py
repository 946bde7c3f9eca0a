"""Find and end every process of one cloud, by process id.

Each cloud carries a random mark in its environment. Every process it starts inherits the mark, whatever session or
process group it moves to, and no other process ever has it. So a recycled process id is never mistaken for ours, and
what a ``kill -9`` of the cloud left behind is still found.
"""

import contextlib

import psutil

MARK = "AUTOFLOW_CLOUD"


def carries(process: psutil.Process, mark: str) -> bool:
    """Whether the process is alive and was started by the cloud with this mark."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def find(mark: str) -> list[psutil.Process]:
    """Every live process that carries the mark."""
    return [process for process in psutil.process_iter() if carries(process, mark)]


def end(mark: str) -> int:
    """Kill all processes with the mark and return how many there were.

    They are not asked first: a cloud has nothing to save, and its files are removed with it.
    """
    ended = set()
    # A process can start another one just before it ends, so look again until nothing is left.
    for _ in range(10):
        left = find(mark)
        if not left:
            break
        for process in left:
            ended.add(process.pid)
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)
    return len(ended)
