"""A result survives saving and reopening the scene."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from stand_in.boot import application_logic
from test_write import a_pair, assert_slicer_shows_the_warped_image, registered
from worlds import CENTRE, array_of, deformable_node, linear_node, phi, turned, world_affine

from inr_registration.core import RUN_BYTES, InputError, from_bytes
from inr_registration.slicer.scene import (
    PARTS,
    RESULT,
    Inputs,
    ResultNodes,
    all_results,
    find_result,
    model_bytes,
    read_regions,
    read_table,
    remove_result,
    run_description,
    set_reviewed,
    take_back,
    verdict_of,
)
from inr_registration.slicer.scene.outputs import Outputs

pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture
def reopened(scene: Any, tmp_path: Path) -> Callable[[], ResultNodes]:
    """Saves the scene as a bundle, closes it, reads the bundle, and gives the only result in it."""

    def reopen() -> ResultNodes:
        path = str(tmp_path / "scene.mrb")
        assert scene.WriteToMRB(path)
        scene.Clear()
        assert all_results(scene) == []
        (tmp_path / "unpacked").mkdir()
        assert application_logic().OpenSlicerDataBundle(path, str(tmp_path / "unpacked"))
        (result,) = all_results(scene)
        return result

    return reopen


@pytest.mark.parametrize("form", ["spline", "grid"])
@pytest.mark.parametrize("above", ["nothing", "linear", "deformable"])
def test_everything_is_found_again_after_reopening(scene: Any, reopened: Any, form: str, above: str) -> None:
    inputs = a_pair()
    if above != "nothing":
        node = linear_node(scene, turned()) if above == "linear" else deformable_node(scene)
        inputs.moving.SetAndObserveTransformNodeID(node.GetID())
    problem, arrays, nodes = registered(inputs, form=form)
    set_reviewed(nodes.regions, 0, True)
    run = run_description(nodes)
    where = [nodes.transform.GetTransformFromParent().TransformPoint(p) for p in places()]
    again = reopened()
    assert {part for part in PARTS if getattr(again, part) is None} == set()
    assert again.transform.GetName() == "CT 2 to CT 1 transform (INR)"
    np.testing.assert_allclose([again.transform.GetTransformFromParent().TransformPoint(p) for p in places()], where, atol=1e-9)
    assert model_bytes(again) == arrays.model
    assert from_bytes(model_bytes(again)).tensors["weights"].shape == (50,)
    assert run_description(again) == run
    assert [region.reviewed for region in read_regions(again.regions)] == [True] + [False] * (len(arrays.regions) - 1)
    assert len(read_table(again.quality).rows) == len(arrays.quality.rows)
    np.testing.assert_array_equal(array_of(again.jacobian), arrays.jacobian)
    np.testing.assert_allclose(world_affine(again.warped), problem.fixed.grid.affine, atol=1e-4)
    tolerance = {"nothing": 0.01, "linear": 0.01, "deformable": 6.0}[above] + (1.0 if form == "grid" else 0)
    assert_slicer_shows_the_warped_image(problem, arrays, again, tolerance)


def places() -> np.ndarray:
    return np.asarray(CENTRE * [-1, -1, 1] + np.random.default_rng(8).uniform(-40, 40, (30, 3)))


def test_segments_and_windows_are_there_after_reopening(reopened: Any) -> None:
    _, arrays, _ = registered(a_pair())
    again = reopened()
    for segment, expected in (("folding", arrays.jacobian <= 0), ("compressed", (arrays.jacobian > 0) & (arrays.jacobian < 0.3))):
        shown = slicer.util.arrayFromSegmentBinaryLabelmap(again.folding, segment, again.warped) > 0
        np.testing.assert_array_equal(shown, expected)
    display = again.jacobian.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax(), display.GetAutoWindowLevel()) == (0, 2, 0)


def test_the_moving_volume_goes_back_after_reopening(scene: Any, reopened: Any) -> None:
    inputs = a_pair()
    parent = linear_node(scene, turned(), "scanner")
    inputs.moving.SetAndObserveTransformNodeID(parent.GetID())
    registered(inputs)
    again = reopened()
    assert take_back(again.moving)
    assert again.moving.GetParentTransformNode().GetName() == "scanner"


def test_a_result_is_run_again_and_removed_after_reopening(scene: Any, reopened: Any) -> None:
    registered(a_pair())
    again = reopened()
    inputs = Inputs(again.fixed, again.moving)
    outputs = Outputs(again.transform, again.warped, again.jacobian, again.uncertainty)
    count = scene.GetNumberOfNodes()
    problem, arrays, nodes = registered(inputs, outputs, seed=3)
    assert scene.GetNumberOfNodes() == count
    assert_slicer_shows_the_warped_image(problem, arrays, nodes)
    remove_result(nodes)
    assert all_results(scene) == []


def test_simpleitk_reads_the_transform_of_a_saved_result(tmp_path: Path) -> None:
    _, arrays, nodes = registered(a_pair())
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(tmp_path / "t.h5"))
    assert storage.WriteData(nodes.transform)
    transform, points = sitk.ReadTransform(str(tmp_path / "t.h5")), places() * [-1, -1, 1]
    np.testing.assert_allclose([transform.TransformPoint(p.tolist()) for p in points], phi(arrays.transform, points), atol=1e-4)


def test_who_made_it_and_from_what_is_written_on_the_transform() -> None:
    inputs = a_pair()
    _, _, nodes = registered(inputs)
    transform = nodes.transform
    assert transform.GetNodeReference("spatialRegistrationFixed") is inputs.fixed
    assert transform.GetNodeReference("spatialRegistrationMoving") is inputs.moving
    assert transform.GetAttribute("INRRegistration.Method") == "auto"
    assert transform.GetAttribute("INRRegistration.Outcome") == "CONVERGED"
    assert transform.GetAttribute("INRRegistration.Date").startswith("20")
    assert "point of CT 1 to the corresponding point of CT 2" in transform.GetDescription()
    assert nodes.jacobian.GetName() == "CT 2 det J (INR)"
    assert nodes.jacobian.GetDescription().endswith("Not for clinical use.")


def test_a_transform_that_is_not_ours_is_no_result(scene: Any) -> None:
    assert find_result(linear_node(scene, turned())) is None
    assert find_result(None) is None


def test_a_deleted_part_is_none_and_its_loss_is_said(scene: Any) -> None:
    _, _, nodes = registered(a_pair())
    scene.RemoveNode(nodes.model)
    found = find_result(nodes.transform)
    assert found.model is None
    with pytest.raises(InputError, match="the model of this result is no longer in the scene"):
        model_bytes(found)


def test_a_model_that_was_edited_is_said() -> None:
    _, _, nodes = registered(a_pair())
    nodes.model.SetText("not base64!")
    with pytest.raises(InputError, match=r"CT 2 model \(INR\): this text is no longer a model"):
        model_bytes(nodes)


def test_a_description_that_was_edited_gives_no_verdict_and_no_error() -> None:
    _, _, nodes = registered(a_pair())
    for text in ("not json", "[" * 100_000, "3", json.dumps({"verdict": "x" * RUN_BYTES}), '{"verdict": {"level": "BLUE"}}'):
        nodes.transform.SetAttribute(RESULT, text)
        assert verdict_of(nodes) is None
        assert all_results(nodes.transform.GetScene())[0].model is nodes.model
