"""`make bench`: the same work by PitBox, its peers and the raw limit, in one run."""

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.bench import encoding
from tests.bench.report import Result, table, write

DATA: Final = Path(os.environ.get("PITBOX_DATA", "../shared/data"))
PARTS: Final[dict[str, Callable[[], Iterator[Result]]]] = {
    "encoding": lambda: encoding.measure(DATA if DATA.is_dir() else None),
}


def main() -> None:
    """Run the parts that were asked for, print as they come, write bench.json."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which parts; none: all")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    asked = parser.parse_args()
    results = []
    for part in asked.parts or PARTS:
        for one in PARTS[part]():
            results.append(one)
            print(table([one]), flush=True)
    write(results, asked.out)


if __name__ == "__main__":
    main()
