"""A worker lives no longer than the process that started it, even when that one is killed."""

import os
import select
import signal
import threading


def end_with(fd: int, signal_group: bool = False) -> None:
    """End this process as soon as ``fd`` reaches its end: the other end of the pipe is held by the owner.

    Args:
        fd: read end of the pipe.
        signal_group: end the whole process group (this process leads it), not only this process.
    """

    def watch() -> None:
        while os.read(fd, 4096):
            pass
        if signal_group:
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="owner-watch", daemon=True).start()


def wait_for(child: int, pipe: int, owner: int, timeout: float | None) -> int | None:
    """The exit status of a child process, or None when ``timeout`` seconds passed and it still runs.

    Ends this process, and the child with it, when the owner goes away.

    Args:
        child: process id.
        pipe: read end of a pipe whose write end only the child holds.
        owner: read end of the pipe from the owner.
        timeout: seconds; None waits for ever.
    """
    ready, _, _ = select.select([pipe, owner], [], [], timeout)
    if owner in ready:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    if pipe not in ready:
        return None
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
