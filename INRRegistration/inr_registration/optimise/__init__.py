"""Steps, stages and what to do when they fail: knows an objective, not images."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "adam": ("Adam",),
        "fit": ("Reading", "fit_stage"),
        "guard": ("Diverged", "HALVINGS"),
        "step": ("Objective", "Plain", "Recorded", "Step", "WARM_UP", "alike", "new_step"),
        "stopping": ("cosine",),
    },
)
