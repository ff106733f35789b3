"""The services of a stack: one process for each consumer of streams.yaml."""

import asyncio
from pathlib import Path
from typing import Any, Final

from commands.hub.supervisor import Program, StackError, Supervisor, pitbox
from pitbox import topology
from pitbox.identity.authority import permitted
from pitbox.topology import TopologyError

CHECK_EVERY_S: Final = 2.0


class Services:
    """Run the consumers of streams.yaml, also those that are declared while the stack runs.

    A consumer is started once `pitbox streams apply` has written its credentials, and restarted
    once these permit something else, because its routes changed.
    """

    def __init__(
        self, supervisor: Supervisor, users: Path, streams: str, environment: dict[str, str]
    ) -> None:
        """Prepare; `users` is the folder of credentials, `streams` the path of streams.yaml."""
        self._supervisor = supervisor
        self._users = users
        self._streams = streams
        self._environment = environment
        self._started: dict[str, dict[str, Any]] = {}
        self._mistake = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the services that were started."""
        return tuple(self._started)

    async def update(self) -> None:
        """Start and restart services as streams.yaml and the credentials are now.

        Raises TopologyError when the file cannot be read, StackError when a service cannot start.
        """
        for name in topology.consumers(self._streams):
            held = permitted(self._users, name)
            if held is None or held == self._started.get(name):
                continue
            known = name in self._started
            self._started[name] = held
            if known:
                self._supervisor.restart(name, "its routes changed")
            else:
                program = Program(name, pitbox("run", name), self._environment)
                await self._supervisor.start(program)

    async def keep(self) -> None:
        """Update every two seconds; never return."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await self.update()
            except (TopologyError, StackError) as error:
                self._show_once(str(error))
            else:
                self._mistake = ""

    def _show_once(self, mistake: str) -> None:
        if mistake != self._mistake:
            self._supervisor.show("streams", mistake)
        self._mistake = mistake
