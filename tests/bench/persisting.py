"""From a filled stream into Postgres: PitBox, its peers, and the raw limit."""

import asyncio
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tests.bench import frames
from tests.bench.effort import Effort
from tests.bench.peers.stopwatch import COLUMNS, TABLE
from tests.bench.report import Result, result
from tests.bench.servers import Servers, decoded, execute
from tests.tools.servers import credentials

ROOT: Final = Path(__file__).parents[2]
PEERS_PYTHON: Final = Path(sys.prefix) / "peers" / "bin" / "python"
ROUNDS: Final = 3
LIVE_FRAMES: Final = 150_000
BACKFILL_FRAMES: Final = 540_000
LIMIT_FRAMES: Final = 60_000
LIMIT_S: Final = 300
SUBJECT: Final = "telemetry.bench.bench.backfill"
COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)


class Peer(Struct, frozen=True):
    """A peer, its module, and its number of frames, chosen to suit its rate."""

    name: str
    module: str
    frames: int
    stream: str = "PEERS"
    subject: str = "peers.frames"


MESSAGES: Final = Peer("FastStream per message", "faststream_messages", 3_000)
BATCHES: Final = Peer("FastStream batched + COPY", "faststream_batches", 60_000)
PEERS: Final = (
    MESSAGES,
    BATCHES,
    Peer("nats-py + executemany", "nats_executemany", 40_000),
    Peer("Pathway", "pathway_postgres", 60_000, "PEERSJSON", "peers.json"),
)


class Taken(Struct, frozen=True):
    """The cost of one run, per frame."""

    frames_per_s: float
    cpu_s_per_million: float
    postgres_cpu_s_per_million: float
    rss_mb: float


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the figures of persisting."""
    asyncio.run(execute(servers.url, *tables()))
    live, backfill = list[Taken](), list[Taken]()
    limits, peers = list[float](), {peer.name: list[Taken]() for peer in PEERS}
    limit_frames = effort.count(LIMIT_FRAMES)
    file = write_copy_file(servers.folder / "wide.bin", limit_frames)
    for _ in range(effort.rounds(ROUNDS)):
        live.append(run_pitbox(servers, 3, effort.count(LIVE_FRAMES)))
        backfill.append(run_pitbox(servers, 18, effort.count(BACKFILL_FRAMES)))
        limits.append(limit_frames / _copy_s(servers, file))
        for peer in PEERS:
            taken = _peer(servers, peer, effort.count(peer.frames))
            peers[peer.name] += [taken] if taken else []
    rates = {name: [t.frames_per_s for t in taken] for name, taken in peers.items() if taken}
    costs = {name: [t.cpu_s_per_million for t in taken] for name, taken in peers.items() if taken}
    for name, ours in (("live", live), ("backfill", backfill)):
        yield result(
            f"persist_{name}_frames_per_s",
            "frames/s",
            "higher",
            [t.frames_per_s for t in ours],
            peers=rates,
            limit=limits,
        )
    yield result(
        "persist_cpu_s_per_million",
        "CPU s",
        "lower",
        [t.cpu_s_per_million for t in live],
        peers=costs,
    )
    yield result(
        "persist_cpu_s_per_million_backfill",
        "CPU s",
        "lower",
        [t.cpu_s_per_million for t in backfill],
    )
    yield result(
        "persist_postgres_cpu_s_per_million",
        "CPU s",
        "lower",
        [t.postgres_cpu_s_per_million for t in live],
        peers={
            name: [t.postgres_cpu_s_per_million for t in taken]
            for name, taken in peers.items()
            if taken
        },
    )
    yield result(
        "persist_rss_mb",
        "MB",
        "lower",
        [t.rss_mb for t in live],
        peers={name: [t.rss_mb for t in taken] for name, taken in peers.items() if taken},
    )


def tables() -> list[str]:
    """Return the statements that create the peers' tables."""
    columns = ", ".join(f"{name} real not null" for name in COLUMNS[1:])
    return [
        f"create table {TABLE} (seq bigint primary key, {columns})",
        f"create table {TABLE}_pathway (seq bigint, {columns}, time bigint, diff bigint)",
        f"create index on {TABLE}_pathway (seq)",
    ]


def run_pitbox(servers: Servers, size: int, total: int) -> Taken:
    """Let the persister store a drive in chunks of `size` frames; return the cost."""
    asyncio.run(execute(servers.url, "truncate telemetry_chunk, telemetry_block, run"))
    encoded = (msgspec.msgpack.encode(chunk) for chunk in frames.chunks(total, size))
    asyncio.run(servers.fill(servers.connect(), SUBJECT, encoded, "TELEMETRY"))
    command = [sys.executable, "-m", "tests.bench.pitbox_worker", "--nats", servers.nats.url]
    command += ["--credentials", str(credentials(servers.nats.url))]
    taken = _work(servers, command, total)
    if taken is None:
        raise RuntimeError("the persister did not finish: see its output above")
    return taken


def _peer(servers: Servers, peer: Peer, total: int) -> Taken | None:
    """Return a peer's cost, None if it is not installed or fails (it prints the reason itself)."""
    if not PEERS_PYTHON.is_file():
        return None
    asyncio.run(execute(servers.url, f"truncate {TABLE}, {TABLE}_pathway"))
    client = servers.connect_peer()
    asyncio.run(servers.fill(client, peer.subject, _messages(peer, total), peer.stream))
    module = f"tests.bench.peers.{peer.module}"
    command = [str(PEERS_PYTHON), "-m", module, "--nats", servers.peers.url]
    return _work(servers, command, total)


def _messages(peer: Peer, total: int) -> Iterator[bytes]:
    if peer.stream == "PEERS":
        yield from frames.messages(total)
        return
    made = frames.rows()
    for frame in range(total):
        row = made[frame % frames.CYCLE]
        yield msgspec.json.encode(dict(zip(COLUMNS, (frame, *row), strict=True)))


def _work(servers: Servers, command: list[str], total: int) -> Taken | None:
    before = servers.cpu_s()
    address = ["--postgres", servers.url, "--frames", str(total)]
    done = subprocess.run(
        [*command, *address],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PITBOX_LOG__LEVEL": "warning"},
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode:
        print(f"{command[-1]} failed: {done.stderr.decode()[-2000:]}", file=sys.stderr)
        return None
    figures = decoded(done.stdout)
    postgres_s = servers.cpu_s()["postgres"] - before["postgres"]
    return Taken(
        frames_per_s=total / figures["wall_s"],
        cpu_s_per_million=figures["cpu_s"] / total * 1e6,
        postgres_cpu_s_per_million=postgres_s / total * 1e6,
        rss_mb=figures["rss_mb"],
    )


def write_copy_file(path: Path, total: int) -> Path:
    """Write the frames as the input of a binary COPY into the wide table."""
    made = frames.rows()
    pack = struct.Struct("!hiq" + "if" * frames.WIDTH).pack
    with path.open("wb") as file:
        file.write(COPY_HEAD)
        for frame in range(total):
            row = made[frame % frames.CYCLE]
            fields = (part for value in row for part in (4, value))
            file.write(pack(len(COLUMNS), 8, frame, *fields))
        file.write(struct.pack("!h", -1))
    return path


def _copy_s(servers: Servers, file: Path) -> float:
    asyncio.run(execute(servers.url, f"truncate {TABLE}"))
    started = time.perf_counter()
    servers.psql(f"\\copy {TABLE} from '{file}' with (format binary)")
    return time.perf_counter() - started
