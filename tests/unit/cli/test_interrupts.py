"""Whatever ends a command, it ends as with Ctrl-C."""

import os
import signal
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from autoflow.interrupts import HangUp, Notes, Page, heeded, held
from tests.unit.cli.conftest import SIGNALS

pytestmark = pytest.mark.usefixtures("heard")


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_every_end_is_a_ctrl_c(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt) as ended, heeded():
        send(number)
    assert isinstance(ended.value, HangUp) == (number == signal.SIGHUP)
    assert signal.getsignal(number) == signal.SIG_DFL


def test_what_nohup_has_us_ignore_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with heeded():
        send(signal.SIGHUP)
        with held():
            send(signal.SIGHUP)


def test_a_closed_terminal_is_told_several_times_and_heeded_once() -> None:
    undone = False
    with heeded():
        try:
            send(signal.SIGHUP)
        except KeyboardInterrupt:
            send(signal.SIGHUP)
            undone = True
    assert undone


@pytest.mark.parametrize("number", SIGNALS)
def test_what_must_not_be_torn_is_done_first(number: signal.Signals) -> None:
    done = False
    with pytest.raises(KeyboardInterrupt), heeded(), held():  # noqa: PT012
        send(number)
        done = True
    assert done


def test_a_second_ctrl_c_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), held():  # noqa: PT012
        send(signal.SIGINT)
        send(signal.SIGINT)
        pytest.fail("went on")


class Gone(StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def notes_to(error: OSError) -> Console:
    notes = Notes()
    notes.file = Gone(error)
    return notes


def test_a_reader_that_has_seen_enough_ends_the_command_and_does_not_disturb_its_end() -> None:
    notes = notes_to(BrokenPipeError())
    with pytest.raises(HangUp):
        notes.print("progress")
    notes.print("what was removed")


GO_ON_WITHOUT_TERMINAL = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from autoflow.command import out, print_json
sys.stdin.readline()
out.print("summary")
print_json({"Run": "r"})
out.print("more")
"""


def test_results_are_no_error_when_the_terminal_that_was_to_show_them_is_gone() -> None:
    """GIVEN a command under nohup WHEN its terminal is closed before it prints THEN it ends as if somebody read it."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", GO_ON_WITHOUT_TERMINAL]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=theirs, stderr=pipe, text=True)
    os.close(theirs)
    os.close(ours)
    _, said = process.communicate("now\n", timeout=60)
    assert (process.returncode, said) == (0, "")


def test_results_that_cannot_be_written_are_an_error() -> None:
    page = Page()
    page.file = Gone(OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        page.verbatim("result")


def test_lines_for_programs_are_written_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    text = '{"a": "[bold]:smile:[/] ' + "x" * 300 + '"}'
    Page().verbatim(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_a_terminal_that_is_gone_disturbs_nothing() -> None:
    notes = notes_to(OSError(5, "Input/output error"))
    notes.print("progress")
    notes.print("more progress")
