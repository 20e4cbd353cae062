"""Pairs for the experiments: real ones from a folder, made coarser so that many seeds fit into an hour, and generated ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from inr_registration.core import Problem, Volume
from inr_registration.images import level
from inr_registration.io import read_image, read_labels, read_points
from inr_registration.phantom import Pair, Warp, make_pair, random_warp

MOST_VOXELS = 400_000
"""Real images are resampled to an isotropic spacing with at most about this many voxels."""
POINTS = 1000
"""Of the truth, for generated pairs."""
AIR = -500
"""HU below which a lung image shows air."""
FAR_MM = 30.0
"""Largest displacement of the pairs with large motion."""
GAPS_S = (1, 5, 10, 15)
"""Time between the frames of the generated series."""


@dataclass(frozen=True, eq=False)
class Case:
    """A problem whose landmarks are its answer (known points, or labels where there are none).

    Args:
        name: For tables.
        problem: Without masks unless ``masked`` adds them.
        masks: Fixed and moving mask, for the variants that use them.
    """

    name: str
    problem: Problem
    masks: tuple[Volume, Volume] | None = None

    def masked(self) -> Problem:
        """The problem with both masks."""
        assert self.masks is not None, f"{self.name} has no masks"
        return replace(self.problem, fixed_mask=self.masks[0], moving_mask=self.masks[1])


@lru_cache(maxsize=4)
def load_case(name: str, pairs: str) -> Case:
    """A case by its name: a folder in ``pairs``, ``phantom SEED [inverted]``, ``far SEED`` (30 mm) or ``series SEED GAP``."""
    words = name.split()
    if words[0] == "phantom":
        return _phantom(name, make_pair("small", int(words[1]), 12.0), "inverted" in words)
    if words[0] == "far":
        return _phantom(name, make_pair("small", int(words[1]), FAR_MM), False)
    if words[0] == "series":
        return _phantom(name, _frame(int(words[1]), int(words[2])), False)
    return _real(name, Path(pairs) / name)


def _real(name: str, folder: Path) -> Case:
    images = {side: _coarser(read_image(str(folder / f"{side}.nii.gz"), _say_nothing)) for side in ("fixed", "moving")}
    masks = (_lung(images["fixed"]), _lung(images["moving"])) if "lung" in name else None
    return Case(name, Problem(**images, **known(folder)), masks)


def known(folder: Path) -> dict[str, Any]:
    """Landmarks and labels of a pair, as arguments of a problem."""
    given: dict[str, Any] = {}
    for side in ("fixed", "moving"):
        if (folder / f"{side}_landmarks.csv").exists():
            given[f"{side}_landmarks"] = read_points(folder / f"{side}_landmarks.csv").positions
        if (folder / f"{side}_labels.nii.gz").exists():
            given[f"{side}_labels"] = read_labels(str(folder / f"{side}_labels.nii.gz"), _say_nothing)
    return given


def _coarser(volume: Volume) -> Volume:
    """The image at a spacing at which it has few voxels; unchanged where it has few already."""
    extent = np.asarray(volume.grid.size) * volume.grid.spacing
    spacing = max(float((extent.prod() / MOST_VOXELS) ** (1 / 3)), float(volume.grid.spacing.min()))
    if np.prod(volume.grid.size) <= MOST_VOXELS:
        return volume
    image = level(np.asarray(volume.values, np.float32), volume.grid, spacing, torch.device("cpu"), thickest=1.0)
    return Volume(image.values[0].numpy(), image.grid, volume.name)


def _lung(volume: Volume) -> Volume:
    """The largest region of air, vessels closed, widened by a voxel."""
    air = np.asarray(volume.values) < AIR
    regions, _ = ndimage.label(air)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    lung = regions == sizes.argmax()
    closed = ndimage.binary_closing(np.pad(lung, 3), iterations=3)[3:-3, 3:-3, 3:-3]
    return Volume(ndimage.binary_dilation(closed | lung).astype(np.uint8), volume.grid, f"lung of {volume.name}")


def _phantom(name: str, pair: Pair, inverted: bool) -> Case:
    fixed, moving = pair.pairs(POINTS)
    image = pair.moving
    if inverted:
        values = np.asarray(image.values, np.float32)
        image = Volume((values.max() - values).astype(np.float32), image.grid, image.name)
    body = (_body(pair.fixed), _body(pair.moving))
    return Case(name, Problem(pair.fixed, image, fixed_landmarks=fixed, moving_landmarks=moving), body)


def _body(volume: Volume) -> Volume:
    """What is denser than air, holes filled."""
    filled = ndimage.binary_fill_holes(np.asarray(volume.values) > AIR)
    return Volume(np.asarray(filled, np.uint8), volume.grid, f"body of {volume.name}")


def _frame(seed: int, gap: int) -> Pair:
    """Frame 0 of a series as moving image and the frame ``gap`` seconds later as fixed one.

    Breathing (period 4.7 s) and a slow drift move the body: two random warps, mixed by time.
    """
    breathing, drift = random_warp(seed, 10.0), random_warp(seed + 1000, 1.0)
    depth = 0.5 - 0.5 * np.cos(2 * np.pi * gap / 4.7)
    coefficients = depth * breathing.coefficients + gap * 0.7 * drift.coefficients
    return make_pair("small", seed, warp=Warp(coefficients, breathing.origin, breathing.spacing))


def _say_nothing(_: str) -> None:
    """Readers tell what they did to a file; not here."""
