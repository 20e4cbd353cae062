"""What the panel holds, kept in the scene: saved with it and restored with it."""

from __future__ import annotations

from typing import Annotated, Union

from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLTransformNode,
)
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.util import NodeModify

from INRRegistrationLib.core.presets import DEFAULT, preset_names
from INRRegistrationLib.core.settings import REGULARITIES, Settings
from INRRegistrationLib.logic.choice import AFFINE_CHOICES, AS_PRESET, SIMILARITY_CHOICES, Choice, choice_of, methods
from INRRegistrationLib.scene.outputs import Outputs
from INRRegistrationLib.scene.read import Inputs

Mask = Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007 - the wrapper is given this form
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
)
"""Parameters that hold an input node."""
OUTPUT_NODES = ("transform", "warped", "jacobian", "uncertainty")
"""Parameters that hold a node to be updated; empty means that one will be made."""


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
    device: str = "auto"
    seed: Annotated[int, WithinRange(0, 2**31 - 1)] = 0
    max_voxels: Annotated[int, WithinRange(1000, 10**9)] = Settings.max_voxels
    affine: str = _START.affine
    threshold: Annotated[float, WithinRange(0, 0.95)] = 0.3


WEIGHTS = {name: "jacobian_weight" if name == "jacobian" else name for name in REGULARITIES}
"""Regularity term -> its parameter; ``jacobian`` is the output map."""


def inputs_of(parameters: INRRegistrationParameterNode) -> Inputs:
    """The chosen input nodes."""
    nodes = {name: getattr(parameters, name) for name in INPUT_NODES}
    segments = {name: getattr(parameters, name) for name in ("fixed_mask_segment", "moving_mask_segment")}
    return Inputs(**nodes, **segments)


def outputs_of(parameters: INRRegistrationParameterNode) -> Outputs:
    """The nodes to be updated."""
    return Outputs(**{name: getattr(parameters, name) for name in OUTPUT_NODES})


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
    )


def put_choice(parameters: INRRegistrationParameterNode, choice: Choice) -> None:
    """Write a choice, in one event; where it runs stays as it is."""
    with NodeModify(parameters.parameterNode):
        for name in ("preset", "method", "similarity", "max_voxels", "affine"):
            setattr(parameters, name, getattr(choice, name))
        for name, parameter in WEIGHTS.items():
            setattr(parameters, parameter, choice.weights[name])


def _known(value: str, known: tuple[str, ...], other: str) -> str:
    return value if value in known else other
