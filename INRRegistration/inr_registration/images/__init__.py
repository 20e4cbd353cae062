"""From volumes as they were read to levels that can be fitted."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "affine_level": ("AffineLevel",),
        "cleaning": ("CleanImage", "MARGIN", "ROW_BY_ROW", "clean", "widened", "with_margin"),
        "contrast": ("Contrast", "compare"),
        "features": ("Features", "aligned_grid", "parallel"),
        "padding": ("extended", "unpadded"),
        "pyramid": ("level", "orthogonal", "working_spacing"),
    },
)
