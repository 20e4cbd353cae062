"""What somebody chooses before a registration: a preset, and what was changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inr_registration.core.calibration import estimator_for
from inr_registration.core.catalogue import FIELD_KINDS, REGULARITIES, REGULARITY_TERMS, SIMILARITIES
from inr_registration.core.changes import override
from inr_registration.core.errors import InputError
from inr_registration.core.needs import options, used
from inr_registration.core.presets import DEFAULT, load_preset, preset_names
from inr_registration.core.settings import Geometry, Settings

AS_PRESET = "preset"
"""The similarity of the preset (or of the method, where that was changed), whatever it is."""
SIMILARITY_CHOICES = (AS_PRESET, "auto", *SIMILARITIES)
AFFINE_CHOICES = ("none", "rigid", "affine", "auto")
UNCERTAINTY_CHOICES = options("uncertainty")


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
        start: What happens before the first stage, by name.
        uncertainty: How it is estimated, one of ``UNCERTAINTY_CHOICES``.
        landmark_weight: How strongly landmarks steer, per mm; 0 leaves them to measuring.
        tube_radius: Of methods with tube coordinates, mm.
    """

    preset: str
    method: str
    similarity: str
    weights: Mapping[str, float]
    device: str = "auto"
    seed: int = 0
    max_voxels: int = Settings.max_voxels
    affine: str = "auto"
    start: str = "none"
    uncertainty: str = "none"
    landmark_weight: float = 0.0
    tube_radius: float = Geometry.radius_mm


def methods() -> tuple[str, ...]:
    """Names of all methods, the default first: presets that are named like the method they use."""
    return tuple(name for name in preset_names() if load_preset(name).settings.method == name)


def uses(method: str) -> tuple[str, ...]:
    """Names of the regularity terms that a method can use: fields without second derivatives have nothing to bend."""
    settings = load_preset(method).settings
    flat = not FIELD_KINDS[settings.representation.kind].smooth or (settings.geometry is not None and settings.geometry.kind == "cardiac")
    return tuple(name for name in REGULARITIES if not (flat and REGULARITY_TERMS[name].order > 1))


def needs(choice: Choice) -> tuple[str, ...]:
    """Which of ``needs.SPECIAL`` the chosen method uses; all others need not be shown."""
    return used(_base(choice.preset, choice.method))


def uncertainties(choice: Choice) -> tuple[str, ...]:
    """The ways to estimate the uncertainty that were tested with the chosen method, and ``none``."""
    base = _base(choice.preset, choice.method)
    return tuple(name for name in UNCERTAINTY_CHOICES if _allowed(base, name))


def _allowed(settings: Settings, uncertainty: str) -> bool:
    try:
        asked = replace(settings, uncertainty=uncertainty)
        return estimator_for(asked) is not None or uncertainty == "none" or asked.cycle is not None
    except InputError:
        return False


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
        start=settings.start,
        uncertainty=settings.uncertainty,
        landmark_weight=settings.landmark_weight,
        tube_radius=_radius(settings),
    )


def with_method(choice: Choice, method: str) -> Choice:
    """The choice with another method, and the weights, pre-alignment, start and uncertainty that this method comes with.

    Raises:
        InputError: There is no such method.
    """
    base = _base(choice.preset, method)
    brought = {"affine": base.affine.kind, "start": base.start, "uncertainty": base.uncertainty, "tube_radius": _radius(base)}
    return replace(choice, method=method, similarity=AS_PRESET, weights=_weights(base), **brought)


def settings_of(choice: Choice) -> Settings:
    """Complete settings.

    Raises:
        InputError: A name or a value is not known.
    """
    base = _base(choice.preset, choice.method)
    if choice.affine not in AFFINE_CHOICES:
        raise InputError(f"unknown pre-alignment '{choice.affine}'; known are {', '.join(AFFINE_CHOICES)}")
    changes = {name: getattr(choice, name) for name in ("device", "seed", "max_voxels", "start", "uncertainty")}
    changes |= {"affine.kind": choice.affine, "landmark_weight": float(choice.landmark_weight)}
    changes |= {f"regularity.{name}": weight for name, weight in choice.weights.items()}
    if base.geometry is not None:
        changes["geometry.radius_mm"] = choice.tube_radius
    return override(base, changes | ({} if choice.similarity == AS_PRESET else {"similarity": choice.similarity}))


def is_modified(choice: Choice) -> bool:
    """Whether the result may differ from that of the preset; where it runs and the seed do not count."""
    filled = choice_of(choice.preset)
    same = replace(choice, device=filled.device, seed=filled.seed, weights={**filled.weights, **choice.weights})
    return same != replace(filled, weights=dict(filled.weights))


def _base(preset: str, method: str) -> Settings:
    settings = load_preset(preset).settings
    if method == settings.method:
        return settings
    if method not in methods():
        raise InputError(f"unknown method '{method}'; known are {', '.join(methods())}")
    return load_preset(method).settings


def _radius(settings: Settings) -> float:
    return Geometry.radius_mm if settings.geometry is None else settings.geometry.radius_mm


def _weights(settings: Settings) -> dict[str, float]:
    return {name: float(settings.regularity.get(name, 0.0)) for name in REGULARITIES}
