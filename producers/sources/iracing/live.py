"""Read iRacing's shared memory while the sim runs, through pyirsdk; on Windows only."""

import math
import platform
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import yaml

from pitbox import logs
from producers.source import SourceError
from producers.sources.cadence import slot
from producers.sources.channel_order import ABSENT
from producers.sources.inbox import Arrival, Inbox
from producers.sources.iracing import session
from producers.sources.iracing.field import Arrays, roster
from producers.sources.iracing.ticks import REQUIRED, Tick, Ticks

POLL_S: Final = 1 / 120
"""Twice the sim's rate, so that no tick is missed."""

RETRY_S: Final = 1.0
SYSTEM: Final = platform.system()

log = logs.get("iracing")


class Sdk(Protocol):
    """Declare the used part of pyirsdk's IRSDK."""

    is_initialized: bool

    @property
    def is_connected(self) -> bool:
        """Return whether the sim runs."""
        ...

    @property
    def session_info_update(self) -> int:
        """Return the number of changes of session info."""
        ...

    @property
    def var_headers_names(self) -> list[str]:
        """Return the names of all variables."""
        ...

    def startup(self) -> bool:
        """Open the shared memory; return whether it is there."""
        ...

    def shutdown(self) -> None:
        """Close the shared memory."""
        ...

    def freeze_var_buffer_latest(self) -> None:
        """Copy the newest row, so that it does not change while it is read."""
        ...

    def unfreeze_var_buffer_latest(self) -> None:
        """Release the copy."""
        ...

    def __getitem__(self, key: str) -> Any:
        """Return a variable or a section of session info; raises YAMLError for a broken one."""
        ...

    def _get_session_info_binary(self, key: str) -> bytes | None:
        """Return the bytes of a section of session info."""
        ...


class Reader:
    """Poll the sim on a thread of its own, and pass every new tick to `put`."""

    def __init__(self, sdk: Sdk, put: Callable[[Tick], None]) -> None:
        self._sdk = sdk
        self._put = put
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="iracing", daemon=True)
        self._ticks: Ticks | None = None
        self._info_update = -1
        self._session_s = -1.0
        self._slot = -1

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop polling and close the shared memory."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                connected = self._connected()
                if connected:
                    self.poll(time.time_ns())
                self._stop.wait(POLL_S if connected else RETRY_S)
        except SourceError as error:
            log.error("iRacing cannot be read", reason=str(error))
        finally:
            self._sdk.shutdown()

    def _connected(self) -> bool:
        if self._sdk.is_initialized and self._sdk.is_connected:
            return True
        if self._sdk.is_initialized:
            self._sdk.shutdown()
            self._ticks, self._info_update = None, -1
        return bool(self._sdk.startup()) and self._sdk.is_connected

    def poll(self, captured_ns: int) -> None:
        """Read the newest row; pass it to `put` unless it was read before."""
        self._sdk.freeze_var_buffer_latest()
        try:
            session_s = float(self._sdk["SessionTime"])
            if session_s == self._session_s:
                return
            self._session_s = session_s
            ticks = self._ticks = self._decoder()
            values = {name: _latest(self._sdk[name]) for name in ticks.variables}
            arrays = self._cars(ticks, session_s)
        finally:
            self._sdk.unfreeze_var_buffer_latest()
        self._put(Tick(captured_ns, values, ticks, arrays))

    def _cars(self, ticks: Ticks, session_s: float) -> Arrays:
        """Return the values of all cars where they are due."""
        before, self._slot = self._slot, slot(session_s)
        if self._slot == before:
            return {}
        return {name: [_latest(value) for value in self._sdk[name]] for name in ticks.arrays}

    def _decoder(self) -> Ticks:
        """Return the decoder of the variables, a fresh one when the weekend or the car changed."""
        update = self._sdk.session_info_update
        if self._ticks is not None and update == self._info_update:
            return self._ticks
        self._info_update = update
        sections = self._sections()
        facts, cars = session.facts(sections), roster(sections)
        if self._ticks is not None and self._ticks.facts == facts:
            self._ticks.field.roster = cars
            return self._ticks
        weekend = facts.sub_session
        units = dict.fromkeys(self._sdk.var_headers_names, "")
        missing = [name for name in REQUIRED if name not in units]
        if missing:
            raise SourceError(f"iRacing lacks the variable {missing[0]}")
        ticks = Ticks(units, facts, lambda number: f"iracing-{weekend}-{number}" if weekend else "")
        ticks.field.roster = cars
        return ticks

    def _sections(self) -> dict[str, dict[str, Any]]:
        """Return session info; read it line by line where pyirsdk cannot parse it."""
        try:
            return {name: self._sdk[name] or {} for name in session.SECTIONS}
        except yaml.YAMLError:
            raw = [self._sdk._get_session_info_binary(name) or b"" for name in session.SECTIONS]
            return session.sections(b"\n".join(raw))


def open_reader(inbox: Inbox[Arrival | Tick], system: str = SYSTEM) -> Reader:
    """Start reading iRacing into an inbox; raises SourceError where it cannot run."""
    if system != "Windows":
        raise SourceError("iRacing live needs Windows; elsewhere, import its .ibt files")
    try:
        import irsdk
    except ImportError:
        raise SourceError(
            "iRacing live needs pyirsdk: install PitBox with its [producer] extra"
        ) from None
    reader = Reader(irsdk.IRSDK(), inbox.put)
    reader.start()
    return reader


def _latest(value: Any) -> float:
    """Return a variable as a number: the last sample of the tick, NaN when it is no number."""
    sample = value[-1] if isinstance(value, list) else value
    number = float(sample) if isinstance(sample, int | float) else ABSENT
    return number if math.isfinite(number) else ABSENT
