"""Pairs are laid out as the judge reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk


def image(size: tuple[int, int, int], box: tuple[slice, slice, slice]) -> sitk.Image:
    values = np.zeros(size[::-1], np.int16)
    values[box] = 100
    made = sitk.GetImageFromArray(values)
    made.SetSpacing((0.9, 1.5, 0.9))
    made.SetOrigin((-40.0, 7.0, 3.0))
    return made


@pytest.mark.usefixtures("pairs")
def test_a_brain_is_cropped_without_moving_in_space(tmp_path: Path) -> None:
    import held_out

    folder = tmp_path / "Training_Set" / "IBSR_01"
    folder.mkdir(parents=True)
    whole = image((60, 50, 40), (slice(15, 25), slice(20, 30), slice(3, 30)))
    for name in ("IBSR_01", "IBSR_01_seg"):
        sitk.WriteImage(sitk.JoinSeries(whole), str(folder / f"{name}.nii.gz"))
    (tmp_path / "Training_Set_preprocessed" / "IBSR_01").mkdir(parents=True)
    sitk.WriteImage(whole * 0, str(tmp_path / "Training_Set_preprocessed" / "IBSR_01" / "IBSR_01.nii.gz"))
    cropped, labels = held_out.brain(tmp_path, "01")
    assert cropped.GetSize() == labels.GetSize() == (40, 30, 30)
    middle = whole.TransformIndexToPhysicalPoint((10, 25, 20))
    assert cropped[cropped.TransformPhysicalPointToIndex(middle)] == 100
    assert cropped.GetOrigin() == pytest.approx(whole.TransformIndexToPhysicalPoint((0, 10, 5)))


@pytest.mark.usefixtures("pairs")
def test_a_breath_has_the_landmarks_of_the_liver_first(tmp_path: Path) -> None:
    import held_out

    patient, output = tmp_path / "dataset18", tmp_path / "pair"
    patient.mkdir()
    for name in ("exhMaster_unmasked", "cyc_3_10"):
        sitk.WriteImage(image((8, 7, 6), (slice(1, 3),) * 3), str(patient / f"{name}.force_direction.mha"))
    for name, where, text in (
        ("exhMaster", "liver", "1 2 3 4.5 5 -6"),
        ("exhMaster", "outside", "7 8 9"),
        ("cyc_3_10", "liver", "1 2 4 4.5 5 -5e0"),
        ("cyc_3_10", "outside", "7 8 9"),
    ):
        points = f"# vtk DataFile Version 2.0\nASCII\nDATASET POLYDATA\nPOINTS {len(text.split()) // 3} float\n{text}\nVERTICES 1 2\n1 0\n"
        (patient / f"{name}LM{where}.vtk").write_text(points, encoding="utf-8")
    held_out.save_breath(output, patient, "cyc_3_10")
    moving = (output / "moving_landmarks.csv").read_text(encoding="utf-8").splitlines()
    assert moving[0] == "x_lps_mm,y_lps_mm,z_lps_mm"
    np.testing.assert_allclose([[float(v) for v in row.split(",")] for row in moving[1:]], [[1, 2, 4], [4.5, 5, -5], [7, 8, 9]])
    assert sitk.ReadImage(str(output / "fixed.nii.gz")).GetSize() == (8, 7, 6)
