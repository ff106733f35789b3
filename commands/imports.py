"""Import recordings."""

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from commands.cli import CommandError
from pitbox import logs
from pitbox.identity.credentials import driving
from pitbox.nats.bus import BusDown
from pitbox.tls.transport import trust

if TYPE_CHECKING:
    from producers.imports import Imported

PATIENCE_S: Final = 5.0


def import_file(files: list[Path], /, *, json: bool = False) -> int:
    """Import recordings until Postgres has all of them; the same one twice changes nothing.

    Example: pitbox import lap.ibt monza.pcap.gz

    Parameters
    ----------
    files
        iRacing .ibt, .pcap or .pcap.gz of a game's datagrams, .gtz of gt-telemetry
    json
        print a list of objects
    """
    from producers.imports import import_files
    from producers.source import SourceError

    loaded = driving()
    trust(loaded.nats)
    logs.configure(loaded.log, "import")
    try:
        with Bar() as bar:
            imported = asyncio.run(import_files(loaded, files, bar.show))
    except (SourceError, BusDown) as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        print("pitbox: stopped; import the same again to go on", file=sys.stderr)
        return 130
    if json:
        print(msgspec.json.encode(imported).decode())
    else:
        print("\n".join(map(_line, imported)))
    return 0


def _line(imported: "Imported") -> str:
    counts = f"{imported.chunks} chunks, {imported.frames} frames"
    return f"{counts}, session {imported.session} ({imported.file})"


class Bar:
    """Show on a terminal how far an import is, and say anywhere when nobody answers it."""

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
        self._began_s = time.monotonic()
        self._warned = False

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int, heard: bool) -> None:
        """Show that Postgres has so many chunks of so many."""
        self._bar.update(self._task, completed=done, total=total, visible=True)
        silent = not heard and time.monotonic() - self._began_s > PATIENCE_S
        if silent and not self._warned:
            self._warned = True
            print(
                "pitbox: waiting for the persister, nobody answers: is it running?", file=sys.stderr
            )
