"""A driver drives, an engineer watches: real processes, a real page in a real Chromium."""

import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from msgspec import Struct
from PIL import Image
from playwright.sync_api import Page, TimeoutError, expect

from commands.hub.record import addresses
from tests.e2e import browser
from tests.tools.servers import until

PITBOX = (sys.executable, "-m", "commands")
ARTIFACTS = Path(__file__).parents[1] / "artifacts"
STARTED_S = 60
LAP_S = 90
"""A lap of the short circuit takes forty seconds."""


class Hub(Struct, frozen=True):
    """A hub's address, and the link that it printed."""

    nats: int
    page: str
    link: str


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Run servers and services as `make up` does."""
    browser.chromium()
    folder = tmp_path / "up"
    with (tmp_path / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [*PITBOX, "up", "--folder", str(folder)], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: serves(folder, process), "the pit wall is served", STARTED_S)
        running = addresses(folder)
        assert running is not None
        yield Hub(running.nats, running.page, link_in(folder))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def serves(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, (folder.parent / "up.log").read_text()
    return bool(link_in(folder)) and addresses(folder) is not None


def link_in(folder: Path) -> str:
    """Return the login link in the output, "" before it is printed."""
    found = re.search(r"http\S+#link=\S+", (folder.parent / "up.log").read_text())
    return found[0] if found else ""


@contextlib.contextmanager
def driving(hub: Hub, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a simulated car on the short circuit; its driver is enrolled by a command."""
    credentials = folder / "MOR.creds"
    enrol = f"source {folder / 'up' / 'environment'} && {shlex.join(PITBOX)} driver enrol MOR"
    subprocess.run(["bash", "-c", f"{enrol} --out {credentials}"], check=True, timeout=STARTED_S)
    process = subprocess.Popen(
        [*PITBOX, "drive", "--source", "sim", "--track", "pebble-lane", "--car", "27"],
        env={
            **os.environ,
            "PITBOX_NATS__URL": f"nats://127.0.0.1:{hub.nats}",
            "PITBOX_NATS__CREDENTIALS": str(credentials),
            "PITBOX_DRIVER__SESSION": "evening",
            "PITBOX_DRIVER__SPOOL": str(folder / "spool"),
        },
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_a_car_appears_its_trace_moves_and_its_lap_is_listed(hub: Hub, tmp_path: Path) -> None:
    with browser.page(1440, 900) as (page, complaints), driving(hub, tmp_path) as car:
        page.goto(hub.link)
        tab = page.get_by_role("tab", name=re.compile("MOR"))
        expect(tab).to_be_visible(timeout=STARTED_S * 1000)
        expect(
            page.get_by_text(re.compile(r"Live · 0\.\d\d s behind the car")).first
        ).to_be_visible(timeout=30_000)

        before = trace(page)
        until(lambda: trace(page) != before, "the speed trace moves", 10)

        row = page.get_by_label("Lap table").get_by_role("row").filter(has_text=LAP_TIME)
        expect(row.first).to_be_visible(timeout=LAP_S * 1000)
        keep(page, "pit-wall")

        car.send_signal(signal.SIGSTOP)
        expect(page.get_by_text(re.compile("No samples for|Link to MOR lost")).first).to_be_visible(
            timeout=30_000
        )
        keep(page, "pit-wall-without-samples")
        car.send_signal(signal.SIGCONT)
        expect(
            page.get_by_text(re.compile(r"Live · 0\.\d\d s behind the car")).first
        ).to_be_visible(timeout=30_000)
        assert complaints == []

        page.reload()
        expect(tab).to_be_visible(timeout=30_000)
        assert complaints == []
        log_out_everywhere(page)


def test_an_owner_deletes_a_session_and_the_page_loses_it(hub: Hub, tmp_path: Path) -> None:
    with browser.page(1440, 900) as (page, complaints):
        with driving(hub, tmp_path):
            page.goto(hub.link)
            tab = page.get_by_role("tab", name=re.compile("MOR"))
            expect(tab).to_be_visible(timeout=STARTED_S * 1000)
        page.locator(".chooser > button").click()
        page.get_by_role("button", name="Delete evening of MOR…").click()
        expect(page.get_by_text("Delete evening of MOR for good")).to_be_visible()
        keep(page, "deletion")
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_text("No session is stored yet.")).to_be_visible(timeout=30_000)
        expect(tab).not_to_be_visible()
        assert complaints == []


def test_an_owner_makes_a_code_and_the_pc_that_uses_it_drives(hub: Hub, tmp_path: Path) -> None:
    with browser.page(1440, 900) as (page, complaints):
        page.goto(hub.link)
        page.get_by_role("button", name="You").click()
        page.get_by_role("button", name="Accounts").click()
        page.get_by_label("Driver's name on the wall").fill("MOR")
        page.get_by_role("button", name="Make a code").click()
        expect(page.get_by_role("img", name=re.compile("QR"))).to_be_visible()
        expect(page.get_by_role("timer")).to_contain_text(re.compile(r"Valid for 9:5\d"))
        keep(page, "enrolment-code")
        link = page.get_by_label("link", exact=True).inner_text()
        command = page.get_by_label("command", exact=True).inner_text()
        for theme in ("light", "dark"):
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            assert scanned(page) == [link], theme

        other = page.context.new_page()
        other.goto(link)
        expect(other.get_by_role("heading", name="Enrol a PC")).to_be_visible()
        assert "#" not in other.url
        longer = other.get_by_label("command", exact=True).inner_text()
        keep(other, "enrolment-link")
        assert link.partition("#enrol=")[2] in longer

        with fresh_pc(tmp_path, *shlex.split(command)[1:]):
            used = page.get_by_text(re.compile("Used by .*: MOR may drive there"))
            pc = used.inner_text().removeprefix("Used by ").partition(":")[0]
            enrolled = re.compile(f"^{re.escape(pc)} U.* enrolled")
            expect(page.get_by_role("row", name=enrolled)).to_be_visible()
            keep(page, "enrolment-code-used")
            page.get_by_role("button", name="Back to the wall").click()
            tab = page.get_by_role("tab", name=re.compile("MOR"))
            expect(tab).to_be_visible(timeout=STARTED_S * 1000)
        with fresh_pc(tmp_path, "drive"):
            until(lambda: is_live_anew(page, hub), "the same PC drives again", STARTED_S)
        assert complaints == []


def is_live_anew(page: Page, hub: Hub) -> bool:
    """Load the page again, as an open one keeps its session; return whether a session is live."""
    page.goto(hub.page)
    live = page.get_by_text(re.compile(r"Live · 0\.\d\d s behind the car")).first
    with contextlib.suppress(TimeoutError):
        live.wait_for(timeout=3_000)
        return True
    return False


@contextlib.contextmanager
def fresh_pc(folder: Path, *words: str) -> Iterator[None]:
    """Run a command on a PC without settings, with a simulated car."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PITBOX_")}
    process = subprocess.Popen(
        [*PITBOX, *words, "--source", "sim", "--track", "pebble-lane"],
        env={**bare, "HOME": str(home)},
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def log_out_everywhere(page: Page) -> None:
    """Log out everywhere in another tab; the first tab shows that its login ended."""
    second = page.context.new_page()
    second.goto(page.url)
    second.get_by_role("button", name="You").click()
    keep(second, "person")
    second.get_by_role("button", name="Accounts").click()
    expect(second.get_by_role("row", name=re.compile("owner"))).to_be_visible()
    keep(second, "accounts")
    second.get_by_role("button", name="Back to the wall").click()
    second.get_by_role("button", name="You").click()
    second.get_by_role("button", name="Log out everywhere").click()
    expect(page.get_by_text("Your access to this race has ended.")).to_be_visible(timeout=30_000)
    keep(page, "access-ended")
    expect(second.get_by_role("heading", name="Log in")).to_be_visible()
    keep(second, "login")


LAP_TIME = re.compile(r"0:[34]\d\.\d{3}|[34]\d\.\d{3}")


def scanned(page: Page) -> list[str]:
    """Return the contents of the QR codes on a page."""
    with Image.open(io.BytesIO(page.screenshot())) as seen:
        return [code.text for code in zxingcpp.read_barcodes(seen, zxingcpp.BarcodeFormat.QRCode)]


def trace(page: Page) -> str:
    """Return an image of the traces."""
    return str(page.evaluate("document.querySelector('[aria-label=Traces] canvas').toDataURL()"))


def keep(page: Page, name: str) -> None:
    """Keep a screenshot as an artefact of the test."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png")
