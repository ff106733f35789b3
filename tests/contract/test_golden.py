"""Bytes of every shape ever shipped decode for ever, and a new shape gets bytes of its own."""

import msgspec
import pytest
from msgspec import Struct

from schemas.channels import CHANNELS
from tests.contract.samples import FOLDER, KINDS, SAMPLES, kept

FORMER = {("telemetry.chunk", "version"): (1,)}
"""Values in kept bytes that the sample of today has no more."""


def unset(sample: Struct) -> list[str]:
    """Return the optional fields that a sample leaves at their default."""
    return [
        field.name
        for field in msgspec.structs.fields(sample)
        if not field.required and getattr(sample, field.name) == field.default
    ]


def test_every_kind_has_a_sample_and_every_file_a_kind() -> None:
    assert set(SAMPLES) == set(KINDS)
    files = {path for tag in KINDS for path in kept(tag)}
    assert files == set(FOLDER.glob("*.msgpack"))


@pytest.mark.parametrize("tag", KINDS)
def test_samples_leave_nothing_at_its_default(tag: str) -> None:
    assert unset(SAMPLES[tag]) == []


@pytest.mark.parametrize("tag", KINDS)
def test_the_newest_bytes_match_the_current_encoding(tag: str) -> None:
    files = kept(tag)
    assert files, f"no bytes of {tag}: python -m tests.contract.samples"
    encoded = msgspec.msgpack.encode(SAMPLES[tag])
    hint = f"{tag} has a new shape: python -m tests.contract.samples keeps its bytes"
    assert files[-1].read_bytes() == encoded, hint


@pytest.mark.parametrize("tag", KINDS)
def test_all_bytes_ever_kept_decode(tag: str) -> None:
    decoder = msgspec.msgpack.Decoder(KINDS[tag])
    for path in kept(tag):
        found = decoder.decode(path.read_bytes())
        for field in msgspec.structs.fields(found):
            former = FORMER.get((tag, field.name), ())
            known = (getattr(SAMPLES[tag], field.name), field.default, *former)
            assert getattr(found, field.name) in known, path.name


@pytest.mark.parametrize("tag", ["telemetry.chunk", "telemetry.mark"])
def test_fields_that_a_later_version_appends_are_skipped(tag: str) -> None:
    longer = [*msgspec.msgpack.decode(kept(tag)[-1].read_bytes()), "added", {"later": 1}]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(longer), type=KINDS[tag]) == SAMPLES[tag]


@pytest.mark.parametrize("tag", sorted(set(KINDS) - {"telemetry.chunk", "telemetry.mark"}))
def test_a_field_that_a_later_version_adds_is_skipped(tag: str) -> None:
    more = msgspec.msgpack.decode(kept(tag)[-1].read_bytes()) | {"added_later": 1}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(more), type=KINDS[tag]) == SAMPLES[tag]


def test_channels_are_only_ever_added() -> None:
    """A reused id would change the meaning of old recordings."""
    golden = (FOLDER / "channels.txt").read_text().splitlines()
    now = [f"{channel.id} {channel.name} {channel.unit}".strip() for channel in CHANNELS]
    assert now[: len(golden)] == golden
    assert len(now) == len(golden), "add the new channels to tests/contract/golden/channels.txt"
    assert [channel.id for channel in CHANNELS] == list(range(len(CHANNELS)))
    assert len({channel.name for channel in CHANNELS}) == len(CHANNELS)
