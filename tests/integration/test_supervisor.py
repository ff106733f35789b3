"""The supervisor with programs that end at once."""

import shutil
from pathlib import Path

import pytest

from commands.hub.supervisor import Program, StackError, Supervisor
from tests.tools.hub import eventually


async def test_programs_that_end_at_once_are_logged_as_ended(tmp_path: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor(tmp_path / "processes.json", lambda name, line: lines.append(line))
    true = shutil.which("true")
    assert true
    names = [f"short-{number}" for number in range(20)]
    try:
        for name in names:
            await supervisor.start(Program(name, (true,)))
        with pytest.raises(StackError, match=r"short-\d+ ended before they do anything"):
            await supervisor.ready("they do anything", lambda: False, *names)

        async def tried_again() -> bool:
            return "ended with code 0, again in 0.5 s" in lines

        await eventually(tried_again, "a program is tried again")
    finally:
        await supervisor.stop()
