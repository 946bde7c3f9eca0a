"""Errors of the command line, by what the caller's shell learns of them."""


class CommandError(Exception):
    """The command cannot do what was asked (exit status 1). The message says why and what to do."""

    exit_status = 1
    name = "CommandFailed"

    def document(self) -> dict[str, str]:
        """What ``--json`` prints instead of result.json."""
        return {"Outcome": "Failed", "Error": self.name, "Cause": str(self)}


class UsageError(CommandError):
    """The command was asked for something impossible (exit status 2): options, files, names."""

    exit_status = 2
    name = "InvalidUsage"


class InterruptedCommandError(CommandError):
    """Ctrl-C, or what counts as one, ended the command. The exit status is what shells use for it."""

    exit_status = 130
    name = "Aborted"


class RunError(CommandError):
    """The execution ended without a result.

    Args:
        error: the state machine's error name.
        cause: what went wrong, where, and what to do.
        run: the execution's name.
        options: what to write after a command to mean the same stack.
    """

    BAD_INPUT = frozenset({"InvalidRequest", "InvalidDataset"})

    def __init__(self, error: str, cause: str, run: str, options: str = "") -> None:
        super().__init__(cause)
        self.name = error
        self.run = run
        self.options = options
        self.exit_status = 2 if error in self.BAD_INPUT else 1

    def document(self) -> dict[str, str]:
        return {"Run": self.run, **super().document()}


class ScoringError(RunError):
    """As RunError, of an execution that only scores."""

    def document(self) -> dict[str, str]:
        return {"Scoring": self.run, **CommandError.document(self)}
