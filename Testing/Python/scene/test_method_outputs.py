"""What only some methods give, in the scene: inverse, strain maps, uncertainty with gaps, and the verdict; saved and reopened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from inspected import install
from stand_in.boot import application_logic
from test_write import a_pair, registered
from worlds import CENTRE, STRAINS, a_map, a_result, array_of, phi

from inr_registration.core import BLIND_SPOTS, MAPS, UNCERTAINTY_MEANING, Level, Verdict, Volume
from inr_registration.slicer.scene import (
    Overlays,
    all_results,
    find_result,
    quality_tables,
    read_at,
    remove_result,
    scene_arrays,
    verdict_of,
)
from inr_registration.slicer.scene.outputs import Outputs
from inr_registration.slicer.scene.read import read
from inr_registration.slicer.scene.write import write

pytestmark = pytest.mark.usefixtures("scene")

SIGNS = np.array([-1.0, -1.0, 1.0])
VERDICT = Verdict(Level.AMBER, ("The discrepancy is 4 mm, above 3 mm.",))


def written(rich: bool = True, **changes: Any) -> Any:
    """A pair and its result; ``changes`` to what the engine gave."""
    inputs = a_pair()
    problem = read(inputs)
    result = replace(a_result(problem, a_map(problem.fixed.grid), uncertainty=rich), **changes)
    return problem, result, write(inputs, Outputs(), scene_arrays(problem, result))


def reopen(scene: Any, folder: Path) -> Any:
    assert scene.WriteToMRB(str(folder / "scene.mrb"))
    scene.Clear()
    (folder / "unpacked").mkdir()
    assert application_logic().OpenSlicerDataBundle(str(folder / "scene.mrb"), str(folder / "unpacked"))
    (result,) = all_results(scene)
    return result


def test_the_inverse_takes_moving_points_to_fixed_points_also_after_reopening(scene: Any, tmp_path: Path) -> None:
    _, result, nodes = written()
    points = CENTRE + np.random.default_rng(1).uniform(-20, 20, (20, 3))
    expected = phi(result.inverse, points)
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(tmp_path / "inverse.h5"))
    assert storage.WriteData(nodes.inverse)
    itk = sitk.ReadTransform(str(tmp_path / "inverse.h5"))
    np.testing.assert_allclose([itk.TransformPoint(p.tolist()) for p in points], expected, atol=1e-4)
    for found in (nodes, reopen(scene, tmp_path)):
        moved = [found.inverse.GetTransformFromParent().TransformPoint(p) for p in points * SIGNS]
        np.testing.assert_allclose(np.array(moved) * SIGNS, expected, atol=1e-6)
        assert "CT 1 to CT 2 inverse" in found.inverse.GetName()
        assert "Takes a point of CT 2 to the corresponding point of CT 1 (from parent" in found.inverse.GetDescription()


def test_strain_maps_lie_on_the_fixed_grid_with_zero_around_zero_windows(scene: Any, tmp_path: Path) -> None:
    _, result, _ = written()
    again = reopen(scene, tmp_path)
    for name, value in STRAINS.items():
        node, defined = getattr(again, name), np.isfinite(result.maps[name].values)
        np.testing.assert_allclose(array_of(node)[defined], value, rtol=1e-6)
        assert (array_of(node)[~defined] == 0).all()
        display = node.GetDisplayNode()
        assert display.GetWindowLevelMin() == pytest.approx(-display.GetWindowLevelMax())
        assert display.GetWindowLevelMax() == pytest.approx(abs(value), rel=1e-3)


@pytest.mark.parametrize("level", Level)
def test_the_verdict_is_there_after_reopening(scene: Any, tmp_path: Path, level: Level) -> None:
    verdict = Verdict(level, VERDICT.reasons)
    _, _, nodes = written(verdict=verdict)
    assert verdict_of(nodes) == verdict_of(reopen(scene, tmp_path)) == verdict
    assert verdict.blind_spots == BLIND_SPOTS


def test_a_result_of_a_plain_method_has_no_verdict_no_inverse_and_no_maps() -> None:
    _, _, nodes = written(rich=False)
    assert verdict_of(nodes) is None
    assert [name for name in ("uncertainty", "inverse", *MAPS) if getattr(nodes, name) is not None] == []


def test_a_verdict_that_this_version_cannot_read_is_none() -> None:
    _, _, nodes = written(verdict=VERDICT)
    text = nodes.transform.GetAttribute("INRRegistration.Result").replace("AMBER", "PURPLE")
    nodes.transform.SetAttribute("INRRegistration.Result", text)
    assert verdict_of(nodes) is None


def test_removing_a_result_removes_its_inverse_and_maps(scene: Any) -> None:
    _, _, nodes = written()
    mine = [nodes.inverse, *(getattr(nodes, name) for name in MAPS)]
    assert all(node.GetScene() is scene for node in mine)
    remove_result(nodes)
    assert [node for node in mine if node.GetScene() is not None] == []


def test_a_second_run_into_the_same_transform_updates_inverse_and_maps(scene: Any) -> None:
    inputs = a_pair()
    _, _, first = registered(inputs)
    outputs = Outputs(first.transform, first.warped, first.jacobian, first.uncertainty)
    count = scene.GetNumberOfNodes()
    _, _, second = registered(inputs, outputs, seed=4)
    assert scene.GetNumberOfNodes() == count
    assert [getattr(second, name) is getattr(first, name) for name in ("inverse", *MAPS)] == [True] * 4


def test_a_second_run_of_a_plain_method_no_longer_refers_to_a_former_inverse() -> None:
    inputs = a_pair()
    problem, _, first = registered(inputs)
    plain = scene_arrays(problem, a_result(problem, a_map(problem.fixed.grid)))
    write(inputs, Outputs(first.transform), plain)
    found = find_result(first.transform)
    assert found is not None
    assert [getattr(found, name) for name in ("inverse", *MAPS)] == [None] * 4


def test_where_no_uncertainty_is_known_none_is_read() -> None:
    problem, result, _ = written()
    values = np.full(problem.fixed.grid.shape, 2.0, np.float32)
    values[:, :, :12] = np.nan
    _, _, nodes = written(uncertainty=Volume(values, problem.fixed.grid, "uncertainty"))
    known, unknown = (problem.fixed.grid.to_world([i, 10, 8]) * SIGNS for i in (18, 4))
    there, nowhere = (read_at(nodes, place) for place in (known, unknown))
    assert there is not None
    assert nowhere is not None
    assert there.uncertainty_mm == pytest.approx(2.0)
    assert np.isnan(nowhere.uncertainty_mm)
    assert np.isfinite(array_of(nodes.uncertainty)).all()
    rows = list(quality_tables(problem, replace(result, uncertainty=Volume(values, problem.fixed.grid))).rows)
    shown = {row.name: (row.after, row.meaning) for row in rows if row.group == "Uncertainty"}
    assert shown == {"Median": (2.0, UNCERTAINTY_MEANING), "95th percentile": (2.0, UNCERTAINTY_MEANING)}


def test_strain_and_steering_are_in_the_table() -> None:
    problem, result, _ = written()
    quality = replace(
        result.quality,
        strain={"radial": {"basal": 0.3, "global": 0.25}},
        tre_mm={"before": {"mean": 4.0}, "after": {"mean": 1.0}},
    )
    rows = quality_tables(problem, replace(result, quality=quality, settings={"landmark_weight": 1.0})).rows
    assert {row.name: row.after for row in rows if row.group == "Strain"} == {"Radial, basal": 0.3, "Radial, global": 0.25}
    assert next(row.meaning for row in rows if row.name == "Distance, mean").endswith("says little about other places")


@pytest.mark.parametrize("name", MAPS)
def test_a_strain_overlay_is_drawn_where_the_strain_is_defined_only(scene: Any, name: str) -> None:
    nodes = install(scene)
    overlays = Overlays(scene)
    overlays.show(name, nodes)
    (composite, *_) = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
    shown = scene.GetNodeByID(composite.GetForegroundVolumeID())
    display, values = shown.GetDisplayNode(), array_of(shown)
    drawn = (values >= display.GetLowerThreshold()) & (values <= display.GetUpperThreshold())
    assert display.GetApplyThreshold()
    np.testing.assert_array_equal(drawn, array_of(getattr(nodes, name)) != 0)
    assert display.GetWindowLevelMin() == pytest.approx(-abs(STRAINS[name]), rel=1e-3)
    overlays.close()
    assert shown.GetScene() is None


def test_a_result_without_strain_says_so(scene: Any) -> None:
    overlays = Overlays(scene)
    assert overlays.available("strain_radial", install(scene, uncertainty=False)) == "This method gives no radial strain."
    overlays.close()
