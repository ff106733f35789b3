"""Commands find the stack of their folder, and never lend its credentials to another address."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.hub import nearby, record
from commands.hub.record import Addresses
from pitbox import settings
from pitbox.folder_lock import folder_lock

OFFERED = {
    "PITBOX_NATS__URL": "nats://127.0.0.1:4300",
    "PITBOX_NATS__CA": "",
    "PITBOX_NATS__CREDENTIALS": "/stack/keys/users",
    "PITBOX_KEYS__FOLDER": "/stack/keys",
    "PITBOX_POSTGRES__URL": "postgresql://pitbox:secret@127.0.0.1:5400/pitbox",
    "PITBOX_GATEWAY__PORT": "8100",
    "PITBOX_STREAMS": "",
}
ELSEWHERE = {
    "PITBOX_NATS__URL": "tls://elsewhere",
    "PITBOX_NATS__CA": "/other.pem",
    "PITBOX_NATS__CREDENTIALS": "/other.creds",
    "PITBOX_NATS__HOST": "127.0.0.2",
    "PITBOX_KEYS__FOLDER": "/other/keys",
    "PITBOX_POSTGRES__URL": "postgresql://elsewhere/pitbox?sslmode=verify-full",
    "PITBOX_GATEWAY__PORT": "8200",
}


def written(folder: Path) -> Path:
    stack = folder / ".pitbox"
    stack.mkdir(mode=0o700)
    record.write(
        stack,
        Addresses(
            supervisor=1,
            nats=4300,
            postgres=5400,
            gateway=8100,
            nats_url=OFFERED["PITBOX_NATS__URL"],
            page="http://127.0.0.1:8100/",
            environment=OFFERED,
        ),
    )
    return stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a stack that runs in `tmp_path`."""
    folder = written(tmp_path)
    with folder_lock(folder):
        yield folder


def test_a_stack_is_found_from_its_folder_and_from_below(stack: Path) -> None:
    below = stack.parent / "a" / "b"
    below.mkdir(parents=True)
    for start in (stack.parent, below):
        found = nearby.find({}, start)
        assert found.folder == stack
        assert found.settings.nats.url == OFFERED["PITBOX_NATS__URL"]
        assert found.settings.postgres.url == OFFERED["PITBOX_POSTGRES__URL"]
        assert str(stack) in found.origin("postgres")


def test_the_record_of_a_stack_that_does_not_run_is_not_used(tmp_path: Path) -> None:
    written(tmp_path)
    found = nearby.find({}, tmp_path)
    assert (found.folder, found.settings) == (None, settings.Settings())
    assert str(tmp_path) in found.origin("nats")
    assert "`make up`" in found.origin("nats")


@pytest.mark.skipif(os.name != "posix", reason="rights of files")
@pytest.mark.parametrize("name", ["", record.ADDRESSES])
def test_a_record_that_others_may_change_is_not_used(stack: Path, name: str) -> None:
    (stack / name).chmod(0o755 if not name else 0o644)
    assert nearby.find({}, stack.parent).folder is None


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_the_record_of_another_user_is_not_used(stack: Path) -> None:
    os.chown(stack / record.ADDRESSES, 65534, 65534)
    assert nearby.find({}, stack.parent).folder is None


def test_the_environment_goes_before_the_record(stack: Path) -> None:
    other = "postgresql://me@127.0.0.1/other"
    found = nearby.find({"PITBOX_POSTGRES__URL": other}, stack.parent)
    assert found.settings.postgres.url == other
    assert found.origin("postgres") == "PITBOX_POSTGRES__URL in the environment names it"
    assert found.settings.nats.credentials == OFFERED["PITBOX_NATS__CREDENTIALS"]


def test_a_file_in_the_environment_goes_before_the_record(stack: Path, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://me@127.0.0.1/other")
    found = nearby.find({"PITBOX_POSTGRES__URL_FILE": str(tmp_path / "url")}, stack.parent)
    assert found.settings.postgres.url == "postgresql://me@127.0.0.1/other"


def test_a_setting_that_contradicts_nothing_leaves_the_rest_of_its_group(stack: Path) -> None:
    given = {"PITBOX_NATS__HOST": "127.0.0.2", "PITBOX_NATS__URL": OFFERED["PITBOX_NATS__URL"]}
    found = nearby.find(given, stack.parent)
    assert found.settings.nats.credentials == OFFERED["PITBOX_NATS__CREDENTIALS"]


@given(st.dictionaries(st.sampled_from(sorted(ELSEWHERE)), st.booleans()))
def test_credentials_of_the_stack_go_to_its_own_address_only(chosen: dict[str, bool]) -> None:
    environment = {
        name: OFFERED.get(name, ELSEWHERE[name]) if same else ELSEWHERE[name]
        for name, same in chosen.items()
    }
    lent = nearby.lent(OFFERED, environment)
    together = settings.load({**lent, **environment})
    if lent.get("PITBOX_NATS__CREDENTIALS"):
        assert together.nats.url == OFFERED["PITBOX_NATS__URL"]
        assert together.nats.ca == OFFERED["PITBOX_NATS__CA"]
    assert not set(lent) & set(environment)
    for name, value in environment.items():
        if OFFERED.get(name, value) != value:
            assert nearby.group_of(name) not in set(map(nearby.group_of, lent))
