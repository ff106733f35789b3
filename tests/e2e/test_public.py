"""A hub on every address, as a team runs it on the internet; and a PC that finds no hub."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from commands.hub.record import Addresses, addresses
from tests.faults.ledger import read_ledger
from tests.tools.authority import Authority
from tests.tools.servers import NatsServer, free_port, until

PITBOX = (sys.executable, "-m", "commands")
START_S = 90.0
LAP_S = 90.0
FAR = "0.0.0.0"
"""Leads to this machine, and is not known to: what goes there goes by TLS."""
LINK = "The pit wall opens once"


class Public:
    """The settings of a public hub, and its folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = ""
        self.authority = Authority(folder / "authority")
        nats_port = free_port()
        self.settings = {
            "PITBOX_NATS__HOST": "0.0.0.0",
            "PITBOX_NATS__URL": f"tls://localhost:{nats_port}",
            "PITBOX_NATS__CA": self.authority.file,
            "PITBOX_GATEWAY__HOST": "0.0.0.0",
            "PITBOX_GATEWAY__PORT": str(free_port()),
            "PITBOX_GATEWAY__NAMES": f"localhost,{FAR}",
            "PITBOX_GATEWAY__NATS_URL": f"tls://{FAR}:{nats_port}",
        }
        for group in ("NATS", "GATEWAY"):
            for name, file in self.authority.files("localhost", FAR).items():
                self.settings[f"PITBOX_{group}__{name.upper()}"] = file

    @property
    def stack(self) -> Path:
        """Return the folder of the stack."""
        return self.folder / "stack"

    def started(self) -> Addresses:
        """Start the stack and return its address; fails if it does not start."""
        running = addresses(self.stack)
        assert running is not None
        return running

    def code(self, driver: str) -> str:
        """Log in by the link and return a code for a driver's PC, requested as the page does."""
        api, trusted = f"{self.started().page}api/v1/", self.authority.trusted
        with httpx.Client(base_url=api, verify=trusted) as rest:
            owner = rest.post("login/link", json={"secret": self.secret}).json()
            rest.headers["authorization"] = f"Bearer {owner['access_token']}"
            return str(rest.post("enrolments", json={"driver": driver}).json()["code"])

    def drive(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Drive a lap on a PC without other settings."""
        lap = ("--source", "sim", "--laps", "1", "--speed", "50")
        bare = {name: value for name, value in os.environ.items() if not name.startswith("PITBOX_")}
        return subprocess.run(
            [*PITBOX, "drive", *lap, *arguments],
            env=bare | {"HOME": str(self.folder / "home")} | settings,
            capture_output=True,
            text=True,
            timeout=LAP_S,
            check=False,
        )


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Public]:
    """Run a public hub."""
    made = Public(tmp_path)
    process = subprocess.Popen(
        [*PITBOX, "up", "--folder", str(made.stack)],
        env=os.environ | made.settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        made.secret = next(
            (line.strip().partition("#link=")[2] for line in lines if LINK in line), ""
        )
        assert made.secret, "it starts"
        yield made
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_public_hub_is_driven_and_watched_over_tls_alone(public: Public) -> None:
    running = public.started()
    port = public.settings["PITBOX_GATEWAY__PORT"]
    assert running.page == f"https://localhost:{port}/"
    assert running.nats_url == public.settings["PITBOX_NATS__URL"]
    trusted = public.authority.trusted

    def ready() -> Any:
        with urllib.request.urlopen(f"{running.page}api/v1/ready", context=trusted) as answer:
            return json.loads(answer.read())

    assert ready()["nats"]
    enrol = ("--enrol", f"{public.code('ada')}@{FAR}:{port}")
    for refused, message in (
        (public.drive(*enrol), "add --ca FILE"),
        (public.drive("--ca", public.authority.file), "--ca goes with --enrol"),
    ):
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert message in refused.stderr
    for arguments in ((*enrol, "--ca", public.authority.file), ()):
        driven = public.drive(*arguments)
        assert driven.returncode == 0, driven.stderr
    stranger = public.drive(PITBOX_NATS__URL=f"nats://192.0.2.1:{running.nats}")
    assert stranger.returncode == 2
    assert "use tls://192.0.2.1" in stranger.stderr
    renewed = Path(public.authority.files("localhost", FAR)["certificate"]).read_text()
    for listening in (running.nats, running.gateway):
        until(
            lambda port=listening: public.authority.shown(port, "localhost") == renewed,
            "the renewed certificate is shown",
        )
    assert ready()["nats"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("tls://nowhere.invalid", "ame or service not known|getaddrinfo|resolution"),
        ("nats://127.0.0.1:1", "Connect call failed|refused"),
    ],
)
def test_a_pc_that_finds_no_hub_logs_the_reason_once_and_continues(
    url: str, reason: str, tmp_path: Path
) -> None:
    pc = {
        "PITBOX_NATS__URL": url,
        "PITBOX_NATS__CREDENTIALS": str(NatsServer(tmp_path).driver("ada")),
        "PITBOX_DRIVER__SPOOL": str(tmp_path / "spool"),
        "PITBOX_LOG__FORMAT": "json",
    }
    ledger = tmp_path / "ledger"
    process = subprocess.Popen(
        [*PITBOX, "drive", "--source", "sim", "--ledger", str(ledger)],
        env=os.environ | pc,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: len(read_ledger(ledger).committed) > 40, "it drives on")
    finally:
        process.send_signal(signal.SIGINT)
        _, logged = process.communicate(timeout=60)
    assert process.returncode == 0
    waiting = [json.loads(line) for line in logged.splitlines() if "waiting for" in line]
    assert len(waiting) == 1, logged
    assert waiting[0]["address"] == url.removeprefix("nats://")
    assert re.search(reason, waiting[0]["reason"])
