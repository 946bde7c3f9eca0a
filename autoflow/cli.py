"""The command line. Everything for people goes to standard error, except what a command was asked to print."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from autoflow import options
from autoflow.command import JsonCommand, command, note, notes, out, print_json
from autoflow.errors import UsageError
from autoflow.local.cloud import DEFAULT_PORT
from autoflow.stack import program

app = typer.Typer(
    name="autoflow",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From a CSV to a deployed model and the predictions it is sure of: on this machine, or in an AWS account.",
)


@app.command()
@command
def demo(
    folder: Annotated[Path, typer.Argument(help="Where data and results go.")] = Path("autoflow-demo"),
    max_runtime: Annotated[int, typer.Option(min=10, help="Seconds the AutoML job may take.")] = 60,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Run everything on this machine, on real data: handwritten digits."""
    from autoflow import demo as digits
    from autoflow import run as runs
    from autoflow.stack import in_local_cloud

    digits.introduce(notes)
    data = digits.write_digits(folder)
    stack = in_local_cloud(port, note)
    outcome = runs.run(stack, digits.request(data, max_runtime), notes, folder)
    runs.show(out, outcome, [program(), *digits.command(data, max_runtime), *stack.options.split()])
    digits.conclude(out, outcome, stack)


@app.command(cls=JsonCommand)
@command
def run(
    data: Annotated[str | None, typer.Argument(help="File, folder of files, or s3:// URI to learn from.")] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    id_column: options.IdColumn = None,
    delimiter: options.Delimiter = None,
    score: Annotated[str | None, typer.Option(help="Rows to predict; without it, the run's own test rows.")] = None,
    problem_type: Annotated[
        str | None, typer.Option(help="Regression, BinaryClassification or MulticlassClassification.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="Metric that ranks the candidates, e.g. RMSE, AUC, F1.")] = None,
    max_runtime: Annotated[int | None, typer.Option(help="Seconds the AutoML job may take.")] = None,
    max_candidates: Annotated[int | None, typer.Option(help="Models to try at most.")] = None,
    input_file: Annotated[
        Path | None, typer.Option("--input", help="Request as JSON (see events/); options win over it.")
    ] = None,
    min_confidence: options.MinConfidence = None,
    target_precision: options.TargetPrecision = None,
    certainty: options.Certainty = None,
    max_interval_width: options.MaxIntervalWidth = None,
    level: options.Level = None,
    minimum: options.Minimum = None,
    margin: options.Margin = None,
    no_champion: options.NoChampion = False,
    approval: options.Approvals = None,
    endpoint_name: options.EndpointName = None,
    detach: options.Detach = False,
    output: options.Output = None,
    as_json: options.AsJson = False,
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Learn from data, deploy the best model, and predict."""
    from autoflow import request as requests
    from autoflow import run as runs

    if detach and (as_json or output):
        raise UsageError("--detach ends before there are results: give --json and --output to `autoflow follow`")
    said = requests.Options(
        data=data,
        target=target,
        id_column=id_column,
        delimiter=delimiter,
        score=score,
        problem_type=problem_type,
        objective=objective,
        max_runtime=max_runtime,
        max_candidates=max_candidates,
        min_confidence=min_confidence,
        target_precision=target_precision,
        certainty=certainty,
        max_interval_width=max_interval_width,
        level=level,
        minimum=dict(minimum) if minimum else None,
        margin=margin,
        must_beat_champion=False if no_champion else None,
        approval=approval,
        endpoint_name=endpoint_name,
    )
    request = requests.build(said, input_file)
    runs.check_paths(request, output)
    if not stack:
        requests.check_local(request)
    if detach:
        begun = runs.begin(_stack(stack, port), request, notes)
        note(f"It goes on by itself; {begun.stack.command('follow', begun.name)} shows how")
        out.verbatim(begun.name)
        return
    outcome = runs.run(_stack(stack, port), request, notes, output)
    if as_json:
        print_json(outcome.result)
    else:
        runs.show(out, outcome, [program(), *sys.argv[1:]])


@app.command(cls=JsonCommand)
@command
def score(
    data: options.ScoredData = None,
    endpoint: options.ScoringEndpoint = None,
    id_column: options.IdColumn = None,
    target: options.TruthColumn = None,
    delimiter: options.Delimiter = None,
    min_confidence: options.MinConfidence = None,
    target_precision: options.TargetPrecision = None,
    certainty: options.Certainty = None,
    max_interval_width: options.MaxIntervalWidth = None,
    level: options.Level = None,
    engine: options.ScoringEngine = None,
    keep: options.KeepEndpoint = None,
    tolerate: options.Tolerate = None,
    resume: options.Resume = None,
    output: options.Output = None,
    as_json: options.AsJson = False,
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Predict rows with a model that was learned before."""
    from autoflow import request as requests
    from autoflow import score as scorings

    said = requests.Options(
        data=data,
        target=target,
        id_column=id_column,
        delimiter=delimiter,
        min_confidence=min_confidence,
        target_precision=target_precision,
        certainty=certainty,
        max_interval_width=max_interval_width,
        level=level,
        endpoint_name=endpoint,
        engine=engine.request if engine else None,
        keep=keep,
        tolerate=tolerate,
    )
    request = requests.of_options(said)
    scorings.check(request, output, resume)
    where = _running_stack(stack, port, "its models went with it: `autoflow run` learns one there")
    outcome = scorings.score(where, request, notes, output, resume)
    if as_json:
        print_json(outcome.result)
    else:
        scorings.show(out, where, outcome, [program(), *sys.argv[1:]])


@app.command(cls=JsonCommand)
@command
def follow(
    run: options.RunOrScoring,
    output: options.Output = None,
    as_json: options.AsJson = False,
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Show a run or a scoring that was started before until it ends, and bring its results here."""
    from autoflow import lookup, results
    from autoflow import run as runs
    from autoflow import score as scorings

    results.check(output or Path())
    where = _running_stack(stack, port)
    execution = lookup.execution_named(where, run)
    outcome = (scorings if execution.is_scoring else runs).attend(execution, notes, output)
    if as_json:
        print_json(outcome.result)
    elif isinstance(outcome, runs.Outcome):
        runs.show(out, outcome)
    else:
        scorings.show(out, where, outcome)


@app.command()
@command
def stop(run: options.RunOrScoring, stack: options.StackName = None, port: options.Port = DEFAULT_PORT) -> None:
    """End a run or a scoring that is under way and remove what it made."""
    from autoflow import abort, lookup

    abort.end(lookup.execution_named(_running_stack(stack, port), run), notes)


@app.command()
@command
def approve(
    run: options.Run,
    comment: options.Comment = "",
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Let the model of a run that waits for approval come into service."""
    _answer(run, "Approved", comment, stack, port)


@app.command()
@command
def reject(
    run: options.Run,
    comment: options.Comment = "",
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Keep the model of a run that waits for approval out of service."""
    _answer(run, "Rejected", comment, stack, port)


@app.command()
@command
def report(
    run: options.Run,
    output: Annotated[Path | None, typer.Option(help="Folder for report.html.")] = None,
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Open a run's report, or say where it is."""
    from autoflow import report as reports

    path = reports.fetch(_running_stack(stack, port), run, output)
    reports.open_in_browser(path)
    out.verbatim(str(path))


@app.command("filter", cls=JsonCommand)
@command
def filter_(
    run: options.RunOrScoring,
    min_confidence: options.MinConfidence = None,
    target_precision: options.TargetPrecision = None,
    certainty: options.Certainty = None,
    max_interval_width: options.MaxIntervalWidth = None,
    level: options.Level = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the results; default: they stay in S3.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scoring.json, and nothing else, on stdout.")] = False,
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Choose anew which predictions of a run or a scoring are accepted: without inference, and without touching it."""
    from autoflow import filtering, summary
    from autoflow import request as requests

    said = requests.Options(
        min_confidence=min_confidence,
        target_precision=target_precision,
        certainty=certainty,
        max_interval_width=max_interval_width,
        level=level,
    )
    confidence = requests.confidence(said)
    scoring = filtering.apply(_running_stack(stack, port), run, confidence, notes, output)
    if as_json:
        print_json(scoring)
    else:
        summary.show_scoring(out, scoring, output)


@app.command()
@command
def up(port: options.Port = DEFAULT_PORT) -> None:
    """Start the local cloud and deploy the project's template into it."""
    stack = _stack(None, port)
    out.verbatim(f"The {stack.title} is up. Its data bucket is {stack.bucket}.")
    out.verbatim(f"Other tools reach it with AWS_ENDPOINT_URL=http://127.0.0.1:{port}")


@app.command()
@command
def down(port: options.Port = DEFAULT_PORT) -> None:
    """End the local cloud with everything in it: runs, models, endpoints, data."""
    from autoflow.local import cloud

    ended = cloud.stop(port)
    out.verbatim(f"The local cloud on port {port} is down" if ended else f"No local cloud runs on port {port}")


@app.command()
@command
def status() -> None:
    """Show the local clouds with their runs, scorings and endpoints."""
    from autoflow import status as statuses

    statuses.show(out)


@app.command()
@command
def logs(
    run: options.RunOrScoring,
    stack: options.StackName = None,
    port: options.Port = DEFAULT_PORT,
) -> None:
    """Show what the functions of a run or a scoring logged."""
    from autoflow import logs as entries

    entries.show(out, entries.entries(_running_stack(stack, port), run))


def main() -> None:
    """Entry point of ``autoflow``."""
    app()


def _stack(name: str | None, port: int) -> Any:
    from autoflow import stack as stacks

    return stacks.in_aws(name) if name else stacks.in_local_cloud(port, note)


def _running_stack(name: str | None, port: int, loss: str = "its runs and their logs ended with it") -> Any:
    """As :func:`_stack`, but a local cloud is not started for it: that would not bring back what ended with it."""
    from autoflow.local import cloud

    if not name and not cloud.find(port):
        raise UsageError(f"no local cloud runs on port {port}; {loss}")
    return _stack(name, port)


def _answer(run: str, status: str, comment: str, stack: str | None, port: int) -> None:
    from autoflow import approval

    out.verbatim(approval.answer(_running_stack(stack, port), run, status, comment))
