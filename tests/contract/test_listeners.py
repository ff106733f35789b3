"""Every listener is known, and checks its address first."""

import re
from pathlib import Path

import yaml

from commands.hub.postgres_server import SERVER_SETTINGS
from tests.tools.sources import PACKAGES, ROOT, files

LISTENING = re.compile(
    r"(?<!log)\.bind\(|(start|create|make)_server\(|local_addr=|uvicorn\.Config\("
)
LISTENERS = {
    "consumers/gateway/web/listener.py": "listening.check(",
    "pitbox/metrics.py": "listening.check(",
    "commands/doctor.py": '"127.0.0.1"',  # checks whether a port is free
    "commands/hub/ports.py": '"127.0.0.1"',  # checks whether a port is free
    "producers/sources/network/port.py": "SOCK_DGRAM",  # receives from games, which have no TLS
}


def sources() -> list[Path]:
    return list(files(*PACKAGES))


def test_every_listener_checks_its_address() -> None:
    found = {
        str(path.relative_to(ROOT)) for path in sources() if LISTENING.search(path.read_text())
    }
    assert found == LISTENERS.keys(), "a new listener: check its address as the others do"
    for path, check in LISTENERS.items():
        assert check in (ROOT / path).read_text()


def test_postgres_listens_on_loopback_alone() -> None:
    assert SERVER_SETTINGS["listen_addresses"] == "127.0.0.1"


def test_containers_publish_on_loopback_alone() -> None:
    compose = yaml.safe_load((ROOT / "infra" / "docker-compose.yml").read_text())
    published = [port for one in compose["services"].values() for port in one.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_certificate_is_verified() -> None:
    unchecked = re.compile(r"CERT_NONE|_create_unverified_context|verify=False")
    assert not [path for path in sources() if unchecked.search(path.read_text())]
    unnamed = [path for path in sources() if "check_hostname = False" in path.read_text()]
    # It waits for the gateway that it started itself and whose certificate it has.
    assert unnamed == [ROOT / "commands" / "hub" / "stack.py"]
