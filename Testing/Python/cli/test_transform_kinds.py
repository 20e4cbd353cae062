"""Transforms of other programs: in the right frame and direction, or refused for what they are."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from inr_registration.core import InputError
from inr_registration.io import load_map, read_linear, read_transform

POINTS = np.array([[1.0, 2.0, 3.0], [-4.0, 5.0, 6.5], [8.0, -7.0, 0.5]])
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
GENERAL = np.array([[0.9, -0.2, 0.1, 10.0], [0.25, 1.1, 0.0, -20.0], [0.0, 0.05, 0.95, 30.0], [0.0, 0.0, 0.0, 1.0]])


def mapped(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def xfm(path: Path, *matrices: np.ndarray, more: str = "") -> Path:
    parts = ["MNI Transform File\n% made by a test\n"]
    for matrix in matrices:
        rows = "\n".join(" ".join(f"{value:.17g}" for value in row) for row in matrix[:3])
        parts.append(f"Transform_Type = Linear;\n{more}Linear_Transform =\n{rows};\n")
    path.write_text("\n".join(parts))
    return path


def test_minc_matrices_go_from_moving_to_fixed_points_in_ras(tmp_path: Path) -> None:
    said: list[str] = []
    found = read_linear(xfm(tmp_path / "a.xfm", GENERAL), said.append)
    np.testing.assert_allclose(mapped(found, POINTS), mapped(FLIP @ np.linalg.inv(GENERAL) @ FLIP, POINTS))
    assert "in RAS; it was inverted" in said[0]
    other = np.diag([1.1, 0.9, 1.0, 1.0])
    both = read_linear(xfm(tmp_path / "b.xfm", GENERAL, other))  # the first one first
    np.testing.assert_allclose(mapped(both, POINTS), mapped(FLIP @ np.linalg.inv(other @ GENERAL) @ FLIP, POINTS))
    turned = read_linear(xfm(tmp_path / "c.xfm", GENERAL, more="Invert_Flag = True;\n"))
    np.testing.assert_allclose(mapped(turned, POINTS), mapped(FLIP @ GENERAL @ FLIP, POINTS))


def test_a_minc_grid_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "grid.xfm"
    path.write_text("MNI Transform File\nTransform_Type = Grid_Transform;\nDisplacement_Volume = a.mnc;\n")
    with pytest.raises(InputError, match="Grid_Transform"):
        read_transform(path)


def lta(path: Path, matrix: np.ndarray, kind: int, grids: tuple[np.ndarray, np.ndarray], size: int = 20) -> Path:
    rows = "\n".join(" ".join(f"{value:.12f}" for value in row) for row in matrix)
    text = f"type      = {kind}\nnxforms   = 1\nmean      = 0 0 0\nsigma     = 1.0\n1 4 4\n{rows}\n"
    for side, affine in zip(("src", "dst"), grids, strict=True):
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        axes = affine[:3, :3] / spacing
        centre = mapped(affine, np.full((1, 3), size / 2))[0]
        text += f"{side} volume info\nvalid = 1  # volume info valid\nfilename = x.mgz\nvolume = {size} {size} {size}\n"
        text += "voxelsize = " + " ".join(f"{v:.12f}" for v in spacing) + "\n"
        for name, column in zip(("xras", "yras", "zras"), axes.T, strict=True):
            text += f"{name} = " + " ".join(f"{v:.12f}" for v in column) + "\n"
        text += "cras = " + " ".join(f"{v:.12f}" for v in centre) + "\n"
    path.write_text(text)
    return path


def test_freesurfer_matrices_between_positions_and_between_voxels_say_the_same(tmp_path: Path) -> None:
    grids = np.diag([-1.0, 1.2, 2.0, 1.0]), np.array([[0, 0, -1.5, 8], [1.5, 0, 0, -9], [0, 1.5, 0, 3], [0, 0, 0, 1.0]])
    voxels = np.linalg.inv(grids[1]) @ GENERAL @ grids[0]
    expected = mapped(FLIP @ np.linalg.inv(GENERAL) @ FLIP, POINTS)
    np.testing.assert_allclose(mapped(read_linear(lta(tmp_path / "ras.lta", GENERAL, 1, grids)), POINTS), expected, atol=1e-6)
    np.testing.assert_allclose(mapped(read_linear(lta(tmp_path / "vox.lta", voxels, 0, grids)), POINTS), expected, atol=1e-6)
    with pytest.raises(InputError, match="type 14"):
        read_linear(lta(tmp_path / "odd.lta", GENERAL, 14, grids))


@pytest.mark.parametrize("ending", [".tfm", ".h5", ".mat"])
def test_several_transforms_side_by_side_are_refused_and_a_composite_is_not(tmp_path: Path, ending: str) -> None:
    first, second = sitk.TranslationTransform(3, (5.0, 0, 0)), sitk.TranslationTransform(3, (0, 7.0, 0))
    if ending != ".mat":
        whole = sitk.CompositeTransform([first, second])
        sitk.WriteTransform(whole, str(tmp_path / f"composite{ending}"))
        found = read_transform(tmp_path / f"composite{ending}").TransformPoint((0, 0, 0))
        assert found == pytest.approx((5, 7, 0))
    one = tmp_path / f"one{ending}"
    sitk.WriteTransform(first, str(one))
    assert read_transform(one).TransformPoint((0, 0, 0)) == pytest.approx((5, 0, 0))


@pytest.mark.parametrize("count", [2, 3])
def test_a_list_of_transforms_in_one_text_is_refused_with_their_number(tmp_path: Path, count: int) -> None:
    lines = ["#Insight Transform File V1.0"]
    for n in range(count):
        lines += [f"#Transform {n}", "Transform: TranslationTransform_double_3_3", f"Parameters: {n} 0 0", "FixedParameters: "]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=f"holds {count} transforms"):
        read_transform(tmp_path / "list.txt")


def test_names_in_capital_letters_are_read(tmp_path: Path) -> None:
    sitk.WriteTransform(sitk.TranslationTransform(3, (5.0, 0, 0)), str(tmp_path / "t.tfm"))
    (tmp_path / "T.TFM").write_bytes((tmp_path / "t.tfm").read_bytes())
    assert read_transform(tmp_path / "T.TFM").TransformPoint((0, 0, 0)) == pytest.approx((5, 0, 0))


def field(path: Path, way: str | None, key: str = "displacement field type") -> Path:
    """A smooth displacement on an oblique grid."""
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, 20)] * 3, indexing="ij")
    image = sitk.GetImageFromArray(np.stack([4 + x * y, y * z, 1 - x], axis=-1), isVector=True)
    image.SetSpacing((3.0, 3.0, 3.0))
    image.SetOrigin((-30.0, -28.0, -26.0))
    if way is not None:
        image.SetMetaData(key, way)
    sitk.WriteImage(image, str(path))
    return path


def test_a_field_that_says_that_it_goes_backwards_is_inverted_or_refused(tmp_path: Path) -> None:
    forwards = load_map(field(tmp_path / "f.nrrd", "resampling"))
    said: list[str] = []
    backwards = load_map(field(tmp_path / "b.nrrd", "modeling"), said.append)
    np.testing.assert_allclose(forwards.map(backwards.map(POINTS)), POINTS, atol=0.01)
    np.testing.assert_allclose(backwards.inverse(POINTS), forwards.map(POINTS), atol=1e-9)
    np.testing.assert_allclose(load_map(field(tmp_path / "n.nrrd", None)).map(POINTS), forwards.map(POINTS), atol=1e-9)
    assert "its inverse is used" in said[0]
    with pytest.raises(InputError, match="modeling"):
        read_transform(tmp_path / "b.nrrd")
    with pytest.raises(InputError, match="is known"):
        read_transform(field(tmp_path / "odd.nrrd", "sideways"))


def nifti_field(path: Path, values: np.ndarray, intent: str | int, name: str = "") -> Path:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -19
    image = nibabel.Nifti1Image(values[:, :, :, None, :].astype(np.float32), affine)
    image.header.set_intent(intent, (), name)
    nibabel.save(image, path)
    return path


def places_ras() -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(20)] * 3, indexing="ij"), -1) * 2.0 - 19


def test_positions_as_spm_writes_them_become_displacements(tmp_path: Path) -> None:
    shift = np.array([5.0, -1.0, 2.0])  # RAS
    said: list[str] = []
    found = read_transform(nifti_field(tmp_path / "y_T1.nii", places_ras() + shift, "vector", "Mapping"), said.append)
    moved = np.array([found.TransformPoint(tuple(p)) for p in POINTS])
    np.testing.assert_allclose(moved, POINTS + shift * [-1, -1, 1], atol=1e-4)
    assert "as SPM writes them" in said[0]


@pytest.mark.parametrize("frame", [(1.0, 1.0, 1.0), (-1.0, -1.0, 1.0)], ids=["RAS", "LPS"])
def test_positions_that_do_not_say_so_are_refused(tmp_path: Path, frame: tuple[float, ...]) -> None:
    wave = 2 * np.sin(places_ras() / 6)
    path = nifti_field(tmp_path / "positions.nii.gz", (places_ras() + wave) * frame, "vector")
    with pytest.raises(InputError, match="positions, not displacements"):
        read_transform(path)


def test_nifti_displacements_are_lps_as_itk_writes_them_and_ras_as_the_standard_has_it(tmp_path: Path) -> None:
    values = np.broadcast_to([3.0, 1.0, -2.0], (20, 20, 20, 3))
    itk, standard = (read_transform(nifti_field(tmp_path / f"{n}.nii", values, n)) for n in (1007, 1006))
    assert itk.TransformPoint((0, 0, 0)) == pytest.approx((3, 1, -2))
    assert standard.TransformPoint((0, 0, 0)) == pytest.approx((-3, -1, -2))


def test_what_itk_itself_writes_as_nifti_is_read_as_itk_reads_it(tmp_path: Path) -> None:
    source = sitk.ReadImage(str(field(tmp_path / "f.nrrd", None)), sitk.sitkVectorFloat64)
    sitk.WriteImage(source, str(tmp_path / "f.nii.gz"))
    ours, theirs = read_transform(tmp_path / "f.nii.gz"), sitk.DisplacementFieldTransform(source)
    for point in POINTS.tolist():
        assert ours.TransformPoint(point) == pytest.approx(theirs.TransformPoint(point), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("flirt.mat", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "FLIRT"),
        ("four.txt", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "without a frame"),
        ("afni.1d", "1 0 0 0 0 1 0 0 0 0 1 0\n", "AFNI"),
        ("TransformParameters.0.txt", '(Transform "EulerTransform")\n(NumberOfParameters 6)\n', "elastix"),
        ("warp.m3z", "binary", "FreeSurfer morph"),
    ],
)
def test_transforms_of_other_programs_are_named_and_not_called_damaged(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words) as refused:
        read_transform(tmp_path / name)
    assert "damaged" not in str(refused.value)
