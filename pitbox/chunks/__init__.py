"""The layout of chunks' blocks, sealed or not, and sets of chunk numbers.

Pure: reads and writes nothing. Guarantees: unpacking allocates no more than a chunk may hold, and
any bytes give frames or CorruptChunkError. The layout never changes, because blocks are stored.
Does not guarantee: that the values of channels make sense.
"""
