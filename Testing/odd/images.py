"""Cases that are images: values of every kind, and grids of every kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from odd.case import FIXED, MOVING, SHIFT, SIZE, Array, Case, Picture, affine_of, seen_on

SHAPE = SIZE[::-1]


def away(mm: float) -> Array:
    """The ordinary affine, the origin elsewhere along the first axis."""
    affine = affine_of()
    affine[0, 3] += mm
    return affine


def changed(picture: Picture, values: Any) -> Picture:
    return replace(picture, values=np.asarray(values))


def with_holes(picture: Picture, value: float) -> Picture:
    values = picture.values.copy()
    values[:2], values[8:10, 5:7, 5:7] = value, value
    return changed(picture, values)


def scaled(picture: Picture, kind: str, low: float, high: float) -> Picture:
    """The picture spread over a range of numbers of some type."""
    share = (picture.values.astype(np.float64) - MOVING.values.min()) / float(np.ptp(MOVING.values))
    whole = np.dtype(kind).kind in "iu"
    if not whole:
        return changed(picture, (low * (1 - share) + high * share).astype(kind))
    span = int(high) - int(low)
    steps = np.rint(np.clip(share, 0, 1) * min(span, 2**52)).astype(np.int64).astype(object)
    return changed(picture, (steps * (span // min(span, 2**52)) + int(low)).astype(kind))


def both(name: str, kind: str, low: float, high: float, **more: Any) -> Case:
    return Case(name, fixed=scaled(FIXED, kind, low, high), moving=scaled(MOVING, kind, low, high), **more)


def moved(by: tuple[float, float, float]) -> Picture:
    """The moving image with another origin, LPS mm."""
    affine = affine_of()
    affine[:3, 3] += by
    return replace(MOVING, affine=affine)


def turned(degrees: float, axis: int = 2) -> Array:
    """A turn about the world's origin, (4, 4)."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    out = np.eye(4)
    a, b = [n for n in range(3) if n != axis]
    out[a, a], out[a, b], out[b, a], out[b, b] = c, -s, s, c
    return out


def head(affine: Array, size: tuple[int, int, int], shift: Array) -> Picture:
    """The ordinary picture three times as large: a body of about 180 mm in an image of 250 mm."""
    from inr_registration.core import Grid
    from odd.case import blobs

    points = Grid(size, affine).all_points().astype(np.float64)
    return Picture(blobs((points + shift) / 3).astype(np.float32), affine)


LARGE = affine_of(7.0, (36, 36, 34))
HEAD = head(LARGE, (36, 36, 34), np.zeros(3))
SHEAR = np.array([[1.0, 0.15, 0.0, 0.0], [0.0, 1.0, 0.1, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
SLABS = {axis: tuple(1 if n == axis else size for n, size in enumerate(SIZE)) for axis in range(3)}


def mask(inside: Any, affine: Array | None = None) -> Picture:
    return Picture(np.asarray(inside).astype(np.uint8), affine_of() if affine is None else affine)


def corner() -> Array:
    values = np.zeros(SHAPE)
    values[:6, :6, :6] = 1
    return values


ROTATED_180 = turned(180) @ LARGE
NOISE = np.random.default_rng(0).normal(size=SHAPE)

VALUES = [
    Case("ordinary pair"),
    Case("constant", "every voxel has the value 7", fixed=changed(FIXED, np.full(SHAPE, 7, np.int16))),
    Case("all zero, moving", "every voxel has the value 0", moving=changed(MOVING, np.zeros(SHAPE, np.uint8))),
    Case("all NaN", "no voxel has a finite value", fixed=changed(FIXED, np.full(SHAPE, np.nan, np.float32))),
    Case("all infinite", "no voxel has a finite value", moving=changed(MOVING, np.full(SHAPE, np.inf, np.float32))),
    Case("some NaN", fixed=with_holes(FIXED, np.nan), moving=with_holes(MOVING, np.nan)),
    Case("some Inf", fixed=with_holes(FIXED, np.inf), moving=with_holes(MOVING, -np.inf)),
    Case("a single voxel that differs", shift=None, fixed=changed(FIXED, np.eye(1, int(np.prod(SHAPE)), 99).reshape(SHAPE))),
    Case("noise alone", shift=None, fixed=changed(FIXED, NOISE), moving=changed(MOVING, NOISE[::-1])),
    Case("checkerboard of two values", shift=None, fixed=changed(FIXED, np.indices(SHAPE).sum(axis=0) % 2)),
    both("int8, all of its range", "int8", -128, 127),
    both("int16, all of its range", "int16", -32768, 32767),
    both("uint16, all of its range", "uint16", 0, 65535),
    both("int32, all of its range", "int32", -(2**31), 2**31 - 1),
    both("uint32, all of its range", "uint32", 0, 2**32 - 1),
    both("uint64, all of its range", "uint64", 0, 2**64 - 1),
    both("int64, all of its range", "int64", -(2**63), 2**63 - 1),
    both("int64, small steps at 2^62", "int64", 2**62, 2**62 + 1000, refused="too close together"),
    both("float, intensities of 10^9", "float32", 0, 1e9),
    both("float, 0 to 1000 on top of 10^9", "float64", 1e9, 1e9 + 1000),
    both("float, 0 to 1 on top of 10^9", "float64", 1e9, 1e9 + 1, refused="too close together"),
    both("float, up to 10^30", "float32", 0, 1e30),
    both("double, 10^300 and more", "float64", 1e300, 3e300, refused="beyond 1e+38"),
    both("double, all of its range", "float64", -1.7e308, 1.7e308, refused="beyond 1e+38"),
    both("float, up to 10^-30", "float32", 0, 1e-30),
    both("double, up to 10^-300", "float64", 0, 1e-300, refused="too close together"),
    both("half precision", "float16", 0, 1000),
    both("negative intensities", "float32", -2000, -1000),
    Case("one voxel of 10^30", fixed=changed(FIXED, np.where(np.arange(FIXED.values.size).reshape(SHAPE) == 999, 1e30, FIXED.values))),
    Case("true and false", shift=None, fixed=changed(FIXED, (FIXED.values > 400).astype(np.uint8))),
]

GRIDS = [
    Case("no overlap", "do not overlap in world space", moving=moved((500, 0, 0))),
    Case("40 mm apart by the header", moving=moved((40, 0, 0)), shift=np.array([43.0, -2.0, 1.5])),
    Case(
        "40 mm apart, a body of 180 mm", fixed=HEAD, moving=head(LARGE, (36, 36, 34), np.array([0, -40.0, 0])), shift=np.array([0, 40.0, 0])
    ),
    Case(
        "one voxel of 3.4 x 10^38, as some programs mark nothing",
        fixed=changed(FIXED, np.where(np.arange(FIXED.values.size).reshape(SHAPE) == 999, np.float32(3.4e38), FIXED.values)),
    ),
    Case(
        "180 degrees apart by the header", fixed=HEAD, moving=replace(HEAD, affine=ROTATED_180), turn=turned(180)[:3, :3], shift=np.zeros(3)
    ),
    Case("one voxel thick, i", "too thin", fixed=changed(FIXED, NOISE[:, :, :1])),
    Case("one voxel thick, k", "2D", moving=changed(MOVING, NOISE[:1]), python="too thin"),
    Case("three voxels thick", "too thin", fixed=changed(FIXED, NOISE[:, :3])),
    Case("2D", "2D", fixed=changed(FIXED, NOISE[0]), python="use a 3D image"),
    Case("4D", "4D", fixed=changed(FIXED, np.stack([NOISE] * 3)), python="use a 3D image"),
    Case("five axes", "4D", fixed=changed(FIXED, np.stack([[NOISE] * 2] * 3)), python="use a 3D image"),
    Case("vector", "3 values", fixed=changed(FIXED, np.stack([NOISE] * 3)[:, None]), python="use a 3D image"),
    Case("complex", "complex", fixed=changed(FIXED, NOISE.astype(np.complex64))),
    Case("big-endian", fixed=changed(FIXED, FIXED.values.astype(">f4")), moving=changed(MOVING, (MOVING.values).astype(">i2"))),
    Case("sheared, fixed", fixed=seen_on(SHEAR @ affine_of(), shift=SHIFT)),
    Case("sheared, moving", moving=seen_on(SHEAR @ affine_of())),
    Case("mirrored axis, fixed", fixed=seen_on(np.diag([-1.0, 1, 1, 1]) @ affine_of(), shift=SHIFT)),
    Case("all axes mirrored, moving", moving=seen_on(np.diag([-1.0, -1, -1, 1]) @ affine_of())),
    Case("oblique, 30 degrees", fixed=seen_on(turned(30) @ turned(20, 0) @ affine_of(), shift=SHIFT)),
    Case("voxels of 1 x 3 x 9 mm", fixed=seen_on(np.diag([1 / 3, 1, 3, 1]) @ affine_of(), (60, 22, 7), SHIFT), shift=None),
    Case(
        "spacing in metres written as mm",
        "",
        fixed=replace(FIXED, affine=affine_of(0.003)),
        moving=replace(MOVING, affine=affine_of(0.003)),
        shift=None,
    ),
    Case("spacing of 3 km", fixed=replace(FIXED, affine=affine_of(3e6)), moving=replace(MOVING, affine=affine_of(3e6)), shift=None),
    Case("origin 10^5 mm away", fixed=replace(FIXED, affine=away(1e5)), moving=replace(MOVING, affine=away(1e5)), shift=None),
    Case(
        "voxel axes that are not independent",
        "independent",
        fixed=replace(FIXED, affine=np.array([[3, 3, 0, 0], [0, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1.0]])),
    ),
    Case("infinite origin", "finite", fixed=replace(FIXED, affine=away(np.inf))),
]

MASKS = [
    Case("empty mask", "only 0 voxels", more={"fixed_mask": mask(np.zeros(SHAPE))}),
    Case("mask of NaN", "only 0 voxels", more={"moving_mask": changed(FIXED, np.full(SHAPE, np.nan, np.float32))}),
    Case("tiny mask", "only 8 voxels", more={"moving_mask": mask(np.pad(np.ones((2, 2, 2)), [(0, n - 2) for n in SHAPE]))}),
    Case("mask elsewhere", "no voxel of the mask lies in", more={"fixed_mask": mask(np.ones(SHAPE), away(900))}),
    Case("masks that do not meet", shift=None, more={"fixed_mask": mask(corner()), "moving_mask": mask(corner()[::-1, ::-1, ::-1])}),
    Case("mask on another grid", more={"fixed_mask": mask(np.ones((9, 10, 11)), turned(25) @ affine_of(6.0, (11, 10, 9)))}),
    Case("mask one voxel thick", "2D", more={"fixed_mask": mask(np.ones((1, 22, 24)))}, shift=None, python="-"),
    Case("labels without a common value", shift=None, more={"fixed_labels": mask(corner()), "moving_labels": mask(2 * corner())}),
    Case("labels of one value, all background", shift=None, more={"fixed_labels": mask(0 * corner()), "moving_labels": mask(0 * corner())}),
    Case(
        "labels of int64 beyond 2^53",
        shift=None,
        more={n: changed(FIXED, (corner() > 0) * np.int64(2**62 + 1)) for n in ("fixed_labels", "moving_labels")},
    ),
]
