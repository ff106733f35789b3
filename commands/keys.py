"""The hub's own keys: write what nats-server needs to know, and change keys."""

from pathlib import Path
from typing import Final

from commands import database
from commands.cli import CommandError
from commands.hub import nats_server
from pitbox import settings, topology
from pitbox.identity.authority import Authority

SHOWN: Final = 5


def config(
    out: Path,
    /,
    *,
    store: str,
    port: int = 4222,
    monitor_port: int = 8222,
    published: bool = False,
) -> None:
    """Write the configuration of a nats-server, and credentials for every service.

    Keys that are lacking in PITBOX_KEYS__FOLDER are made. Once nats-server runs, the file
    operator.seed is best kept elsewhere. PITBOX_NATS__HOST says where it listens, beyond loopback
    only with PITBOX_NATS__CERTIFICATE.

    Example: pitbox keys config nats.conf --store /var/lib/nats

    Parameters
    ----------
    out
        file to write; it holds no secret
    store
        folder in which nats-server keeps streams and accounts
    port
        port for clients
    monitor_port
        port for monitoring, on loopback only
    published
        it runs in a container, which publishes the clients' port on PITBOX_NATS__HOST
    """
    authority, given = _authority(), settings.load().nats
    ports = (port, monitor_port)
    out.write_text(nats_server.config(authority.trust(), store, given, ports, published=published))
    print(f"wrote {out}, and credentials into {authority.write_users()}")


def rotate_operator() -> None:
    """Sign the accounts of hub and drivers with a new key, while the old one is still good.

    The file operator.seed has to be in PITBOX_KEYS__FOLDER for this.

    Example: pitbox keys rotate-operator
    """
    _authority().rotate_operator()
    print(
        "a new key signs accounts:\n"
        "1. start nats-server again, with what `pitbox keys config` writes\n"
        "2. then start `pitbox run keys` again, which signs every driver's account anew\n"
        "3. then `pitbox keys retire-operator`\n"
        "The stack does 1 and 2 when it is started again."
    )


def retire_operator() -> None:
    """Let only the new key sign accounts, from the next start of nats-server on.

    Refuses while a driver's account is signed by the old one, for he would be shut out.

    Example: pitbox keys retire-operator
    """
    authority = _authority()
    accounts = database.fetch("select driver, jwt from nats_account where revoked is null")
    late = [row["driver"] for row in accounts if not authority.is_current(row["jwt"])]
    if late:
        raise CommandError(
            f"signed by the old key still: {', '.join(late[:SHOWN])}"
            f"{' and others' if len(late) > SHOWN else ''}; start `pitbox run keys` again first"
        )
    authority.retire_operator()
    print("the old key for accounts is forgotten: start nats-server again, as before")


def rotate_drivers() -> None:
    """Sign drivers with a new key from the next start of `keys` on; the old one is still good.

    Every PC gets credentials of the new key when it renews. When all have, `retire-drivers`.

    Example: pitbox keys rotate-drivers
    """
    _authority().rotate_drivers()
    print("a new key signs drivers: start `pitbox run keys` again")


def retire_drivers() -> None:
    """Believe only the new key for drivers from the next start of `keys` on.

    Example: pitbox keys retire-drivers
    """
    _authority().retire_drivers()
    print("the old key for drivers is forgotten: start `pitbox run keys` again")


def rotate_services() -> None:
    """Give every service a new key at the next start of the stack; the old ones are good no more.

    Example: pitbox keys rotate-services
    """
    _authority().rotate_services()
    print("services get new keys: start the stack again, or `pitbox keys config` and nats-server")


def _authority() -> Authority:
    loaded = settings.load()
    if not loaded.keys.folder:
        raise CommandError("PITBOX_KEYS__FOLDER: not set: the folder with the hub's keys")
    return Authority(Path(loaded.keys.folder).expanduser(), topology.load(loaded.streams))
