"""A person sees of a stack's processes what concerns him, and each refused client once."""

import itertools

import pytest

from commands.hub.output import MAX_CLIENTS, QUIET_S, Complaints, Output

REFUSED = "[7] 2026/11/28 23:03:41.5 [ERR] {client}:{port} - cid:{cid} - authentication error"
VIOLATION = (
    '[7] 2026/11/28 23:03:41.5 [ERR] {client}:{port} - cid:{cid} - "v2.16.0:python3:say \\"x\\"" - '
    '"ACCOUNT/driver-ZOE/jwt:USER" - Publish Violation - Subject "ask.MOR.{cid}"'
)
FETCHED = "[7] 2026/11/28 23:03:45.0 [WRN] Account [AA5NW] fetch took 1.900193993s"
NOT_FETCHED = "[7] 2026/11/28 23:03:45.0 [WRN] Account fetch failed: fetching jwt timed out"
UNREADY = '[7] 2026/11/28 23:05:24.1 [WRN] Healthcheck failed: "failed to be ready"'
WARNING = "[7] 2026/11/28 23:05:24.1 [WRN] Filestore [TELEMETRY] Stream state outdated"
UNSTORED = (
    "[7] 2026/11/29 06:25:33.8 [ERR] JetStream failed to store a msg on stream 'AD7Q > {stream}': "
    "write /x/1.blk: no space left on device"
)
LOGIN = '2026-11-28 23:03:07.438 UTC [{cid}] FATAL:  password authentication failed for user "x"'


class Screen:
    """Hold the lines that an output printed, at a time that the test sets."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.now_s = 0.0
        self.output = Output(self.lines.append, lambda: self.now_s, colours=False)


def knocks(template: str, client: str, times: int) -> list[str]:
    return [template.format(client=client, port=40_000 + cid, cid=cid) for cid in range(times)]


@pytest.mark.parametrize("template", [REFUSED, VIOLATION])
@pytest.mark.parametrize("client", ["10.0.0.1", "[2001:db8::1]"])
def test_a_client_that_knocks_again_and_again_has_one_line_an_hour(
    template: str, client: str
) -> None:
    screen = Screen()
    screen.output.started()
    for line in knocks(template, client, 76):
        for shown in (FETCHED, NOT_FETCHED, line):
            screen.output.show("nats", shown)
    assert len(screen.lines) == 1
    assert client in screen.lines[0]
    for line in knocks(template, "10.9.9.9", 5):
        screen.output.show("nats", line)
    assert len(screen.lines) == 2
    screen.now_s = QUIET_S
    for line in knocks(template, client, 5):
        screen.output.show("nats", line)
    assert len(screen.lines) == 3


def test_postgres_has_one_line_an_hour_for_refused_logins() -> None:
    screen = Screen()
    screen.output.started()
    for line in knocks(LOGIN, "", 20):
        screen.output.show("postgres", line)
    assert len(screen.lines) == 1


def test_however_many_clients_knock_the_lines_of_an_hour_are_bounded() -> None:
    complaints = Complaints()
    clients = (f"10.0.{number // 250}.{number % 250}" for number in range(3 * MAX_CLIENTS))
    lines = itertools.chain.from_iterable(knocks(REFUSED, client, 2) for client in clients)
    assert sum(bool(complaints.passed(line, 0.0)) for line in lines) == MAX_CLIENTS


def test_other_lines_are_printed_each_time() -> None:
    screen = Screen()
    screen.output.started()
    for _ in range(3):
        screen.output.show("nats", "[7] [ERR] JetStream out of resources, will be DISABLED")
        screen.output.show("keys", "authentication error")
    assert len(screen.lines) == 6


def test_warnings_of_a_start_that_goes_well_are_not_printed() -> None:
    screen = Screen()
    screen.output.show("nats", UNREADY)
    screen.output.started()
    assert screen.lines == []
    screen.output.show("nats", WARNING)
    assert len(screen.lines) == 1


def test_warnings_of_a_start_that_fails_are_printed() -> None:
    screen = Screen()
    screen.output.show("nats", UNREADY)
    screen.output.failed()
    assert screen.lines == [f"nats      │ {UNREADY}"]


def test_errors_of_a_start_are_printed_at_once() -> None:
    screen = Screen()
    screen.output.show("nats", "[7] [ERR] no space left on device")
    assert len(screen.lines) == 1


def test_a_running_server_that_is_not_well_is_left_to_the_watch() -> None:
    screen = Screen()
    screen.output.started()
    screen.output.show("nats", UNREADY)
    assert screen.lines == []


def test_each_stream_that_is_not_stored_has_one_line_an_hour() -> None:
    screen = Screen()
    screen.output.started()
    for stream in ("TELEMETRY", "TIMING") * 20:
        screen.output.show("nats", UNSTORED.format(stream=stream))
    assert len(screen.lines) == 2
    screen.now_s = QUIET_S
    screen.output.show("nats", UNSTORED.format(stream="TIMING"))
    assert len(screen.lines) == 3
