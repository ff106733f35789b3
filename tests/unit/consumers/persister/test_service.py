"""The persister starts only with a table for each event that it reads."""

from pathlib import Path

import pytest
import yaml

from consumers.persister.service import service
from pitbox import topology
from pitbox.settings import Settings
from pitbox.topology import TopologyError


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ("TIMING", "the persister reads Hello, but no file in consumers/persister/tables"),
        ("TELEMETRY", "TELEMETRY carries chunks"),
    ],
)
def test_a_persister_without_a_table_for_an_event_does_not_start(
    tmp_path: Path, stream: str, message: str
) -> None:
    document = yaml.safe_load(topology.find().read_text())
    fact = {"subject": "fact.{driver}", "events": ["link.hello"]}
    document["streams"][stream]["routes"]["link.fact"] = fact
    document["consumers"]["persister"]["reads"].append("link.fact")
    streams = tmp_path / "streams.yaml"
    streams.write_text(yaml.safe_dump(document))
    with pytest.raises(TopologyError, match=message):
        service(Settings(streams=str(streams)))
