"""Run the processes of a stack on one machine, and leave none behind.

A process that ends is restarted, with backoff. The supervisor records its processes in a file, so
that after a `kill -9` of the supervisor the next one ends them.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import psutil
from msgspec import Struct

from commands.hub.volume import takes_writes

STOP_S: Final = 8.0
STEADY_S: Final = 10.0
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
READY_S: Final = 60.0
POLL_S: Final = 0.05
ROOM_S: Final = 1.0
MAX_LINE_BYTES: Final = 64 * 1024


class StackError(Exception):
    """State why the stack cannot run, and the remedy."""


class Program(Struct, frozen=True):
    """Describe one process: its command and additions to its environment.

    `ends_by` is the signal that stops it cleanly. A program that stores in `folder` is not started
    again before that takes writes: it would end at once.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    ends_by: int = signal.SIGTERM
    folder: Path | None = None


class Started(Struct, frozen=True):
    """Identify a process: another one may have its number by now, but not its start time."""

    pid: int
    created: float


class Supervisor:
    """Start programs in an order, keep them running, stop them in the reverse order."""

    def __init__(self, record: Path, show: Callable[[str, str], None]) -> None:
        """Prepare; `record` is the file of processes, `show` takes (name, line) of output."""
        self._record = record
        self.show = show
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._started: dict[str, Started] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._programs: dict[str, Program] = {}

    async def start(self, program: Program) -> None:
        """Start a program and keep it running; raises StackError when it cannot be started."""
        self._programs[program.name] = program
        process = await self._spawn(program)
        self._keepers[program.name] = asyncio.create_task(self._keep(program, process))

    async def ready(self, what: str, check: Callable[[], bool], *names: str) -> None:
        """Wait for a condition; raises StackError when it takes long or one of `names` ends."""
        deadline = time.monotonic() + READY_S
        while not await asyncio.to_thread(check):
            ended = [name for name in names if self._running[name].returncode is not None]
            if ended:
                raise StackError(f"{ended[0]} ended before {what}: see its output above")
            if time.monotonic() > deadline:
                raise StackError(f"waited {READY_S:g} s for {what}")
            await asyncio.sleep(POLL_S)

    def hang_up(self, name: str) -> None:
        """Send SIGHUP to a program, which reloads its configuration."""
        if name in self._running:
            with contextlib.suppress(ProcessLookupError):
                self._running[name].send_signal(signal.SIGHUP)

    def restart(self, name: str, reason: str) -> None:
        """Stop a program; it is started again at once."""
        self.show(name, f"restarts: {reason}")
        process = self._running[name]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self._programs[name].ends_by)
        asyncio.get_running_loop().call_later(STOP_S, self._kill, name, process)

    async def stop(self) -> None:
        """Stop every program, the last started first; kill those that do not end in time."""
        for name in reversed(list(self._keepers)):
            self._keepers.pop(name).cancel()
            process = self._running[name]
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self._programs[name].ends_by)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                self.show(name, f"did not stop within {STOP_S:g} s, killed")
                kill_tree(process.pid)
                await process.wait()
        self._record.unlink(missing_ok=True)

    def _kill(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Kill a process that was told to stop and still runs."""
        if process.returncode is None:
            self.show(name, f"did not stop within {STOP_S:g} s, killed")
            kill_tree(process.pid)

    async def _keep(self, program: Program, process: asyncio.subprocess.Process) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            await self._copy_output(program.name, process)
            code = await process.wait()
            failures = 0 if time.monotonic() - began > STEADY_S else failures + 1
            pause_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            self.show(program.name, f"ended with code {code}, again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            await self._room_for(program)
            process = await self._spawn(program)

    async def _room_for(self, program: Program) -> None:
        """Wait until the folder of a program takes writes."""
        waits = False
        while program.folder and not await asyncio.to_thread(takes_writes, program.folder):
            if not waits:
                self.show(program.name, f"waits for room on the disk of {program.folder}")
            waits = True
            await asyncio.sleep(ROOM_S)

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env={**os.environ, **program.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=MAX_LINE_BYTES,
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(f"cannot start {program.name}: {error}") from None
        self._running[program.name] = process
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already
            self._started[program.name] = Started(
                process.pid, psutil.Process(process.pid).create_time()
            )
        self._record.write_bytes(msgspec.json.encode(list(self._started.values())))
        return process

    async def _copy_output(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # it was asked for
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit; the part that was read is dropped
                continue
            if not line:
                return
            self.show(name, line.decode(errors="replace").rstrip())


def end_leftovers(record: Path) -> int:
    """End processes that a killed supervisor left; return their number."""
    try:
        started = msgspec.json.decode(record.read_bytes(), type=list[Started])
    except (OSError, msgspec.DecodeError):
        return 0
    left = [process for one in reversed(started) if (process := _same(one))]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT)
    _, stubborn = psutil.wait_procs(left, timeout=STOP_S)
    for process in stubborn:
        kill_tree(process.pid)
    record.unlink(missing_ok=True)
    return len(left)


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants."""
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (*first.children(recursive=True), first):
            with contextlib.suppress(psutil.Error):
                process.kill()


def pitbox(*arguments: str) -> tuple[str, ...]:
    """Return the command that runs this same PitBox with other arguments."""
    return (sys.executable, "-m", "commands", *arguments)


def _same(started: Started) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(started.pid)
        running = process.status() != psutil.STATUS_ZOMBIE
        if running and abs(process.create_time() - started.created) < 1:
            return process
    return None
