"""What the panel holds, kept in the scene: saved with it and restored with it."""

from __future__ import annotations

from typing import Annotated, Union

from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsCurveNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLMarkupsLineNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLTransformNode,
)
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.util import NodeModify

from inr_registration.core.catalogue import REGULARITIES
from inr_registration.core.needs import SPECIAL
from inr_registration.core.presets import DEFAULT, preset_names
from inr_registration.core.settings import Settings
from inr_registration.slicer.logic.choice import (
    AFFINE_CHOICES,
    AS_PRESET,
    SIMILARITY_CHOICES,
    UNCERTAINTY_CHOICES,
    Choice,
    choice_of,
    methods,
    needs,
)
from inr_registration.slicer.scene.outputs import Outputs
from inr_registration.slicer.scene.read import Inputs
from inr_registration.slicer.scene.store import find_result

Mask = Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007 - the wrapper is given this form
Axis = Union[vtkMRMLMarkupsLineNode, vtkMRMLMarkupsFiducialNode, None]  # noqa: UP007
_START = choice_of(DEFAULT)
PRESETS, METHODS = tuple(preset_names()), methods()
"""Read once: these come from files, and every change in the panel asks for them."""
DEVICES = ("auto", "cpu", "cuda")
INPUT_NODES = (
    "fixed",
    "moving",
    "fixed_mask",
    "moving_mask",
    "fixed_landmarks",
    "moving_landmarks",
    "initial",
    "fixed_segmentation",
    "moving_segmentation",
    "centreline",
    "centreline_2",
    "long_axis",
    "ventricle",
)
"""Parameters that hold an input node."""
LINES = ("centreline", "centreline_2")
"""Parameters that together are the centrelines."""
OUTPUT_NODES = ("transform", "warped", "jacobian", "uncertainty")
"""Parameters that hold a node to be updated; where all are empty, the shown result is, or nodes are made."""


@parameterNodeWrapper
class INRRegistrationParameterNode:
    """Everything that a saved scene restores.

    Selectors take the node types that they offer from here. Numbers have ranges, because a spin box would otherwise lose its own.
    """

    fixed: vtkMRMLScalarVolumeNode
    moving: vtkMRMLScalarVolumeNode
    fixed_mask: Mask
    moving_mask: Mask
    fixed_mask_segment: str = ""
    moving_mask_segment: str = ""
    fixed_landmarks: vtkMRMLMarkupsFiducialNode
    moving_landmarks: vtkMRMLMarkupsFiducialNode
    initial: vtkMRMLTransformNode
    fixed_segmentation: vtkMRMLSegmentationNode
    moving_segmentation: vtkMRMLSegmentationNode
    centreline: vtkMRMLMarkupsCurveNode
    centreline_2: vtkMRMLMarkupsCurveNode
    tube_radius: Annotated[float, WithinRange(0.5, 500)] = _START.tube_radius
    long_axis: Axis
    ventricle: Mask
    ventricle_segment: str = ""
    landmark_weight: Annotated[float, WithinRange(0, 1e6)] = _START.landmark_weight

    transform: vtkMRMLTransformNode
    warped: vtkMRMLScalarVolumeNode
    jacobian: vtkMRMLScalarVolumeNode
    uncertainty: vtkMRMLScalarVolumeNode
    result: vtkMRMLTransformNode

    preset: str = DEFAULT
    method: str = _START.method
    similarity: str = AS_PRESET
    diffusion: Annotated[float, WithinRange(0, 1000)] = _START.weights["diffusion"]
    symmetric_jacobian: Annotated[float, WithinRange(0, 1000)] = _START.weights["symmetric_jacobian"]
    jacobian_weight: Annotated[float, WithinRange(0, 1000)] = _START.weights["jacobian"]
    bending: Annotated[float, WithinRange(0, 1e6)] = _START.weights["bending"]
    hyperelastic: Annotated[float, WithinRange(0, 1000)] = _START.weights["hyperelastic"]
    discrete_start: bool = _START.start == "discrete"
    uncertainty_method: str = _START.uncertainty
    device: str = "auto"
    seed: Annotated[int, WithinRange(0, 2**31 - 1)] = 0
    max_voxels: Annotated[int, WithinRange(1000, 10**9)] = Settings.max_voxels
    affine: str = _START.affine
    threshold: Annotated[float, WithinRange(0, 0.95)] = 0.3


PARAMETERS = {"jacobian": "jacobian_weight"}  # ``jacobian`` is the output map
WEIGHTS = {name: held for name in REGULARITIES if hasattr(INRRegistrationParameterNode, held := PARAMETERS.get(name, name))}
"""Regularity term -> its parameter, of those that the panel shows."""


def inputs_of(parameters: INRRegistrationParameterNode) -> Inputs:
    """The chosen input nodes; those that the chosen method does not use are left out, as the panel does not show them."""
    wanted = needs(choice_in(parameters))
    names = [name for name in INPUT_NODES if name not in (*LINES, *SPECIAL) or (name in wanted and name not in LINES)]
    lines = [getattr(parameters, name) for name in LINES] if "centrelines" in wanted else []
    segments = {f"{name}_segment": getattr(parameters, f"{name}_segment") for name in ("fixed_mask", "moving_mask", "ventricle")}
    nodes = {name: getattr(parameters, name) for name in names}
    return Inputs(**nodes, **segments, centrelines=tuple(line for line in lines if line is not None))


def outputs_of(parameters: INRRegistrationParameterNode) -> Outputs:
    """The nodes to be updated: those that are chosen; where none is, those of the shown result, if it is of the same two images."""
    chosen = {name: getattr(parameters, name) for name in OUTPUT_NODES}
    former = find_result(parameters.result) if not any(chosen.values()) else None
    if former is not None and former.fixed is parameters.fixed and former.moving is parameters.moving:
        chosen = {name: getattr(former, name) for name in OUTPUT_NODES}
    return Outputs(**chosen)


def choice_in(parameters: INRRegistrationParameterNode) -> Choice:
    """The chosen method; a name that this version does not know, from another version's scene, becomes the default."""
    return Choice(
        preset=_known(parameters.preset, PRESETS, DEFAULT),
        method=_known(parameters.method, METHODS, DEFAULT),
        similarity=_known(parameters.similarity, SIMILARITY_CHOICES, AS_PRESET),
        weights={name: getattr(parameters, parameter) for name, parameter in WEIGHTS.items()},
        device=_known(parameters.device, DEVICES, "auto"),
        seed=parameters.seed,
        max_voxels=parameters.max_voxels,
        affine=_known(parameters.affine, AFFINE_CHOICES, _START.affine),
        start="discrete" if parameters.discrete_start else "none",
        uncertainty=_known(parameters.uncertainty_method, UNCERTAINTY_CHOICES, _START.uncertainty),
        landmark_weight=parameters.landmark_weight if has_landmarks(parameters) else 0.0,
        tube_radius=parameters.tube_radius,
    )


def has_landmarks(parameters: INRRegistrationParameterNode) -> bool:
    """Whether there are landmark pairs, so that they can steer."""
    return parameters.fixed_landmarks is not None and parameters.moving_landmarks is not None


def put_choice(parameters: INRRegistrationParameterNode, choice: Choice) -> None:
    """Write a choice, in one event; where it runs stays as it is."""
    with NodeModify(parameters.parameterNode):
        for name in ("preset", "method", "similarity", "max_voxels", "affine"):
            setattr(parameters, name, getattr(choice, name))
        parameters.tube_radius = choice.tube_radius
        parameters.landmark_weight = choice.landmark_weight
        parameters.discrete_start = choice.start == "discrete"
        parameters.uncertainty_method = choice.uncertainty
        for name, parameter in WEIGHTS.items():
            setattr(parameters, parameter, choice.weights[name])


def _known(value: str, known: tuple[str, ...], other: str) -> str:
    return value if value in known else other
