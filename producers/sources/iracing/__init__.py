"""iRacing: its variables and session info in, observations out; live or from a telemetry file.

Reads: shared memory through pyirsdk (`live`, Windows only); `importers.ibt` feeds the same `Ticks`.
Guarantees: the live reader and a file of the same drive give the same channels, without gaps to
others, which a file lacks; names of people leave this package as entries of a live race only.
Does not guarantee: sector times of a lap whose crossings disagree with the sim's lap time.
"""
