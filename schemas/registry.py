"""Every event that travels on the bus, by its tag in streams.yaml."""

from typing import Final

import msgspec

from schemas.coaching import Debrief, Moment, Silence
from schemas.dead import DeadLetter
from schemas.fold import Progress
from schemas.hub import HubState, Probe
from schemas.keys import Enrol, Enrolled, Renew, Renewed, Revoke, Revoked
from schemas.link import Ask, Hello, Receipt
from schemas.passes import Passes
from schemas.telemetry import Chunk, Mark
from schemas.timing import Deriving, Lap, Session
from schemas.track import Track

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The exceptions of decoding bytes that are no event."""

EVENTS: Final[dict[str, type]] = {
    "telemetry.chunk": Chunk,
    "telemetry.mark": Mark,
    "timing.session": Session,
    "timing.lap": Lap,
    "timing.deriving": Deriving,
    "timing.track": Track,
    "timing.passes": Passes,
    "coach.moment": Moment,
    "coach.silence": Silence,
    "coach.debrief": Debrief,
    "dead.letter": DeadLetter,
    "fold.progress": Progress,
    "store.probe": Probe,
    "hub.state": HubState,
    "link.receipt": Receipt,
    "link.ask": Ask,
    "link.hello": Hello,
    "keys.enrol": Enrol,
    "keys.enrolled": Enrolled,
    "keys.renew": Renew,
    "keys.renewed": Renewed,
    "keys.revoke": Revoke,
    "keys.revoked": Revoked,
}
