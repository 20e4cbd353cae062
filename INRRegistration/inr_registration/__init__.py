"""Training-free deformable registration of two medical images.

    import inr_registration as inr

    result = inr.register("fixed.nii.gz", "moving.nii.gz", preset="lung-ct")
    warped = result.map.warp(inr.read("labels.nii.gz", labels=True), order=0)

World coordinates are LPS millimetres. Every map goes from a fixed world point to a moving world point. What is named here is public;
it is imported when it is first used, so that importing the package costs nothing and loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inr_registration.core.lazy import face
from inr_registration.core.version import __version__ as __version__

if TYPE_CHECKING:
    from inr_registration.app.library import load as load
    from inr_registration.app.library import read as read
    from inr_registration.app.library import register as register
    from inr_registration.app.result import Registration as Registration
    from inr_registration.core.errors import InputError as InputError
    from inr_registration.core.errors import RegistrationError as RegistrationError
    from inr_registration.core.grid import Grid as Grid
    from inr_registration.core.presets import load_preset as load_preset
    from inr_registration.core.presets import preset_names as preset_names
    from inr_registration.core.problem import Problem as Problem
    from inr_registration.core.result import Outcome as Outcome
    from inr_registration.core.result import Result as Result
    from inr_registration.core.settings import Settings as Settings
    from inr_registration.core.verdict import Level as Level
    from inr_registration.core.verdict import Verdict as Verdict
    from inr_registration.core.volume import Volume as Volume
    from inr_registration.maps.affine import Affine as Affine
    from inr_registration.maps.map import Map as Map

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "app.library": ("load", "read", "register"),
        "app.result": ("Registration",),
        "core.errors": ("InputError", "RegistrationError"),
        "core.grid": ("Grid",),
        "core.presets": ("load_preset", "preset_names"),
        "core.problem": ("Problem",),
        "core.result": ("Outcome", "Result"),
        "core.settings": ("Settings",),
        "core.verdict": ("Level", "Verdict"),
        "core.volume": ("Volume",),
        "maps.affine": ("Affine",),
        "maps.map": ("Map",),
    },
)
