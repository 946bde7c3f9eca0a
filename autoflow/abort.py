"""Undo a run that is under way: stop its execution and remove what it had made."""

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from autoflow import leftovers
from autoflow.errors import CommandError, InterruptedCommandError
from autoflow.execution import Execution
from autoflow.upload import Uploads


def after_ctrl_c(uploads: Uploads, execution: Execution | None, console: Console, word: str = "run") -> str:
    """Undo what the command began. A second Ctrl-C ends this at once, too.

    Returns:
        What a person may do with what stays on purpose, to be said after all is undone; empty when nothing stays.

    Raises:
        InterruptedCommandError: it came too late, or something could not be removed.
    """
    console.print(f"Stopping the {word} and removing what it made; Ctrl-C again leaves it as it is")
    name = execution.name if execution else f"the {word}"
    try:
        if execution:
            status = execution.stop()
            if status == "SUCCEEDED":
                raise InterruptedCommandError(_too_late(execution))
            _check_ended(execution, status)
            clean_up(execution, console)
        uploads.delete()
        resuming = leftovers.resuming(execution) if execution else ""
        return f". Finished parts stay; {resuming} scores the others" if resuming else ""
    except InterruptedCommandError:
        raise
    except KeyboardInterrupt:
        how = f"{execution.stack.command('stop', name)} removes it" if execution else "it expires with the uploads"
        raise InterruptedCommandError(f"stopped at once; what {name} had made is still there: {how}") from None
    except (CommandError, BotoCoreError, ClientError) as error:
        raise InterruptedCommandError(
            f"stopped, but what {name} had made could not be removed: {error}. Look for its name in SageMaker"
        ) from error


def end(execution: Execution, console: Console) -> None:
    """Undo a run that another command started.

    Raises:
        CommandError: it had ended, or something could not be removed.
    """
    status = execution.describe()["status"]
    if status == "RUNNING":
        status = execution.stop()
    if status not in ("ABORTED", "RUNNING"):
        raise CommandError(f"{execution.name} had ended ({status}) before it could be stopped; what it made stays")
    _check_ended(execution, status)
    clean_up(execution, console)


def clean_up(execution: Execution, console: Console) -> None:
    """Remove what a stopped execution had made, and say what that was.

    Raises:
        CommandError: something had to stay, or the stack is too old to do it.
    """
    removed = leftovers.removed(execution)
    console.print(Text(f"Removed: {', '.join(removed)}" if removed else "There was nothing to remove"))


def _too_late(execution: Execution) -> str:
    if execution.is_scoring:
        again = execution.stack.command("follow", execution.name)
        return f"Ctrl-C came too late: {execution.name} had succeeded; {again} brings its results here"
    return (
        f"Ctrl-C came too late: {execution.name} had succeeded, its endpoint is in service, and its results are in S3"
    )


def _check_ended(execution: Execution, status: str) -> None:
    if status == "RUNNING":
        raise CommandError(f"the execution {execution.name} does not end, although it was told to")
