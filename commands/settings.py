"""List every setting, on a terminal and in the documentation."""

from pathlib import Path

import msgspec

from commands.generated import marks
from pitbox import settings as declared


def settings(*, json: bool = False, readme: Path | None = None, check: bool = False) -> int:
    """List every setting with its default and meaning.

    Example: pitbox settings --json

    Parameters
    ----------
    json
        print a list of objects
    readme
        file to write the list into, between its marks
    check
        write nothing; exit code 1 when the file is stale
    """
    rows = list(declared.table())
    if readme is not None:
        return marks.write(readme, "settings", markdown(), check=check)
    if json:
        names = ("variable", "default", "about")
        print(msgspec.json.encode([dict(zip(names, row, strict=True)) for row in rows]).decode())
    else:
        print("\n".join(f"{variable}={default}\n    {about}" for variable, default, about in rows))
    return 0


def markdown() -> str:
    """Return all settings as a table."""
    lines = ["| variable | default | what it is |", "|---|---|---|"]
    for variable, default, about in declared.table():
        lines.append(f"| `{variable}` | {f'`{default}`' if default else ''} | {about} |")
    return "\n".join(lines)
