"""The hub's keys: write nats-server's configuration, rotate and retire keys."""

from pathlib import Path
from typing import Final

from commands import database
from commands.cli import CommandError
from commands.hub import nats_server, nearby
from pitbox import topology
from pitbox.identity.authority import Authority
from pitbox.topology import room

SHOWN: Final = 5


def config(
    out: Path,
    /,
    *,
    store: str,
    port: int = 4222,
    published: bool = False,
) -> None:
    """Write the configuration of a nats-server, and credentials for every service.

    Missing keys are created in PITBOX_KEYS__FOLDER. Keep operator.seed on another machine once
    nats-server runs. PITBOX_NATS__HOST is the address to listen on; beyond loopback it needs
    PITBOX_NATS__CERTIFICATE.

    Example: pitbox keys config nats.conf --store /var/lib/nats

    Parameters
    ----------
    out
        file to write; it contains no secret
    store
        folder in which nats-server keeps streams and accounts
    port
        port for clients
    published
        for a container, whose port for clients is published on PITBOX_NATS__HOST
    """
    authority, given = _authority(), nearby.find().settings.nats
    text = nats_server.config(
        authority.trust(),
        store,
        given,
        port,
        published=published,
        max_store_bytes=room.store_bytes(topology.load(nearby.find().settings.streams)),
    )
    out.write_text(text)
    print(f"wrote {out}, and credentials into {authority.write_users()}")


def rotate_operator() -> None:
    """Sign the accounts of hub and drivers with a new key; the old one stays valid.

    The file operator.seed has to be in PITBOX_KEYS__FOLDER.

    Example: pitbox keys rotate-operator
    """
    _authority().rotate_operator()
    print(
        "a new key signs accounts:\n"
        "1. restart nats-server with a configuration from `pitbox keys config`\n"
        "2. then restart `pitbox run keys`, which signs every driver's account again\n"
        "3. then `pitbox keys retire-operator`\n"
        "A restart of the stack does 1 and 2."
    )


def retire_operator() -> None:
    """Retire the old key for accounts, from the next start of nats-server on.

    Refused while the old key signs an account, because that driver could not connect any more.

    Example: pitbox keys retire-operator
    """
    authority = _authority()
    accounts = database.fetch("select driver, jwt from nats_account where revoked is null")
    late = [row["driver"] for row in accounts if not authority.is_current(row["jwt"])]
    if late:
        raise CommandError(
            f"the old key still signs {', '.join(late[:SHOWN])}"
            f"{' and others' if len(late) > SHOWN else ''}; restart `pitbox run keys` first"
        )
    authority.retire_operator()
    print("the old key for accounts is deleted: restart nats-server as before")


def rotate_drivers() -> None:
    """Sign drivers with a new key from the next start of `keys` on; the old one stays valid.

    Each PC gets credentials of the new key at its next renewal. After that: `retire-drivers`.

    Example: pitbox keys rotate-drivers
    """
    _authority().rotate_drivers()
    print("a new key signs drivers: restart `pitbox run keys`")


def retire_drivers() -> None:
    """Retire the old key for drivers, from the next start of `keys` on.

    Example: pitbox keys retire-drivers
    """
    _authority().retire_drivers()
    print("the old key for drivers is deleted: restart `pitbox run keys`")


def rotate_services() -> None:
    """Give every service a new key at the next start of the stack; old keys become invalid.

    Example: pitbox keys rotate-services
    """
    _authority().rotate_services()
    print("services get new keys: restart the stack, or nats-server after `pitbox keys config`")


def _authority() -> Authority:
    found = nearby.find()
    loaded = found.settings
    if not loaded.keys.folder:
        raise CommandError(
            f"{found.absence}. Without one, PITBOX_KEYS__FOLDER names the folder of the hub's keys"
        )
    return Authority(Path(loaded.keys.folder).expanduser(), topology.load(loaded.streams))
