"""A hub that is open to everybody, as a team puts it on the internet; a PC that finds no hub."""

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

import pytest

from pitbox.stack import Addresses, addresses
from tests.authority import Authority
from tests.servers import NatsServer, free_port, until

PITBOX = (sys.executable, "-m", "pitbox")
START_S = 90.0
LAP_S = 90.0


class Public:
    """Hold the settings of a public hub, and where it keeps what it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "authority")
        self.settings = {
            "PITBOX_NATS__HOST": "0.0.0.0",
            "PITBOX_NATS__URL": f"tls://localhost:{free_port()}",
            "PITBOX_NATS__CA": self.authority.file,
            "PITBOX_GATEWAY__HOST": "0.0.0.0",
            "PITBOX_GATEWAY__PORT": str(free_port()),
            "PITBOX_GATEWAY__NAMES": "localhost",
        }
        for group in ("NATS", "GATEWAY"):
            for name, file in self.authority.files("localhost").items():
                self.settings[f"PITBOX_{group}__{name.upper()}"] = file

    @property
    def stack(self) -> Path:
        """Return the folder of the stack."""
        return self.folder / "stack"

    def started(self) -> Addresses:
        """Return where the stack runs; fails when it does not."""
        running = addresses(self.stack)
        assert running is not None
        return running

    def run(self, *arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command at this hub."""
        sourced = (self.stack / "environment").read_text()
        hub = dict(re.findall(r"export (\w+)='?([^'\n]*)'?\n", sourced))
        return subprocess.run(
            [*PITBOX, *map(str, arguments)],
            env=os.environ | hub | settings,
            capture_output=True,
            text=True,
            timeout=LAP_S,
            check=False,
        )


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Public]:
    """Run everything for everybody."""
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
        told = iter(process.stdout.readline, "")
        assert any("The pit wall opens once" in line for line in told), "it starts"
        yield made
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_a_team_on_the_internet_drives_and_watches_by_tls_alone(public: Public) -> None:
    running = public.started()
    port = public.settings["PITBOX_GATEWAY__PORT"]
    assert running.page == f"https://localhost:{port}/"
    assert running.nats_url == public.settings["PITBOX_NATS__URL"]
    trusted = public.authority.trusted

    def ready() -> Any:
        with urllib.request.urlopen(f"{running.page}api/v1/ready", context=trusted) as answer:
            return json.loads(answer.read())

    assert ready()["nats"]
    creds = public.folder / "ada.creds"
    enrolled = public.run("driver", "enrol", "ada", "--out", creds)
    assert enrolled.returncode == 0, enrolled.stderr
    pc = {
        "PITBOX_NATS__CREDENTIALS": str(creds),
        "PITBOX_DRIVER__SPOOL": str(public.folder / "spool"),
    }
    lap = ("drive", "--source", "sim", "--laps", "1", "--speed", "50")
    driven = public.run(*lap, **pc)
    assert driven.returncode == 0, driven.stderr
    stranger = public.run(*lap[:3], **pc, PITBOX_NATS__URL=f"nats://192.0.2.1:{running.nats}")
    assert stranger.returncode == 2
    assert "it takes tls://192.0.2.1" in stranger.stderr
    renewed = Path(public.authority.files("localhost")["certificate"]).read_text()
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
def test_a_pc_that_finds_no_hub_says_why_once_and_drives_on(
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
        until(lambda: ledger.exists() and ledger.read_text().count("\n") > 40, "it drives on")
    finally:
        process.send_signal(signal.SIGINT)
        _, logged = process.communicate(timeout=20)
    assert process.returncode == 0
    waiting = [json.loads(line) for line in logged.splitlines() if "waiting for" in line]
    assert len(waiting) == 1, logged
    assert waiting[0]["address"] == url.removeprefix("nats://")
    assert re.search(reason, waiting[0]["reason"])
