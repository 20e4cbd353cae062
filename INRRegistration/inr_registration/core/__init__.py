"""Values: the question, the settings and the answer of a registration. Standard library and numpy only."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "calibration": ("Calibration", "calibrated", "estimator_for", "method_of"),
        "catalogue": ("REGULARITIES", "SIMILARITIES"),
        "centreline": ("Centreline", "ordered_points"),
        "details": ("describe", "without_names"),
        "displacements": ("Displacements",),
        "doubt": ("Doubt",),
        "errors": ("InputError", "RegistrationError"),
        "grid": ("Grid", "Part"),
        "labels": ("looks_like_labels",),
        "landmark_check": ("check_landmarks",),
        "mask_check": ("MIN_MASK_VOXELS",),
        "measures": ("MAPS", "UNCERTAINTY_MEANING", "UNKNOWN_MM"),
        "model_file": ("MAX_HEADER_BYTES", "from_bytes", "to_bytes"),
        "needs": ("SPECIAL", "check_given", "used", "users"),
        "changes": ("override",),
        "presets": ("DEFAULT", "load_preset", "preset_names"),
        "problem": ("Problem", "finite_range"),
        "progress": ("Command", "Progress", "Report", "silent"),
        "result": ("Curve", "ModelState", "Outcome", "Quality", "Result", "SplineTransform", "WHOLE"),
        "settings": ("Affine", "Cycle", "Geometry", "Representation", "Settings", "Stage"),
        "sizes": ("MODEL_BYTES", "POINTS_BYTES", "RUN_BYTES"),
        "slices": ("disordered",),
        "verdict": ("BLIND_SPOTS", "Level", "Verdict"),
        "volume": ("TRACE", "Volume"),
    },
)
