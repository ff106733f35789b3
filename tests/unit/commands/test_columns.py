"""How columns are read is shown before it is used; a guess needs a yes."""

import io
from pathlib import Path

import pytest

from commands.cli import CommandError
from commands.columns import agreed, show


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def guessed(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("Time,Speed (km/h),Odd\x1b\n0,1,2\n")
    return path


@pytest.fixture
def known(tmp_path: Path) -> Path:
    path = tmp_path / "b.csv"
    path.write_text("SessionTime,Lap,LapDistPct,Speed\n0,1,0.5,40\n")
    return path


def test_the_mapping_of_each_column_is_shown(
    guessed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show([guessed], [], guesses_only=False)
    assert capsys.readouterr().err.splitlines() == [
        f"{guessed}: unknown layout, read by the columns' names: 2 of 3 columns are used",
        "  time  = Time",
        "  speed = Speed (km/h) in km/h",
        "  not used: Odd\ufffd",
    ]


def test_a_known_layout_is_shown_and_needs_no_yes(
    known: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert agreed([known], [], yes=False)
    assert "b.csv: iRacing's variables: 4 of 4 columns are used" in capsys.readouterr().err


def test_a_known_layout_is_not_shown_where_only_guesses_are(
    known: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not show([known], [], guesses_only=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("answer", "result"), [("y\n", True), ("no\n", False), ("", False)])
def test_a_guess_is_asked_about_on_a_terminal(
    guessed: Path, answer: str, result: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert agreed([guessed], [], yes=False) is result


def test_a_guess_without_a_terminal_needs_yes(
    guessed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(CommandError, match="add --yes"):
        agreed([guessed], [], yes=False)
    assert agreed([guessed], [], yes=True)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [(["speed=Odd2"], "has no column Odd2"), (["speed=Speed (km/h)", "gear"], "CHANNEL=COLUMN")],
)
def test_a_mapping_that_cannot_be_met_is_a_mistake(
    guessed: Path, chosen: list[str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        show([guessed], chosen, guesses_only=False)


def test_a_mapping_without_a_table_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--map is for the columns of"):
        show([tmp_path / "a.ibt"], ["speed=v"], guesses_only=False)
