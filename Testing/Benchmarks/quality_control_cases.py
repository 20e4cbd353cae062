"""Trials for ``verdict_cases.py``: pairs with a known map, sound ones and ones that are broken on purpose.

Blocks are cut from generated tissue, the CT-like phantom and real images, and warped by new random B-splines. No image of
the calibration part is in the held-out part; real images are divided by kind of anatomy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from calibration_cases import known_warp, tissue
from scipy import ndimage

from inr_registration.core import Affine, Grid, Problem, Representation, Settings, Stage, Volume
from inr_registration.io import read_image
from inr_registration.phantom import make_pair

Array = npt.NDArray[np.float64]
Truth = Callable[[Array], Array]

SIDE, MARGIN = 34, 3
"""Voxels of the fixed block along each axis, and by how many the moving block is wider on each side."""
SPACINGS = (1.5, 2.5, 3.5)
"""Of the blocks, mm; never finer than the image itself."""
FEWEST = 22
"""A coarser spacing is only taken if the image still has so many voxels along each axis."""
MAGNITUDES = (5.0, 9.0, 13.0, 18.0)
"""Largest displacement, as a percentage of the longest side of the block."""
BROKEN_MAGNITUDES = (13.0, 18.0, 25.0)
KINDS = {"calibrate": ("brain", "hippo", "lung"), "held-out": ("fetal", "liver4d", "trunk")}
GENERATED_SEEDS = {"calibrate": (0, 1, 2), "held-out": (10, 11, 12)}
NOISE = 0.03
"""Standard deviation of the noise of both images, as a share of the intensity range."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One registration whose answer is known.

    Args:
        name: Unique.
        part: ``calibrate`` or ``held-out``.
        breakage: What is wrong with it; empty for a sound one.
        problem: Images and masks.
        truth: (n, 3) fixed to (n, 3) moving world points, LPS mm; None where there is no answer.
        region: Fixed world points at which the error counts, (n, 3).
        change: Makes the trial's settings from those of the study.
    """

    name: str
    part: str
    breakage: str
    problem: Problem
    truth: Truth | None
    region: Array
    change: Callable[[Settings], Settings] = field(default=lambda settings: settings)


def trials(part: str, pairs: Path | None, sound: int, broken: int, draw: int = 0) -> list[Callable[[], Trial]]:
    """Recipes of ``sound`` unbroken trials and of ``broken`` ones of each breakage, over the images of the part in turn.

    Each draw has its own pieces of the images, warps and noise, and generated images of its own.
    """
    images, first = sources(part, pairs, draw), 100_000 * draw + (0 if part == "calibrate" else 10_000)

    def plain(number: int) -> Trial:
        trial = basic(part, images[number % len(images)], first + number, MAGNITUDES[number % 4])
        return masked(trial, NOWHERE, NOWHERE) if number % 5 == 4 else trial

    def bad(kind: int, number: int) -> Trial:
        name, place = list(BREAKAGES)[kind], 3 * kind + number
        start = basic(part, images[place % len(images)], first + 1000 * (kind + 1) + number, BROKEN_MAGNITUDES[(kind + number) % 3])
        other = images[(place + len(images) // 2) % len(images)]
        return replace(BREAKAGES[name](start, other), name=f"{name}: {start.name}", breakage=name)

    recipes: list[Callable[[], Trial]] = [partial(bad, kind, number) for number in range(broken) for kind in range(len(BREAKAGES))]
    return recipes + [partial(plain, number) for number in range(sound)]


def sources(part: str, pairs: Path | None, draw: int) -> list[Volume]:
    """The images of a part."""
    images = []
    for seed in (100 * draw + seed for seed in GENERATED_SEEDS[part]):
        images += [replace(tissue(seed), name=f"tissue {seed}"), replace(make_pair("small", seed).moving, name=f"phantom {seed}")]
    if pairs is not None:
        for path in sorted(pairs.glob("*/moving.nii.gz")):
            if path.parent.name.split("_")[0] in KINDS[part]:
                images.append(replace(read_image(path, lambda _: None), name=path.parent.name))
    return images


def block(volume: Volume, seed: int) -> Volume:
    """A piece of the image around a random point of its inner half, smoothed and resampled to a random spacing."""
    generator = np.random.default_rng([seed, 1])
    thinnest = float((np.asarray(volume.grid.size) * volume.grid.spacing).min())
    spacing = generator.choice([mm for mm in SPACINGS if thinnest / mm >= FEWEST] or SPACINGS[:1])
    values = np.nan_to_num(np.asarray(volume.values, dtype=np.float32))
    factor = np.maximum(spacing / volume.grid.spacing, 1.0)
    smooth = ndimage.gaussian_filter(values, 0.5 * np.sqrt(factor[::-1] ** 2 - 1))
    size = np.asarray(volume.grid.size)
    count = np.minimum(SIDE + 2 * MARGIN, np.floor((size - 1) / factor)).astype(int)
    room = size - 1 - (count - 1) * factor
    low = room * generator.uniform(0.35, 0.65, 3)
    index = np.meshgrid(*(a + np.arange(n) * f for a, n, f in zip(low[::-1], count[::-1], factor[::-1], strict=True)), indexing="ij")
    affine = volume.grid.affine @ np.array([[*row, shift] for row, shift in zip(np.diag(factor), low, strict=True)] + [[0, 0, 0, 1.0]])
    return Volume(ndimage.map_coordinates(smooth, index, order=1), Grid(tuple(count.tolist()), affine), volume.name)


def basic(part: str, source: Volume, seed: int, percent: float) -> Trial:
    """A sound pair: the fixed image is the inner part of the moving one seen through a known warp; noise in both."""
    moving = block(source, seed)
    generator = np.random.default_rng([seed, 2])
    inner = np.asarray(moving.grid.size) - 2 * MARGIN
    grid = moving.grid.cropped([MARGIN] * 3, tuple(inner.tolist()))
    warp = known_warp(grid, seed, percent)
    values = np.asarray(moving.values, dtype=np.float64)
    index = moving.grid.to_index(warp(grid.all_points().reshape(-1, 3).astype(np.float64))).T[::-1].reshape(3, *grid.shape)
    seen = ndimage.map_coordinates(values, index, order=3, mode="nearest")
    low, high = np.percentile(values, [1, 99])
    region = grid.to_world(np.argwhere(seen > low + 0.15 * (high - low))[:, ::-1])
    fixed = Volume((seen + NOISE * (high - low) * generator.normal(size=seen.shape)).astype(np.float32), grid, "fixed")
    noisy = Volume((values + NOISE * (high - low) * generator.normal(size=values.shape)).astype(np.float32), moving.grid, "moving")
    return Trial(f"{source.name}, seed {seed}, {percent:g} %", part, "", Problem(fixed, noisy), warp, region)


def extent(trial: Trial) -> Array:
    """Lengths of the fixed block's sides along the world's axes, mm."""
    return np.asarray(np.ptp(trial.problem.fixed.grid.corners(), axis=0))


def masked(trial: Trial, fixed_shift: Array, moving_shift: Array) -> Trial:
    """With masks of one ball in both images, each moved by a share of the block; the error counts in the true ball."""
    truth, problem = trial.truth, trial.problem
    assert truth is not None
    centre, radius = problem.moving.grid.centre, 0.33 * float(extent(trial).min())

    def ball(grid: Grid, shift: Array, map_: Truth, name: str) -> Volume:
        points = map_(grid.all_points().reshape(-1, 3).astype(np.float64) - shift * extent(trial))
        return Volume((np.linalg.norm(points - centre, axis=1) < radius).reshape(grid.shape).astype(np.uint8), grid, name)

    masks = {
        "fixed_mask": ball(problem.fixed.grid, fixed_shift, truth, "fixed mask"),
        "moving_mask": ball(problem.moving.grid, moving_shift, lambda points: points, "moving mask"),
    }
    region = trial.region[np.linalg.norm(truth(trial.region) - centre, axis=1) < radius]
    return replace(trial, name=f"{trial.name}, masked", problem=replace(problem, **masks), region=region)


def shifted(trial: Trial, share: float) -> Trial:
    """The moving image lies elsewhere in the world, by a share of the block along x and z."""
    offset, truth = share * extent(trial) * [1, 0, 1], trial.truth
    assert truth is not None
    affine = trial.problem.moving.grid.affine.copy()
    affine[:3, 3] += offset
    moving = trial.problem.moving
    moving = Volume(moving.values, Grid(moving.grid.size, affine), moving.name)
    return replace(trial, problem=replace(trial.problem, moving=moving), truth=lambda points: truth(points) + offset)


def without_affine(settings: Settings) -> Settings:
    return replace(settings, affine=Affine("none"))


def wrong_image(trial: Trial, other: Volume) -> Trial:
    """Another image, centred on the fixed one."""
    piece = block(other, 77)
    affine = piece.grid.affine.copy()
    affine[:3, 3] += trial.problem.fixed.grid.centre - piece.grid.centre
    return replace(trial, problem=replace(trial.problem, moving=Volume(piece.values, Grid(piece.grid.size, affine), "moving")), truth=None)


def turned(trial: Trial, _other: Volume) -> Trial:
    """Started half a turn away."""
    centre, start = trial.problem.fixed.grid.centre, np.diag([-1.0, -1.0, 1.0, 1.0])
    start[:3, 3] = centre - start[:3, :3] @ centre
    return replace(trial, problem=replace(trial.problem, initial=start))


def hurried(settings: Settings) -> Settings:
    stages = tuple(replace(stage, iterations=6) for stage in settings.stages)
    return replace(settings, stages=stages, affine=Affine("none"))


def noisy(trial: Trial, _other: Volume) -> Trial:
    """Both images drown in noise."""
    generator = np.random.default_rng(len(trial.name))

    def drowned(volume: Volume) -> Volume:
        values = np.asarray(volume.values)
        return Volume(
            values + np.float32(2 * values.std()) * generator.normal(size=values.shape).astype(np.float32), volume.grid, volume.name
        )

    return replace(trial, problem=replace(trial.problem, fixed=drowned(trial.problem.fixed), moving=drowned(trial.problem.moving)))


def other_contrast(trial: Trial, _other: Volume) -> Trial:
    """Intensities that have little to do with each other, under a similarity that expects the same."""
    moving = trial.problem.moving
    low, high = np.percentile(moving.values, [1, 99])
    values = np.cos(3 * np.pi * np.clip((np.asarray(moving.values) - low) / (high - low), 0, 1)).astype(np.float32)
    return replace(trial, problem=replace(trial.problem, moving=Volume(values, moving.grid, "moving")))


def _settings(change: Callable[[Settings], Settings]) -> Callable[[Trial, Volume], Trial]:
    return lambda trial, _other: replace(trial, change=change)


AWAY, NOWHERE = np.array([0.3, 0.0, 0.3]), np.zeros(3)
BREAKAGES: dict[str, Callable[[Trial, Volume], Trial]] = {
    "wrong image": wrong_image,
    "shift, no affine": lambda trial, _: replace(shifted(trial, 0.4), change=without_affine),
    "shift, affine": lambda trial, _: shifted(trial, 0.4),
    "half a turn": turned,
    "wrong fixed mask": lambda trial, _: masked(trial, AWAY, NOWHERE),
    "wrong moving mask": lambda trial, _: masked(trial, NOWHERE, AWAY),
    "too few iterations": _settings(hurried),
    "weak regularity": _settings(lambda s: replace(s, regularity={"symmetric_jacobian": 1e-4})),
    "bad start": _settings(lambda s: replace(s, representation=replace(s.representation, zero_start=False, omega=70.0))),
    "too stiff": _settings(lambda s: replace(s, regularity={"symmetric_jacobian": 100.0}, affine=Affine("none"))),
    "noise": noisy,
    "other contrast": other_contrast,
}


def small(settings: Settings) -> Settings:
    """The method's settings with small networks, slower sines and few iterations: the same code, seconds per run.

    Lattices are quick enough as they are.
    """
    affine = Affine("affine", 15)
    if settings.representation.kind == "velocity":
        return replace(settings, affine=affine, max_voxels=60_000, device="cpu")
    stages = tuple(Stage(shrink, 85, 2e-3, 1500) for shrink in (2.0, 1.0))
    network, regularity = Representation("siren", 48, 2, 15.0), {"symmetric_jacobian": 0.1}
    return replace(settings, representation=network, regularity=regularity, stages=stages, affine=affine, max_voxels=60_000, device="cpu")
