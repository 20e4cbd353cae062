"""Indicators of a registration: measured, never combined into a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.core.problem import Problem
from inr_registration.core.result import Quality
from inr_registration.images.crop import crop_box
from inr_registration.numerics import kernels as compiled
from inr_registration.terms.similarity import FixedWindows, LocalCorrelation

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

RADIUS = 2
"""Of the windows of local correlation, voxels."""
CLEARLY = 0.01
"""A change of a similarity that is worth a word."""
PLANES, ROWS, BLOCK_VOXELS = 32, 16, 1_000_000
"""Windows are looked at in blocks of so many planes and at least so many rows, and about so many voxels."""


def similarities(fixed: Floats, images: Sequence[Floats], mask: Mask) -> list[dict[str, float]]:
    """Pearson correlation and mean squared local correlation (5^3 windows) inside a mask; 1 at best, the first -1 with opposite contrasts.

    Args:
        fixed: (k, j, i).
        images: The same shape, each compared with the fixed one.
        mask: The same shape.

    Returns:
        Both measures by name, for each image.
    """
    box = crop_box(mask, RADIUS)
    fixed, mask, images = fixed[box], mask[box], [image[box] for image in images]
    local = _local_correlations(fixed, images, mask)
    return [
        {"correlation": _correlation(fixed, image, mask), "local correlation": agreed} for image, agreed in zip(images, local, strict=True)
    ]


def _correlation(fixed: Floats, image: Floats, mask: Mask) -> float:
    """Pearson's, in double precision, plane by plane so that no copy of an image is made; 0 where one is constant."""
    count = int(mask.sum())
    if count == 0:
        return 0.0
    one = np.unravel_index(mask.argmax(), mask.shape)
    origin = np.array([[fixed[one]], [image[one]]], np.float64)  # a constant is exactly 0 from it
    mean = sum(values.sum(axis=1, keepdims=True) for values in _pairs(fixed, image, mask, origin)) / count
    moments = sum(np.einsum("an,bn->ab", values, values) for values in _pairs(fixed, image, mask, origin + mean))
    spread = float(np.sqrt(moments[0, 0] * moments[1, 1]))
    return float(moments[0, 1]) / spread if spread > 0 else 0.0


def _pairs(fixed: Floats, image: Floats, mask: Mask, origin: Array) -> Iterator[Array]:
    """(2, n) values of both images inside each plane's mask, less their (2, 1) origins."""
    for a, b, inside in zip(fixed, image, mask, strict=True):
        yield np.stack([a[inside], b[inside]]).astype(np.float64) - origin


def _local_correlations(fixed: Floats, images: Sequence[Floats], mask: Mask) -> list[float]:
    """By blocks of planes and rows, so that it takes little memory; each reads the neighbours that its windows reach."""
    scaled = [(image, np.float32(np.ptp(image) or 1)) for image in (fixed, *images)]  # a constant has no structure in any unit
    agreed, counted = np.zeros(len(images)), 0.0
    planes = min(PLANES, len(fixed))
    rows = max(BLOCK_VOXELS // (planes * fixed.shape[2]), ROWS)
    for (k, own_k), (j, own_j) in product(_blocks(fixed.shape[0], planes), _blocks(fixed.shape[1], rows)):
        weight = np.zeros(mask[k, j].shape, np.float32)
        weight[own_k, own_j] = mask[k, j][own_k, own_j]
        voxels = float(weight.sum())
        if voxels > 0:
            blocks = [np.asarray(image[k, j] / scale, np.float32, order="C") for image, scale in scaled]
            agreed += voxels * np.array(_in_windows(blocks[0], blocks[1:], weight))
            counted += voxels
    return [float(value) for value in agreed / max(counted, 1.0)]


def _blocks(length: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Pieces of an axis with the neighbours that windows reach, and where in each its own part is."""
    for start in range(0, length, size):
        low = max(start - RADIUS, 0)
        yield slice(low, start + size + RADIUS), slice(start - low, start - low + size)


def _in_windows(fixed: Floats, images: Sequence[Floats], weight: Floats) -> list[float]:
    """Mean squared local correlation of a block with others, where the weight counts."""
    if compiled.usable(torch.from_numpy(fixed)):
        from inr_registration.terms.compiled_comparison import Comparison  # loading the compiler takes a second

        compared = Comparison(fixed, weight, RADIUS)
        return [1 - compared.forward(image, np.ones_like(image))[0] for image in images]
    windows, weights = FixedWindows(torch.from_numpy(fixed)[None], RADIUS), torch.from_numpy(weight)[None]
    return [1 - float(LocalCorrelation.apply(torch.from_numpy(image)[None], windows, weights)) for image in images]


def tre(mapped: Array, moving: Array) -> dict[str, float]:
    """Target registration error of (n, 3) mapped fixed landmarks against their (n, 3) partners: mm, nothing rounded."""
    error = np.linalg.norm(mapped - moving, axis=1)
    return {
        "mean": float(error.mean()),
        "sd": float(error.std()),
        "median": float(np.median(error)),
        "p95": float(np.percentile(error, 95)),
        "max": float(error.max()),
    }


def dice(fixed: npt.NDArray[np.generic], warped: npt.NDArray[np.generic], labels: npt.ArrayLike) -> dict[str, float]:
    """Overlap 2|A and B| / (|A| + |B|) of each label."""
    scores = {}
    for label in np.asarray(labels).tolist():
        a, b = fixed == label, warped == label
        scores[f"{label:g}"] = float(2 * (a & b).sum() / max(int(a.sum() + b.sum()), 1))
    return scores


def common_labels(problem: Problem) -> npt.NDArray[np.generic]:
    """Labels other than 0 that both label images have."""
    assert problem.fixed_labels is not None and problem.moving_labels is not None
    both = np.intersect1d(np.unique(problem.fixed_labels.values), np.unique(problem.moving_labels.values))
    return np.asarray(both[both != 0])


def determinant_summary(det: Floats, mask: Mask) -> tuple[float, dict[str, float], float]:
    """Folding in percent, percentiles, and SD of log det (floored at 1e-3) inside a mask."""
    inside = det[mask]  # a copy, of which no other is made: its order is lost, then its values
    low, median, high = np.percentile(inside, [1, 50, 99], overwrite_input=True)
    spread = {"min": inside.min(), "p1": low, "median": median, "p99": high, "max": inside.max()}
    folding = 100 * float((inside <= 0).mean())
    np.log(np.clip(inside, 1e-3, 1e3, out=inside), out=inside)
    inside -= inside.mean(dtype=np.float64)
    sd = float(np.sqrt(np.square(inside, out=inside).mean(dtype=np.float64)))
    return folding, {k: float(v) for k, v in spread.items()}, sd


def notes(quality: Quality, settled: bool, steered: bool = False) -> tuple[str, ...]:
    """What a reader of these indicators should know, in words.

    Args:
        quality: The indicators.
        settled: Whether the fit ran to its end.
        steered: Whether the landmarks took part in the fit.
    """
    said = []
    gains = {name: abs(after) - abs(before) for name, (before, after) in quality.similarity.items()}
    led = gains.get("local correlation", 0.0) > CLEARLY  # what fits are led by: brightness may go together less where windows agree more
    fallen = [name for name, gain in gains.items() if gain < -CLEARLY and not led]
    if fallen:
        said.append(f"{' and '.join(fallen)} fell: look at the images before using this result")
    if quality.folding_percent > 0:
        said.append(f"{quality.folding_percent:.4f} % of the voxels fold: do not carry structures through them")
    if quality.tre_mm and quality.tre_mm["after"]["mean"] > quality.tre_mm["before"]["mean"]:
        said.append("the landmarks are further apart than before")
    if quality.tre_mm and steered:
        said.append("the landmarks steered the fit, so their distance is no independent check of it")
    if not settled:
        said.append("the fit was ended early")
    return tuple(said)
