"""Importers: recordings on disk in, the observations of `producers.source` out.

Reads: iRacing .ibt, MoTeC .ld and .ldx, tables (.csv), network captures (.pcap, .pcapng) and
gt-telemetry's .gtz; the last three gzipped or not.
Writes: nothing.
Guarantees: a file gives the same observations each time; a damaged file raises SourceError, and
every length is checked before use.
Does not guarantee: times that the file lacks (.gtz has none); they follow from packet numbers.
"""
