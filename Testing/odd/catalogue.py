"""All cases by their group."""

from __future__ import annotations

from odd.case import Case
from odd.files import NAMES, NIFTI, OTHERS
from odd.images import GRIDS, MASKS, VALUES
from odd.options import POINTS, STARTS, WORDS

GROUPS: dict[str, list[Case]] = {
    "Intensities": VALUES,
    "Geometry": GRIDS,
    "Masks and labels": MASKS,
    "NIfTI files": NIFTI,
    "Other image files": OTHERS,
    "Names and links": NAMES,
    "Points": POINTS,
    "Initial transforms": STARTS,
    "Words": WORDS,
}
CASES = {f"{group}: {case.name}": case for group, cases in GROUPS.items() for case in cases}
