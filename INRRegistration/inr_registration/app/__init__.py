"""Where everything is put together: ``register``, and the command line."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "problem": ("unnamed",),
        "registration": ("register",),
        "standing": ("SAID", "made_worse", "may_stand"),
    },
)
