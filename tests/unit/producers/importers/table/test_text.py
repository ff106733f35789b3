import gzip
from pathlib import Path

import pytest

from producers.importers.table.text import Header, is_table, read_header, read_rows
from producers.source import SourceError


def table(path: Path, content: str | bytes) -> tuple[Header, list[list[str]]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    header = read_header(path)
    return header, list(read_rows(path, header))


@pytest.mark.parametrize(("name", "yes"), [("a.csv", 1), ("A.CSV.GZ", 1), ("a.ld", 0), ("csv", 0)])
def test_a_table_is_known_by_its_name(name: str, yes: int) -> None:
    assert is_table(Path(name)) is bool(yes)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_that_of_the_first_line(tmp_path: Path, delimiter: str) -> None:
    lines = [("Time", '"Speed (km/h)"'), ("0", "1")]
    content = "\r\n".join(delimiter.join(line) for line in lines)
    header, rows = table(tmp_path / "a.csv", content)
    assert header.columns == ("Time", "Speed (km/h)")
    assert header.decimal_comma is (delimiter == ";")
    assert rows == [["0", "1"]]


def test_a_gzipped_table_and_a_byte_order_mark_make_no_difference(tmp_path: Path) -> None:
    content = "\ufeffTime,Speed\n\n0,1\n\n".encode()
    plain = table(tmp_path / "a.csv", content)
    assert table(tmp_path / "a.csv.gz", gzip.compress(content)) == plain
    assert plain[0].columns == ("Time", "Speed")
    assert plain[1] == [["0", "1"]]


def test_comments_are_no_rows(tmp_path: Path) -> None:
    content = "#datatype,long\n# Track: Spa\nTime,Speed\n0,1\n#group\n1,2\n"
    header, rows = table(tmp_path / "a.csv", content)
    assert header.columns == ("Time", "Speed")
    assert rows == [["0", "1"], ["1", "2"]]


def test_text_in_the_encoding_of_windows_is_read_too(tmp_path: Path) -> None:
    header, _ = table(tmp_path / "a.csv", "Time,Öl (°C)\n0,1\n".encode("cp1252"))
    assert header.columns == ("Time", "Öl (°C)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n", "names 0 columns"),
        (b"Time\n0\n", "names 1 columns"),
        (b"a,b,a\n", "several columns of one name: a"),
        (b"a,b\n" + b"1" * 70_000, "a line is longer than 65536 bytes"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 9999, mtime=0)[:-20], "damaged, or cut short"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-8] + b"\0" * 8, "damaged, or cut short"),
    ],
)
def test_a_damaged_table_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        table(tmp_path / "a.csv.gz", content)
