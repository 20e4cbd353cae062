"""A map that is noise: tens of thousands of regions must neither freeze the window nor be hidden."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from inspected import problem_and_arrays
from scipy import ndimage
from worlds import add_volume

from inr_registration.core import Grid, Volume
from inr_registration.slicer.scene import LISTED, UNLISTED, Found, ResultNodes, list_regions, read_regions, search

GRID = Grid.from_geometry((64, 64, 64), [1.0, 1.0, 1.0], [0, 0, 0], np.eye(3))


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """det J: single voxels that fold, and one fold of 27 voxels."""
    rng = np.random.default_rng(1)
    det = np.ones(GRID.shape, dtype=np.float32)
    det[::4, ::4, ::4] = -rng.random((16, 16, 16), dtype=np.float32) - 0.01
    det[1:4, 1:4, 1:4] = 0.1  # below the threshold; touches folds
    det[30:33, 30:33, 30:33] = -2
    return det


def test_only_the_largest_regions_are_listed_and_all_are_counted(noise: np.ndarray) -> None:
    labels, count = ndimage.label(noise <= 0, structure=np.ones((3, 3, 3)))
    found = search(noise, GRID, 0.3)
    assert count > LISTED
    assert dict(found.counts) == {"folding": count, "compressed": 0}
    assert len(found.regions) == LISTED
    assert found.regions[0].voxels == np.bincount(labels.ravel())[1:].max()
    single = sorted(det for label, det in enumerate(ndimage.minimum(noise, labels, range(1, count + 1)), 1) if (labels == label).sum() == 1)
    assert [region.worst for region in found.regions[1:]] == pytest.approx(single[: LISTED - 1])


def test_what_is_not_listed_is_said_with_its_number() -> None:
    found = Found((), (("folding", 24_849), ("compressed", 12)))
    assert "24849 folding regions" in found.unlisted
    assert str(LISTED) in found.unlisted
    assert "compressed" not in found.unlisted
    assert Found((), (("folding", LISTED),)).unlisted == ""


def test_the_table_says_what_it_leaves_out_until_nothing_is_left_out(scene: slicer.vtkMRMLScene, noise: np.ndarray) -> None:
    jacobian = add_volume(Volume(noise, GRID, "det"), "det")
    kinds = {"transform": "Transform", "regions": "Table", "folding": "Segmentation"}
    parts = {part: scene.AddNewNodeByClass(f"vtkMRML{kind}Node") for part, kind in kinds.items()}
    nodes = ResultNodes(jacobian=jacobian, **parts)
    list_regions(nodes, 0.3)
    assert len(read_regions(nodes.regions)) == LISTED
    assert "folding regions" in nodes.regions.GetAttribute(UNLISTED)
    slicer.util.arrayFromVolume(jacobian)[::4] = 1
    list_regions(nodes, 0.3)
    assert 0 < len(read_regions(nodes.regions)) < LISTED
    assert nodes.regions.GetAttribute(UNLISTED) is None


def test_a_3d_surface_that_was_made_follows_another_threshold(scene: slicer.vtkMRMLScene) -> None:
    _, arrays = problem_and_arrays()
    jacobian = add_volume(Volume(arrays.jacobian, arrays.grid, "det"), "det")
    kinds = {"transform": "Transform", "regions": "Table", "folding": "Segmentation"}
    parts = {part: scene.AddNewNodeByClass(f"vtkMRML{kind}Node") for part, kind in kinds.items()}
    nodes = ResultNodes(jacobian=jacobian, **parts)
    list_regions(nodes, 0.3)
    assert not nodes.folding.GetSegmentation().ContainsRepresentation("Closed surface"), "nobody asked for it"
    nodes.folding.CreateClosedSurfaceRepresentation()
    before = _points(nodes.folding, "compressed")
    list_regions(nodes, 0.6)
    assert _points(nodes.folding, "compressed") > before > 0


def test_a_run_that_leaves_regions_out_says_so_among_its_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not problem_and_arrays()[1].unlisted
    monkeypatch.setattr("inr_registration.slicer.scene.folding.LISTED", 0)
    _, arrays = problem_and_arrays.__wrapped__()
    assert arrays.regions == ()
    assert "folding regions" in arrays.unlisted
    assert arrays.quality.notes[-1] == arrays.unlisted


def _points(node: slicer.vtkMRMLSegmentationNode, segment: str) -> int:
    return int(node.GetClosedSurfaceInternalRepresentation(segment).GetNumberOfPoints())
