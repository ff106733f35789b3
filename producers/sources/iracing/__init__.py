"""iRacing: its variables and session info in, observations out; live or from a telemetry file.

Reads: shared memory through pyirsdk (`live`, Windows only); `importers.ibt` feeds the same `Ticks`.
Guarantees: the live reader and a file of the same drive give the same channels; no name of a
person leaves this package.
Does not guarantee: sector times of a lap whose crossings disagree with the sim's lap time.
"""
