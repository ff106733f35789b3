"""What is made from code is current, and the AsyncAPI document is whole."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.cli import CommandError
from commands.generated import marks
from pitbox import topology
from pitbox.topology.asyncapi import asyncapi
from tests.conftest import ROOT

README = ROOT / "README.md"


def pitbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "commands", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        ("streams", "graph", "--readme", "README.md"),
        ("settings", "--readme", "README.md"),
    ],
    ids=lambda command: command[-3],
)
def test_the_readme_shows_what_the_code_says(command: tuple[str, ...]) -> None:
    done = pitbox(*command, "--check")
    assert done.returncode == 0, done.stderr


def test_a_stale_text_is_noticed_and_written_anew(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: begin, made by `make generated` -->\nold\n<!-- x: end -->\nb\n")
    assert marks.write(page, "x", "new", check=True) == 1
    assert "old" in page.read_text()
    assert marks.write(page, "x", "new") == 0
    assert marks.write(page, "x", "new", check=True) == 0
    assert page.read_text().splitlines()[::4] == ["a", "b"]


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(CommandError, match="lacks the line <!-- x: begin"):
        marks.write(page, "x", "new")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_asyncapi_document_is_whole() -> None:
    done = pitbox("streams", "asyncapi")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    declared = topology.load()
    assert re.fullmatch(r"3\.\d\.\d", document["asyncapi"])
    assert {"title", "version"} <= document["info"].keys()
    assert document["channels"].keys() == declared.routes.keys()
    for name, channel in document["channels"].items():
        assert channel["address"] == declared.routes[name].subject
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == channel["parameters"].keys()
        assert channel["messages"]
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
    for reference in references(document):
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_the_asyncapi_document_says_the_limits_of_a_stream() -> None:
    channel = asyncapi(topology.load())["channels"]["telemetry.live"]
    assert channel["x-jetstream"]["stream"] == "TELEMETRY"
    assert channel["x-jetstream"]["max_bytes"] == "4GB"


@pytest.mark.parametrize("group", [(), ("streams",), ("dead",)], ids=" ".join)
def test_a_list_of_commands_says_what_each_does(group: tuple[str, ...]) -> None:
    listed = [line for line in pitbox(*group).stdout.splitlines() if re.match("│ [a-z]", line)]
    assert listed
    for line in listed:
        assert re.match(r"│ [a-z]+ +[A-Z]", line), line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bogus"], 'Unknown command "bogus"'),
        (["drive", "--f1-port", "99999"], 'Invalid value "99999" for --f1-port'),
        (["sessions", "--limit", "-1"], 'Invalid value "-1" for --limit'),
        (["streams", "graph", "--readme", "nowhere.md"], "nowhere.md: No such file or directory"),
        (["up", "--folder", "README.md"], "README.md: File exists"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_on_the_command_line_ends_in_one_line(arguments: list[str], said: str) -> None:
    done = pitbox(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"pitbox: {said}")
    assert done.stderr.count("\n") == 1
