"""A complete PitBox of real processes on free ports, for one case."""

import asyncio
import os
import subprocess
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final

import yaml
from msgspec import Struct

from commands.hub.supervisor import pitbox
from pitbox import topology
from pitbox.postgres import migration
from tests.faults import facts, oracle, verdict
from tests.faults.background import Background
from tests.faults.database import Database, DatabaseAway
from tests.faults.ledger import Entry
from tests.faults.programs import Driver, Service
from tests.faults.storage import Nats, Postgres
from tests.faults.watch import Watch
from tests.tools.servers import addresses, until
from tests.tools.servers import running as running_server

SESSION: Final = "faults"
SETTLE_S: Final = 120.0
COMMAND_S: Final = 120.0
FAREWELL_S: Final = 5.0
POLL_S: Final = 0.1
DATABASE: Final = "pitbox"


class Measures(Struct, frozen=True):
    """Figures of a case that do not affect its verdict.

    `resent` counts chunks sent again; the times start when everything was repaired, `facts_s` when
    the drives had ended; `ages_s` are the ages of live chunks until the hole was filled.
    """

    resent: int = 0
    live_back_s: float | None = None
    filled_s: float | None = None
    facts_s: float | None = None
    ages_s: tuple[float, ...] = ()
    remark: str = ""


class Stack:
    """Run servers, services and drivers; remember when the last fault was over."""

    def __init__(
        self, folder: Path, template: Postgres, streams: Path, *, refines: bool = False
    ) -> None:
        """Prepare to run; with `refines` also corners and coach."""
        self.refines = refines
        self.folder = folder
        self.topology = topology.load(str(streams))
        self.background = Background()
        self.nats = Nats(folder)
        self.postgres = Postgres.of_template(folder / "pg", template)
        self.url = self.postgres.url(DATABASE)
        self.environment = {
            **_inherited(),
            **addresses(self.nats.url, self.url),
            "PITBOX_STREAMS": str(streams),
            "PITBOX_LOG__FORMAT": "json",
        }
        self.persister = Service("persister", folder, self.environment)
        self.timing = Service("timing", folder, self.environment)
        self.corners = Service("corners", folder, self.environment)
        self.coach = Service("coach", folder, self.environment)
        self.database = Database(self.background, self.url)
        self.drivers: list[Driver] = []
        self.healed_ns = 0
        self.filled_s: float | None = None
        self.facts_s: float | None = None
        self.remark = ""
        self.volumes = ExitStack()
        """What is unmounted once all processes have ended."""

        self.deleted: dict[tuple[str, str], int] = {}
        """The highest deleted run, by session and driver."""

        self._watch: Watch | None = None
        self._copies = 0

    @property
    def services(self) -> tuple[Service, ...]:
        """Return the services between telemetry and facts."""
        refining = (self.corners, self.coach) if self.refines else ()
        return self.persister, self.timing, *refining

    @property
    def watch(self) -> Watch:
        """Return the listener."""
        if self._watch is None:
            raise RuntimeError("the stack does not run")
        return self._watch

    def start(self) -> None:
        """Start the hub's servers and services."""
        self.nats.start()
        self.postgres.start()
        self.apply_streams()
        for service in self.services:
            service.start()
        self._watch = Watch(self.background, self.nats, self.topology)

    def apply_streams(self) -> None:
        """Create the streams, as the start-up job does."""
        self.pitbox("streams", "apply")

    def pitbox(self, *arguments: str) -> str:
        """Run a command on the hub and return its output; raises RuntimeError when it fails."""
        done = subprocess.run(
            pitbox(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"pitbox {' '.join(arguments)} failed: {done.stderr}")
        return done.stdout

    def driver(self, name: str = "MOR", **settings: str) -> Driver:
        """Return a driver's PC whose app is not started; `settings` are those of the driver."""
        environment = {
            **self.environment,
            "PITBOX_DRIVER__NAME": name,
            "PITBOX_NATS__CREDENTIALS": str(self.nats.driver(name)),
            "PITBOX_DRIVER__SESSION": SESSION,
            **{f"PITBOX_DRIVER__{key}".upper(): value for key, value in settings.items()},
        }
        place = f"pc-{len(self.drivers) + 1}"
        made = Driver(place, self.folder, environment, self.background, self.nats.port)
        self.drivers.append(made)
        return made

    def drives(self, **settings: str) -> Driver:
        """Return a driver's PC whose app is driving."""
        driver = self.driver(**settings)
        driver.start()
        return driver

    def lasts(self, seconds: float) -> None:
        """Wait; raises RuntimeError when a process ended by itself."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(POLL_S, left))
            for program in (*self.services, *self.drivers):
                if program.ended():
                    raise RuntimeError(f"{program.name} ended: {program.last_words()}")

    def healed(self) -> None:
        """Record that every fault is over now."""
        self.healed_ns = time.time_ns()

    def committed(self) -> list[Entry]:
        """Return every chunk that any driver's PC committed."""
        ledgers = (driver.recorded().without(self.deleted) for driver in self.drivers)
        return [entry for ledger in ledgers for entry in ledger.committed]

    def delete(self, driver: str = "MOR") -> None:
        """Delete the session of a driver, who may be driving it."""
        self.database.execute(f"select delete_session('{SESSION}', '{driver}', 'a test')")
        query = f"select through from deleted where driver = '{driver}'"
        self.deleted[SESSION, driver] = self.database.rows(query)[0]["through"]

    def is_deleted(self) -> bool:
        """Return whether the services have nothing left to delete."""
        with suppress(DatabaseAway):
            return not self.database.rows("select from deleted where finished is null")
        return False

    def fills(self, entries: list[Entry], what: str, timeout_s: float = SETTLE_S) -> None:
        """Wait until Postgres has those chunks, or a declaration that they are gone."""
        left = verdict.wanted(entries)

        def filled() -> bool:
            nonlocal left
            with suppress(DatabaseAway):
                left = verdict.lacking(left, self.database.run(oracle.stored))
            return not left

        until(filled, what, timeout_s)

    def settle(self) -> None:
        """Wait until Postgres has the chunks committed so far, end the drives and wait again.

        The facts have to be right then too.
        """
        begun_ns = self.healed_ns or time.time_ns()
        self.fills(self.committed(), "Postgres has what was committed")
        self.filled_s = (time.time_ns() - begun_ns) / 1e9
        if any(driver.runs and driver.endless for driver in self.drivers):
            until(lambda: self.live_back_s is not None, "live is back")
        self._end_drives()
        ended_ns = time.time_ns()
        until(self._facts_are_right, "the facts are those of the chunks in Postgres", SETTLE_S)
        self.facts_s = (time.time_ns() - ended_ns) / 1e9

    def _facts_are_right(self) -> bool:
        with suppress(DatabaseAway):
            return not self.database.run(partial(facts.wrong, refines=self.refines))
        return False

    def finish(self) -> None:
        """Stop every app as its driver does."""
        for driver in self.drivers:
            driver.finish()

    def _end_drives(self) -> None:
        """Stop every app; restart one that left chunks in its spool, to send them."""
        what = "Postgres has the end of every drive"
        self.finish()
        try:
            self.fills(self.committed(), what, FAREWELL_S)
        except TimeoutError:
            for driver in self.drivers:
                driver.start()
            self.fills(self.committed(), what)
            self.finish()
            self.fills(self.committed(), what)

    def fresh_folder(self, name: str) -> Path:
        """Return a path for a copy; nothing exists there yet."""
        self._copies += 1
        return self.folder / f"{name}-{self._copies}"

    def dropped_by_the_stream(self) -> int:
        """Return how many telemetry messages the stream has dropped."""
        return self.watch.first_sequence(self.topology.stream_of["telemetry.live"]) - 1

    def judge(self) -> verdict.Verdict:
        """Compare all chunks made with all chunks stored, once no app runs."""
        self.finish()
        ledgers = [driver.recorded().without(self.deleted) for driver in self.drivers]
        return oracle.judge(self.url, ledgers, refines=self.refines)

    @property
    def live_back_s(self) -> float | None:
        """Return how long after the last fault live data was back, for the slowest driver."""
        if not self.healed_ns:
            return None
        names = {driver.environment["PITBOX_DRIVER__NAME"] for driver in self.drivers}
        back = [self.watch.live_back_s(name, self.healed_ns) for name in names]
        return max((one for one in back if one is not None), default=None)

    def measured(self) -> Measures:
        """Return the figures, as far as the case got."""
        if self._watch is None:
            return Measures()
        ages_s: list[float] = []
        if self.filled_s is not None:
            filled_ns = self.healed_ns + int(self.filled_s * 1e9)
            ages_s = self.watch.ages_s(self.healed_ns, filled_ns)
        return Measures(
            self.watch.resent,
            self.live_back_s,
            self.filled_s,
            self.facts_s,
            tuple(ages_s),
            self.remark,
        )

    def end(self) -> None:
        """End all processes."""
        with self.volumes, ExitStack() as ending:
            ending.callback(self.background.close)
            ending.callback(self.database.close)
            ending.callback(self.postgres.end)
            ending.callback(self.nats.end)
            for service in self.services:
                ending.callback(service.end)
            for driver in self.drivers:
                ending.callback(driver.end)
            if self._watch is not None:
                ending.callback(self._watch.close)


def template(folder: Path) -> Postgres:
    """Return a stopped Postgres whose migrated cluster every stack copies."""
    made = Postgres(folder)
    with running_server(made):
        asyncio.run(migration.migrate(made.url(DATABASE)))
    return made


def streams_file(folder: Path, *, ack_wait: str = "", telemetry_max_bytes: str = "") -> Path:
    """Write a streams.yaml with changes to the shipped one, and return its path."""
    document = yaml.safe_load(topology.find().read_text())
    if ack_wait:
        document["consumers"]["persister"]["ack_wait"] = ack_wait
    if telemetry_max_bytes:
        document["streams"]["TELEMETRY"]["max_bytes"] = telemetry_max_bytes
    path = folder / "streams.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def _inherited() -> dict[str, str]:
    """Return this process's environment without settings of PitBox."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PITBOX_")}
