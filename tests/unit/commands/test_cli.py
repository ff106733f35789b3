"""Mistakes on the command line end in one sentence, in which no type of Python is named."""

import contextlib
import io

import pytest

from commands.cli import main
from tests.tools.words import jargon


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sessions", "--limit", "x"), '--limit: "x" is not allowed, it takes a whole number'),
        (("drive", "--skill", "x"), '--skill: "x" is not allowed, it takes a number'),
        (("sim", "--laps", "x"), '--laps: "x" is not allowed, it takes a whole number'),
        (("dead", "retry", "--all=x"), '--all: "x" is not allowed, it takes true or false'),
        (("drive", "--f1-port", "99999"), "99999"),
        (("drive", "--source", "x"), "iracing"),
        (("account", "role", "ann", "boss"), "engineer"),
        (("account", "invite", "A B"), "name: it takes 2 to 32 small letters"),
        (("account", "invite", "ann", "--driver", "a.b"), "driver: it takes 1 to 64 letters"),
        (("driver", "revoke", "a.b"), "'a.b' is not a driver's name: it takes 1 to 64 letters"),
        (("driver", "revoke", "ada", "--pc", "1"), "--pc"),
        (("import", "--driver", "a.b", "x.ibt"), "it takes 1 to 64 letters"),
    ],
)
def test_a_mistake_names_the_argument_and_what_is_allowed(
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    said = told(capsys, *arguments)
    assert said.startswith("pitbox: ")
    assert sentence in said
    assert not jargon(said)


class Interrupted(io.StringIO):
    """Be a terminal on which Ctrl-C is pressed at the first output."""

    def write(self, _: str) -> int:
        raise KeyboardInterrupt


def test_ctrl_c_ends_a_command_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.redirect_stdout(Interrupted()), pytest.raises(SystemExit) as ended:
        main(["settings"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""
