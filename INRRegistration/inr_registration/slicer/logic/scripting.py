"""Registration by keywords: what scripts, the self tests and batch work call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from inr_registration.core.catalogue import REGULARITIES
from inr_registration.core.errors import InputError
from inr_registration.core.presets import DEFAULT
from inr_registration.core.settings import Settings
from inr_registration.slicer.logic.choice import choice_of, settings_of, with_method
from inr_registration.slicer.logic.session import Ended, Session
from inr_registration.slicer.scene.outputs import Outputs
from inr_registration.slicer.scene.read import Inputs
from inr_registration.slicer.scene.store import ResultNodes

INPUTS = {
    "fixedMask": "fixed_mask",
    "movingMask": "moving_mask",
    "fixedMaskSegment": "fixed_mask_segment",
    "movingMaskSegment": "moving_mask_segment",
    "fixedLandmarks": "fixed_landmarks",
    "movingLandmarks": "moving_landmarks",
    "initialTransform": "initial",
    "fixedSegmentation": "fixed_segmentation",
    "movingSegmentation": "moving_segmentation",
    "longAxis": "long_axis",
    "ventricle": "ventricle",
    "ventricleSegment": "ventricle_segment",
}
CHANGES = {
    "similarity": "similarity",
    "device": "device",
    "seed": "seed",
    "maxVoxels": "max_voxels",
    "affine": "affine",
    "start": "start",
    "uncertaintyMethod": "uncertainty",
    "landmarkWeight": "landmark_weight",
    "tubeRadius": "tube_radius",
}
"""Keyword -> field of ``Choice``."""
OUTPUTS = {"transform": "transform", "warped": "warped", "jacobian": "jacobian", "uncertainty": "uncertainty"}


def register_nodes(
    session: Session,
    fixed: Any,
    moving: Any,
    *,
    settings: Settings | None = None,
    wait: bool = True,
    progress: Callable[[float, str], object] | None = None,
    finished: Callable[[Ended], object] | None = None,
    **options: Any,
) -> ResultNodes | int:
    """Register one volume of the scene to another.

    Args:
        session: Of the logic.
        fixed: Volume node that stays.
        moving: Volume node that is put under the resulting transform.
        settings: Complete settings; instead of preset, method and so on.
        wait: Do it here and now. Else in the background, which needs the application's event loop to go on.
        progress: Called with the share that is done and a few words.
        finished: Called at the end of a run in the background.
        options: ``preset``, ``method``, ``similarity``, ``weights`` (name to number), ``device``, ``seed``, ``maxVoxels``, ``affine``,
            ``start`` (``discrete`` for large motion), ``uncertaintyMethod`` (``auto`` takes the tested way), ``landmarkWeight``;
            the nodes ``fixedMask``, ``movingMask`` (with ``fixedMaskSegment``, ``movingMaskSegment``: segment IDs), ``fixedLandmarks``,
            ``movingLandmarks``, ``initialTransform``, ``fixedSegmentation``, ``movingSegmentation``; for the methods that use them,
            ``centrelines`` (an open curve or several; with ``tubeRadius`` in mm), ``longAxis`` (a line or two points: apex, base),
            ``ventricle`` (with ``ventricleSegment``); and the nodes to be updated, ``transform``, ``warped``, ``jacobian``,
            ``uncertainty``, which are made where they are not given.

    Returns:
        The nodes of the result; or, without ``wait``, the number of the run.

    Raises:
        InputError: Something cannot be used; raised before any work.
        RegistrationError: The run ended without a usable result.
    """
    lines = options.pop("centrelines", None) or ()
    lines = tuple(lines) if isinstance(lines, list | tuple) else (lines,)
    inputs = Inputs(fixed=fixed, moving=moving, centrelines=lines, **_taken(options, INPUTS))
    outputs = Outputs(**_taken(options, OUTPUTS))
    chosen = settings if settings is not None else settings_from(options)
    if options:
        raise InputError(f"unknown option '{sorted(options)[0]}'; see the documentation of register")
    if wait:
        return session.run(inputs, outputs, chosen, progress=progress)
    return session.start(inputs, outputs, chosen, progress=progress, finished=finished)


def settings_from(options: dict[str, Any]) -> Settings:
    """Take the options that make up the settings out of ``options``.

    Raises:
        InputError: A name or a value is not known.
    """
    choice = choice_of(options.pop("preset", None) or DEFAULT)
    method = options.pop("method", None)
    if method is not None and method != choice.method:
        choice = with_method(choice, method)
    choice = replace(choice, weights=_weights(choice.weights, options.pop("weights", None) or {}))
    changed = {field: value for field, value in _taken(options, CHANGES).items() if value is not None}
    return settings_of(replace(choice, **changed))


def _weights(weights: Mapping[str, float], changed: Mapping[str, float]) -> dict[str, float]:
    for name in changed:
        if name not in REGULARITIES:
            raise InputError(f"unknown regularity '{name}'; known are {', '.join(REGULARITIES)}")
    return {**weights, **changed}


def _taken(options: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {field: options.pop(name) for name, field in names.items() if name in options}
