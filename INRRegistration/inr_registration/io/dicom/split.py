"""Slices of one place and orientation, parted by time, echo, b-value and the like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from inr_registration.core.errors import InputError
from inr_registration.io.dicom.frame import Frame
from inr_registration.io.dicom.stack import is_even, runs, sort
from inr_registration.io.dicom.tags import TAGS, TIMES, words_of

SHARES = (0.5, 0.1)
"""A tag parts volumes where its parts usually hold at least this share of the slice positions; the second one is tried where nothing
else tells slices apart, for stretches that overlap."""

Same = Callable[[Frame, Frame], bool]
"""Whether two slices have the same pixels."""
Key = tuple[Hashable, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """Slices that make one volume.

    Args:
        frames: The slices.
        words: What tells it from the others, for the user.
        group: Number of its size and orientation in the series.
    """

    frames: tuple[Frame, ...]
    words: tuple[str, ...] = ()
    group: int = 0


def split(frames: Sequence[Frame], places: np.ndarray, same: Same) -> list[Part]:
    """Part slices of one orientation until each part has one slice in a place, by as few tags as will do.

    Args:
        frames: The slices.
        places: The number of the place of each, (n,).
        same: Compares pixels; asked only of slices in one place that nothing tells apart.

    Raises:
        InputError: Several slices lie in one place, and nothing tells them apart.
    """
    keys: list[Key] = [()] * len(frames)
    used: list[str] = []
    for share in SHARES:
        for keyword in TAGS:
            if not _repeats(keys, places) and (used or all(map(is_even, runs(sort(frames))))):
                break
            trial = [(*key, frame.tags.get(keyword)) for key, frame in zip(keys, frames, strict=True)]
            if _helps(keys, trial, frames, places, share):
                keys, used = trial, [*used, keyword]
        if _repeats(keys, places) and (found := _by_time(frames, keys, used, places, same)) is not None:
            return found
    if _repeats(keys, places):
        raise InputError(
            "some of its slices are there several times, with different content, and nothing in their headers tells which belong together; "
            "export the series again"
        )
    return _parts(frames, keys, used)


def _repeats(keys: Sequence[Key], places: Iterable[int]) -> bool:
    return len(set(zip(keys, places, strict=True))) < len(keys)


def _helps(keys: Sequence[Key], trial: Sequence[Key], frames: Sequence[Frame], places: np.ndarray, share: float) -> bool:
    """Whether a tag tells slices of one place apart, or uneven stacks, and its parts are volumes."""
    groups: dict[Key, list[int]] = defaultdict(list)
    for n, key in enumerate(trial):
        groups[key].append(n)
    counts = [len(set(places[members])) for members in groups.values()]
    whole = max(2, share * len(set(places)))
    if _repeats(keys, places):
        apart = len(set(zip(trial, places, strict=True))) > len(set(zip(keys, places, strict=True)))
        return apart and float(np.median(counts)) >= whole
    if len(groups) < 2 or min(counts) < 3:
        return False
    return all(all(map(is_even, runs(sort([frames[n] for n in members])))) for members in groups.values())


def _by_time(frames: Sequence[Frame], keys: Sequence[Key], used: list[str], places: np.ndarray, same: Same) -> list[Part] | None:
    """Where no tag tells slices of one place apart: leave out copies, else count them in the order of time or of their numbers.

    None where that cannot be, since the places hold different numbers of slices.
    """
    members: dict[tuple[Key, int], list[int]] = defaultdict(list)
    for n, (key, place) in enumerate(zip(keys, places, strict=True)):
        members[key, int(place)].append(n)
    if all(same(frames[n], frames[own[0]]) for own in members.values() for n in own[1:]):
        kept = [own[0] for own in members.values()]
        return _parts([frames[n] for n in kept], [keys[n] for n in kept], used)
    counts = defaultdict(set)
    for (key, _), own in members.items():
        counts[key].add(len(own))
    if any(len(found) > 1 for found in counts.values()):
        return None
    ranked = list(keys)
    for own in members.values():
        for rank, n in enumerate(sorted(own, key=_clock([frames[n] for n in own], frames)), 1):
            ranked[n] = (*keys[n], rank)
    return _parts(frames, ranked, [*used, ""])


def _clock(own: Sequence[Frame], frames: Sequence[Frame]) -> Callable[[int], tuple[float, ...]]:
    """What orders slices of one place: the first kind of time that all of them have, each another one; else number and place in file."""
    for keyword in TIMES:
        times = [frame.times.get(keyword) for frame in own]
        if None not in times and len(set(times)) == len(times):
            return lambda n: (frames[n].times[keyword],)
    return lambda n: (frames[n].number, frames[n].index)


def _parts(frames: Sequence[Frame], keys: Sequence[Key], used: list[str]) -> list[Part]:
    """Sorted by what they are."""
    groups: dict[Key, list[Frame]] = defaultdict(list)
    for frame, key in zip(frames, keys, strict=True):
        groups[key].append(frame)
    order = sorted(groups, key=lambda key: [_comparable(value) for value in key])
    seen = [sorted({key[at] for key in groups}, key=_comparable) for at in range(len(used))]
    parts = []
    for key in order:
        words = tuple(
            words_of(keyword, value, seen[at].index(value) + 1) if keyword else f"number {value} of its place"
            for at, (keyword, value) in enumerate(zip(used, key, strict=True))
        )
        parts.append(Part(tuple(groups[key]), words if len(groups) > 1 else ()))
    return parts


def _comparable(value: Hashable) -> tuple[int, float, str]:
    """Numbers before text, what is not given first."""
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value), ""
    first = value[0] if isinstance(value, tuple) and value and isinstance(value[0], float) else 0.0
    return 2, float(first), str(value)
