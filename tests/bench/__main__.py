"""`make bench`: the same work by PitBox, its peers and the raw limit, in one run."""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.bench import (
    admitting,
    coaching,
    consuming,
    crowded,
    driving,
    encoding,
    hosting,
    machine,
    outage,
    persisting,
    publishing,
    reading,
    restarting,
    sealing,
    timing,
    watching,
)
from tests.bench.effort import FULL, ONCE, Effort
from tests.bench.report import Result, result, table, write
from tests.bench.servers import Servers, servers

DATA: Final = Path(os.environ.get("PITBOX_DATA", "../shared/data"))


def recordings() -> Path | None:
    """Return the folder of recordings, None where there is none."""
    return DATA if DATA.is_dir() else None


PARTS: Final[dict[str, Callable[[Servers, Effort], Iterator[Result]]]] = {
    "machine": lambda _, effort: machine.measure(effort),
    "encoding": lambda _, effort: encoding.measure(recordings(), effort),
    "publishing": publishing.measure,
    "consuming": consuming.measure,
    "persisting": persisting.measure,
    "watching": watching.measure,
    "admitting": admitting.measure,
    "sealing": lambda made, effort: sealing.measure(made, recordings(), effort),
    "reading": reading.measure,
    "driving": driving.measure,
    "timing": timing.measure,
    "restarting": restarting.measure,
    "coaching": coaching.measure,
    "crowded": crowded.measure,
    "hosting": hosting.measure,
    "outage": outage.measure,
}


def main() -> None:
    """Run the chosen parts; print each result as it comes, write all of them after each part."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which parts; none: all")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    parser.add_argument("--once", action="store_true", help="each part once and small, to try it")
    arguments = parser.parse_args()
    effort = ONCE if arguments.once else FULL
    results = []
    for part in arguments.parts or PARTS:
        load = os.getloadavg()[0]
        results.append(result(f"load_before_{part}", "processes", "lower", [load]))
        with fresh_servers() as made:
            for one in PARTS[part](made, effort):
                results.append(one)
                print(table([one]), flush=True)
        write(results, arguments.out)


@contextlib.contextmanager
def fresh_servers() -> Iterator[Servers]:
    """Run empty servers for one part."""
    with (
        tempfile.TemporaryDirectory(prefix="pitbox-bench-") as folder,
        servers(Path(folder)) as made,
    ):
        yield made


if __name__ == "__main__":
    main()
