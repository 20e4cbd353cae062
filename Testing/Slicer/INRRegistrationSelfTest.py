"""Self test inside a running Slicer: the panel, a registration, the overlays, the folding jump, a scene closed and a reload in a run."""

from __future__ import annotations

import importlib.util
import threading
import time
import unittest

import numpy as np
import slicer
import vtk

NO_TORCH = "PyTorch is not installed in this Slicer; install it with the PyTorch extension to run this test"
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
needs_torch = unittest.skipUnless(importlib.util.find_spec("torch"), NO_TORCH)


def trunk_pair():
    """The sample pair at its small size: both volume nodes and the phantom with the true map."""
    from inr_registration.phantom import make_pair
    from inr_registration.slicer.logic import add_trunk_pair

    return *add_trunk_pair(slicer.mrmlScene, "small"), make_pair("small")


def pump(until, seconds):
    """Let the application work until something is so; tells whether it became so."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.005)
    return until()


def threads():
    """The threads of registrations that have not ended; a test must not leave one behind, since Slicer quits when the script ends."""
    return [thread for thread in threading.enumerate() if thread.name == "INRRegistration"]


def results():
    """The transform nodes in the scene that carry a result."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLTransformNode") if node.GetAttribute("INRRegistration.Result")]


class PanelTest(unittest.TestCase):
    """Needs no torch."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def test_the_module_opens_with_the_default_parameters(self):
        assert slicer.modules.inrregistration.widgetRepresentation() is not None
        if slicer.util.mainWindow():
            slicer.util.selectModule("INRRegistration")
            assert slicer.modules.INRRegistrationWidget.parent.isEntered
        parameters = slicer.util.getModuleLogic("INRRegistration").getParameterNode()
        assert parameters.preset == "auto"
        assert parameters.result is None

    def test_the_sample_is_known_to_sample_data(self):
        import SampleData

        from inr_registration.slicer.logic import CATEGORY, SAMPLE, register_sample_data

        register_sample_data()
        sources = SampleData.SampleDataLogic.sampleDataSourcesByCategory(CATEGORY)
        assert {source.sampleName for source in sources} == {SAMPLE}

    def test_the_sample_lies_where_the_phantom_lies(self):
        fixed, _moving, pair = trunk_pair()
        matrix = vtk.vtkMatrix4x4()
        fixed.GetIJKToRASMatrix(matrix)
        ras = np.array(matrix.MultiplyPoint([3.0, 5.0, 7.0, 1.0])[:3])
        np.testing.assert_allclose(ras, pair.fixed.grid.to_world([3, 5, 7]) * LPS_TO_RAS, atol=1e-6)


@needs_torch
class RegistrationTest(unittest.TestCase):
    """One registration of the sample pair, looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        slicer.mrmlScene.Clear()
        cls.logic = slicer.util.getModuleLogic("INRRegistration")
        cls.fixed, cls.moving, cls.pair = trunk_pair()
        cls.nodes = cls.logic.register(cls.fixed, cls.moving, preset="quick", wait=True)

    @classmethod
    def tearDownClass(cls):
        slicer.mrmlScene.Clear()

    def test_the_map_goes_from_fixed_to_moving_points(self):
        points, truth = (p * LPS_TO_RAS for p in self.pair.pairs(500))
        transform = self.nodes.transform.GetTransformFromParent()
        mapped = np.array([transform.TransformPoint(point) for point in points.tolist()])
        before = np.linalg.norm(points - truth, axis=1).mean()
        after = np.linalg.norm(mapped - truth, axis=1).mean()
        assert after < 0.7 * before

    def test_slicer_shows_the_moving_volume_where_the_fixed_one_is(self):
        assert self.moving.GetTransformNodeID() == self.nodes.transform.GetID()
        warped = slicer.util.arrayFromVolume(self.nodes.warped).astype(float)
        fixed = slicer.util.arrayFromVolume(self.fixed).astype(float)
        assert warped.shape == fixed.shape
        assert np.corrcoef(warped.ravel(), fixed.ravel())[0, 1] > 0.8

    def test_the_determinant_has_no_holes(self):
        values = slicer.util.arrayFromVolume(self.nodes.jacobian)
        assert np.isfinite(values).all()
        assert abs(float(np.median(values)) - 1) < 0.2

    def test_the_overlays_come_and_go(self):
        from inr_registration.slicer.scene import MODES, Overlays

        overlays = Overlays(slicer.mrmlScene)
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        before = [(node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()) for node in composites]
        for mode in MODES:
            if not overlays.available(mode, self.nodes):
                overlays.show(mode, self.nodes)
                assert overlays.current == mode
        overlays.reset()
        assert overlays.current is None
        assert [(node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()) for node in composites] == before

    def test_a_jump_shows_the_place_in_every_slice_view(self):
        from inr_registration.slicer.scene import jump

        place = (12.0, -7.0, 20.0)
        jump(slicer.mrmlScene, place)
        for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            matrix = view.GetSliceToRAS()
            normal = [matrix.GetElement(row, 2) for row in range(3)]
            distance = sum(n * (p - matrix.GetElement(row, 3)) for row, (n, p) in enumerate(zip(normal, place, strict=True)))
            assert abs(distance) <= 2.5, "mm; half a slice of the fixed volume, should the view snap to slices"


@needs_torch
class InterruptedTest(unittest.TestCase):
    """What ends a run before its time leaves neither a thread nor a result."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        self.logic = slicer.util.getModuleLogic("INRRegistration")
        fixed, moving, _pair = trunk_pair()
        self.ended = []
        self.logic.register(fixed, moving, preset="auto", wait=False, finished=self.ended.append)
        pump(lambda: self.ended, 0.5)
        assert self.logic.session.running

    def tearDown(self):
        self.logic.session.cancel()
        gone = pump(lambda: not threads(), 120)
        slicer.mrmlScene.Clear()
        assert gone, "the thread of the run goes on"

    def test_a_cancelled_run_keeps_nothing(self):
        self.logic.session.cancel()
        assert pump(lambda: not self.logic.session.running, 10)
        assert self.ended[0].nodes is None
        assert results() == []

    def test_a_scene_may_close_during_a_run(self):
        slicer.mrmlScene.Clear()
        assert pump(lambda: not self.logic.session.running, 10)
        assert pump(lambda: not threads(), 120)
        assert results() == []

    def test_the_module_may_be_reloaded_during_a_run(self):
        former = slicer.util.getModuleWidget("INRRegistration")
        former.onReload()
        assert slicer.util.getModuleWidget("INRRegistration") is not former
        assert not self.logic.session.running
        assert pump(lambda: not threads(), 120)
        assert results() == []
        assert slicer.util.getModuleLogic("INRRegistration") is not self.logic


if __name__ == "__main__":
    unittest.main()
