"""The labels of passages: the sim's lap numbers, each once over all restarts of a session."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from consumers.timing.passages import Epoch, Passage

MAX_LABEL: Final = 2**31 - 1
"""The largest lap number that is stored; restarts add up to more only if numbers are made up."""


def label(epoch: Epoch, highest: int, *, is_first: bool, known: int = 0) -> int:
    """Label the passages of an epoch after the `highest` label; return the first that changed.

    The first `known` passages are labelled, as long as nothing later changes that: those are
    replaced, the others are changed.
    """
    passages = epoch.passages
    since = next((at for at in range(known - 1, -1, -1) if passages[at].is_settled), None)
    has_numbers = True
    if since is None:
        since = 0
        numbers = [p.number + min(p.shift, 0) for p in passages if p.number is not None]
        has_numbers = bool(numbers)
        if not is_first and numbers:
            epoch.offset = highest + 1 - min(1, *numbers)
    labels = _named(passages[since:], epoch.offset) if has_numbers else _counted(epoch, highest)
    changed = known
    for at, (found, is_settled) in enumerate(labels, since):
        passage = passages[at]
        if at >= known:
            passage.label, passage.is_settled = found, is_settled
        elif passage.label != found:
            passages[at] = replace(passage, label=found, is_settled=is_settled)
            changed = min(changed, at)
    epoch.highest = max([highest, *(found for found, _ in labels if found is not None)])
    return changed


def _counted(epoch: Epoch, highest: int) -> list[tuple[int | None, bool]]:
    """Count laps for a sim that does not; nothing is a lap before the line was passed once."""
    count = len(epoch.passages)
    if count < 2:
        return [(None, False)] * count
    epoch.offset = highest
    return [(number, False) for number in range(highest + 1, highest + count + 1)]


def _named(passages: Sequence[Passage], offset: int) -> list[tuple[int | None, bool]]:
    """Return the labels of passages, and which are settled.

    Numbers rise, so a passage settles those before it that have made-up numbers up to its own.
    """
    labels: list[tuple[int | None, bool]] = []
    taken = {p.number for p in passages if p.shift == 0}
    last = made_up = -MAX_LABEL
    for passage in passages:
        number = passage.number
        if number is None:
            labels.append((None, False))
            continue
        if passage.shift > 0:
            number = max(number, last) + 1
        elif passage.shift < 0:
            number -= 1
        if passage.shift:
            made_up = max(made_up, number)
        is_free = passage.shift == 0 or (number not in taken and number >= 0)
        if number + offset > MAX_LABEL or not is_free:
            labels.append((None, False))
            continue
        labels.append((number + offset, passage.shift == 0 and made_up <= number))
        taken.add(number)
        last = number
    return labels
