"""The page's types are those of the schemas."""

from pathlib import Path

from commands.generated.typescript import typescript

WIRE = Path(__file__).parents[2] / "dashboards" / "web" / "src" / "wire.ts"


def test_the_page_has_the_types_of_the_schemas() -> None:
    assert WIRE.read_text() == typescript(), "run `make generated`"


def test_fields_omitted_on_the_wire_have_their_default_in_the_page() -> None:
    text = typescript()
    assert 'timed_by: "crossing" | "none" | "sim";' in text
    assert "export type SentLap = Omit<Lap, keyof typeof LAP_DEFAULTS> & Partial<Lap>;" in text
    assert "  valid: true," in text
    assert "lap_time_s: number | null;" in text


def test_a_message_carries_its_tag_and_bytes_stay_bytes() -> None:
    text = typescript()
    assert 'type: "wall.frames";\n  session: string;' in text
    assert "times: Uint8Array;" in text
    assert "missing: readonly (readonly [number, number])[];" in text
