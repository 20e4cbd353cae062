"""Only the inputs that a method uses are shown; what it asks for is said; what it does not use does not reach the run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from desk import Desk

from inr_registration.core import SPECIAL, load_preset, used
from inr_registration.slicer.logic import methods, needs, uncertainties
from inr_registration.slicer.ui import choice_in, inputs_of

ROWS = {
    "centrelines": ("centrelineSelector", "centreline2Selector", "tubeRadius"),
    "long_axis": ("longAxisSelector",),
    "ventricle": ("ventricleSelector",),
}
POINTS = np.array([[-10.0, 0, 0], [0, 2, 5], [10, 0, 10]])


def markups(kind: str, points: np.ndarray = POINTS, name: str = "line") -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass(f"vtkMRMLMarkups{kind}Node", name)
    for point in points:
        node.AddControlPoint(*point)
    return node


def shown_rows(desk: Desk) -> set[str]:
    """The inputs of single methods that are shown, each with its label."""
    shown = set()
    for name, selectors in ROWS.items():
        states = {desk.shown(getattr(desk.ui, widget + end)) for widget in selectors for end in ("", "Label")}
        assert len(states) == 1, name
        shown |= {name} if states == {True} else set()
    return shown


@pytest.mark.parametrize("method", methods())
def test_the_inputs_that_a_method_uses_are_shown_and_no_others(desk: Desk, method: str) -> None:
    desk.pick(desk.ui.methodCombo, method)
    assert shown_rows(desk) == set(used(load_preset(method).settings))
    assert needs(choice_in(desk.parameters)) == used(load_preset(method).settings)


def test_every_special_input_has_its_row_and_a_method() -> None:
    assert set(ROWS) == set(SPECIAL)
    assert {name for method in methods() for name in used(load_preset(method).settings)} == set(SPECIAL)


def test_a_tube_needs_its_curve_and_says_so(desk: Desk) -> None:
    desk.pair()
    desk.pick(desk.ui.methodCombo, "geometry")
    assert not desk.ui.registerButton.enabled
    assert "needs a centreline" in desk.ui.missingLabel.text
    desk.ui.centrelineSelector.setCurrentNode(markups("Curve"))
    assert desk.ui.registerButton.enabled
    desk.run()
    (line,) = desk.script.tasks[-1].problem.centrelines
    np.testing.assert_allclose(line[[0, -1]], POINTS[[0, -1]] * [-1, -1, 1], atol=1e-6)


def test_the_radius_of_the_tube_reaches_the_run(desk: Desk) -> None:
    desk.pair()
    desk.pick(desk.ui.methodCombo, "geometry")
    desk.ui.centrelineSelector.setCurrentNode(markups("Curve"))
    desk.ui.tubeRadius.value = 7.5
    desk.run()
    assert desk.script.tasks[-1].settings.geometry.radius_mm == 7.5


def test_two_curves_reach_the_run_in_their_order(desk: Desk) -> None:
    desk.pair()
    desk.pick(desk.ui.methodCombo, "geometry")
    desk.ui.centrelineSelector.setCurrentNode(markups("Curve"))
    desk.ui.centreline2Selector.setCurrentNode(markups("Curve", POINTS + 4))
    desk.run()
    first, second = desk.script.tasks[-1].problem.centrelines
    np.testing.assert_allclose([first[0], second[0]], [POINTS[0] * [-1, -1, 1], (POINTS[0] + 4) * [-1, -1, 1]], atol=1e-6)


@pytest.mark.parametrize("kind", ["Line", "Fiducial"])
def test_the_heart_needs_an_axis_or_a_ventricle(desk: Desk, kind: str) -> None:
    desk.pair()
    desk.pick(desk.ui.methodCombo, "cardiac")
    assert "the long axis of the left ventricle or a segmentation" in desk.ui.missingLabel.text
    desk.ui.longAxisSelector.setCurrentNode(markups(kind, POINTS[:2]))
    assert desk.ui.registerButton.enabled
    desk.run()
    np.testing.assert_allclose(desk.script.tasks[-1].problem.long_axis, POINTS[:2] * [-1, -1, 1], atol=1e-6)


def test_the_segment_of_a_ventricle_is_offered_for_the_heart_only(desk: Desk) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "heart")
    node.GetSegmentation().AddEmptySegment("LV", "left ventricle")
    desk.pick(desk.ui.methodCombo, "cardiac")
    desk.ui.ventricleSelector.setCurrentNode(node)
    assert desk.shown(desk.ui.ventricleSegment)
    desk.pick(desk.ui.ventricleSegment, "LV")
    assert inputs_of(desk.parameters).ventricle_segment == "LV"
    desk.pick(desk.ui.methodCombo, "auto")
    node.GetSegmentation().AddEmptySegment("RV", "right ventricle")
    assert not desk.shown(desk.ui.ventricleSegment)


def test_an_input_that_the_method_does_not_use_stays_out_of_the_run_and_comes_back(desk: Desk) -> None:
    desk.pair()
    desk.pick(desk.ui.methodCombo, "geometry")
    curve = markups("Curve")
    desk.ui.centrelineSelector.setCurrentNode(curve)
    desk.pick(desk.ui.methodCombo, "auto")
    desk.run()
    assert desk.script.tasks[-1].problem.centrelines == ()
    desk.pick(desk.ui.methodCombo, "geometry")
    assert inputs_of(desk.parameters).centrelines == (curve,)


def test_closed_curves_are_not_offered(desk: Desk) -> None:
    markups("ClosedCurve")
    markups("Curve")
    assert desk.ui.centrelineSelector.nodeCount() == 1


def test_the_landmark_weight_is_shown_where_there_are_landmarks_and_reaches_the_run(desk: Desk) -> None:
    desk.pair()
    desk.ui.moreInputs.collapsed = False
    assert not desk.shown(desk.ui.landmarkWeight)
    for selector, shift in ((desk.ui.fixedLandmarksSelector, 0), (desk.ui.movingLandmarksSelector, 2)):
        selector.setCurrentNode(markups("Fiducial", POINTS + shift))
    assert desk.shown(desk.ui.landmarkWeight)
    assert not desk.shown(desk.ui.presetModified)
    desk.ui.landmarkWeight.value = 0.25
    assert desk.shown(desk.ui.presetModified)
    desk.run()
    assert desk.script.tasks[-1].settings.landmark_weight == 0.25
    desk.ui.movingLandmarksSelector.setCurrentNode(None)
    assert not desk.shown(desk.ui.landmarkWeight)
    assert choice_in(desk.parameters).landmark_weight == 0.0


def test_large_motion_and_uncertainty_reach_the_run_and_count_as_modified(desk: Desk) -> None:
    desk.pair()
    desk.ui.discreteStart.checked = True
    desk.pick(desk.ui.uncertaintyCombo, "auto")
    assert desk.shown(desk.ui.presetModified)
    desk.run()
    used_settings = desk.script.tasks[-1].settings
    assert (used_settings.start, used_settings.uncertainty) == ("discrete", "auto")
    desk.pick(desk.ui.presetCombo, "auto")
    assert not desk.ui.discreteStart.checked
    assert not desk.shown(desk.ui.presetModified)


@pytest.mark.parametrize("method", methods())
def test_only_ways_to_estimate_uncertainty_that_the_method_allows_are_offered(desk: Desk, method: str) -> None:
    desk.pick(desk.ui.methodCombo, method)
    combo = desk.ui.uncertaintyCombo
    offered = {combo.itemData(row) for row in range(combo.count)}
    assert offered == set(uncertainties(choice_in(desk.parameters)))
    assert ("cycle" in offered) == (load_preset(method).settings.cycle is not None)


def test_a_curve_that_leaves_the_scene_is_no_longer_chosen(desk: Desk) -> None:
    desk.pair()
    desk.pick(desk.ui.methodCombo, "geometry")
    curve, other = markups("Curve", name="vessel"), markups("Curve", name="other")
    desk.ui.centrelineSelector.setCurrentNode(curve)
    slicer.mrmlScene.RemoveNode(curve)
    assert desk.ui.centrelineSelector.currentNode() is None
    assert "'vessel' was removed" in desk.ui.statusLabel.text
    assert other.GetScene() is slicer.mrmlScene
