"""The services of a stack: one process for each consumer of streams.yaml."""

import asyncio
from pathlib import Path
from typing import Final

from commands.hub.supervisor import Program, Supervisor, pitbox
from pitbox import topology
from pitbox.identity import permissions
from pitbox.identity.authority import Authority
from pitbox.identity.permissions import Permissions
from pitbox.topology import TopologyError

CHECK_EVERY_S: Final = 2.0


class Services:
    """Run the consumers of streams.yaml, also those that are declared while the stack runs.

    A consumer is started once `pitbox streams apply` has written its credentials, and restarted
    once it has written others, because its routes changed.
    """

    def __init__(
        self, supervisor: Supervisor, keys: Path, streams: str, environment: dict[str, str]
    ) -> None:
        """Prepare; `keys` is the hub's folder of keys, `streams` the path of streams.yaml."""
        self._supervisor = supervisor
        self._keys = keys
        self._streams = streams
        self._environment = environment
        self._started: dict[str, Permissions] = {}
        self._mistake = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the services that were started."""
        return tuple(self._started)

    async def update(self) -> None:
        """Start and restart services as streams.yaml and the credentials are now."""
        try:
            declared = topology.load(self._streams)
        except TopologyError as error:
            self._show_once(str(error))
            return
        self._mistake = ""
        authority = Authority(self._keys, declared)
        for name in declared.consumers:
            allowed = permissions.of_consumer(declared, name)
            if self._started.get(name) == allowed or not authority.has_user(name, allowed):
                continue
            known = name in self._started
            self._started[name] = allowed
            if known:
                self._supervisor.restart(name, "its routes changed")
            else:
                program = Program(name, pitbox("run", name), self._environment)
                await self._supervisor.start(program)

    async def keep(self) -> None:
        """Update every two seconds; never return."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self.update()

    def _show_once(self, mistake: str) -> None:
        if mistake != self._mistake:
            self._supervisor.show("streams", mistake)
        self._mistake = mistake
