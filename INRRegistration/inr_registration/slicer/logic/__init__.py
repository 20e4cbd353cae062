"""What the panel, scripts and tests call: ties the scene and the background run together; no widgets."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "choice": ("choice_of", "is_modified", "methods", "needs", "settings_of", "uncertainties", "uses", "with_method"),
        "log_files": ("KEPT",),
        "reading": ("read_task",),
        "sample_data": ("CATEGORY", "SAMPLE", "add_trunk_pair", "make_sample", "register_sample_data"),
        "scripting": ("register_nodes", "settings_from"),
        "self_test": ("register_sample_pair",),
        "session": ("Ended", "Progressed", "Session", "Started"),
        "torch_setup": ("EXTENSION", "TorchStatus", "ensure_torch", "explain", "torch_status", "why_not_loaded"),
        "work": ("Done", "Task", "perform"),
    },
)
