"""Code columns of words as differences in planes of bytes, which compress well: pure.

A column of uint32 becomes its differences from word to word (the first from 0, modulo 2^32), of
which all lowest bytes come first, then all second ones, the third and the highest ones.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]


def coded(words: Words) -> bytes:
    """Return columns, words[columns][length], in their coded form."""
    differences = words.copy()
    differences[:, 1:] -= words[:, :-1]
    planes = differences.astype("<u4").view(np.uint8).reshape(*words.shape, 4)
    return planes.transpose(0, 2, 1).tobytes()


def decoded(raws: Sequence[bytes], begin: int, columns: Sequence[int], length: int) -> Words:
    """Return some columns of `length` words as words[columns][raws][length].

    The first column begins at byte `begin` of each of `raws`.
    """
    count = max(columns) + 1
    size = 4 * length * count
    coded = np.stack([np.frombuffer(raw, np.uint8, size, begin) for raw in raws])
    planes = coded.reshape(len(raws), count, 4, length)
    if len(columns) < count:
        planes = planes[:, columns]
    parts = np.empty((len(raws), len(columns), length, 4), np.uint8)
    for place in range(4):  # several times faster than one transposition
        parts[..., place] = planes[:, :, place]
    words = parts.view("<u4")[..., 0]
    np.add.accumulate(words, axis=2, out=words)
    return np.ascontiguousarray(words.transpose(1, 0, 2))
