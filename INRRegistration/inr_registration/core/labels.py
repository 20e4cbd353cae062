"""Telling label maps from images of intensities."""

from __future__ import annotations

import numpy as np

from inr_registration.core.volume import Volume

PLANES = 24
"""So many planes of a volume are looked at."""
MOST_LABELS = 300
"""More different values than an atlas of the brain has are intensities."""
ALIKE = 0.6
"""Share of neighbours within structures that have the same value, from which on structures are flat."""


def looks_like_labels(volume: Volume) -> bool:
    """Whether a volume has few whole values in flat patches, as label maps and masks have; noise and shading make intensities differ.

    Of 24 planes: their values are whole and at most 300 different ones, and of neighbours that are not both background (the
    commonest value), at least 60 % are equal.
    """
    planes = np.unique(np.linspace(0, len(volume.values) - 1, PLANES).round().astype(int))
    seen = volume.values[planes]
    if seen.dtype.kind == "f" and not (np.isfinite(seen).all() and np.array_equal(seen, np.rint(seen))):
        return False
    if seen.dtype == np.bool_:
        return True
    values, counts = np.unique(seen, return_counts=True)
    if not 2 <= len(values) <= MOST_LABELS:
        return False
    background = values[counts.argmax()]
    alike = pairs = 0
    for axis in (1, 2):
        a, b = seen.take(range(seen.shape[axis] - 1), axis), seen.take(range(1, seen.shape[axis]), axis)
        shown = (a != background) & (b != background)
        pairs += int(shown.sum())
        alike += int((a == b)[shown].sum())
    return pairs > 0 and alike >= ALIKE * pairs
