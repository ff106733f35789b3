"""The proxy between a driver and the hub fails as documented."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.background import Background
from tests.faults.proxy import Link


@pytest.fixture
def echo() -> Iterator[int]:
    """Return the port of an echo server."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=repeat, args=(connection,), daemon=True).start()

    def repeat(connection: socket.socket) -> None:
        with connection:
            try:
                while part := connection.recv(4096):
                    connection.sendall(part)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def link(echo: int) -> Iterator[Link]:
    background = Background()
    made = Link(background, echo)
    yield made
    made.close()
    background.close()


def connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=60)


def echoed(connection: socket.socket, content: bytes) -> bytes:
    connection.sendall(content)
    return connection.recv(4096)


def test_a_link_carries_both_ways(link: Link) -> None:
    with connect(link) as connection:
        assert echoed(connection, b"box") == b"box"


def test_a_cut_link_resets_and_refuses_until_it_is_healed(link: Link) -> None:
    with connect(link) as connection:
        assert echoed(connection, b"box") == b"box"
        link.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionRefusedError):
        connect(link)
    link.heal()
    with connect(link) as connection:
        assert echoed(connection, b"box") == b"box"


def test_a_black_hole_buffers_bytes_until_it_is_healed(link: Link) -> None:
    with connect(link) as connection:
        link.black_hole()
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            echoed(connection, b"box")
        link.heal()
        connection.settimeout(5)
        assert connection.recv(4096) == b"box"


def test_a_black_hole_that_is_reset_ends_old_connections_and_takes_new_ones(link: Link) -> None:
    with connect(link) as connection:
        assert echoed(connection, b"box") == b"box"
        link.black_hole()
        link.reset()
        link.heal()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with connect(link) as connection:
        assert echoed(connection, b"box") == b"box"


def test_a_slow_link_limits_rate_and_delays(link: Link) -> None:
    link.slow(rate_bps=80_000, delay_s=0.05)
    begun = time.monotonic()
    with connect(link) as connection:
        assert echoed(connection, bytes(1000)) == bytes(1000)
    # 0.1 s to send and 0.05 s of delay each way: a slow machine only adds to it.
    assert time.monotonic() - begun >= 0.3
