"""Fitted maps: evaluated, inverted, exported, looked at for folding."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "cardiac_map": ("CardiacMap",),
        "consensus": ("Consensus", "invert"),
        "derived": ("Drawn", "Mask", "OfSpline", "draw"),
        "export": ("as_transform", "faded", "sampled"),
        "fitted_map": ("FittedMap", "load"),
        "folding": ("corner_folds", "least_in_cells"),
        "map": (
            "planes",
            "Placed",
        ),
        "model": ("Model", "half_width"),
        "tube_map": ("TubeMap",),
        "unfold": ("FLOOR", "unfolded"),
        "warp": ("nearest_labels", "pull_image", "pull_labels"),
    },
)
