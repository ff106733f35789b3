"""The driver app."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TextIO

from cyclopts import Parameter, validators

from commands import left_out
from commands.cli import CommandError
from pitbox import logs, metrics, settings
from pitbox.identity.credentials import driving, file_of
from pitbox.identity.permissions import DRIVER
from pitbox.service import lifetime
from pitbox.tls.transport import trust

if TYPE_CHECKING:
    from producers.drive import Status

Source = Literal["auto", "f1", "gt7", "assetto", "iracing", "sim"]
Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]
FASTEST: Final = 1000
SILENT_S: Final = 3
CLEAR: Final = "\r\x1b[2K"


def drive(
    *,
    source: Source = "auto",
    host: str = "127.0.0.1",
    console: str = "",
    game: str = "127.0.0.1",
    f1_port: Port = 20777,
    gt7_port: Port = 33740,
    track: str = "kestrel-vale",
    car: str = "27",
    seed: int = 27,
    skill: float = 0.97,
    laps: int | None = None,
    speed: float = 1.0,
    mistake: list[str] | None = None,
    ledger: Path | None = None,
    enrol: str = "",
    ca: Path | None = None,
) -> int:
    """Send a game's telemetry to the pit wall until Ctrl-C; a spool keeps it while offline.

    Example: pitbox drive --source gt7 --console 192.168.1.30

    Parameters
    ----------
    source
        the game to receive from; auto: the one that sends
    host
        address to listen on for games; 0.0.0.0 accepts the whole network
    console
        address of the PlayStation that runs Gran Turismo 7
    game
        address of the PC that runs Assetto Corsa
    f1_port
        UDP port that F1 sends to
    gt7_port
        UDP port that Gran Turismo 7 sends to
    track
        sim: circuit to drive
    car
        sim: start number
    seed
        sim: the seed of the random variation
    skill
        sim: 0.5 to 1
    laps
        sim: number of flying laps; none: endless
    speed
        sim: factor to real time
    mistake
        sim: a mistake to make, such as lap=3,turn=4,kind=brakes-early,size=10; may be repeated
    ledger
        file that gets two lines for every chunk: "made session driver run chunk crc first_frame
        frames" before it goes anywhere, "kept session driver run chunk" once it is on the disk
    enrol
        CODE@HOST as the pit wall shows it: enrol this PC, then drive
    ca
        with --enrol: file of the authority that signed the hub's certificate, kept for later
        drives; none: the authorities that the system trusts
    """
    if ca and not enrol:
        raise CommandError(
            "--ca goes with --enrol, which keeps the file; PITBOX_NATS__CA names another one"
        )
    if enrol:
        _enrol(enrol, ca)
    loaded = driving()
    trust(loaded.nats)
    if source == "sim":
        observations = _simulated(
            speed,
            track=track,
            car=car,
            seed=seed,
            skill=skill,
            laps=laps,
            mistakes=mistake or [],
        )
    else:
        where: dict[str, Any] = {"f1_port": f1_port, "gt7_port": gt7_port}
        observations = _received(source, host=host, console=console, game=game, **where)
    logs.configure(loaded.log, "drive")
    metrics.serve(loaded.metrics)
    with _record(ledger) as record:
        return _run(loaded, observations, record)


def _enrol(code_at_host: str, ca: Path | None) -> None:
    from producers.uplink.enrolment import enrol

    file = file_of(settings.load().nats.credentials, DRIVER)
    name = enrol(code_at_host, file, ca)
    print(f"{name} is enrolled on this PC: {file}", file=sys.stderr)


def _run(loaded: settings.Settings, observations: AsyncIterator[Any], record: TextIO | None) -> int:
    from producers.drive import drive as run
    from producers.source import SourceError

    display = Display(sys.stderr)

    async def until_signal() -> None:
        stop = asyncio.Event()
        lifetime.on_signals(stop)
        await run(loaded, observations, stop, record=record, show=display.show)

    try:
        with asyncio.Runner(loop_factory=lifetime.loop_factory()) as runner:
            runner.run(until_signal())
    except SourceError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        return 0
    finally:
        display.close()
    return 0


def _received(source: str, **where: Any) -> AsyncIterator[Any]:
    from producers.sources.network import udp

    return udp.observations(source, udp.Where(**where))


def _simulated(speed: float, mistakes: list[str], **race: Any) -> AsyncIterator[Any]:
    from producers.sources import sim
    from producers.sources.sim.mistakes import parse

    if not 0 < speed <= FASTEST:
        raise CommandError(f"speed {speed:g} is not above 0 and at most {FASTEST}")
    try:
        asked = sim.Race(**race, mistakes=tuple(map(parse, mistakes)))
        asked.check()
    except ValueError as error:
        raise CommandError(str(error)) from None
    return sim.observations(asked, speed=speed)


@contextlib.contextmanager
def _record(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("a", encoding="ascii")
    except OSError as error:
        raise CommandError(f"cannot write the ledger {path}: {error.strerror}") from None
    with file:
        yield file


class Display:
    """Show on a terminal how the app does, and anywhere at the end what it has done."""

    def __init__(self, out: TextIO) -> None:
        """Prepare to write to `out`."""
        self._out = logs.lossy(out)
        self._terminal = out.isatty()
        self._last: Status | None = None

    def show(self, status: "Status") -> None:
        """Write one line over the one before, where that is possible."""
        self._last = status
        if self._terminal:
            print(CLEAR + line(status), end="", file=self._out, flush=True)

    def close(self) -> None:
        """Write the summary."""
        if self._terminal:
            print(CLEAR, end="", file=self._out)
        if self._last is not None:
            print(f"pitbox: {summary(self._last)}", file=self._out, flush=True)


def line(status: "Status") -> str:
    """Return how the app does now, as one line."""
    if status.silent_s is None:
        link = "no answer from the hub yet"
    elif status.silent_s > SILENT_S:
        link = f"no answer from the hub for {status.silent_s:.0f} s"
    elif status.unstored_s:
        link = f"THE HUB STORES NOTHING for {status.unstored_s:.0f} s, the spool keeps it"
    else:
        link = "linked" if status.rtt_ms is None else f"linked, {status.rtt_ms:.1f} ms"
    parts = [
        status.session or "waiting for a game",
        link,
        f"{status.made - status.not_kept} chunks in the spool",
        f"{status.sent} sent",
        f"{status.waiting} waiting",
    ]
    if status.disk_trouble:
        parts.insert(2, f"THE DISK KEEPS NOTHING: {status.disk_trouble}")
    if lost := sum(one.count for one in status.left_out):
        parts.append(f"{lost:,} left out")
    if status.fenced:
        parts.append("a newer app of this driver is live")
    return " · ".join(parts)


def summary(status: "Status") -> str:
    """Return what the app has done, and what is left for the next start, as one sentence."""
    made = f"{status.session}: {status.made} chunks driven" if status.made else "nothing was driven"
    if lost := left_out.sentence(status.left_out):
        made += f"; {lost}"
    if status.not_kept:
        made += f"; {status.not_kept} of them were not kept on this PC's disk"
    if status.waiting:
        return (
            f"{made}; {status.waiting} chunks wait in the spool until `pitbox drive` runs again "
            "and reaches the hub"
        )
    return f"{made}; no chunk waits in the spool"
