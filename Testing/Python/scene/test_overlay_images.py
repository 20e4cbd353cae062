"""The images that overlays make of two images."""

from __future__ import annotations

import numpy as np

from inr_registration.slicer.scene import match, robust_window
from inr_registration.slicer.scene.checkerboard import checkerboard
from inr_registration.slicer.scene.difference import difference


def test_differences_of_images_in_other_units_are_matched_first() -> None:
    rng = np.random.default_rng(0)
    fixed = rng.normal(100, 20, (20, 20, 20)).astype(np.float32)
    for other in (fixed * 7 + 300, 500 - 2 * fixed):
        how = match(fixed, other)
        assert np.abs(difference(fixed, other, how)).max() < 1
    plain = match(fixed, fixed + 3)
    assert (plain.scale, plain.shift) == (1, 0)
    broken = fixed.copy()
    broken[0, 0, 0] = np.nan
    assert difference(broken, fixed, plain)[0, 0, 0] == 0


def test_a_constant_image_has_a_window_all_the_same() -> None:
    low, high = robust_window(np.full((4, 4, 4), 7))
    assert low < high
    assert checkerboard(np.full((4, 4, 4), 7), np.zeros((4, 4, 4)), ((0, 10), (0, 1)), (1, 1, 1)).max() == 178
