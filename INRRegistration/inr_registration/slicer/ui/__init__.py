"""The panel's pieces, bound to the parameter node; no arithmetic."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "curve": ("MARGIN", "MAX_POINTS", "cut", "picture", "segments"),
        "judgement": ("COLOURS",),
        "panel": ("Panel",),
        "parameters": ("INRRegistrationParameterNode", "WEIGHTS", "choice_in", "inputs_of"),
        "regions": ("PAUSE_MS", "REVIEWED"),
        "result_words": ("readout",),
        "wires": ("Wires",),
    },
)
