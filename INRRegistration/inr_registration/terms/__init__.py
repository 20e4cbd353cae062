"""The terms of the objective: how alike two images are, and how regular a field is."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "information": ("BINS",),
        "landmarks": ("LandmarkTerm", "SOFT_MM"),
        "mind": ("NEIGHBOURS", "mind_difference"),
        "regularity": (
            "bending",
            "diffusion",
            "hyperelastic",
            "in_millimetres",
            "jacobian",
            "order_needed",
            "symmetric_density",
            "symmetric_jacobian",
            "volume_density",
        ),
        "similarity": ("Similarity", "box_sum", "local_ncc", "mse", "ncc"),
    },
)
