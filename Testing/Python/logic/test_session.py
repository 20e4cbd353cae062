"""From nodes to nodes, on real MRML and with the real engine."""

from __future__ import annotations

from typing import Any

import pytest
import slicer
from blobs import LONG, QUICK, blob
from loops import Loop

from inr_registration.core import InputError, Outcome
from inr_registration.slicer.job import living
from inr_registration.slicer.logic import Ended, Progressed, Session, Started, register_nodes, settings_from
from inr_registration.slicer.scene import Inputs
from inr_registration.slicer.scene.outputs import Outputs


def test_registering_by_keywords_brings_the_moving_volume_onto_the_fixed_one(pair: Any) -> None:
    fixed, moving = pair
    nodes = register_nodes(Session(), fixed, moving, settings=QUICK)
    assert moving.GetParentTransformNode() is nodes.transform
    centre = nodes.transform.GetTransformFromParent().TransformPoint(0, 0, 0)
    assert centre == pytest.approx((5, -3, 2), abs=2)
    assert slicer.util.arrayFromVolume(nodes.warped).shape == slicer.util.arrayFromVolume(fixed).shape


def test_a_run_in_the_background_tells_its_start_its_course_and_its_end(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    session.start(Inputs(*pair), Outputs(), QUICK)
    assert session.running
    loop.until(lambda: not session.running)
    assert isinstance(heard[0], Started)
    assert isinstance(heard[-1], Ended)
    assert heard[-1].outcome is Outcome.ITERATION_LIMIT
    assert heard[-1].nodes is session.nodes is not None
    curves = [event.curve for event in heard if isinstance(event, Progressed)]
    assert len(curves[-1]) >= 4
    assert curves[-1][-1] < curves[-1][0]
    assert "settings:" in heard[-1].details


def test_two_runs_in_a_row_both_end_well(session: Session, loop: Loop, pair: Any) -> None:
    for _ in range(2):
        session.start(Inputs(*pair), Outputs(), QUICK)
        loop.until(lambda: not session.running)
        assert session.nodes is not None
    assert pair[1].GetParentTransformNode() is session.nodes.transform


def test_a_second_run_at_the_same_time_is_refused(session: Session, pair: Any) -> None:
    session.start(Inputs(*pair), Outputs(), LONG)
    with pytest.raises(InputError, match="is running"):
        session.start(Inputs(*pair), Outputs(), QUICK)


def test_cancel_keeps_nothing_and_leaves_the_scene_as_it_was(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    before = slicer.mrmlScene.GetNumberOfNodes()
    session.start(Inputs(*pair), Outputs(), LONG)
    loop.until(lambda: any(isinstance(e, Progressed) and e.progress.phase == "fit" for e in heard))
    session.cancel()
    assert session.asked == "cancel"
    loop.until(lambda: not session.running)
    assert heard[-1].outcome is Outcome.CANCELLED
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert pair[1].GetParentTransformNode() is None


def test_stop_keeps_the_result_so_far(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    session.start(Inputs(*pair), Outputs(), LONG)
    loop.until(lambda: any(isinstance(e, Progressed) and e.progress.phase == "fit" for e in heard))
    session.stop()
    loop.until(lambda: not session.running)
    assert heard[-1].outcome is Outcome.STOPPED
    assert pair[1].GetParentTransformNode() is session.nodes.transform


def test_closing_the_scene_ends_a_run_and_nothing_of_it_comes_later(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    session.start(Inputs(*pair), Outputs(), LONG)
    loop.until(lambda: len(heard) > 2)
    slicer.mrmlScene.Clear(0)
    assert not session.running
    assert "scene was closed" in heard[-1].message
    said = len(heard)
    loop.until(lambda: not living())
    assert len(heard) == said
    assert not [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLTransformNode") if "(INR)" in node.GetName()]


def test_removing_an_input_cancels_the_run_and_says_which(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    session.start(Inputs(*pair), Outputs(), LONG)
    loop.until(lambda: len(heard) > 2)
    slicer.mrmlScene.RemoveNode(pair[1])
    loop.until(lambda: not session.running)
    assert "'moving' was removed" in heard[-1].message
    assert session.nodes is None


def test_an_output_that_is_removed_during_the_run_is_said_by_its_name(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "my output")
    session.start(Inputs(*pair), Outputs(warped=output), QUICK)
    slicer.mrmlScene.RemoveNode(output)
    loop.until(lambda: not session.running)
    assert isinstance(heard[-1], Ended)
    assert "my output" in heard[-1].message


def test_an_error_in_the_work_is_told_with_its_details(session: Session, loop: Loop, heard: list[Any], pair: Any, monkeypatch: Any) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("inr_registration.slicer.logic.session.perform", broken)
    session.start(Inputs(*pair), Outputs(), QUICK)
    loop.until(lambda: not session.running)
    assert heard[-1].outcome is None
    assert "on purpose" in heard[-1].message
    assert "Traceback" in heard[-1].details


def test_the_report_is_that_of_the_latest_run(session: Session, pair: Any) -> None:
    assert session.report_html() is None
    session.run(Inputs(*pair), Outputs(), QUICK)
    assert session.report_html().startswith("<!DOCTYPE html>")
    session.choose(None)
    assert session.report_html() is None


def test_regions_are_listed_again_for_another_threshold(session: Session, pair: Any) -> None:
    nodes = session.run(Inputs(*pair), Outputs(), QUICK)
    det = slicer.util.arrayFromVolume(nodes.jacobian)
    assert all(region.kind == "unsupported" for region in session.regions(0.0))
    found = session.regions(float(det.min()) + 0.05)
    assert min(region.worst for region in found if region.kind != "unsupported") == pytest.approx(float(det.min()))
    assert nodes.regions.GetTable().GetNumberOfRows() == len(found)


def test_a_result_is_found_again_by_its_transform(session: Session, pair: Any) -> None:
    nodes = session.run(Inputs(*pair), Outputs(), QUICK)
    session.choose(None)
    assert session.nodes is None
    assert session.choose(nodes.transform).warped is nodes.warped


def test_what_is_missing_is_said_in_words(session: Session, scene: Any) -> None:  # noqa: ARG001 (the scene is needed)
    volume = blob("head", (0, 0, 0))
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    other = blob("other", (1, 0, 0))
    assert "fixed volume" in session.missing(Inputs(None, None))
    assert "fixed volume" in session.missing(Inputs(None, volume))
    assert "moving volume" in session.missing(Inputs(volume, None))
    assert "'head'" in session.missing(Inputs(volume, volume))
    assert "'empty'" in session.missing(Inputs(volume, empty))
    assert "Landmarks" in session.missing(Inputs(volume, other, fixed_landmarks=points))
    assert session.missing(Inputs(volume, other)) == ""


def test_without_a_timer_only_waiting_runs_are_possible(pair: Any) -> None:
    with pytest.raises(InputError, match="wait=True"):
        register_nodes(Session(), *pair, settings=QUICK, wait=False)


def test_an_unknown_option_is_named(pair: Any) -> None:
    with pytest.raises(InputError, match="'colour'"):
        register_nodes(Session(), *pair, settings=QUICK, colour="red")


def test_options_make_settings() -> None:
    options = {"preset": "quick", "weights": {"diffusion": 2}, "similarity": "ncc", "device": "cpu", "seed": 3, "maxVoxels": 5000}
    settings = settings_from(options)
    assert options == {}
    assert settings.regularity == {"diffusion": 2.0, "symmetric_jacobian": 0.5}
    assert (settings.similarity, settings.device, settings.seed, settings.max_voxels) == ({"ncc": 1.0}, "cpu", 3, 5000)


def test_an_unknown_weight_is_refused() -> None:
    with pytest.raises(InputError, match="'stiffness'"):
        settings_from({"weights": {"stiffness": 1}})
