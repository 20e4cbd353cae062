"""A few figures about a map that the summary, the report and the scene all show."""

from __future__ import annotations

import numpy as np

from inr_registration.core.volume import Volume

MAPS = ("strain_radial", "strain_circumferential", "strain_longitudinal")
"""Names that ``Result.maps`` can have."""
UNKNOWN_MM = -1.0
"""Stands in files of the uncertainty where nothing is known: no length is negative, whatever program reads it."""
UNCERTAINTY_MEANING = (
    "How far the map may be off by the method's own account: an estimate, not an error bound, and blind to what the method cannot see."
)
"""Said wherever an uncertainty is."""


def uncertainty_summary(uncertainty: Volume) -> dict[str, float]:
    """Median and 95th percentile in mm where something is known (finite), and this share of the voxels in percent; empty where none is."""
    known = uncertainty.values[np.isfinite(uncertainty.values)]
    if not known.size:
        return {}
    median, high = (float(value) for value in np.percentile(known, [50, 95]))
    return {"median_mm": median, "p95_mm": high, "known_percent": 100 * known.size / uncertainty.values.size}
