"""What a finished map is like: similarity, volume change, strain, uncertainty, and the verdict."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "chance": ("Lead", "NAME", "Rivals", "lead", "rivals"),
        "doubt": ("LEAST", "doubts", "support"),
        "evidence": ("BETTER", "Evidence", "better_elsewhere"),
        "in_mask": ("image_in_mask",),
        "quality": ("PLANES", "ROWS", "notes", "similarities"),
        "strain": ("DIRECTIONS", "along", "green_lagrange", "means"),
        "uncertainty.bend": ("Bend", "bent", "random_bend"),
        "uncertainty.estimators": ("ESTIMATORS",),
        "uncertainty.refits": ("AMPLITUDE", "BUMP", "LATTICE_ITERATIONS", "PAIRS", "refit_stage", "refitted"),
        "uncertainty.sites": ("Sites", "fitted_spacing", "sites", "smoothed", "strain_of"),
        "verdict": ("INDICATORS", "Indicator", "LEAD", "MIRRORED", "judge"),
    },
)
