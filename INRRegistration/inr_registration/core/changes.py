"""Settings with single values changed: the one way for the command line, the panel, scripts and Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from inr_registration.core.catalogue import AUTO, REGULARITIES, SIMILARITIES, similarity_of
from inr_registration.core.errors import InputError
from inr_registration.core.needs import options
from inr_registration.core.settings import Settings

WORDS = ("start", "uncertainty")
"""Settings that are one of a few words."""


def override(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The same settings with other values.

    Args:
        settings: Of a preset, say.
        changes: By the path of a setting: ``seed``, ``affine.kind``, ``geometry.radius_mm``, ``regularity.bending`` (0 takes a term out),
            and ``similarity`` by its name, which then stands alone with its usual weight. None changes nothing.

    Raises:
        InputError: There is no such setting, or no such value.
    """
    for path, value in changes.items():
        if value is not None:
            settings = _changed(settings, path, value)
    return settings


def _changed(settings: Settings, path: str, value: Any) -> Settings:
    name, dot, inner = path.partition(".")
    if name not in {field.name for field in dataclasses.fields(Settings)}:
        raise InputError(f"unknown setting '{name}'; known are {', '.join(field.name for field in dataclasses.fields(Settings))}")
    if path == "similarity" and isinstance(value, str):
        _check(name, value, (*SIMILARITIES, AUTO))
        value = similarity_of(value)
    elif name in WORDS:
        _check(name, value, options(name))
    elif name == "regularity" and dot:
        _check(name, inner, REGULARITIES)
        weights = {**settings.regularity, inner: float(value)}
        value = {term: weight for term, weight in weights.items() if weight != 0}
    elif dot:
        held = getattr(settings, name)
        if held is None:
            raise InputError(f"settings.{name} is not used by the method '{settings.method}', so {inner} has nothing to change")
        if not dataclasses.is_dataclass(held) or isinstance(held, type):
            raise InputError(f"settings.{name} has no parts; change {name} itself")
        if inner not in {field.name for field in dataclasses.fields(held)}:
            raise InputError(f"settings.{name} has no '{inner}'; known are {', '.join(field.name for field in dataclasses.fields(held))}")
        value = dataclasses.replace(held, **{inner: value})
    return dataclasses.replace(settings, **{name: value})


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"unknown {what} '{value}'; known are {', '.join(known)}")
