"""Settings of a command: those of the environment, else those of the stack that runs here.

The record lends nothing of a group in which the environment contradicts it, so that the credentials
of a stack are never sent to another address than its own. Services and the driver app do
not read the record: a supervisor gives them every setting.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from commands.hub.record import ADDRESSES, Addresses, addresses
from pitbox import settings
from pitbox.identity.folder import OTHERS
from pitbox.settings import Settings

FOLDER: Final = Path(".pitbox")
START: Final = "`make up` or `make demo` starts one"


class Nearby(Struct, frozen=True):
    """Hold the settings of a command, and the origin of each group of them.

    `given` are the variables of the environment; `lent` are the groups that come from the record of
    the stack in `folder`, None when none runs in `start` or above it.
    """

    settings: Settings
    start: Path
    folder: Path | None
    lent: frozenset[str]
    given: tuple[str, ...]

    def knows(self, group: str) -> bool:
        """Return whether the environment or a running stack sets something of a group."""
        return group in self.lent or bool(self._of(group))

    def origin(self, group: str) -> str:
        """Return where the settings of a group come from, and what to do when they are wrong."""
        if group in self.lent and self.folder is not None:
            return f"the stack in {self.folder} names it, and its output says more"
        if given := self._of(group):
            return f"{' and '.join(given)} in the environment {_names(given)} it"
        return self.absence

    @property
    def absence(self) -> str:
        """Return that no stack runs here, and how to start one."""
        if self.folder is not None:
            return f"a stack runs in {self.folder}"
        return f"no stack runs in {self.start} or in a folder above it: {START}"

    def _of(self, group: str) -> tuple[str, ...]:
        return tuple(variable for variable in self.given if group_of(variable) == group)


def find(environment: Mapping[str, str] | None = None, start: Path | None = None) -> Nearby:
    """Return the settings for a command that runs in the folder `start`.

    Raises SettingsError naming the wrong variable.
    """
    environment = os.environ if environment is None else environment
    start = (start or Path.cwd()).absolute()
    given = tuple(sorted(name for name in environment if name.startswith(settings.PREFIX)))
    folder, running = _running(start)
    added = lent(running.environment, environment) if running else {}
    return Nearby(
        settings=settings.load({**added, **environment}),
        start=start,
        folder=folder,
        lent=frozenset(map(group_of, added)),
        given=given,
    )


def place(folder: Path | None) -> Path:
    """Return the folder of a stack: the given one, else the nearest in which one runs."""
    start = Path.cwd()
    return (folder or _running(start)[0] or start / FOLDER).absolute()


def group_of(variable: str) -> str:
    """Return the group that a variable belongs to, in small letters."""
    group, _, _ = variable.removeprefix(settings.PREFIX).lower().partition("__")
    return group.removesuffix("_file")


def lent(offered: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a record that the environment lacks, of groups on which both agree."""
    named = {_setting(name) for name in environment}
    disputed = {
        group_of(name)
        for name, value in offered.items()
        if _setting(name) in named and environment.get(name) != value
    }
    return {
        name: value
        for name, value in offered.items()
        if _setting(name) not in named and group_of(name) not in disputed
    }


def _setting(variable: str) -> str:
    return variable.removesuffix("_FILE")


def _running(start: Path) -> tuple[Path | None, Addresses | None]:
    """Return the nearest folder in which a stack of this user runs, and its record."""
    for above in (start, *start.parents):
        folder = above / FOLDER
        if _is_own(folder) and _is_own(folder / ADDRESSES) and (running := addresses(folder)):
            return folder, running
    return None, None


def _is_own(path: Path) -> bool:
    """Return whether a path belongs to this user and to nobody else; Windows keeps rights apart."""
    try:
        about = path.stat()
    except OSError:
        return False
    return os.name != "posix" or (about.st_uid == os.geteuid() and not about.st_mode & OTHERS)


def _names(given: tuple[str, ...]) -> str:
    return "name" if len(given) > 1 else "names"
