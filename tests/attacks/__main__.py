"""`make attacks`: every attack by a driver, and the same by a client of an ordinary hub."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pitbox.postgres import migration
from tests.attacks.attempts import WITHOUT_CONTROL, Attempt, attempts
from tests.attacks.name_gateway import NameGateway, name_gateway
from tests.attacks.scene import scene
from tests.attacks.usual import ClusteredServer, UsualServer
from tests.attacks.usual_web import usual_web
from tests.tools.servers import NatsServer, PostgresServer, running


async def effects(
    chosen: Sequence[Attempt],
    *servers: NatsServer,
    web_port: int,
    names_at: NameGateway | None = None,
) -> list[str]:
    """Make attempts one after the other; return the effect of each, "" for none."""
    found = []
    async with scene(*servers) as made:
        made.name_gateway, made.web_port = names_at, web_port
        for attempt in chosen:
            await made.begin()
            effect = await attempt.act(made)
            found.append(effect)
            if effect:
                await made.restore()
    return found


async def both(
    chosen: Sequence[Attempt], folder: Path, database: str
) -> tuple[list[str], list[str]]:
    """Return the effects of a driver's attempts and of the control's, made concurrently."""
    attacks = by_a_driver(chosen, folder, database), by_the_control(chosen, folder)
    tried, control = await asyncio.gather(*attacks)
    return tried, control


async def by_a_driver(chosen: Sequence[Attempt], folder: Path, database: str) -> list[str]:
    """Return the effect of each attempt of a driver on a hub; another gateway gives the names."""
    server, named = NatsServer(folder / "hub"), NatsServer(folder / "name_gateway")
    with running(server), running(named):
        async with name_gateway(named, database) as opened:
            return await effects(chosen, server, names_at=opened, web_port=opened.port)


async def by_the_control(chosen: Sequence[Attempt], folder: Path) -> list[str]:
    """Return the effect of each attempt of a client of an ordinary hub."""
    usual, clustered = UsualServer(folder / "usual"), ClusteredServer(folder / "clustered")
    with running(usual), running(clustered):
        async with usual_web(folder / "web") as port:
            return await effects(chosen, usual, clustered, web_port=port)


def main() -> int:
    """Attack a hub made for the purpose and report each attempt.

    Return 1 if one had an effect, or if its control had none, so that an effect would go unnoticed.
    """
    chosen = list(attempts())
    with tempfile.TemporaryDirectory(prefix="pitbox-attacks-") as name:
        folder = Path(name)
        postgres = PostgresServer(folder)
        with running(postgres):
            asyncio.run(migration.migrate(postgres.url()))
            tried, control = asyncio.run(both(chosen, folder, postgres.url()))
    for attempt, effect, known in zip(chosen, tried, control, strict=True):
        result = f"EFFECTIVE: {effect}" if effect else "no effect"
        seen = known or f"none: {WITHOUT_CONTROL.get(attempt.name, 'NOT SEEN')}"
        print(f"{attempt.group:<17} {attempt.name:<52} {result:<12} control: {seen}")
    effective, seen = sum(map(bool, tried)), sum(map(bool, control))
    print(f"attacks: {len(tried)} attempts, {effective} effective; control: {seen} effective")
    unseen = {one.name for one, effect in zip(chosen, control, strict=True) if not effect}
    return int(effective > 0 or unseen != set(WITHOUT_CONTROL))


if __name__ == "__main__":
    sys.exit(main())
