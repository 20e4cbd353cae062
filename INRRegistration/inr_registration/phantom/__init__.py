"""Images with a known map between them."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "trunk": ("Pair", "Warp", "make_pair", "random_warp"),
    },
)
