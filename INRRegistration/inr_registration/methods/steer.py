"""What can help a fit besides the images: landmark pairs, and a start found by searching."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from inr_registration.core.displacements import Displacements
from inr_registration.core.errors import InputError
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings
from inr_registration.images.crop import crop_box, cropped
from inr_registration.maps.affine import Affine
from inr_registration.methods.data import SampledPoints
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import Prepared
from inr_registration.numerics.frame import Array
from inr_registration.start.discrete import HALF_WIDTH, POOL, Found, search, step_mm
from inr_registration.start.field_start import Displacement
from inr_registration.start.given import Given
from inr_registration.terms.landmarks import LandmarkTerm

JUDGED_POINTS = 40_000
"""At which the similarity says whether what was found is better than no displacement."""


class Steered(Protocol):
    """A fit that heeds landmarks and a start, set before its first stage."""

    prepared: Prepared
    affine: Array
    landmarks: LandmarkTerm | None
    start: Displacement | None


def steer(fit: PairFit, problem: Problem, settings: Settings, forward: Steered, backward: Steered | None = None) -> None:
    """Give the field, or both of a pair, their landmarks and their start, where the settings ask for them.

    Args:
        fit: Is told, in its choices and warnings, what was decided and what the user should know.
        problem: Holds the landmarks.
        settings: How.
        forward: From the fixed to the moving image, before its first stage.
        backward: From the moving to the fixed image, where there is one.
    """
    if settings.landmark_weight > 0:
        fit.warnings += _pull(problem, settings.landmark_weight, forward, backward)
    if problem.initial_displacement is not None:
        fit.choices.append(_given(problem.initial_displacement, forward, backward))
    elif settings.start == "discrete":
        fit.choices.append(_search(settings, forward, backward))


def check_landmarks(problem: Problem, settings: Settings) -> None:
    """Make sure that there are landmarks to steer by, where the settings ask for it.

    Raises:
        InputError: There are none, or none inside an image that a field is fitted on.
    """
    if settings.landmark_weight == 0:
        return
    fixed, moving = problem.fixed_landmarks, problem.moving_landmarks
    if fixed is None or moving is None or not len(fixed):
        said = f"settings.landmark_weight is {settings.landmark_weight:g} but no landmark pairs were given"
        raise InputError(f"{said}; give both landmark files or set it to 0")
    sides = [("fixed", fixed, problem.fixed.grid), ("moving", moving, problem.moving.grid)]
    for name, points, grid in sides if settings.cycle is not None else sides[:1]:
        if not grid.contains(points).any():
            raise InputError(f"none of the {len(points)} {name} landmarks lies inside the {name} image; check that they are in LPS mm")


def _pull(problem: Problem, weight: float, forward: Steered, backward: Steered | None) -> list[str]:
    """Landmark terms for the fields; returns warnings."""
    fixed, moving, said = problem.fixed_landmarks, problem.moving_landmarks, []
    assert fixed is not None and moving is not None
    for side, source, target, name in ((forward, fixed, moving, "fixed"), (backward, moving, fixed, "moving")):
        if side is None:
            continue
        inside = side.prepared.fixed.grid.contains(source)
        if not inside.all():
            left_out = f"{int((~inside).sum())} of {len(source)} landmark pairs"
            said.append(f"{left_out} lie outside the {name} image and do not steer the fit")
        prepared = side.prepared
        side.landmarks = LandmarkTerm.between(source[inside], target[inside], prepared.frame, side.affine, weight, prepared.device)
    return said


def check_start(problem: Problem, settings: Settings) -> None:
    """Make sure that a deformable start can be used.

    Raises:
        InputError: The method cannot start there, or the settings look for another start.
    """
    if problem.initial_displacement is None:
        return
    if settings.geometry is not None and settings.geometry.kind == "tube":
        raise InputError(f"the method '{settings.method}' can only start from a linear transform; give one, or choose another method")
    if settings.start == "discrete":
        raise InputError("a deformable initial transform and a search for a start exclude each other; leave one of them out")
    if not settings.stages:
        raise InputError(f"the method '{settings.method}' finds a linear map; give a linear initial transform, or choose another method")


def _given(displacement: Displacements, forward: Steered, backward: Steered | None) -> str:
    """The user's deformable map as the start of the fields; returns what was done."""
    start = Given(displacement, Affine(forward.affine))
    forward.start = start.forward
    if backward is not None:
        backward.start = start.backward
    return 'start: the deformable initial transform; "before" is its linear part alone'


def _search(settings: Settings, forward: Steered, backward: Steered | None) -> str:
    """A start for the fields, where it makes the images more alike; returns what was decided."""
    found = look_for(forward.prepared, forward.affine)
    reach = HALF_WIDTH * float(found.grid.spacing.min())
    before, after = (_unlike(forward, settings, start) for start in (None, found.forward))
    seen = f"(similarity terms {before:.3g} without, {after:.3g} with it; reach {reach:.0f} mm)"
    if not after < before:
        return f"discrete start: not used, since it did not make the images more alike {seen}"
    forward.start = found.forward
    if backward is not None:
        backward.start = found.backward
    return f"discrete start: used {seen}"


def look_for(prepared: Prepared, affine: Array) -> Found:
    """The discrete search on a pair, with the lattice that suits where the fixed image counts.

    Args:
        prepared: Clean images.
        affine: (4, 4) fixed to moving world.
    """
    box = crop_box(prepared.fixed.counted, 0)
    extent = np.array([part.stop - part.start for part in box[::-1]]) * prepared.fixed.grid.spacing
    step = step_mm(extent)
    fixed, weight, moving, moving_weight = prepared.level_pair(step / POOL)
    box = crop_box((weight > 0).cpu().numpy(), 0)
    return search(cropped(fixed, box), weight[box].contiguous(), moving, moving_weight, affine, step)


def _unlike(fit: Steered, settings: Settings, start: Displacement | None) -> float:
    """The similarity terms of the coarsest stage at random points, at no displacement or at a given one."""
    prepared = fit.prepared
    data = prepared.stage_data(prepared.usable_stages(settings)[0], settings, fit.affine)
    points = SampledPoints(data, JUDGED_POINTS, torch.Generator().manual_seed(settings.seed))
    index, xi = points.draw()
    displacement = torch.zeros_like(xi)
    if start is not None:
        moved = start(prepared.frame.to_world(xi.reshape(3, -1).T.double().cpu().numpy())) @ np.linalg.inv(prepared.frame.axes).T
        displacement = torch.as_tensor(moved.T.copy()).to(xi).reshape(xi.shape)
    with torch.no_grad():
        return float(torch.stack(list(points.terms(index, xi, displacement).values())).sum())
