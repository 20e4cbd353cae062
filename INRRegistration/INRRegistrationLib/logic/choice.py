"""What somebody chooses before a registration: a preset, and what was changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.presets import DEFAULT, load_preset, preset_names
from INRRegistrationLib.core.settings import REGULARITIES, SIMILARITIES, SIMILARITY_WEIGHTS, Settings

AS_PRESET = "preset"
"""The similarity of the preset (or of the method, where that was changed), whatever it is."""
SIMILARITY_CHOICES = (AS_PRESET, "auto", *SIMILARITIES)
AFFINE_CHOICES = ("none", "rigid", "affine")
NO_CURVATURE = ("idir-relu",)
"""Methods whose field has no second derivatives, so that bending means nothing."""


@dataclass(frozen=True)
class Choice:
    """A preset with what was changed in it.

    Args:
        preset: Name of the preset that it began with.
        method: One of ``methods()``.
        similarity: One of ``SIMILARITY_CHOICES``.
        weights: Weight of each name in ``REGULARITIES``; 0 is off.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        seed: Of every random number.
        max_voxels: The finest working level has at most about this many voxels.
        affine: Pre-alignment, one of ``AFFINE_CHOICES``.
    """

    preset: str
    method: str
    similarity: str
    weights: Mapping[str, float]
    device: str = "auto"
    seed: int = 0
    max_voxels: int = Settings.max_voxels
    affine: str = "affine"


def methods() -> tuple[str, ...]:
    """Names of all methods, the default first: presets that are named like the method they use."""
    return tuple(name for name in preset_names() if load_preset(name).settings.method == name)


def uses(method: str) -> tuple[str, ...]:
    """Names of the regularity terms that a method can use."""
    return tuple(name for name in REGULARITIES if not (name == "bending" and method in NO_CURVATURE))


def choice_of(preset: str = DEFAULT) -> Choice:
    """What a preset fills in.

    Raises:
        InputError: There is no preset of this name.
    """
    settings = load_preset(preset).settings
    return Choice(
        preset=preset,
        method=settings.method,
        similarity=AS_PRESET,
        weights=_weights(settings),
        device=settings.device,
        seed=settings.seed,
        max_voxels=settings.max_voxels,
        affine=settings.affine.kind,
    )


def with_method(choice: Choice, method: str) -> Choice:
    """The choice with another method, and the weights and the pre-alignment that this method comes with.

    Raises:
        InputError: There is no such method.
    """
    base = _base(choice.preset, method)
    return replace(choice, method=method, similarity=AS_PRESET, weights=_weights(base), affine=base.affine.kind)


def settings_of(choice: Choice) -> Settings:
    """Complete settings.

    Raises:
        InputError: A name or a value is not known.
    """
    base = _base(choice.preset, choice.method)
    if choice.similarity not in SIMILARITY_CHOICES:
        raise InputError(f"unknown similarity '{choice.similarity}'; known are {', '.join(SIMILARITY_CHOICES)}")
    if choice.affine not in AFFINE_CHOICES:
        raise InputError(f"unknown pre-alignment '{choice.affine}'; known are {', '.join(AFFINE_CHOICES)}")
    weights = {"auto": 1.0, **SIMILARITY_WEIGHTS}
    similarity = base.similarity if choice.similarity == AS_PRESET else {choice.similarity: weights[choice.similarity]}
    return replace(
        base,
        similarity=similarity,
        regularity={name: float(weight) for name, weight in choice.weights.items() if weight != 0},
        device=choice.device,
        seed=choice.seed,
        max_voxels=choice.max_voxels,
        affine=replace(base.affine, kind=choice.affine),
    )


def is_modified(choice: Choice) -> bool:
    """Whether the result may differ from that of the preset; where it runs and the seed do not count."""
    filled = choice_of(choice.preset)
    same = replace(choice, device=filled.device, seed=filled.seed, weights=dict(choice.weights))
    return same != replace(filled, weights=dict(filled.weights))


def _base(preset: str, method: str) -> Settings:
    settings = load_preset(preset).settings
    if method == settings.method:
        return settings
    if method not in methods():
        raise InputError(f"unknown method '{method}'; known are {', '.join(methods())}")
    return load_preset(method).settings


def _weights(settings: Settings) -> dict[str, float]:
    return {name: float(settings.regularity.get(name, 0.0)) for name in REGULARITIES}
