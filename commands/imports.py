"""Import recordings."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from commands import bus, columns, left_out
from commands.cli import CommandError
from commands.hub import nearby
from pitbox import logs, settings, topology
from pitbox.identity.credentials import driving, file_of
from pitbox.identity.folder import KeysError
from pitbox.identity.permissions import DRIVER
from pitbox.nats.bus import BusDown
from pitbox.settings import Settings
from pitbox.tls.transport import trust

if TYPE_CHECKING:
    from producers.imports import Imported

PATIENCE_S: Final = 5.0
REVOKED: Final = "select revoked from nats_account where driver = $1"


def import_file(
    files: list[Path],
    /,
    *,
    driver: str = "",
    map_: columns.Chosen = None,
    yes: bool = False,
    json: bool = False,
) -> int:
    """Import recordings until Postgres has all of them; the same one twice changes nothing.

    How the columns of .ld and .csv files are read is written on standard error. A .csv of an
    unknown layout is read by the names of its columns, after a question.

    Example: pitbox import --driver MOR lap.ibt monza.pcap.gz

    Example: pitbox import lap.csv --map speed="Speed (km/h)" --map brake:%=pedal2

    Parameters
    ----------
    files
        iRacing .ibt, MoTeC .ld, .csv or .csv.gz, .pcap or .pcap.gz of a game's datagrams, .gtz of
        gt-telemetry
    driver
        on the hub: whose laps these are; none: the driver who is enrolled on this PC
    map_
        CHANNEL=COLUMN or CHANNEL:UNIT=COLUMN of a .csv; `time` is a channel too
    yes
        import columns of an unknown layout as they are shown, without a question
    json
        print a list of objects
    """
    from producers.imports import import_files
    from producers.source import SourceError

    chosen = map_ or []
    if not columns.agreed(files, chosen, yes=yes):
        print("pitbox: nothing was imported", file=sys.stderr)
        return 1
    loaded = _as_driver(driver) if driver else _enrolled_here()
    trust(loaded.nats)
    logs.configure(loaded.log, "import")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    waiting = Waiting(sys.stderr, time.monotonic)
    try:
        with Bar() as bar:

            def show(done: int, total: int, waits_for: str) -> None:
                bar.show(done, total)
                waiting.show(done, total, waits_for)

            imported = asyncio.run(import_files(loaded, files, show, chosen))
    except (SourceError, BusDown) as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        print(f"pitbox: {waiting.summary}", file=sys.stderr)
        return 130
    if json:
        print(msgspec.json.encode(imported).decode())
    else:
        print("\n".join(map(_line, imported)))
    return 0


def _as_driver(name: str) -> Settings:
    """Return the settings of a driver who is enrolled from the hub's own machine.

    Raises CommandError when this is not the hub, or when the driver is revoked.
    """
    from commands import database
    from commands.driver import driver_name
    from commands.hub import enrolment
    from commands.hub.record import driver_file

    driver, found = driver_name(name), nearby.find()
    with bus.sentences(found):
        if not found.settings.keys.folder:
            raise CommandError(
                f"--driver is for the hub's own machine, and {found.absence}. On a driver's PC "
                "leave it out"
            )
        if any(row["revoked"] for row in database.fetch(REVOKED, driver)):
            raise CommandError(
                f"{driver} is revoked: `pitbox driver enrol {driver} --out FILE` lets this driver "
                "in again"
            )
        file = driver_file(Path(found.settings.keys.folder).expanduser(), driver)
        declared = topology.load(found.settings.streams)
        asyncio.run(enrolment.enrol(found.settings.nats, declared, driver, file))
    return replace(
        found.settings,
        nats=replace(found.settings.nats, credentials=str(file)),
        driver=replace(found.settings.driver, name=driver),
    )


def _enrolled_here() -> Settings:
    """Return the settings of the driver who is enrolled on this PC.

    Raises CommandError when nobody is, and this is the hub; else KeysError as `driving`.
    """
    try:
        return driving()
    except KeysError:
        file = file_of(settings.load().nats.credentials, DRIVER)
        if file.exists() or not nearby.find().knows(bus.GROUP):
            raise
        raise CommandError(
            "no driver is enrolled on this PC. On the hub say whose laps these are: "
            "`pitbox import --driver NAME FILE`"
        ) from None


def _line(imported: "Imported") -> str:
    lost = left_out.sentence(imported.left_out)
    return (
        f"{imported.file}: session {imported.session} of {imported.driver}, {imported.frames} "
        f"frames in {imported.chunks} chunks; Postgres has all of them" + (f"; {lost}" * bool(lost))
    )


class Bar:
    """Show the progress of an import on a terminal."""

    def __init__(self) -> None:
        """Prepare; nothing is shown before there is something to show."""
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("importing", total=None, visible=False)

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Show that Postgres has `done` chunks of `total`."""
        self._bar.update(self._task, completed=done, total=total, visible=True)


class Waiting:
    """State once which part of the hub an import waits for, when it gets no further."""

    def __init__(
        self, out: TextIO, now_s: Callable[[], float], patience_s: float = PATIENCE_S
    ) -> None:
        """Prepare to write to `out`, after `patience_s` without progress."""
        self.summary = "stopped before anything was sent"
        self._out = out
        self._now_s = now_s
        self._patience_s = patience_s
        self._done = -1
        self._since_s = 0.0
        self._stated = ""

    def show(self, done: int, total: int, waits_for: str) -> None:
        """Note that Postgres has `done` chunks of `total`, and what does not answer."""
        self.summary = (
            f"stopped: Postgres has {done} of {total} chunks; import the same files again to go on"
        )
        if done != self._done or not waits_for:
            self._done, self._since_s = done, self._now_s()
            self._stated = ""
        elif waits_for != self._stated and self._now_s() - self._since_s >= self._patience_s:
            self._stated = waits_for
            print(f"pitbox: waiting: {waits_for}", file=self._out, flush=True)
