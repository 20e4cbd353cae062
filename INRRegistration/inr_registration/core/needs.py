"""What a method asks for besides the two images, so that nobody has to give or to see anything else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import get_args, get_type_hints

from inr_registration.core.errors import InputError
from inr_registration.core.presets import load_preset, preset_names
from inr_registration.core.settings import Settings

BY_GEOMETRY = {"tube": ("centrelines",), "cardiac": ("long_axis", "ventricle")}
"""Fields of ``Problem`` by ``Geometry.kind``; any one of a kind is enough."""
MEASURING = ("long_axis", "ventricle")
"""Strain is measured around them whatever the method; so they are never in vain."""
SPECIAL = tuple(name for names in BY_GEOMETRY.values() for name in names)
"""Fields of ``Problem`` that only some methods use."""


def used(settings: Settings) -> tuple[str, ...]:
    """Which of ``SPECIAL`` a registration with these settings uses."""
    return () if settings.geometry is None else BY_GEOMETRY[settings.geometry.kind]


def users(name: str) -> list[str]:
    """The presets that use one of ``SPECIAL``."""
    return [preset for preset in preset_names() if name in used(load_preset(preset).settings)]


def check_given(settings: Settings, given: Collection[str], names: Mapping[str, str]) -> None:
    """Make sure, before anything is read, that what the method asks for is there and that nothing is given in vain.

    Args:
        settings: How to register.
        given: The fields of ``Problem`` that will be filled.
        names: What the caller's user knows each field as.

    Raises:
        InputError: Something is missing, or of no use to this method.
    """
    asked = used(settings)
    for name in SPECIAL:
        if name in given and name not in (*asked, *MEASURING):
            raise InputError(f"{names[name]} is only for {', '.join(users(name))}; leave it out, or choose one of these methods")
    if asked and not set(asked) & set(given):
        raise InputError(
            f"the method '{settings.method}' needs {' or '.join(names[name] for name in asked)}; give it, or choose another method"
        )
    if settings.landmark_weight > 0 and not {"fixed_landmarks", "moving_landmarks"} <= set(given):
        both = f"{names['fixed_landmarks']} and {names['moving_landmarks']}"
        raise InputError(f"a landmark weight needs landmarks in both images; give {both}, or leave the weight at 0")


def options(name: str) -> tuple[str, ...]:
    """What a setting that is a choice can be, such as ``start`` or ``uncertainty``."""
    return get_args(get_type_hints(Settings)[name])
