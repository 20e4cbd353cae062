"""Folding regions against a brute-force search, and their table in a real scene."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import ndimage
from stand_in.boot import application_logic

from inr_registration.core import Grid
from inr_registration.slicer.scene import read_regions, search, set_reviewed, write_regions
from inr_registration.slicer.scene.regions_table import to_csv

OBLIQUE = Grid.from_geometry((30, 24, 18), [1.0, 1.5, 2.0], [-12, 30, 7], np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, -1]]))


@dataclass(frozen=True, eq=False)
class Part:
    """A structure as the scene layer hands it over."""

    name: str
    first: tuple[int, int, int]
    mask: np.ndarray


@pytest.fixture(scope="module")
def det() -> np.ndarray:
    noise = np.random.default_rng(4).standard_normal(OBLIQUE.shape)
    return (1 + 6 * ndimage.gaussian_filter(noise, 1.5)).astype(np.float32)


def part(name: str, mask: np.ndarray) -> Part:
    box = ndimage.find_objects(mask.astype(int))[0]
    return Part(name, (box[2].start, box[1].start, box[0].start), mask[box])


def ras(index: np.ndarray) -> np.ndarray:
    return OBLIQUE.to_world(index) * [-1, -1, 1]


def test_folding_regions_are_the_26_connected_components_of_det_at_or_below_zero(det: np.ndarray) -> None:
    labels, count = ndimage.label(det <= 0, structure=np.ones((3, 3, 3)))
    found = [region for region in search(det, OBLIQUE, 0.3).regions if region.kind == "folding"]
    assert count > 3
    assert len(found) == count
    for label in range(1, count + 1):
        voxels = np.argwhere(labels == label)[:, ::-1]
        worst = det[labels == label].min()
        mine = next(region for region in found if region.worst == pytest.approx(worst))
        place = np.argwhere((labels == label) & (det == worst))[0, ::-1]
        assert mine.voxels == len(voxels)
        assert mine.volume_mm3 == pytest.approx(len(voxels) * 3.0)
        assert np.allclose(mine.worst_ras, ras(place))
        assert np.allclose(mine.centre_ras, ras(voxels.mean(axis=0)))
        assert np.allclose(mine.bounds_mm, (np.ptp(voxels, axis=0) + 1) * [1.0, 1.5, 2.0])


def test_compressed_regions_are_components_below_the_threshold_that_hold_no_fold(det: np.ndarray) -> None:
    labels, count = ndimage.label(det < 0.4, structure=np.ones((3, 3, 3)))
    sound = [label for label in range(1, count + 1) if det[labels == label].min() > 0]
    found = [region for region in search(det, OBLIQUE, 0.4).regions if region.kind == "compressed"]
    assert sound
    assert sorted(region.voxels for region in found) == sorted(int((labels == label).sum()) for label in sound)
    assert all(0 < region.worst < 0.4 for region in found)


def test_folding_comes_first_and_each_kind_is_sorted_by_volume(det: np.ndarray) -> None:
    found = search(det, OBLIQUE, 0.5).regions
    kinds = [region.kind for region in found]
    assert kinds == sorted(kinds, reverse=True)
    for kind in ("folding", "compressed"):
        volumes = [region.volume_mm3 for region in found if region.kind == kind]
        assert len(volumes) > 1
        assert volumes == sorted(volumes, reverse=True)


def test_only_voxels_of_the_mask_count(det: np.ndarray) -> None:
    mask = np.zeros(det.shape, dtype=bool)
    mask[:, :, :12] = True
    inside = search(det, OBLIQUE, 0.3, mask=mask).regions
    assert sum(region.voxels for region in inside if region.kind == "folding") == int((det[mask] <= 0).sum()) > 0


def test_a_map_without_small_values_has_no_region() -> None:
    assert search(np.ones(OBLIQUE.shape, dtype=np.float32), OBLIQUE, 0.3).regions == ()
    broken = np.full(OBLIQUE.shape, np.nan, dtype=np.float32)
    assert search(broken, OBLIQUE, 0.3).regions == ()


def test_the_nearest_structure_is_found_with_its_distance(det: np.ndarray) -> None:
    k, j, i = np.indices(det.shape)
    near = (i - 4) ** 2 + (j - 5) ** 2 + (k - 5) ** 2 < 12
    far = (i > 22) & (k > 12)
    parts = [part("far", far), part("near", near)]
    for region in search(det, OBLIQUE, 0.3, parts).regions:
        labels, _ = ndimage.label(det <= 0 if region.kind == "folding" else det < 0.3, structure=np.ones((3, 3, 3)))
        place = np.rint(OBLIQUE.to_index(np.array(region.worst_ras) * [-1, -1, 1])).astype(int)
        mine = labels == labels[place[2], place[1], place[0]]
        shared = {name: int((mine & mask).sum()) for name, mask in (("near", near), ("far", far))}
        if max(shared.values()) > 0:
            assert region.distance_mm == 0
            assert region.structure == max(shared, key=shared.__getitem__)
            continue
        points = ras(np.argwhere(mine)[:, ::-1])
        gaps = {
            name: np.linalg.norm(points[:, None] - ras(np.argwhere(mask)[:, ::-1])[None], axis=-1).min()
            for name, mask in (("near", near), ("far", far))
        }
        assert region.structure == min(gaps, key=gaps.__getitem__)
        assert region.distance_mm == pytest.approx(min(gaps.values()))


def test_a_region_inside_a_structure_names_it_at_distance_zero() -> None:
    det = np.ones(OBLIQUE.shape, dtype=np.float32)
    det[8:10, 8:10, 8:10] = -0.5
    whole = np.zeros(det.shape, dtype=bool)
    whole[5:14, 5:14, 5:14] = True
    (region,) = search(det, OBLIQUE, 0.3, [part("liver", whole)]).regions
    assert (region.structure, region.distance_mm) == ("liver", 0.0)
    (alone,) = search(det, OBLIQUE, 0.3).regions
    assert alone.structure == ""
    assert math.isnan(alone.distance_mm)


def test_the_table_keeps_regions_and_review_marks_in_a_saved_scene(scene, det, tmp_path) -> None:
    k = np.indices(det.shape)[0]
    regions = [*search(det, OBLIQUE, 0.3, [part("upper\tlobe", k > 12)]).regions, *search(det, OBLIQUE, 0.3).regions[:2]]
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", "regions")
    write_regions(table, regions)
    set_reviewed(table, 1, True)
    before = read_regions(table)
    assert [region.reviewed for region in before[:3]] == [False, True, False]
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear()
    (tmp_path / "open").mkdir()
    assert application_logic().OpenSlicerDataBundle(str(tmp_path / "scene.mrb"), str(tmp_path / "open"))
    after = read_regions(scene.GetFirstNodeByName("regions"))
    assert len(after) == len(before) == len(regions)
    for old, new in zip(before, after, strict=True):
        assert (new.kind, new.voxels, new.structure, new.reviewed) == (old.kind, old.voxels, old.structure, old.reviewed)
        assert np.allclose(new.worst_ras, old.worst_ras, rtol=1e-5, atol=1e-3)
        assert np.allclose(new.bounds_mm, old.bounds_mm, rtol=1e-5)
        assert new.distance_mm == pytest.approx(old.distance_mm, rel=1e-5, nan_ok=True)


def test_the_table_sorts_what_it_is_given_and_is_emptied_again(scene, det) -> None:
    regions = search(det, OBLIQUE, 0.4).regions
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", "regions")
    write_regions(table, regions[::-1])
    assert [region.volume_mm3 for region in read_regions(table)] == [region.volume_mm3 for region in regions]
    write_regions(table, [])
    assert read_regions(table) == ()
    with pytest.raises(IndexError, match="0 regions"):
        set_reviewed(table, 0, True)


def test_marking_a_region_tells_those_who_watch_the_table(scene, det) -> None:
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", "regions")
    write_regions(table, search(det, OBLIQUE, 0.4).regions)
    heard = []
    table.AddObserver("ModifiedEvent", lambda *_: heard.append(1))
    set_reviewed(table, 0, True)
    assert heard
    assert read_regions(table)[0].reviewed


def test_a_table_of_somebody_else_holds_no_regions(scene) -> None:
    assert read_regions(scene.AddNewNodeByClass("vtkMRMLTableNode", "other")) == ()


def test_the_csv_has_a_line_for_each_region_and_leaves_the_unknown_empty(det) -> None:
    regions = [replace(region, reviewed=True) for region in search(det, OBLIQUE, 0.4).regions]
    lines = list(csv.DictReader(io.StringIO(to_csv(regions))))
    assert [int(line["Number"]) for line in lines] == list(range(1, len(regions) + 1))
    assert [float(line["Smallest det J"]) for line in lines] == pytest.approx([region.worst for region in regions])
    assert {line["Distance (mm)"] for line in lines} == {""}
    assert {line["Reviewed"] for line in lines} == {"1"}
