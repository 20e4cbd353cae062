"""Which intensities to show, and how to make two images comparable; pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.generic]
Window = tuple[float, float]

PERCENTILES = (1.0, 99.5)
SAMPLES = 200_000
"""Percentiles and means are taken from about that many voxels."""
AGREE = 0.7
"""Two intensity ranges agree where their common part is more than this share of what they span together."""
RELATED = 0.3
"""Below this correlation bright is not bright in both images."""


@dataclass(frozen=True)
class Match:
    """``scale * warped + shift`` is comparable with the fixed image.

    Args:
        scale: 1 where the intensities compare as they are; negative where bright and dark are exchanged.
        shift: 0 where they compare as they are.
        window: What is worth showing of the fixed image, lowest and highest intensity.
    """

    scale: float
    shift: float
    window: Window


def robust_window(values: Values) -> Window:
    """The percentiles of finite values that are shown as black and white; widened where they coincide."""
    seen = _finite(thinned(values))
    if not seen.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(seen, PERCENTILES))
    if high <= low:
        low, high = float(seen.min()), float(seen.max())
    return (low, high) if high > low else (low, low + 1.0)


def match(fixed: Values, warped: Values) -> Match:
    """Make the intensities of a warped image comparable with those of the fixed one, both (k, j, i) on one grid."""
    a, b = thinned(fixed).astype(np.float64), thinned(warped).astype(np.float64)
    window, other = robust_window(a), robust_window(b)
    body = np.isfinite(a) & np.isfinite(b) & (a > window[0] + 0.05 * (window[1] - window[0]))
    a, b = a[body], b[body]
    if a.size < 2 or a.std() == 0 or b.std() == 0:
        return Match(1.0, 0.0, window)
    correlation = float(np.corrcoef(a, b)[0, 1])
    if correlation > RELATED and _overlap(window, other) > AGREE:
        return Match(1.0, 0.0, window)
    scale = float(a.std() / b.std()) * (1.0 if correlation >= 0 else -1.0)
    return Match(scale, float(a.mean() - scale * b.mean()), window)


def thinned(values: Values) -> Values:
    """About ``SAMPLES`` of the values, evenly spread, flat."""
    flat = values.reshape(-1)
    step = max(flat.size // SAMPLES, 1)
    return flat[:: step + (step > 1 and step % 2 == 0)]  # an odd step does not fall into the rhythm of the rows


def _finite(values: Values) -> Values:
    return values[np.isfinite(values)]


def _overlap(first: Window, second: Window) -> float:
    """Common part of two ranges over what they span together, 0 to 1."""
    common = min(first[1], second[1]) - max(first[0], second[0])
    return max(common, 0.0) / (max(first[1], second[1]) - min(first[0], second[0]))
