"""From the headers to where a fit begins: the linear pre-alignment, a search over displacements, a given map."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "affine": ("agreement_kept", "objective"),
        "align": ("Alignment",),
        "discrete": ("Found", "step_mm"),
        "field_start": ("start_at",),
        "given": ("Given",),
        "linear_map": ("LinearMap", "STRETCHES", "TURNS", "exponential"),
        "search": ("orientations", "turned_by"),
    },
)
