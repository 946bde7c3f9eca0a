"""What a command uploads and starts, and how an interrupt undoes it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.status import Status
from rich.text import Text

from autoflow import abort
from autoflow.errors import InterruptedCommandError
from autoflow.execution import Execution
from autoflow.interrupts import HangUp, held
from autoflow.request import Request
from autoflow.stack import Stack
from autoflow.upload import Uploads, is_uri


@dataclass
class Attempt:
    """What a command has uploaded and started, which an interrupt undoes."""

    stack: Stack
    console: Console
    launch: Callable[[Stack, Request], Execution]
    """Starts the execution of a request whose data are in S3."""
    word: str = "run"
    """What people call that which is started."""
    uploads: Uploads = field(init=False)
    execution: Execution | None = None

    def __post_init__(self) -> None:
        self.uploads = Uploads(self.stack)

    def start(self, request: Request) -> Execution:
        """Upload what is local and start the execution."""
        sent = _upload(self.uploads, request, self.console)
        # An execution that nobody knows of could not be stopped.
        with held():
            self.execution = self.launch(self.stack, sent)
        about = f"{self.word.capitalize()} [bold]{self.execution.name}[/] in the {self.stack.title}"
        self.console.print(about, highlight=False)
        return self.execution

    @contextlib.contextmanager
    def undone_when_interrupted(self) -> Iterator[None]:
        """Undo everything when an interrupt ends the block; when it fails before anything started, the uploads.

        Raises:
            InterruptedCommandError: it was interrupted.
        """
        try:
            yield
        except KeyboardInterrupt as interrupt:
            execution = self.execution
            # A person who is asked may go home.
            if isinstance(interrupt, HangUp) and execution and execution.waiting:
                raise InterruptedCommandError(f"nobody looks any more; {execution.name} waits for approval") from None
            hint = abort.after_ctrl_c(self.uploads, execution, self.console, self.word)
            raise InterruptedCommandError(
                f"stopped by Ctrl-C; nothing of the {self.word} is left running{hint}"
            ) from None
        except Exception:
            if self.execution is None:
                with contextlib.suppress(BotoCoreError, ClientError):
                    self.uploads.delete()
            raise


def data_uris(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Section and S3Uri, as it was given. What is no section is left to the machine, which refuses it."""
    for section in ("Dataset", "Scoring"):
        value = request.get(section)
        if isinstance(value, dict) and value.get("S3Uri"):
            yield section, str(value["S3Uri"])


def _upload(uploads: Uploads, request: Mapping[str, Any], console: Console) -> Request:
    """The request with everything local replaced by where it was put."""
    sent = dict(request)
    for section, data in data_uris(request):
        if is_uri(data):
            continue
        with console.status(Text(f"Uploading {data}")) as status:

            def tell(done: int, total: int, name: str = data, line: Status = status) -> None:
                line.update(Text(f"Uploading {name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB"))

            sent[section] = {**request[section], "S3Uri": uploads.put(data, tell)}
    return sent
