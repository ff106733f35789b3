"""The PitBox processes of a stack: the services and the drivers' apps."""

import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from commands.hub.supervisor import kill_tree, pitbox
from tests.faults.background import Background
from tests.faults.ledger import (
    Entry,
    Identity,
    Ledger,
    identity_of,
    mend_ledger,
    read_ledger,
    spooled,
)
from tests.faults.proxy import Link
from tests.tools.servers import Server, free_port, listens, until

QUIET_S: Final = 1.0
MEASURE_S: Final = 20.0


class Program(Server):
    """Run a command of `pitbox` with settings of its own."""

    def __init__(self, name: str, folder: Path, port: int, environment: Mapping[str, str]) -> None:
        """Prepare to run; `environment` is the whole environment of the process."""
        super().__init__(folder, port)
        self.name = name
        self.environment = dict(environment)

    def start(self) -> None:
        """Start, and wait until it is up."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: self.works() or self.ended(), f"{self.name} works")
        if self.ended():
            raise RuntimeError(f"{self.name} ended at once: {self.last_words()}")

    def works(self) -> bool:
        """Return whether it is up."""
        return listens(self.port)

    @property
    def runs(self) -> bool:
        """Return whether it was started and not ended since."""
        return self._process is not None

    def ended(self) -> bool:
        """Return whether it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def last_words(self) -> str:
        """Return the end of its log."""
        return (self.folder / f"{self.name}.log").read_text(errors="replace")[-1000:]

    def measure(self, name: str) -> float:
        """Return one of its metrics, summed over labels."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/metrics", timeout=MEASURE_S
        ) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def end(self) -> None:
        """End the process, whatever its state."""
        if self._process is not None:
            kill_tree(self._process.pid)
            self._process.wait()
            self._process = None


class Service(Program):
    """A consumer; it is up once its metrics report so."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        port = free_port()
        super().__init__(name, folder, port, {**environment, "PITBOX_METRICS__PORT": str(port)})

    def command(self) -> list[str]:
        """Return the command line."""
        return list(pitbox("run", self.name))


class Driver(Program):
    """A driver's PC behind a link of its own, with its spool and its ledger."""

    def __init__(
        self,
        place: str,
        folder: Path,
        environment: Mapping[str, str],
        background: Background,
        nats_port: int,
    ) -> None:
        """Prepare; `place` distinguishes PCs of the same driver."""
        self.link = Link(background, nats_port)
        self.spool = folder / f"{place}-spool"
        self.ledger = folder / f"{place}.ledger"
        self.endless = True
        port = free_port()
        own = {
            "PITBOX_METRICS__PORT": str(port),
            "PITBOX_NATS__URL": f"nats://127.0.0.1:{self.link.port}",
            "PITBOX_DRIVER__SPOOL": str(self.spool),
        }
        super().__init__(place, folder, port, {**environment, **own})
        self._options: list[str] = []
        self._left: set[Identity] = set()
        self._written = 0
        self._grew_at = (0, 0.0)

    def connects_to(self, url: str) -> None:
        """Connect to `url` without the proxy, which is too slow for a measurement."""
        self.environment["PITBOX_NATS__URL"] = url

    def drives(self, *, laps: int | None = None, speed: float = 1) -> None:
        """Set what the next process drives: for ever or some laps, in real time or faster."""
        self.endless = laps is None
        self._options = ["--speed", str(speed)]
        if laps is not None:
            self._options += ["--laps", str(laps)]

    def command(self) -> list[str]:
        """Return the command line."""
        ledger = ("--ledger", str(self.ledger))
        return list(pitbox("drive", "--source", "sim", *ledger, *self._options))

    def start(self) -> None:
        """Start a run, and wait for its first chunk."""
        mend_ledger(self.ledger)
        self._written = self._size()
        super().start()

    def works(self) -> bool:
        """Return whether this process has made a chunk."""
        return self._size() > self._written

    def finish(self) -> None:
        """Stop the app as its driver does; raises RuntimeError if it does not exit cleanly."""
        process = self._process
        self.send(signal.SIGINT)
        if process is not None and process.returncode:
            raise RuntimeError(f"{self.name} left with {process.returncode}: {self.last_words()}")

    def kill(self) -> None:
        """Kill the app, and add to the ledger what its spool had committed."""
        super().kill()
        self._left |= spooled(self.spool, self.recorded().undecided)

    def forget(self, stored: Collection[Identity]) -> None:
        """Lose the disk: the spool, and from the ledger all chunks but those stored elsewhere."""
        shutil.rmtree(self.spool)
        self._left &= {*stored}
        lines = self.ledger.read_text().splitlines(keepends=True)
        known = [line for line in lines if identity_of(line) in stored]
        self.ledger.write_text("".join(known))

    def recorded(self) -> Ledger:
        """Return this PC's ledger: all chunks it made, and those it committed."""
        ledger = read_ledger(self.ledger)
        return Ledger(ledger.made, ledger.kept | self._left)

    def committed(self) -> list[Entry]:
        """Return every chunk that this PC ever committed."""
        return self.recorded().committed

    def is_quiet(self) -> bool:
        """Return whether the ledger has not grown for a second; call it repeatedly."""
        size, since = self._grew_at
        if size != self._size():
            self._grew_at = (self._size(), time.monotonic())
            return False
        return time.monotonic() - since > QUIET_S

    def clone(self, other: "Driver") -> None:
        """Give another PC a consistent copy of the spool."""
        self.send(signal.SIGSTOP)
        try:
            shutil.copytree(self.spool, other.spool)
        finally:
            self.send(signal.SIGCONT)

    def end(self) -> None:
        """End the process and the link."""
        super().end()
        self.link.close()

    def _size(self) -> int:
        return self.ledger.stat().st_size if self.ledger.exists() else 0
