"""The command line. Everything for people goes to standard error, except what a command was asked to print."""

import functools
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand
from typer.exceptions import TyperException

from autoflow.errors import CommandError, InterruptedCommandError, RunError, UsageError
from autoflow.interrupts import Notes, heeded
from autoflow.local.cloud import DEFAULT_PORT
from autoflow.local.errors import LocalCloudError

app = typer.Typer(
    name="autoflow",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From a CSV to a deployed model and the predictions it is sure of: on this machine, or in an AWS account.",
)

notes = Notes()
out = Console()

Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the local cloud.")]
StackName = Annotated[str | None, typer.Option("--stack", help="Deployed stack to use instead of the local cloud.")]


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into a message for people, a JSON document if asked for, and an exit status."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with heeded():
                return function(*arguments, **options)
        except (LocalCloudError, BotoCoreError, ClientError) as error:
            failure = CommandError(str(error))
        except CommandError as error:
            failure = error
        except KeyboardInterrupt:
            failure = InterruptedCommandError("stopped by Ctrl-C")
        _tell(failure)
        if options.get("as_json"):
            _print_json(failure.document())
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
                _print_json(UsageError(error.format_message()).document())
            raise


@app.command()
@command
def demo(
    folder: Annotated[Path, typer.Argument(help="Where data and results go.")] = Path("autoflow-demo"),
    max_runtime: Annotated[int, typer.Option(min=10, help="Seconds the AutoML job may take.")] = 60,
    port: Port = DEFAULT_PORT,
) -> None:
    """Run everything on this machine, on real data: handwritten digits."""
    from autoflow import demo as digits
    from autoflow import run as runs
    from autoflow.stack import in_local_cloud

    digits.introduce(notes)
    data = digits.write_digits(folder)
    stack = in_local_cloud(port, _note)
    outcome = runs.run(stack, digits.request(data, max_runtime), notes, folder)
    runs.show(out, outcome, [_program(), *digits.command(data, max_runtime), *stack.options.split()])
    digits.conclude(out, outcome)


@app.command(cls=JsonCommand)
@command
def run(
    data: Annotated[str | None, typer.Argument(help="File, folder of files, or s3:// URI to learn from.")] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column that identifies a row.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of the CSV, when it cannot be detected.")] = None,
    score: Annotated[str | None, typer.Option(help="Rows to predict; without it, the run's own test rows.")] = None,
    problem_type: Annotated[
        str | None, typer.Option(help="Regression, BinaryClassification or MulticlassClassification.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="Metric that ranks the candidates, e.g. RMSE, AUC, F1.")] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Probability from which a prediction is accepted without a person.")
    ] = None,
    max_runtime: Annotated[int | None, typer.Option(help="Seconds the AutoML job may take.")] = None,
    max_candidates: Annotated[int | None, typer.Option(help="Models to try at most.")] = None,
    input_file: Annotated[
        Path | None, typer.Option("--input", help="Request as JSON (see events/); options win over it.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the results; default: the run's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print result.json, and nothing else, on stdout.")] = False,
    stack: StackName = None,
    port: Port = DEFAULT_PORT,
) -> None:
    """Learn from data, deploy the best model, and predict."""
    from autoflow import request as requests
    from autoflow import run as runs

    options = requests.Options(
        data=data,
        target=target,
        id_column=id_column,
        delimiter=delimiter,
        score=score,
        problem_type=problem_type,
        objective=objective,
        min_confidence=min_confidence,
        max_runtime=max_runtime,
        max_candidates=max_candidates,
    )
    request = requests.build(options, input_file)
    runs.check_paths(request, output)
    outcome = runs.run(_stack(stack, port), request, notes, output)
    if as_json:
        _print_json(outcome.result)
    else:
        runs.show(out, outcome, [_program(), *sys.argv[1:]])


@app.command()
@command
def up(port: Port = DEFAULT_PORT) -> None:
    """Start the local cloud and deploy the project's template into it."""
    stack = _stack(None, port)
    print(f"The {stack.title} is up. Its data bucket is {stack.bucket}.")
    print(f"Other tools reach it with AWS_ENDPOINT_URL=http://127.0.0.1:{port}")


@app.command()
@command
def down(port: Port = DEFAULT_PORT) -> None:
    """End the local cloud with everything in it: runs, models, endpoints, data."""
    from autoflow.local import cloud

    ended = cloud.stop(port)
    print(f"The local cloud on port {port} is down" if ended else f"No local cloud runs on port {port}")


@app.command()
@command
def status() -> None:
    """Show the local clouds with their runs and endpoints."""
    from autoflow import status as statuses

    statuses.show(out)


@app.command()
@command
def logs(
    run: Annotated[str, typer.Argument(help="Name of the run or of its execution.")],
    stack: StackName = None,
    port: Port = DEFAULT_PORT,
) -> None:
    """Show what the functions of a run logged."""
    from autoflow import logs as entries

    entries.show(out, entries.entries(_running_stack(stack, port), run))


def main() -> None:
    """Entry point of ``autoflow``."""
    app()


def _stack(name: str | None, port: int) -> Any:
    from autoflow import stack as stacks

    return stacks.in_aws(name) if name else stacks.in_local_cloud(port, _note)


def _running_stack(name: str | None, port: int) -> Any:
    """As :func:`_stack`, but a local cloud is not started for it."""
    from autoflow.local import cloud

    if not name and not cloud.find(port):
        raise UsageError(f"no local cloud runs on port {port}; its logs ended with it")
    return _stack(name, port)


def _print_json(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _note(text: str) -> None:
    notes.print(text, markup=False, highlight=False, soft_wrap=True)


def _program() -> str:
    """What to type for this program, in commands that people are to copy."""
    return "autoflow" if shutil.which("autoflow") else sys.argv[0]


def _tell(error: CommandError) -> None:
    notes.print(f"[bold red]{error.name}[/]: ", end="", highlight=False)
    notes.print(str(error), markup=False, highlight=False, soft_wrap=True)
    if isinstance(error, RunError):
        hint = f"The functions' logs: {_program()} logs {error.run}{error.options}"
        notes.print(hint, style="dim", markup=False, highlight=False, soft_wrap=True)
