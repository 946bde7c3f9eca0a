"""Whatever ends a command, it ends as with Ctrl-C."""

import os
import signal
from io import StringIO

import pytest
from rich.console import Console

from autoflow.interrupts import HangUp, Notes, heeded, held
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


def test_a_terminal_that_is_gone_disturbs_nothing() -> None:
    notes = notes_to(OSError(5, "Input/output error"))
    notes.print("progress")
    notes.print("more progress")
