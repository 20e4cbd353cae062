"""Segmentations as Slicer writes them: of one layer, of several, and from before version 4.11."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from inr_registration.core import InputError
from inr_registration.io import read_image, read_labels

SIZE = (9, 8, 7)
COMMON = "Segmentation_ContainedRepresentationNames:=Binary labelmap|\nSegmentation_MasterRepresentation:=Binary labelmap\n"


def boxes(*parts: tuple[slice, slice, slice]) -> np.ndarray:
    """Masks (segment, k, j, i)."""
    found = np.zeros((len(parts), *SIZE[::-1]), np.uint8)
    for mask, part in zip(found, parts, strict=True):
        mask[part] = 1
    return found


LOW, HIGH = (slice(1, 4), slice(1, 5), slice(1, 6)), (slice(3, 6), slice(4, 7), slice(5, 8))
APART = (slice(5, 6), slice(6, 7), slice(6, 8))


def segments(names: list[str], layers: list[int], values: list[int], extent: str = "0 8 0 7 0 6") -> str:
    return "".join(
        f"Segment{n}_ID:=Segment_{n}\nSegment{n}_Name:={name}\nSegment{n}_Layer:={layers[n]}\nSegment{n}_LabelValue:={values[n]}\n"
        f"Segment{n}_Extent:={extent}\n"
        for n, name in enumerate(names)
    )


def modern(path: Path, layers: np.ndarray, header: str) -> Path:
    """Of Slicer 4.11 and later: layers (layer, k, j, i) as components."""
    many = len(layers) > 1
    head = (
        f"NRRD0004\ntype: unsigned char\ndimension: {4 if many else 3}\nspace: left-posterior-superior\n"
        f"sizes: {f'{len(layers)} ' if many else ''}9 8 7\nspace directions: {'none ' if many else ''}(2,0,0) (0,2,0) (0,0,3)\n"
        f"kinds: {'list ' if many else ''}domain domain domain\nencoding: gzip\nspace origin: (-5,6,7)\n"
        f"{COMMON}Segmentation_ReferenceImageExtentOffset:=100 90 3\n{header}\n"
    )
    path.write_bytes(head.encode() + gzip.compress(np.moveaxis(layers, 0, -1).tobytes() if many else layers.tobytes()))
    return path


def legacy(path: Path, masks: np.ndarray, extent: str = "30 38 20 27 4 10") -> Path:
    """Of Slicer before 4.11: segments as frames, in RAS, the place of the crop in the extent."""
    names = segments([f"organ {n}" for n in range(len(masks))], [0] * len(masks), [1] * len(masks), extent)
    names = "".join(line for line in names.splitlines(keepends=True) if "_Layer" not in line and "_LabelValue" not in line)
    head = (
        f"NRRD0004\ntype: unsigned char\ndimension: 4\nspace dimension: 4\nsizes: 9 8 7 {len(masks)}\n"
        "space directions: (-1,0,0,0) (0,-1.5,0,0) (0,0,2.5,0) (0,0,0,1)\nkinds: domain domain domain domain\nencoding: gzip\n"
        f"space origin: (250,240,-120,0)\n{names}{COMMON}Segmentation_Extent:={extent}\n\n"
    )
    path.write_bytes(head.encode() + gzip.compress(masks.tobytes()))
    return path


def test_one_layer_has_the_labels_of_the_file(tmp_path: Path) -> None:
    layer = boxes(LOW)[0] * 3 + boxes(APART)[0] * 7
    path, said = modern(tmp_path / "a.seg.nrrd", layer[None], segments(["liver", "tumour"], [0, 0], [3, 7])), []
    labels = read_labels(path, said.append)
    np.testing.assert_array_equal(labels.values, layer)
    np.testing.assert_array_equal(labels.grid.origin, [-5, 6, 7])
    assert said == []


def test_segments_that_overlap_all_become_labels_and_it_is_said(tmp_path: Path) -> None:
    masks = boxes(LOW, HIGH)
    path, said = modern(tmp_path / "a.seg.nrrd", masks, segments(["liver", "tumour"], [0, 1], [1, 1])), []
    labels = read_labels(path, said.append)
    np.testing.assert_array_equal(labels.values, np.where(masks[1] == 1, 2, masks[0]))
    np.testing.assert_array_equal(labels.grid.origin, [-5, 6, 7])
    assert "1 liver, 2 tumour" in said[0]
    assert f"overlap in {int((masks[0] & masks[1]).sum())} voxels" in said[1]
    np.testing.assert_array_equal(read_image(path, said.append).inside(), masks.any(axis=0))


def test_labels_that_differ_between_layers_are_kept(tmp_path: Path) -> None:
    masks = boxes(LOW, APART)
    layers = np.stack([masks[0] * 4 + masks[1] * 6, masks[1] * 9])
    path, said = modern(tmp_path / "a.seg.nrrd", layers, segments(["a", "b", "c"], [0, 0, 1], [4, 6, 9])), []
    np.testing.assert_array_equal(read_labels(path, said.append).values, masks[0] * 4 + masks[1] * 9)
    assert len(said) == 1
    assert "overlap" in said[0]


def test_a_layer_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = modern(tmp_path / "a.seg.nrrd", boxes(LOW, HIGH), segments(["liver", "tumour"], [0, 5], [1, 1]))
    with pytest.raises(InputError, match="tumour in a layer that is not there"):
        read_labels(path, lambda _: None)


@pytest.mark.parametrize("parts", [[LOW], [LOW, APART], [LOW, HIGH, APART]], ids=["one", "two", "three that overlap"])
def test_segments_from_before_version_4_11_lie_where_slicer_shows_them(parts: list[tuple[slice, slice, slice]], tmp_path: Path) -> None:
    masks, said = boxes(*parts), []
    labels = read_labels(legacy(tmp_path / "a.seg.nrrd", masks), said.append)
    expected = np.zeros(SIZE[::-1], int)
    for number, mask in enumerate(masks, 1):
        expected[mask == 1] = number
    np.testing.assert_array_equal(labels.values, expected)
    ras = np.array([250 - 30, 240 - 1.5 * 20, -120 + 2.5 * 4])
    np.testing.assert_allclose(labels.grid.origin, ras * [-1, -1, 1])
    np.testing.assert_allclose(labels.grid.affine[:3, :3], np.diag([1, 1.5, 2.5]))
    assert "organ 0" in said[0]


def test_an_extent_that_is_none_is_refused(tmp_path: Path) -> None:
    path = legacy(tmp_path / "a.seg.nrrd", boxes(LOW), extent="1 2 x")
    with pytest.raises(InputError, match="six whole numbers are needed"):
        read_labels(path, lambda _: None)


def test_a_vector_image_without_segments_is_refused(tmp_path: Path) -> None:
    path = modern(tmp_path / "a.nrrd", boxes(LOW, HIGH), "")
    with pytest.raises(InputError, match="every voxel has 2 values"):
        read_labels(path, lambda _: None)


def test_a_damaged_segmentation_is_refused(tmp_path: Path) -> None:
    path = legacy(tmp_path / "a.seg.nrrd", boxes(LOW, HIGH))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(path, lambda _: None)
