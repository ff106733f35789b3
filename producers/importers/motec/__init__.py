"""Read logs of MoTeC loggers, and of the sims that write such logs: .ld, with the .ldx beside it.

The layout is not published; offsets are those that github.com/gotzl/ldparser found, confirmed on
real logs.
"""

from producers.importers.motec.frames import mapping, observations
from producers.importers.motec.ldx import beside

__all__ = ["beside", "mapping", "observations"]
