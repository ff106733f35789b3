"""The stack started and ended by a user, with Ctrl-C or a kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from commands.hub.record import addresses
from commands.hub.supervisor import Started
from tests.tools.servers import listens, until

PITBOX = (sys.executable, "-m", "commands")


class RunningStack:
    """A `pitbox stack` process and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*PITBOX, "stack", "--folder", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=plain_environment(),
        )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.process.stdout.read()
        return addresses(self.folder) is not None

    def servers(self) -> list[psutil.Process]:
        started = msgspec.json.decode(
            (self.folder / "processes.json").read_bytes(), type=list[Started]
        )
        return [psutil.Process(one.pid) for one in started]

    def end(self, number: signal.Signals) -> str:
        """Send a signal, wait for the end and return the stack's output."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[0]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    running = RunningStack(tmp_path / ".pitbox")
    try:
        until(running.is_ready, "the stack is ready", 60)
        yield running
    finally:
        running.process.kill()
        running.process.communicate()
        command("down", running.folder)


def command(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PITBOX, name, "--folder", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def plain_environment() -> dict[str, str]:
    """Return this environment without any setting of PitBox."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PITBOX_")}


def typed(folder: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder without any setting except `given`."""
    return subprocess.run(
        [*PITBOX, *arguments],
        cwd=folder,
        env=plain_environment() | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_leaves_no_process_and_a_second_start_works(stack: RunningStack) -> None:
    servers = stack.servers()
    assert len(servers) == 2

    stack.end(signal.SIGINT)

    assert stack.process.returncode == 0
    assert all(is_gone(server) for server in servers)
    again = RunningStack(stack.folder)
    try:
        until(again.is_ready, "the stack is ready again", 60)
    finally:
        printed = again.end(signal.SIGTERM)
    assert again.process.returncode == 0
    assert printed.startswith("nats-server and Postgres run.")


def test_the_next_start_after_a_kill_ends_leftover_processes(stack: RunningStack) -> None:
    left = stack.servers()
    stack.end(signal.SIGKILL)
    assert not any(is_gone(server) for server in left), "a kill leaves servers behind"

    again = RunningStack(stack.folder)
    try:
        until(again.is_ready, "the stack is ready again", 60)
        assert all(is_gone(server) for server in left)
    finally:
        printed = again.end(signal.SIGINT)
    # A stack takes the usual ports, so clients of others may knock, and Postgres reports them.
    before, runs, _ = printed.partition("nats-server and Postgres run.")
    assert runs
    assert "[WRN]" not in before


def test_two_stacks_do_not_share_a_folder(stack: RunningStack) -> None:
    second = command("stack", stack.folder)

    assert second.returncode == 2
    assert "runs already" in second.stderr
    status = command("status", stack.folder)
    assert status.returncode == 0
    assert "pit wall    does not run" in status.stdout


def test_down_stops_a_stack_from_another_terminal(stack: RunningStack) -> None:
    running = addresses(stack.folder)
    assert running is not None

    done = command("down", stack.folder)

    assert done.returncode == 0, done.stderr
    stack.process.communicate(timeout=60)
    assert not listens(running.nats)
    assert command("status", stack.folder).returncode == 1


def test_commands_in_the_folder_of_a_stack_find_it(stack: RunningStack) -> None:
    below = stack.folder.parent / "deep" / "down"
    below.mkdir(parents=True)
    running = addresses(stack.folder)
    assert running is not None
    login = typed(stack.folder.parent, "account", "link")
    assert (login.returncode, login.stderr) == (0, "")
    assert login.stdout.startswith(f"{running.page}#link=")
    for command_line, message in (
        ("laps --session spa", "Postgres has no laps of a session 'spa'"),
        ("streams plan", "nothing to do"),
        ("doctor", f"of the stack in {stack.folder}"),
        ("status", str(stack.folder)),
        ("import nothing.ibt", "`pitbox import --driver NAME FILE`"),
    ):
        done = typed(below, *command_line.split(), HOME=str(below))
        assert message in done.stdout + done.stderr, (command_line, done)


def test_a_command_without_a_stack_names_the_searched_folders_and_the_remedy(
    tmp_path: Path,
) -> None:
    for command_line in ("streams plan", "driver revoke ada", "import --driver ada x.ibt"):
        done = typed(tmp_path, *command_line.split(), HOME=str(tmp_path))
        assert done.returncode == 2
        assert done.stderr.startswith(f"pitbox: no stack runs in {tmp_path} or in a folder above")
        assert "`make up`" in done.stderr


def test_a_wrong_password_names_the_setting_that_has_it(stack: RunningStack) -> None:
    running = addresses(stack.folder)
    assert running is not None
    url = f"postgresql://pitbox:wrong@127.0.0.1:{running.postgres}/pitbox"
    done = typed(stack.folder.parent, "sessions", PITBOX_POSTGRES__URL=url)
    assert done.returncode == 2
    assert done.stderr.startswith("pitbox: Postgres refuses the login: ")
    assert "PITBOX_POSTGRES__URL in the environment" in done.stderr


def test_the_password_file_is_readable_by_its_owner_alone(stack: RunningStack) -> None:
    assert (stack.folder / "postgres.url").stat().st_mode & 0o077 == 0
    assert stack.folder.stat().st_mode & 0o077 == 0
