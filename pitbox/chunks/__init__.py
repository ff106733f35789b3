"""The layout of a chunk's block, and ranges of chunk numbers."""
