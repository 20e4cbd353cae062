"""``inr-register evaluate``: the same indicators for any transform, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.app.cli.folding import determinants
from inr_registration.app.cli.which import which
from inr_registration.core.errors import InputError
from inr_registration.core.volume import Volume
from inr_registration.io.files import read_image, read_labels
from inr_registration.io.maps import load_map
from inr_registration.io.points import in_pairs, read_points
from inr_registration.maps.map import Map
from inr_registration.maps.warp import pull_image, pull_labels

Floats = npt.NDArray[np.float32]


def run(arguments: argparse.Namespace) -> int:
    """Measure one transform and print the result as JSON."""
    for what in ("landmarks", "labels"):
        if (getattr(arguments, f"fixed_{what}") is None) != (getattr(arguments, f"moving_{what}") is None):
            raise InputError(f"{what} were given for one image only; give them for both, or for none")
    phi = load_map(arguments.transform, _say)
    fixed = read_image(arguments.fixed, _say, **which(arguments, "fixed"))
    displacement = phi.displacement_on(fixed.grid)
    mask = np.ones(fixed.grid.shape, dtype=bool)
    if arguments.fixed_mask is not None:
        mask = _mask(arguments, fixed)
    measured: dict[str, Any] = {"transform": arguments.transform, "voxels": int(mask.sum())}
    measured |= folding(displacement, fixed, mask)
    if arguments.moving is not None:
        moving = read_image(arguments.moving, _say, **which(arguments, "moving"))
        measured["similarity"] = similarity(fixed, moving, displacement, mask)
    if arguments.fixed_landmarks is not None:
        measured["tre_mm"] = landmark_error(phi, arguments.fixed_landmarks, arguments.moving_landmarks)
    if arguments.fixed_labels is not None:
        names = ("fixed_labels", "moving_labels")
        measured["dice"] = overlap(phi, *(read_labels(getattr(arguments, name), _say, **which(arguments, name)) for name in names))
    print(json.dumps(measured, indent=2))
    return 0


def _say(sentence: str) -> None:
    print(f"inr-register: {sentence}", file=sys.stderr)


def _mask(arguments: argparse.Namespace, fixed: Volume) -> npt.NDArray[np.bool_]:
    """Where a mask on any grid is positive, on the fixed grid."""
    volume = read_image(arguments.fixed_mask, _say, **which(arguments, "fixed_mask"))
    inside = Volume(volume.inside().astype(np.uint8), volume.grid, volume.name)
    mask = np.asarray(pull_labels(inside, fixed.grid, np.zeros((*fixed.grid.shape, 3), dtype=np.float32)), dtype=bool)
    if not mask.any():
        raise InputError(f"{volume.name}: no voxel of the mask lies in {fixed.name}; check that both are in the same space")
    return mask


def folding(displacement: Floats, fixed: Volume, mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Share of folding voxels, by central differences and at any corner, and the spread of det J."""
    from inr_registration.measure.quality import determinant_summary

    central, lowest = determinants(displacement, fixed.grid)
    percent, spread, sd = determinant_summary(central, mask)
    strict = 100 * float((lowest[mask] <= 0).mean())
    return {"folding_percent": percent, "folding_any_corner_percent": strict, "det": spread, "sd_log_det": sd}


def similarity(fixed: Volume, moving: Volume, displacement: Floats, mask: npt.NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """Similarities before (no transform) and after, where both images and their windows are defined.

    Raises:
        InputError: That is nowhere.
    """
    from inr_registration.measure.quality import RADIUS, similarities

    images = {"before": np.zeros_like(displacement), "after": displacement}
    scores: dict[str, dict[str, float]] = {}
    for when, u in images.items():
        warped = np.asarray(pull_image(moving, fixed.grid, u), dtype=np.float32)
        defined = np.isfinite(fixed.single()) & np.isfinite(warped)
        windows = ndimage.minimum_filter(defined, 2 * RADIUS + 1) & mask
        if not windows.any():
            raise InputError(f"{fixed.name} and {moving.name} are nowhere both defined inside the mask ({when}); nothing can be compared")
        seen, shown = (np.where(defined, values, np.float32(0)) for values in (fixed.single(), warped))
        (scores[when],) = similarities(seen, [shown], windows)
    return {name: {when: scores[when][name] for when in scores} for name in scores["before"]}


def landmark_error(phi: Map, fixed_path: str, moving_path: str) -> dict[str, dict[str, float]]:
    """Distances of mapped fixed landmarks from their partners before (no transform) and after, mm."""
    from inr_registration.measure.quality import tre

    fixed, moving = in_pairs(read_points(fixed_path), read_points(moving_path), _say)
    if len(fixed) != len(moving):
        raise InputError(f"landmarks must come in pairs: {len(fixed)} fixed and {len(moving)} moving points were given")
    return {"before": tre(fixed, moving), "after": tre(phi.map(fixed), moving)}


def overlap(phi: Map, fixed: Volume, moving: Volume) -> dict[str, dict[str, float]]:
    """Dice of each common label before (no transform) and after, and their mean."""
    from inr_registration.measure.quality import dice

    labels = np.setdiff1d(np.intersect1d(np.unique(fixed.values), np.unique(moving.values)), [0])
    if not len(labels):
        raise InputError(f"{fixed.name} and {moving.name} have no label in common; check that their values mean the same")
    displacement = phi.displacement_on(fixed.grid)
    moved = {"before": np.zeros_like(displacement), "after": displacement}
    scores = {when: dice(fixed.values, pull_labels(moving, fixed.grid, u), labels) for when, u in moved.items()}
    table = {name: {when: scores[when][name] for when in scores} for name in scores["before"]}
    return {**table, "mean": {when: float(np.mean(list(values.values()))) for when, values in scores.items()}}
