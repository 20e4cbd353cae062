"""Registrations for ``verdicts.py``: right pairs, wrong ones, mirror images, and known warps that go wrong more or less.

Whatever has to do with one kind of anatomy, as the fixed image, is in one half: ``set`` or ``judged``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from held_out import FETAL
from quality_control_cases import BREAKAGES, Trial, small, trials

from inr_registration.core import Grid, Problem, Settings, Volume
from inr_registration.io import read_image, read_labels

Array = npt.NDArray[np.float64]
KINDS = {"hippo": "brain", "liver4d": "liver", "lung": "lung", "trunk": "trunk", "fetal": "brain", "brain": "brain"}
"""First word of a pair's name -> what it shows; brains of fetuses and of adults, and a crop of a brain, are no wrong pair."""
JUDGED = ("fetal", "liver4d", "trunk", "brain_t1")
"""Pairs whose name begins so are in the half on which thresholds are judged."""
SYMMETRIC = ("brain_ibsr", "brain_spm", "fetal")
"""Two people, or an average: turned around left to right, nobody can tell, and half a turn makes that of any other flip."""
NARROW_MM = (18.0, 35.0)
"""Slabs of so many mm are cut from the fixed images."""


@dataclass(frozen=True, eq=False)
class Case:
    """One registration.

    Args:
        name: Unique.
        group: ``right``, ``wrong``, ``mirrored`` (a flip that anatomy hides), ``turned`` (right where the pre-alignment finds the turn)
            or ``known`` (its true error tells).
        kind: What was done to the pair.
        half: ``set`` or ``judged``.
        problem: The images.
        change: Makes the settings from those of the study.
        truth: Of a known warp, (n, 3) fixed to (n, 3) moving world points.
        region: (n, 3) fixed world points at which the error counts.
    """

    name: str
    group: str
    kind: str
    half: str
    problem: Problem
    change: Callable[[Settings], Settings] = lambda settings: settings
    truth: Callable[[Array], Array] | None = None
    region: Array | None = None


Recipe = tuple[str, Callable[[], Case]]


def recipes(pairs: Path, fetal: Path) -> Iterator[Recipe]:
    """Every case by its name; images are read when it is made."""
    names = sorted(path.name for path in pairs.iterdir() if (path / "fixed.nii.gz").exists())
    for name in names:
        yield f"{name}", partial(_right, pairs, name)
        for mm in NARROW_MM:
            yield f"{name}, slab of {mm:g} mm", partial(_slab, pairs, name, mm)
        for other in names:
            if kind_of(name) != kind_of(other):
                yield f"{name} <- {other}", partial(_other, pairs, name, other)
        for axis in range(3):
            yield f"{name}, flipped along {'kji'[axis]}", partial(_spoilt, pairs, name, f"flipped along {'kji'[axis]}")
        for what in ("turned by permuting the axes", "two axes swapped", "rolled by half", "slices shuffled"):
            yield f"{name}, {what}", partial(_spoilt, pairs, name, what)
        if (pairs / name / "moving_labels.nii.gz").exists():
            for side in ("fixed", "moving"):
                yield f"{name}, labels as {side} image", partial(_labels, pairs, name, side)
        if (pairs / name / "fixed_landmarks.csv").exists():
            yield f"{name}, landmarks reversed", partial(_landmarks, pairs, name, True)
            yield f"{name}, landmarks", partial(_landmarks, pairs, name, False)
    for one, other in FETAL:
        yield f"fetal {one} {other}", partial(_weeks, fetal, one, other)
    for part, half in (("calibrate", "set"), ("held-out", "judged")):
        for number, recipe in enumerate(trials(part, pairs, 26, 2)):
            yield f"known {part} {number}", partial(_known, f"known {part} {number}", half, recipe)


def kind_of(name: str) -> str:
    return next(kind for word, kind in KINDS.items() if name.startswith(word))


def half_of(name: str) -> str:
    return "judged" if name.startswith(JUDGED) else "set"


def _pair(pairs: Path, name: str) -> tuple[Volume, Volume]:
    fixed, moving = (read_image(str(pairs / name / f"{side}.nii.gz"), _quiet) for side in ("fixed", "moving"))
    return fixed, moving


def _quiet(_: str) -> None:
    """What is said of the files is known."""


def _right(pairs: Path, name: str) -> Case:
    return Case(name, "right", "the pair as it is", half_of(name), Problem(*_pair(pairs, name)))


def _slab(pairs: Path, name: str, mm: float) -> Case:
    """A few slices from the middle of the fixed image, along its third axis."""
    fixed, moving = _pair(pairs, name)
    count = min(max(round(mm / float(fixed.grid.spacing[2])), 4), fixed.grid.size[2])
    first = (fixed.grid.size[2] - count) // 2
    grid = fixed.grid.cropped([0, 0, first], (*fixed.grid.size[:2], count))
    thin = Volume(fixed.values[first : first + count], grid, "fixed")
    return Case(f"{name}, slab of {mm:g} mm", "right", f"a slab of {mm:g} mm", half_of(name), Problem(thin, moving))


def _weeks(folder: Path, one: str, other: str) -> Case:
    fixed, moving = (read_image(str(min(folder.glob(f"GA{week}_*image.nii.gz"))), _quiet) for week in (one, other))
    return Case(f"fetal {one} {other}", "right", "weeks of growth", "judged", Problem(fixed, moving))


def centred(moving: Volume, fixed: Volume) -> Volume:
    """With its middle on that of the fixed image: headers of other scans may lie anywhere."""
    affine = moving.grid.affine.copy()
    affine[:3, 3] += fixed.grid.centre - moving.grid.centre
    return Volume(moving.values, Grid(moving.grid.size, affine), moving.name)


def _other(pairs: Path, name: str, other: str) -> Case:
    fixed, moving = _pair(pairs, name)[0], _pair(pairs, other)[1]
    return Case(f"{name} <- {other}", "wrong", "another organ", half_of(name), Problem(fixed, centred(moving, fixed)))


def _spoilt(pairs: Path, name: str, what: str) -> Case:
    """The moving image with voxels in the wrong places, and nothing in its header."""
    fixed, moving = _pair(pairs, name)
    values, grid = np.asarray(moving.values), moving.grid
    if what.startswith("flipped"):
        values = np.flip(values, "kji".index(what[-1]))
    elif what.startswith("turned"):  # a proper rotation, which the pre-alignment looks for
        values = values.transpose(2, 0, 1)
        i, j, k = grid.spacing
        grid = Grid(values.shape[::-1], grid.affine @ np.diag([j / i, k / j, i / k, 1.0]))
    elif what == "two axes swapped":  # a turn and a mirror
        values = values.transpose(0, 2, 1)
        i, j, k = grid.spacing
        grid = Grid(values.shape[::-1], grid.affine @ np.diag([j / i, i / j, 1.0, 1.0]))
    elif what == "rolled by half":
        values = np.roll(values, np.array(values.shape) // 2, axis=(0, 1, 2))
    else:
        values = values[np.random.default_rng(0).permutation(len(values))]
    moved = centred(Volume(np.ascontiguousarray(values), grid, "moving"), moving)
    hidden = what.startswith(("flipped", "two axes")) and name.startswith(SYMMETRIC)
    group = "mirrored" if hidden else "turned" if what.startswith("turned") else "wrong"
    return Case(f"{name}, {what}", group, what.split(" along")[0], half_of(name), Problem(fixed, moved))


def _labels(pairs: Path, name: str, side: str) -> Case:
    images = dict(zip(("fixed", "moving"), _pair(pairs, name), strict=True))
    images[side] = read_labels(str(pairs / name / f"{side}_labels.nii.gz"), _quiet)
    return Case(f"{name}, labels as {side} image", "wrong", "labels as an image", half_of(name), Problem(**images))


def _landmarks(pairs: Path, name: str, backwards: bool) -> Case:
    fixed, moving = (np.loadtxt(pairs / name / f"{side}_landmarks.csv", delimiter=",", skiprows=1) for side in ("fixed", "moving"))
    problem = Problem(*_pair(pairs, name), fixed_landmarks=fixed, moving_landmarks=moving[::-1] if backwards else moving)
    said = "landmarks reversed" if backwards else "landmarks"
    return Case(f"{name}, {said}", "wrong" if backwards else "right", said, half_of(name), problem)


def _known(name: str, half: str, recipe: Callable[[], Trial]) -> Case:
    trial = recipe()
    change = trial.change
    kind, group = trial.breakage or "sound", "known" if trial.truth is not None else "wrong"
    kind = "another image" if group == "wrong" else kind
    assert trial.breakage in ("", *BREAKAGES)
    return Case(name, group, kind, half, trial.problem, lambda s: change(small(s)), trial.truth, trial.region)
