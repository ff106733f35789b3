"""The supervisor with programs that end at once."""

import shutil
from pathlib import Path

import pytest

from commands.hub.supervisor import Program, StackError, Supervisor
from tests.tools.hub import eventually
from tests.tools.volume import filled, small_volume


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


async def test_a_program_is_not_started_again_on_a_full_disk(tmp_path: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor(tmp_path / "processes.json", lambda name, line: lines.append(line))
    true = shutil.which("true")
    assert true

    def said(words: str) -> int:
        return sum(words in line for line in lines)

    with small_volume(tmp_path / "volume", 32_000_000) as volume:
        try:
            with filled(volume):
                await supervisor.start(Program("short", (true,), folder=volume))

                async def waits() -> bool:
                    return said("waits for room on the disk of") == 1

                await eventually(waits, "it waits")
                assert said("ended with code 0") == 1

            async def ended_again() -> bool:
                return said("ended with code 0") > 1

            await eventually(ended_again, "it is started again")
        finally:
            await supervisor.stop()
