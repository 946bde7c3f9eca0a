"""What all commands have in common: where they write, and what becomes of that which they raise."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from autoflow.errors import CommandError, InterruptedCommandError, RunError, UsageError
from autoflow.interrupts import Notes, Page, heeded
from autoflow.local.errors import LocalCloudError
from autoflow.stack import program

notes = Notes()
out = Page()


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into a message for people, a JSON document if asked for, and an exit status."""

    @functools.wraps(function)
    def run(*arguments: Any, **given: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with heeded():
                return function(*arguments, **given)
        except (LocalCloudError, BotoCoreError, ClientError) as error:
            failure = CommandError(str(error))
        except CommandError as error:
            failure = error
        except KeyboardInterrupt:
            failure = InterruptedCommandError("stopped by Ctrl-C")
        _tell(failure)
        if given.get("as_json"):
            print_json(failure.document())
        raise typer.Exit(failure.exit_status)

    return run


class JsonCommand(TyperCommand):
    """A command with ``--json``: options that cannot be read are a JSON document, too."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        as_json = "--json" in args
        try:
            return super().make_context(info_name, args, *more, **extra)
        except TyperException as error:
            if as_json:
                print_json(UsageError(error.format_message()).document())
            raise


def print_json(document: Mapping[str, Any]) -> None:
    """Write a document for programs."""
    out.verbatim(json.dumps(document, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Write a line for people."""
    notes.print(text, markup=False, highlight=False, soft_wrap=True)


def _tell(error: CommandError) -> None:
    notes.print(f"[bold red]{error.name}[/]: ", end="", highlight=False)
    notes.print(str(error), markup=False, highlight=False, soft_wrap=True)
    if isinstance(error, RunError):
        hint = f"The functions' logs: {program()} logs {error.run}{error.options}"
        notes.print(hint, style="dim", markup=False, highlight=False, soft_wrap=True)
