"""The recipe of docs/consumer.md works, applied to a copy of the checkout whose stack runs."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import pytest
import websockets

from commands.hub.record import Addresses, addresses
from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.settings import Nats
from schemas.telemetry import Chunk
from schemas.wall import Subscribe
from tests.conftest import ROOT
from tests.tools.drives import race
from tests.tools.hub import Database, eventually, send
from tests.tools.page import API, until_ready
from tests.tools.servers import until

DOCUMENT: Final = ROOT / "docs" / "consumer.md"
BLOCK: Final = re.compile(r"^```(\w+) title=(\S+)(?: under ([^\n]+))?\n(.*?)^```$", re.M | re.S)
LINK: Final = re.compile(r"#link=(\S+)")
STARTED_S: Final = 120
COUNTED_S: Final = 60.0
COMPLETED: Final = 3
"""So many laps of `race` have a time."""


class Block(NamedTuple):
    """One code block: a whole file, a part below a line of a file, or a diff."""

    language: str
    path: str
    under: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(DOCUMENT.read_text())]


def applied(block: Block, text: str) -> str:
    """Return the text of a file after a block."""
    if block.language == "diff":
        old = "".join(line[1:] for line in block.text.splitlines(True) if line[0] == "-")
        new = "".join(line[1:] for line in block.text.splitlines(True) if line[0] == "+")
        assert text.count(old) == 1, f"{block.path} has not exactly one {old!r}"
        return text.replace(old, new)
    if not block.under:
        return block.text
    lines = text.splitlines(True)
    [first] = [n for n, line in enumerate(lines) if line.startswith(block.under)]
    later = range(first + 1, len(lines))
    end = next((n for n in later if not lines[n].startswith((" ", "\n"))), len(lines))
    while lines[end - 1] == "\n":
        end -= 1
    return "".join([*lines[:end], block.text, *lines[end:]])


def test_a_block_goes_to_the_end_of_its_part() -> None:
    text = "a:\n  b: 1\n\n  c: 2\n\n# d\nd:\n  e: 3\n"
    block = Block("yaml", "x", "a:", "  f: 4\n")
    assert applied(block, text) == "a:\n  b: 1\n\n  c: 2\n  f: 4\n\n# d\nd:\n  e: 3\n"


class Copy:
    """Run commands in a copy of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        self.environment = os.environ | {"PYTHONPATH": str(folder)}
        names = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True)
        for name in names.splitlines():
            if (ROOT / name).is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target)

    def apply(self, block: Block) -> None:
        target = self.folder / block.path
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_text() if target.exists() else ""
        target.write_text(applied(block, before))

    def pitbox(self, *arguments: str) -> str:
        """Run a command as a user does in the folder, and return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "commands", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=STARTED_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def running(self) -> Addresses | None:
        return addresses(self.folder / ".pitbox")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """Run the stack of a copy, without the recipe."""
    made = Copy(tmp_path / "copy")
    with made.log.open("w") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "commands", "up"],
            cwd=made.folder,
            env=made.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:

        def ready() -> bool:
            assert up.poll() is None, made.log.read_text()
            return "pit wall opens" in made.log.read_text()

        until(ready, "the stack runs", STARTED_S)
        yield made
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(timeout=60)


async def drive(nats_url: str, creds: Path, chunks: Sequence[Chunk]) -> None:
    """Publish chunks as a driver."""
    nats = Nats(url=nats_url, credentials=str(creds))
    bus = await Bus.connect(nats, "drive", topology.load(), forever=False)
    try:
        await send(bus, chunks, "telemetry.live")
    finally:
        await bus.close()


async def logged_in(address: str, link: str) -> str:
    """Return a ticket for a WebSocket of the owner."""
    async with httpx.AsyncClient(base_url=f"{address}{API}") as rest:
        login = await rest.post("/login/link", json={"secret": link})
        token = login.json()["access_token"]
        ticket = await rest.post("/ws-ticket", headers={"Authorization": f"Bearer {token}"})
        return str(ticket.json()["ticket"])


def test_the_page_of_the_recipe_compiles(tmp_path: Path) -> None:
    made, modules = Copy(tmp_path / "copy"), ROOT / "dashboards" / "web" / "node_modules"
    if not modules.is_dir():
        reason = "no node_modules of the page: `make web-check` installs them"
        (pytest.fail if os.environ.get("PITBOX_E2E") == "required" else pytest.skip)(reason)
    for block in blocks():
        made.apply(block)
    web = made.folder / "dashboards" / "web"
    made.pitbox("streams", "typescript", "--out", str(web / "src" / "wire.ts"))
    (web / "node_modules").symlink_to(modules)
    node = shutil.which("node", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert node is not None
    compile_page = [node, "node_modules/typescript/bin/tsc", "--noEmit"]
    done = subprocess.run(compile_page, cwd=web, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


async def test_a_consumer_by_the_recipe_runs_is_stored_and_is_shown(
    copy: Copy, tmp_path: Path
) -> None:
    for block in blocks():
        copy.apply(block)
    applied_lines = copy.pitbox("streams", "apply").splitlines()
    assert "create stream PACE" in applied_lines
    assert "credentials pace" in applied_lines
    copy.pitbox("migrate")
    creds = tmp_path / "ada.creds"
    copy.pitbox("driver", "enrol", "ada", "--out", str(creds))
    running = copy.running()
    assert running is not None
    database = Database((copy.folder / ".pitbox" / "postgres.url").read_text())
    link = LINK.search(copy.pitbox("account", "link"))
    assert link is not None
    page = f"http://127.0.0.1:{running.gateway}"

    def restarted() -> bool:
        """Return whether both have begun anew: the old gateway still answers while it stops."""
        log = copy.log.read_text()
        changed = re.search(r"gateway .*routes changed", log)
        serves = changed is not None and '"serving"' in log[changed.end() :]
        return serves and re.search(r"persister .*routes changed", log) is not None

    until(restarted, "the services with new routes restart", STARTED_S)
    await until_ready(running.gateway)
    chunks = race()
    ticket = await logged_in(page, link[1])
    live = f"ws://127.0.0.1:{running.gateway}{API}/live?ticket={ticket}"
    async with websockets.connect(live) as socket, asyncio.timeout(COUNTED_S):
        wanted = Subscribe(session=chunks[0].session, drivers=(), channels=())
        await socket.send(msgspec.msgpack.encode(wanted))
        await drive(running.nats_url, creds, chunks)
        shown: dict[str, Any] = {}
        while shown.get("laps") != COMPLETED:
            shown = msgspec.msgpack.decode(await socket.recv(decode=False))
    assert shown["type"] == "pace.count"

    async def kept() -> bool:
        laps = await database.value("select laps from pace_count where driver = 'ada'")
        return bool(laps == COMPLETED)

    await eventually(kept, "the count is in Postgres", COUNTED_S)
