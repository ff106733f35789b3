"""What is wrong with a chunk."""


class CorruptChunkError(ValueError):
    """Report a chunk whose header, crc and content do not match."""


class RefusedChunkError(CorruptChunkError):
    """Report a whole chunk that states more than a car can do; sending it again is of no use."""
