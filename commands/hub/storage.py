"""The room of nats-server's streams, as nats-server and its volume report it."""

from pathlib import Path
from urllib.parse import urlsplit

from commands.hub.volume import volume
from pitbox.identity.folder import KeysError
from pitbox.nats.bus import BusDown
from pitbox.nats.system import Storage, System, has_system_user
from pitbox.settings import Nats
from pitbox.settings.address import is_loopback


async def of(server: Nats) -> Storage | None:
    """Return the storage of a nats-server, None where only others may ask for it."""
    if not has_system_user(server):
        return None
    system = System()
    try:
        await system.open(server, forever=False)
    except (BusDown, KeysError):
        return None
    try:
        return await system.storage()
    except BusDown:
        return None
    finally:
        await system.close()


def room_bytes(storage: Storage, server: Nats) -> int | None:
    """Return what the streams have taken and may still take of their volume.

    None when the volume is another machine's.
    """
    folder = Path(storage.folder or "-")
    if not is_loopback(urlsplit(server.url).hostname or "") or not folder.is_dir():
        return None
    return volume(folder).free_bytes + storage.storage
