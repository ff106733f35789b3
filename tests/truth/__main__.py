"""Judge the coach on simulated stints whose truth is known, and print how right it is.

Seeds below 1000 are for tuning, the others for reporting. The last lines are one per consistency.
"""

import argparse
import os
import re
from concurrent.futures import ProcessPoolExecutor

from tests.truth import laps, report
from tests.truth.stints import CONSISTENCIES, FIRST_REPORTED, stints


def main() -> None:
    """Drive the stints of the seeds that were asked for."""
    first, last = _seeds()
    print(_which(first, last), flush=True)
    lines = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for consistency in CONSISTENCIES:
            driven = pool.map(laps.drive, stints(first, last, consistency))
            judged = [lap for stint in driven for lap in stint]
            found = report.figures(judged)
            print(f"\nconsistency {consistency:.2f}: {len(judged)} laps")
            print("\n".join(report.tables(judged, found)), flush=True)
            lines.append(report.last_line(consistency, found))
    print("", *report.ALIKE, "", *lines, sep="\n")


def _seeds() -> tuple[int, int]:
    parser = argparse.ArgumentParser(prog="tests.truth", description=__doc__)
    parser.add_argument(
        "--seeds", default="1000-1009", help="the first and last seed, as 1000-1009"
    )
    text = parser.parse_args().seeds
    asked = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if asked is None:
        raise SystemExit(f"--seeds {text}: write the first and last seed, such as 1000-1009")
    first = int(asked[1])
    last = int(asked[2] or first)
    if last < first:
        raise SystemExit(f"--seeds {text}: the last seed is before the first")
    return first, last


def _which(first: int, last: int) -> str:
    use = "tuning" if last < FIRST_REPORTED else "reporting"
    if first < FIRST_REPORTED <= last:
        use = f"tuning (to {FIRST_REPORTED - 1}) and reporting"
    return f"{use} seeds {first} to {last}"


if __name__ == "__main__":
    main()
