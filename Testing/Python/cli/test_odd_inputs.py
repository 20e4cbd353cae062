"""Every odd input ends in a right result or in one clear message; the long ones are run by ``Testing/Benchmarks/odd_inputs.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from odd.case import Case
from odd.catalogue import CASES
from odd.check import judge_cli, judge_python

from inr_registration.core import InputError
from inr_registration.io import read_transform

pytestmark = pytest.mark.slow

STRESS = Path(__file__).resolve().parents[4] / "shared" / "data" / "stress"
REFUSED = {name: case for name, case in CASES.items() if case.refused and not case.heavy}
REGISTERED = (
    "Intensities: some Inf",
    "Intensities: uint64, all of its range",
    "Intensities: float, up to 10^30",
    "Intensities: one voxel of 10^30",
    "Geometry: 180 degrees apart by the header",
    "Geometry: sheared, fixed",
    "Masks and labels: mask on another grid",
    "Other image files: NRRD with shear",
    "Other image files: MetaImage with negative spacing",
    "Names and links: non-Latin NRRD and MetaImage",
    "Names and links: names with tags, dashes and a newline",
    "Names and links: a name of capitals",
    "Names and links: links to files and folders",
    "Points: landmarks with a byte order mark, CRLF and spaces",
)
"""Some of those that take a registration each; the benchmark runs all."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_registered_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    verdict = judge_cli(REFUSED[name], tmp_path)
    assert (verdict.done, verdict.wrong) == ("refused", ()), verdict.message


@pytest.mark.parametrize("name", [name for name, case in REFUSED.items() if case.in_python])
def test_what_cannot_be_registered_is_refused_by_the_call_too(name: str) -> None:
    verdict = judge_python(REFUSED[name])
    assert (verdict.done, verdict.wrong) == ("refused", ()), verdict.message


@pytest.mark.parametrize("name", REGISTERED)
def test_what_can_be_registered_is_registered_rightly(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    verdict = judge_cli(case, tmp_path)
    assert (verdict.done, verdict.wrong) == ("registered", ()), verdict.message
    if case.in_python:
        verdict = judge_python(case)
        assert (verdict.done, verdict.wrong) == ("registered", ()), verdict.message


def test_a_transform_over_which_the_library_ends_its_process_is_refused(tmp_path: Path) -> None:
    path, itself = tmp_path / "damaged.h5", tmp_path / "sound.h5"
    sitk.WriteTransform(sitk.Euler3DTransform(), str(itself))
    content = bytearray(itself.read_bytes())
    for place in range(600, len(content), 37):
        content[place] ^= 0x55
    path.write_bytes(content)
    read_transform(itself)
    with pytest.raises(InputError, match=r"damaged.h5: cannot be read as an ITK transform"):
        read_transform(path)


@pytest.mark.skipif(not STRESS.is_dir(), reason="the shared test images are not on this machine")
def test_awkward_images_of_others_are_registered_with_themselves_or_refused(tmp_path: Path) -> None:
    for path in sorted(STRESS.iterdir()):
        is_4d = "4d" in path.name
        case = Case(path.name, "4D" if is_4d else "", images=lambda _, path=path: (path, path), shift=np.zeros(3))
        folder = tmp_path / path.name
        folder.mkdir()
        verdict = judge_cli(case, folder)
        assert (verdict.done, verdict.wrong) == ("refused" if is_4d else "registered", ()), (path.name, verdict.message)
