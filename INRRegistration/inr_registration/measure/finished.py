"""What a finished fit is judged by."""

from __future__ import annotations

from dataclasses import dataclass

from inr_registration.core.result import Quality, SplineTransform
from inr_registration.core.volume import Volume
from inr_registration.maps.derived import OfSpline
from inr_registration.maps.fitted_map import FittedMap


@dataclass(frozen=True, eq=False)
class Finished:
    """What ``finish`` makes; the fields are those of ``Result``."""

    model: FittedMap
    transform: SplineTransform
    warped: Volume
    jacobian: Volume
    derived: OfSpline
    quality: Quality
