"""What can be fitted to a pair of images: one field, two that undo each other, or one in anatomical coordinates."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "checkpoint": ("hash_of",),
        "choose": ("new_fit",),
        "compiled_level": ("CompiledLevel",),
        "cycle": ("CycleFit",),
        "data": ("SampledPoints", "StageData", "WholeLevel"),
        "graph": ("Edge", "GraphFit", "Loop"),
        "pair_fit": ("PairFit",),
        "passes": ("Pass", "SMOOTHNESS"),
        "prealignment": ("affine_similarity", "prealign"),
        "prepared": ("Prepared", "prepare"),
        "single": ("LATTICE_BETAS", "SingleFit"),
        "steer": ("look_for",),
        "tube": ("TubeFit",),
        "tube_checks": ("about_motion", "about_tubes", "rigid_share", "tubes_of"),
        "way": ("TERMS", "Way"),
    },
)
