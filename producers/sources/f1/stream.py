"""Follow the driver's car through the packets of the game.

Only the first player's car gives frames, and only while it is driven: a spectator gives none. A
session is identified by its id, format and car; menus have the id 0.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from producers.left_out import Tally
from producers.source import Began, Observation
from producers.sources.channel_order import ABSENT, Layout
from producers.sources.f1 import layouts
from producers.sources.f1.channels import CONVERTERS, Channels, Fields, movement, names
from producers.sources.f1.field import Field
from producers.sources.f1.formats import CARS, of_format
from producers.sources.f1.frames import DRIVING, RESTART_S, SETTINGS, Assembly
from producers.sources.f1.header import LONGEST_S, Header, game_of, is_packet, read_header
from producers.sources.f1.laps import LapBook
from producers.sources.f1.layouts import PacketLayout
from producers.sources.f1.names import team_name, track_name
from producers.sources.f1.rivals import Key, Packet, Rivals
from producers.sources.f1.session_facts import Facts, kind_of
from schemas.sim import Finished, LapReported, Rewound, SessionOpened

OF_FRAMES: Final = (*SETTINGS, *DRIVING)
"""The kinds that come together for one instant, and only from a session that is driven."""

EVERY_CAR_S: Final = 0.5
HISTORY_SINCE: Final = 2021
FLASHBACK: Final = b"FLBK"
SESSION_START: Final = b"SSTA"
SESSION_END: Final = b"SEND"
CHEQUERED_FLAG: Final = b"CHQF"


class Decoder:
    """Turn packets of the F1 games into observations; see `producers.source.Decoder`."""

    name = "f1"

    def __init__(self) -> None:
        self.left_out = Tally()
        self._key: Key | None = None
        self._rivals = Rivals()
        self._facts = Facts()
        self._spectating = False
        self._ended: set[bytes] = set()
        self._assembly = Assembly(Layout(()))
        self._laps = LapBook(None)
        self._field = Field(0, None)
        self._every_car_s = 0.0

    def recognises(self, datagram: bytes) -> bool:
        """Return whether these bytes are a packet of a known format, kind and length."""
        return is_packet(datagram)

    def feed(self, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        """Decode one packet, in order of arrival; yield its observations."""
        header = read_header(datagram)
        if header is None:
            self.left_out.add("unknown")
            return
        if header.session == 0:
            yield from self._last_history(header, datagram, captured_ns)
            return
        if self._rivals.succeeds(captured_ns):
            yield from self._succeed(self._rivals.release())
        yield from self._sort(Packet(header, datagram, captured_ns))

    def close(self) -> Iterator[Observation]:
        """Yield the last frame, also of a session that followed just before the end."""
        released = self._rivals.release()
        for packet in filter(self._rivals.is_other, released):
            self._leave_out(packet)
        yield from self._succeed([p for p in released if not self._rivals.is_other(p)])
        yield from self._assembly.close()

    def _sort(self, packet: Packet) -> Iterator[Observation]:
        """Decode a packet of the followed session; hold back those of others."""
        if self._key is None or packet.key == self._key:
            yield from self._follow(packet)
        elif not self._rivals.hold(packet, packet.header.packet in OF_FRAMES):
            self._leave_out(packet)

    def _succeed(self, released: list[Packet]) -> Iterator[Observation]:
        """Follow a session that was held back, in place of the one that has ended."""
        if any(packet.header.packet in OF_FRAMES for packet in released):
            self._key = None
        for packet in released:
            yield from self._sort(packet)

    def _leave_out(self, packet: Packet) -> None:
        header = packet.header
        session, car = header.session & 0xFFFF, header.player
        name = f"{game_of(packet.datagram)}, session {session:04x}, car {car}"
        self.left_out.add("other_game", name)

    def _follow(self, packet: Packet) -> Iterator[Observation]:
        """Decode a packet of the followed session, which a packet of a frame begins."""
        header, datagram, captured_ns = packet.header, packet.datagram, packet.captured_ns
        layout = header.layout
        if packet.key != self._key:
            if header.packet not in OF_FRAMES:
                return
            yield from self._begin(packet.key, datagram, captured_ns)
        if layout is None:
            return
        if header.packet not in OF_FRAMES:
            yield from self._beside(header, layout, datagram, captured_ns)
            return
        over = SESSION_END in self._ended and header.frame == 0
        if over or self._assembly.is_late(header):
            self.left_out.add("late")
            return
        for other in self._rivals.goes_on(captured_ns):
            self._leave_out(other)
        yield from self._of_frame(header, layout, datagram, captured_ns)

    def _begin(self, key: Key, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        yield from self._assembly.close()
        packet_format, session, player = key
        layout = Layout(names(packet_format))
        self._key = key
        own = player if player < (of_format(CARS, packet_format) or 0) else None
        self._facts = Facts(game_of(datagram), car="" if own is None else str(own))
        self._spectating = own is None
        self._ended = set()
        self._assembly = Assembly(layout)
        self._laps = LapBook(own)
        self._field = Field(packet_format, own)
        self._every_car_s = 0.0
        yield Began(f"f1-{session:016x}", layout.channels, self._facts.opened(captured_ns))

    def _last_history(
        self, header: Header, datagram: bytes, captured_ns: int
    ) -> Iterator[Observation]:
        """Decode the driver's last history, which the game sends without a session id."""
        layout = header.layout
        own = self._key is not None and (header.format, header.player) == self._key[::2]
        if layout is None or header.packet != layouts.HISTORY or not own:
            return
        if datagram[layout.head_at] == header.player:
            yield from self._laps.history(datagram, layout, captured_ns)

    def _of_frame(
        self, header: Header, layout: PacketLayout, datagram: bytes, captured_ns: int
    ) -> Iterator[Observation]:
        """Decode a packet that belongs to a frame."""
        if self._assembly.is_next(header):
            yield from self._close_frame()
            yield from self._next(header, captured_ns)
        if header.packet == layouts.SESSION:
            fields = layout.head.read(datagram, layout.head_at)
            yield from self._session(header, fields, captured_ns)
        if header.packet == layouts.LAP:
            yield from self._lap_data(header, layout, datagram, captured_ns)
        self._field.put(header.packet, layout, datagram)
        if not self._spectating:
            self._assembly.put(header.packet, self._channels(header, layout, datagram))

    def _close_frame(self) -> Iterator[Observation]:
        """Yield the open frame, and all cars at its instant."""
        for frame in self._assembly.close():
            yield frame
            if self._laps.others:
                at_ns = frame.captured_ns
                yield from self._field.close(self._assembly.time_s, at_ns, self._laps.best_s)

    def _next(self, header: Header, captured_ns: int) -> Iterator[Observation]:
        """Open a frame; yield Rewound when time went back without an announced flashback."""
        announced = self._assembly.flashback_announced
        back_s = self._assembly.open(header, captured_ns)
        if back_s is None:
            return
        self._laps.flash_back()
        self._every_car_s = 0.0
        if not announced and back_s > RESTART_S:
            yield Rewound(at_ns=captured_ns, session_time_s=back_s)

    def _channels(self, header: Header, layout: PacketLayout, datagram: bytes) -> Channels:
        convert = CONVERTERS[header.packet]
        if not layout.items:
            return convert(layout.head.read(datagram, layout.head_at))
        values = convert(layout.item.read(datagram, layout.item_at(header.player)))
        if header.packet == layouts.MOTION and layout.tail.names:
            values |= movement(layout.tail.read(datagram, layout.tail_at))
        if header.packet == layouts.LAP and header.format >= HISTORY_SINCE:
            values["best_lap_time"] = self._laps.best_s.get(header.player, ABSENT)
        if header.packet == layouts.LAP:
            values["gap_behind"] = self._field.gap_behind_s
            values["laps_left"] = self._field.laps_left(int(values["lap_number"]))
        return values

    def _session(self, header: Header, fields: Fields, captured_ns: int) -> Iterator[Observation]:
        kind = kind_of(header.format, fields["session_type"])
        self._spectating = bool(fields["spectating"]) or not self._facts.car
        self._laps.others = kind != "time_trial"
        facts = replace(
            self._facts,
            kind=kind,
            track=track_name(fields["track"]),
            track_length_m=fields["track_length"] or None,
        )
        yield from self._learn(facts, captured_ns)
        yield from self._field.session(fields, captured_ns, race=kind == "race")

    def _learn(self, facts: Facts, captured_ns: int) -> Iterator[SessionOpened]:
        if facts != self._facts:
            self._facts = facts
            yield facts.opened(captured_ns)

    def _lap_data(
        self, header: Header, layout: PacketLayout, datagram: bytes, captured_ns: int
    ) -> Iterator[LapReported]:
        """Decode the own car's lap data; before 2021 also every car's, each `EVERY_CAR_S`."""
        cars: Iterable[int] = (header.player,) if header.player < layout.items else ()
        if header.format < HISTORY_SINCE and header.time_s >= self._every_car_s:
            self._every_car_s = header.time_s + EVERY_CAR_S
            cars = range(layout.items)
        for car in cars:
            fields = layout.item.read(datagram, layout.item_at(car))
            yield from self._laps.lap_data(car, fields, captured_ns)

    def _beside(
        self, header: Header, layout: PacketLayout, datagram: bytes, captured_ns: int
    ) -> Iterator[Observation]:
        """Decode a packet that belongs to no frame."""
        own = header.player
        match header.packet:
            case layouts.EVENT:
                yield from self._event(header, layout, datagram, captured_ns)
            case layouts.HISTORY:
                yield from self._laps.history(datagram, layout, captured_ns)
            case layouts.PARTICIPANTS if own < layout.items:
                fields = layout.item.read(datagram, layout.item_at(own))
                my_team = bool(fields.get("my_team"))
                model = team_name(header.format, fields["team"], my_team=my_team)
                yield from self._learn(replace(self._facts, car_model=model), captured_ns)
                yield from self._field.participants(layout, datagram, captured_ns)
            case layouts.TIME_TRIAL:
                self._laps.time_trial(layout.item.read(datagram, layout.item_at(0)))
            case layouts.LAP_POSITIONS if own < layout.item.size:
                fields = layout.head.read(datagram, layout.head_at)
                laps = range(min(fields["laps"], layout.items))
                begun = sum(datagram[layout.item_at(lap) + own] > 0 for lap in laps)
                yield from self._laps.lap_positions(fields["first_lap"] + begun, captured_ns)

    def _event(
        self, header: Header, layout: PacketLayout, datagram: bytes, captured_ns: int
    ) -> Iterator[Observation]:
        code = datagram[layout.head_at : layout.head_at + 4]
        if code == FLASHBACK and layout.head.names:
            back_s = layout.head.read(datagram, layout.head_at)["flashback_s"]
            if not 0 <= back_s < LONGEST_S:
                return
            yield from self._assembly.close()
            self._assembly.flashback_announced = True
            self._laps.flash_back()
            yield Rewound(at_ns=captured_ns, session_time_s=back_s)
        elif code == SESSION_START:
            self._ended.clear()
        elif code in (SESSION_END, CHEQUERED_FLAG) and code not in self._ended:
            self._ended.add(code)
            yield from self._assembly.close()
            yield Finished(at_ns=captured_ns)


def decoder() -> Decoder:
    """Return a fresh decoder."""
    return Decoder()
