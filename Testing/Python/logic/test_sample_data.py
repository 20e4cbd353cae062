"""The sample pair comes into the scene as it was made, and costs nothing until it is asked for."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="the package slicer-core is not installed (it exists for Linux only)")
vtk = pytest.importorskip("vtk")
boot = pytest.importorskip("stand_in.boot").boot

from inr_registration.core import Grid, Volume  # noqa: E402
from inr_registration.phantom import make_pair  # noqa: E402
from inr_registration.slicer.logic import sample_data  # noqa: E402
from inr_registration.slicer.scene import volume_node  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scene() -> Iterator[Any]:
    scene = boot()
    scene.Clear(False)
    yield scene
    scene.Clear(False)


class Registry:
    """Takes what the SampleDataLogic of Slicer 5.12 takes, under the same names, and refuses what it refuses."""

    def __init__(self) -> None:
        self.categories: dict[str, str] = {}
        self.sources: list[SimpleNamespace] = []

    def registerCustomSampleDataCategory(self, category: str, title: str) -> None:
        self.categories[category] = title

    def registerCustomSampleDataSource(
        self,
        category: str = "Custom",
        sampleName: str | None = None,
        uris: list[str] | None = None,
        fileNames: list[str] | None = None,
        nodeNames: list[str] | None = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
    ) -> None:
        lengths = {len(values) for values in (uris, fileNames, nodeNames)}  # type: ignore[arg-type] # None is an error in Slicer too
        assert len(lengths) == 1
        self.sources.append(SimpleNamespace(category=category, name=sampleName, make=customDownloader, thumbnail=thumbnailFileName))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry()
    module = ModuleType("SampleData")
    module.SampleDataLogic = registry  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SampleData", module)
    return registry


def test_the_sample_is_registered_with_a_picture_and_a_maker(registry: Registry) -> None:
    sample_data.register_sample_data()
    assert registry.categories == {"INRRegistration": "INR Registration"}
    (source,) = registry.sources
    assert (source.category, source.name) == ("INRRegistration", "INR trunk pair")
    assert Path(source.thumbnail).is_file()
    assert source.make is sample_data.make_sample
    inspect.signature(source.make).bind("what Sample Data hands over")


def test_an_older_slicer_without_categories_gets_the_sample_all_the_same(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Registry, "registerCustomSampleDataCategory")
    sample_data.register_sample_data()
    assert [source.name for source in registry.sources] == ["INR trunk pair"]


def test_registering_imports_nothing_heavy() -> None:
    text = (
        "import sys, types; fake = types.ModuleType('SampleData'); sys.modules['SampleData'] = fake\n"
        "class Logic:\n    registerCustomSampleDataSource = staticmethod(lambda **k: None)\n"
        "fake.SampleDataLogic = Logic\n"
        "from inr_registration.slicer.logic.sample_data import register_sample_data; register_sample_data()\n"
        "print(sorted({'numpy', 'scipy', 'torch', 'slicer', 'vtk'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=ROOT / "INRRegistration", capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_pair_in_the_scene_is_the_pair_that_was_made(scene: Any) -> None:
    nodes = sample_data.add_trunk_pair(scene, "small")
    assert [node.GetName() for node in nodes] == ["Trunk, fixed", "Trunk, moving"]
    pair = make_pair("small")
    for node, volume in zip(nodes, (pair.fixed, pair.moving), strict=True):
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), volume.values)
        for index in ([0, 0, 0], [10, 3, 7]):
            lps = volume.grid.to_world(index)
            np.testing.assert_allclose(ras_of(node, index), lps * [-1, -1, 1], atol=1e-6)
        assert (node.GetDisplayNode().GetWindow(), node.GetDisplayNode().GetLevel()) == (600, 50)


def test_the_pair_is_shown_half_and_half_in_every_slice_view(scene: Any) -> None:
    fixed, moving = sample_data.add_trunk_pair(scene, "small")
    views = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    assert len(views) >= 3
    for view in views:
        assert view.GetBackgroundVolumeID() == fixed.GetID()
        assert view.GetForegroundVolumeID() == moving.GetID()
        assert view.GetForegroundOpacity() == 0.5


def test_a_sheared_left_handed_grid_keeps_its_voxels_in_their_places(scene: Any) -> None:
    affine = np.array([[1.0, 0.3, 0, 5], [0, -2.0, 0.2, 6], [0.1, 0, 3.0, 7], [0, 0, 0, 1]])
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    values.setflags(write=False)
    node = volume_node(scene, Volume(values, Grid((4, 3, 2), affine)), "sheared")
    np.testing.assert_allclose(ras_of(node, [3, 2, 1]), (affine @ [3, 2, 1, 1])[:3] * [-1, -1, 1], atol=1e-9)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), values)
    slicer.util.arrayFromVolume(node)[:] = 0
    assert values.max() == 23, "the node has a copy"


def ras_of(node: Any, index: list[int]) -> Any:
    """RAS mm of a voxel index (i, j, k)."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array(matrix.MultiplyPoint([*index, 1.0])[:3])
