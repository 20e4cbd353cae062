"""Label maps among images, and slices in a wrong order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from inr_registration.core import Grid, Problem, Volume, disordered, looks_like_labels

SIZE = (26, 40, 38)


def volume(values: np.ndarray, name: str = "image") -> Volume:
    return Volume(values, Grid(values.shape[::-1], np.diag([1.5, 1.2, 2.0, 1.0])), name)


def smooth(seed: int = 0, sigma: float = 4.0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SIZE), sigma)


def noisy(values: np.ndarray, share: float, seed: int = 7) -> np.ndarray:
    return values + share * values.std() * np.random.default_rng(seed).normal(size=values.shape)


LABELS = np.digitize(smooth(), np.quantile(smooth(), [0.5, 0.7, 0.85]))
MAPS = {
    "small numbers": LABELS.astype(np.uint8),
    "as floats": LABELS.astype(np.float32),
    "numbers far apart": np.array([0, 1002, 2035, 17], np.int32)[LABELS],
    "negative": (LABELS - 2).astype(np.int16),
    "a mask": (LABELS > 1).astype(np.uint8),
    "true and false": LABELS > 1,
}
IMAGES = {
    "bytes": (255 * (smooth() - smooth().min()) / np.ptp(smooth())).astype(np.uint8),
    "Hounsfield units": (200 * noisy(smooth(), 0.3)).round().astype(np.int16),
    "few grey values with noise": np.clip(noisy(smooth() / smooth().std(), 0.5) * 4 + 10, 0, 20).astype(np.uint8),
    "floats": smooth().astype(np.float32),
    "a range of 0 to 1": (LABELS + 0.25).astype(np.float32),
    "one value": np.zeros(SIZE, np.uint8),
}


@pytest.mark.parametrize("name", MAPS)
def test_label_maps_are_seen_as_such(name: str) -> None:
    assert looks_like_labels(volume(MAPS[name]))


@pytest.mark.parametrize("name", IMAGES)
def test_intensities_are_no_labels(name: str) -> None:
    assert not looks_like_labels(volume(IMAGES[name]))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_mixed_up_slices_are_found_and_the_axis_is_named(axis: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(SIZE[axis])
    assert disordered(volume(smooth(seed).take(order, axis))) == "kji"[axis]
    assert disordered(volume(noisy(smooth(seed), 0.3).take(order, axis))) == "kji"[axis]


@pytest.mark.parametrize("seed", range(4))
def test_stacks_are_no_heaps_whatever_the_noise(seed: int) -> None:
    for share in (0, 0.3, 1, 3):
        assert disordered(volume(noisy(smooth(seed), share))) == ""


def test_neither_empty_slices_nor_few_nor_undefined_voxels_are_a_heap() -> None:
    padded = smooth().copy()
    padded[:8] = padded[-8:] = padded[0, 0, 0]
    assert disordered(volume(padded)) == ""
    assert disordered(volume(smooth()[np.random.default_rng(0).permutation(SIZE[0])][:8])) == ""
    holes = smooth().copy()
    holes[:, 10:20] = np.nan
    assert disordered(volume(holes)) == ""
    assert disordered(volume(np.zeros(SIZE))) == ""


def test_it_is_said_before_the_fit() -> None:
    heap = volume(smooth()[np.random.default_rng(0).permutation(SIZE[0])], "scan")
    (said,) = Problem(volume(smooth(1)), heap).check()
    assert said.startswith("scan: neighbouring slices along k")


def test_a_label_map_among_images_is_told_before_the_fit_and_two_are_not() -> None:
    image, labels = volume(smooth(1).astype(np.float32), "scan"), volume(MAPS["small numbers"], "organs")
    (said,) = Problem(image, labels).check()
    assert said.startswith("organs: has few whole values")
    assert Problem(labels, volume(MAPS["a mask"], "mask")).check() == ()
