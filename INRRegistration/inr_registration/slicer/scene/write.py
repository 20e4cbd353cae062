"""Arrays to nodes: installs a result in the scene, on the main thread and without computing anything.

All result nodes lie in the world: no parent transform above them, the fixed grid as it is there.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import slicer

from inr_registration.core.measures import MAPS
from inr_registration.slicer.scene import roles
from inr_registration.slicer.scene.arrays import SceneArrays
from inr_registration.slicer.scene.folder import put_in_folder
from inr_registration.slicer.scene.maps import map_words, strain_range
from inr_registration.slicer.scene.outputs import Outputs, check_outputs
from inr_registration.slicer.scene.placement import place, take_back
from inr_registration.slicer.scene.previous import Previous, all_or_nothing
from inr_registration.slicer.scene.quality_table import write_table
from inr_registration.slicer.scene.read import Inputs
from inr_registration.slicer.scene.regions_table import write_regions
from inr_registration.slicer.scene.segments import write_segments
from inr_registration.slicer.scene.store import ResultNodes, connect, find_result, model_text
from inr_registration.slicer.scene.transform import set_transform
from inr_registration.slicer.scene.volumes_out import set_volume, show_like, show_range

KINDS = {
    "transform": "vtkMRMLTransformNode",
    "warped": "vtkMRMLScalarVolumeNode",
    "jacobian": "vtkMRMLScalarVolumeNode",
    "uncertainty": "vtkMRMLScalarVolumeNode",
    "folding": "vtkMRMLSegmentationNode",
    "regions": "vtkMRMLTableNode",
    "quality": "vtkMRMLTableNode",
    "model": "vtkMRMLTextNode",
    "inverse": "vtkMRMLTransformNode",
    **dict.fromkeys(MAPS, "vtkMRMLScalarVolumeNode"),
}
NAMES = {
    "transform": "{moving} to {fixed} transform (INR)",
    "warped": "{moving} registered (INR)",
    "jacobian": "{moving} det J (INR)",
    "uncertainty": "{moving} uncertainty (INR)",
    "folding": "{moving} folding (INR)",
    "regions": "{moving} folding regions (INR)",
    "quality": "{moving} quality (INR)",
    "model": "{moving} model (INR)",
    "inverse": "{fixed} to {moving} inverse transform (INR)",
    **{name: f"{{moving}} {map_words(name)} (INR)" for name in MAPS},
}
MEANINGS = {
    "transform": "Takes a point of {fixed} to the corresponding point of {moving} (from parent, mm). What lies under it goes the "
    "other way: {moving} is shown warped onto {fixed}.",
    "warped": "{moving} warped onto {fixed}, on its grid.",
    "jacobian": "Determinant of the Jacobian of the map from {fixed} to {moving}: 1 keeps volume, above 1 is larger in {moving}, 0 or "
    "less folds. 1 outside the mask.",
    "uncertainty": "Uncertainty of the map from {fixed} to {moving}, mm: consistency, not an error bound. -1 where nothing is known.",
    "folding": "Where the map from {fixed} to {moving} folds, and where it compresses strongly.",
    "regions": "Regions in {fixed} where the map to {moving} folds or compresses strongly.",
    "quality": "Indicators of the registration of {moving} to {fixed}; none of them proves that it is right.",
    "model": "The fitted map from {fixed} to {moving}: a model.safetensors file in base64.",
    "inverse": "Takes a point of {moving} to the corresponding point of {fixed} (from parent, mm), as the method itself fitted it. What "
    "lies under it goes the other way: {fixed} is shown warped onto {moving}.",
    **{
        name: f"{map_words(name).capitalize()} (Green-Lagrange, without unit) on the grid of {{fixed}}: above 0 is longer in {{moving}}. "
        "0 also where it is not defined."
        for name in MAPS
    },
}
NOT_CLINICAL = " Not for clinical use."


def write(inputs: Inputs, outputs: Outputs, arrays: SceneArrays) -> ResultNodes:
    """Install a result, and put the moving volume under its transform.

    A chosen transform that carries a former result hands over its other nodes too; volumes that were not chosen are made anew.

    Args:
        inputs: The nodes that were registered.
        outputs: Nodes to update; their names and how they are displayed stay.
        arrays: From ``scene_arrays``; the volumes keep these arrays and do not copy them.

    Raises:
        InputError: See ``check_outputs``.
    """
    check_outputs(inputs, outputs)
    former = find_result(outputs.transform)
    given = _given(outputs, former)
    others = [] if former is None or former.moving in (None, inputs.moving) else [former.moving]
    with _quiet(), all_or_nothing(inputs.moving.GetScene(), Previous(list(given.values()), [inputs.moving, *others])) as previous:
        for volume in others:
            take_back(volume)
        nodes = _nodes(inputs, given, _parts(arrays))
        own = place(inputs.moving, nodes.transform)
        _fill(nodes, arrays, new={part for part in KINDS if part not in given})
        connect(nodes, arrays.run)
        _file(nodes, own)
    nodes.previous = previous if outputs.transform is not None else None
    return nodes


def _given(outputs: Outputs, former: ResultNodes | None) -> dict[str, Any]:
    """The nodes to update, by part."""
    given = {part: node for part, node in vars(outputs).items() if node is not None}
    if former is not None:
        kept = ("folding", "regions", "quality", "model", "inverse", *MAPS)
        given |= {part: getattr(former, part) for part in kept if getattr(former, part) is not None}
    return given


def _parts(arrays: SceneArrays) -> list[str]:
    """What these arrays fill; a method need not give everything."""
    optional = {"uncertainty": arrays.uncertainty, "inverse": arrays.inverse, **dict.fromkeys(MAPS), **arrays.maps}
    return [part for part in KINDS if optional.get(part, True) is not None]


def _nodes(inputs: Inputs, given: dict[str, Any], parts: list[str]) -> ResultNodes:
    words = {"fixed": inputs.fixed.GetName(), "moving": inputs.moving.GetName()}
    scene, nodes = inputs.fixed.GetScene(), {}
    names = _names(scene, {part: NAMES[part].format(**words) for part in parts if part not in given})
    for part in parts:
        nodes[part] = given.get(part) or scene.AddNewNodeByClass(KINDS[part], names[part])
        nodes[part].SetDescription(MEANINGS[part].format(**words) + NOT_CLINICAL)
    return ResultNodes(fixed=inputs.fixed, moving=inputs.moving, **nodes)


def _names(scene: Any, names: dict[str, str]) -> dict[str, str]:
    """The names of new nodes; where one is taken, of an earlier run, all get the next number, so that those of one run are told apart."""
    number, numbered = 1, names
    while any(scene.GetFirstNodeByName(name) is not None for name in numbered.values()):
        number += 1
        numbered = {part: f"{name.removesuffix(')')} {number})" for part, name in names.items()}
    return numbered


def _fill(nodes: ResultNodes, arrays: SceneArrays, new: set[str]) -> None:
    set_transform(nodes.transform, arrays.transform, arrays.displacement_grid)
    _fill_volume(nodes.warped, arrays.warped, arrays, lambda node: show_like(node, nodes.moving, *arrays.warped_window), "warped" in new)
    _fill_volume(nodes.jacobian, arrays.jacobian, arrays, lambda node: show_range(node, 0, 2), "jacobian" in new)
    if nodes.uncertainty is not None:
        top = arrays.uncertainty_top
        _fill_volume(nodes.uncertainty, arrays.uncertainty, arrays, lambda node: show_range(node, 0, top), "uncertainty" in new)
    if nodes.inverse is not None:
        set_transform(nodes.inverse, arrays.inverse)
    for name, values in arrays.maps.items():
        half = strain_range(values)
        _fill_volume(getattr(nodes, name), values, arrays, lambda node, half=half: show_range(node, -half, half), name in new)
    write_segments(nodes.folding, arrays.folding_labels, arrays.folding_first, arrays.grid, arrays.threshold)
    nodes.folding.SetReferenceImageGeometryParameterFromVolumeNode(nodes.warped)
    write_regions(nodes.regions, arrays.regions, arrays.unlisted)
    write_table(nodes.quality, arrays.quality)
    nodes.model.SetForceCreateStorageNode(slicer.vtkMRMLTextNode.CreateStorageNodeAlways)  # a file of its own, not an attribute
    nodes.model.SetText(model_text(arrays.model))


def _fill_volume(node: Any, values: Any, arrays: SceneArrays, show: Any, new: bool) -> None:
    if new or node.GetDisplayNode() is None:
        show(node)  # first, so that nobody looks for a window in all of the voxels
    set_volume(node, values, arrays.grid)


def _file(nodes: ResultNodes, own: Any) -> None:
    """Put everything in one folder of the subject hierarchy, and say on the transform what the run was."""
    run = json.loads(nodes.transform.GetAttribute(roles.RESULT))
    for key in ("method", "outcome", "date"):
        nodes.transform.SetAttribute(f"INRRegistration.{key.capitalize()}", str(run[key]))
    parts = [getattr(nodes, part) for part in KINDS if part != "transform"]
    title = f"INR: {nodes.moving.GetName()} to {nodes.fixed.GetName()}"
    put_in_folder(title, nodes.fixed, nodes.transform, [node for node in (*parts, own) if node is not None])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No rendering in between, where there is an application."""
    with slicer.util.RenderBlocker() if hasattr(slicer, "app") else contextlib.nullcontext():
        yield
