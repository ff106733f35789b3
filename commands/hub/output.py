"""The output of a stack's processes: what of it a person sees.

nats-server and Postgres write about their ordinary life, about being asked before they are ready,
about recovery after a kill, and once for every attempt of a client that they refuse and for every
message that they cannot store. The first is left out; the second and third are shown only when the
start fails; of the last two, each client and each stream has one line an hour.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from commands.terminal import plain

COLOURS: Final = (36, 33, 35, 32, 34, 31)
SERVERS: Final = ("nats", "postgres")
CALM: Final = (
    "[INF]",
    " LOG:  ",
    "system is starting up",
    'database "pitbox" does not exist',
    # nats-server looks for the account of a refused client; the refusal follows.
    "Account fetch failed",
    "fetch took",
)
WATCHED: Final = "Healthcheck failed"
"""The watch of a stack that has started examines the server again and again and says it once."""

HELD_LINES: Final = 200
QUIET_S: Final = 3600.0
MAX_CLIENTS: Final = 200
OF_CLIENT: Final = re.compile(
    r"\[(?:ERR|WRN)\] (?P<client>\S+):\d+ - [a-z_]+:\d+ -"
    r'(?: "(?:[^"\\]|\\.)*" -)* (?P<complaint>[A-Za-z ]+)'
)
OF_LOGIN: Final = re.compile(r"FATAL: +(?P<client>password authentication) (?P<complaint>failed)")
OF_STORE: Final = re.compile(
    r"\[ERR\] JetStream (?P<complaint>failed to store) a msg on stream '\S+ > (?P<client>\S+)'"
)
LAST: Final = " (further ones are left out for an hour)"


class Complaints:
    """Let one line an hour pass about each refused client and about each stream that is not stored.

    Postgres names no client in its line.
    """

    def __init__(self, quiet_s: float = QUIET_S, max_clients: int = MAX_CLIENTS) -> None:
        self._quiet_s = quiet_s
        self._max_clients = max_clients
        self._began_s = 0.0
        self._shown: set[tuple[str, str]] = set()

    def passed(self, line: str, now_s: float) -> str:
        """Return the line as it is to be shown, "" when it is a repetition.

        When there are more clients than one hour has room for, the rest of them is left out.
        """
        found = OF_CLIENT.search(line) or OF_LOGIN.search(line) or OF_STORE.search(line)
        if found is None:
            return line
        if now_s - self._began_s >= self._quiet_s:
            self._began_s = now_s
            self._shown.clear()
        about = (found["client"], found["complaint"].strip())
        if about in self._shown or len(self._shown) >= self._max_clients:
            return ""
        self._shown.add(about)
        return line + LAST


class Output:
    """Print lines of processes, each behind the name of its process."""

    def __init__(
        self, write: Callable[[str], None], now_s: Callable[[], float], *, colours: bool
    ) -> None:
        """Prepare; the stack is starting until `started`."""
        self._write = write
        self._now_s = now_s
        self._coloured = colours
        self._colours: dict[str, int] = {}
        self._complaints = Complaints()
        self._held: deque[tuple[str, str]] | None = deque(maxlen=HELD_LINES)

    def show(self, name: str, line: str) -> None:
        """Print a line of a process, hold it back, or leave it out."""
        if name in SERVERS:
            if any(word in line for word in CALM):
                return
            if self._held is not None and "[WRN]" in line:
                self._held.append((name, line))
                return
            if WATCHED in line:
                return
            line = self._complaints.passed(line, self._now_s())
        if line:
            self._print(name, line)

    def started(self) -> None:
        """Forget the warnings of a start that went well; print later ones at once."""
        self._held = None

    def failed(self) -> None:
        """Print the warnings that were held back: one of them may say why the start failed."""
        held, self._held = self._held or (), None
        for name, line in held:
            self._print(name, line)

    def _print(self, name: str, line: str) -> None:
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        label = f"{name:<9} │"
        label = f"\033[{colour}m{label}\033[0m" if self._coloured else label
        self._write(f"{label} {plain(line)}")
