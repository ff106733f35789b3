"""streams.yaml is parsed strictly, and every mistake is named with its place."""

import pytest

from pitbox import topology
from pitbox.topology import Topology, TopologyError

TEXT = topology.find().read_text()
TOPOLOGY = topology.load()


def broken(old: str, new: str) -> str:
    """Return the error for streams.yaml with one place changed."""
    assert old in TEXT
    with pytest.raises(TopologyError) as raised:
        topology.parse(TEXT.replace(old, new, 1))
    return str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("discard: old", "discrad: old", "unknown field `discrad` - at `$.streams.TELEMETRY`"),
        ("max_age: 72h", "max_age: 72x", "at `$.streams.TELEMETRY.max_age`"),
        ("max_age: 72h", "max_age: 72", "at `$.streams.TELEMETRY.max_age`"),
        ("max_bytes: 4GB", "max_bytes: 4GiB", "at `$.streams.TELEMETRY.max_bytes`"),
        ("    max_bytes: 4GB\n", "", "missing required field `max_bytes`"),
        ("events: [tel", "evnts: [tel", "at `$.streams.TELEMETRY.routes.telemetry.live`"),
        ("subject: dead", "subject: 1 #", "at `$.streams.DEAD.routes.dead.letter.subject`"),
        ("subject: hello", "subjct: hello", "unknown field `subjct` - at `$.direct.link.hello`"),
        ("ack: explicit", "ack: maybe", "Invalid enum value 'maybe' - at `$.consumers.persister"),
        ("batch: 4000", "batch: 0", "at `$.consumers.persister.batch`"),
        ("  drive:\n", "  drive: 3\n  x:\n", "at `$.producers.drive`"),
        ("streams:\n", "streems:\n", "unknown field `streems`"),
        ("  TELEMETRY:\n", "  Telemetry:\n", "at `key` in `$.streams`"),
    ],
)
def test_a_typo_is_named_with_its_path(old: str, new: str, said: str) -> None:
    assert said in broken(old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[telemetry.chunk]", "[telemetry.chunky]", "no event 'telemetry.chunky' in schemas"),
        ("[telemetry.chunk]", "[]", "telemetry.live: carries no event"),
        ("reply: link.receipt", "reply: link.recipt", "reply 'link.recipt' is not an event"),
        ("[link.receipt, link.hello]", "[link.hullo]", "drive: no route 'link.hullo'"),
        ("ack_all: [TELEMETRY]", "ack_all: [ELSEWHERE]", "ack_all: no stream 'ELSEWHERE'"),
        ("of: timing", "of: gateway", "corners: of: a refine needs the name of a derive"),
        ("    of: timing\n", "", "corners: of: a refine needs the name of a derive"),
        ("kind: batch", "kind: batch\n    of: timing", "persister: of: only a refine has a source"),
        ("      dead.letter:", "      timing.lap:", "timing.lap: declared twice"),
        ("hello.{driver}", "fold.{driver}.{session}", "fold.progress and link.hello: both match"),
    ],
)
def test_a_reference_to_a_missing_name_is_named(old: str, new: str, said: str) -> None:
    assert said in broken(old, new)


@pytest.mark.parametrize("text", ["", "3", "[]", "streams: {}", "a: b: c", "streams: ["])
def test_other_yaml_than_a_topology_is_refused(text: str) -> None:
    with pytest.raises(TopologyError, match=r"streams\.yaml"):
        topology.parse(text)


def test_a_missing_file_is_named_with_the_setting() -> None:
    with pytest.raises(TopologyError, match="/nowhere; set PITBOX_STREAMS"):
        topology.load("/nowhere")


def test_a_subject_is_filled_from_fields_and_has_wildcards_for_subscribing() -> None:
    assert TOPOLOGY.subject("link.hello", driver="ada") == "hello.ada"
    assert TOPOLOGY.filter("telemetry.live", driver="ada") == "telemetry.ada.*.live"
    with pytest.raises(KeyError, match="session"):
        TOPOLOGY.subject("telemetry.live", driver="ada")
    with pytest.raises(TopologyError, match="no route 'nowhere'"):
        TOPOLOGY.subject("nowhere")


def test_a_consumer_has_a_durable_on_each_stream_it_reads_unless_it_acknowledges_nothing() -> None:
    assert set(TOPOLOGY.durables("persister")) == {"TELEMETRY", "DEAD"}
    assert TOPOLOGY.durables("timing") == {}
    assert TOPOLOGY.consumers["persister"].ack_policy("TELEMETRY") == "all"
    assert TOPOLOGY.consumers["persister"].ack_policy("DEAD") == "explicit"


def test_tries_are_the_steps_of_backoff_and_the_first_one() -> None:
    parsed: Topology = topology.parse(
        TEXT.replace("    batch: 4000", "    batch: 4000\n    backoff: [1s, 5s]")
    )
    assert parsed.consumers["persister"].tries == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [("250ms", 0.25), ("30s", 30), ("2m", 120), ("72h", 259_200), ("30d", 2592e3)],
)
def test_durations_have_units(text: str, value: float) -> None:
    assert topology.seconds(text) == value


@pytest.mark.parametrize(("text", "value"), [("64kB", 64_000), ("5MB", 5e6), ("4GB", 4e9)])
def test_sizes_have_units(text: str, value: float) -> None:
    assert topology.size_bytes(text) == value
