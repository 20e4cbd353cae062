"""Who the patient is stays in the DICOM files: no output, no message and no file name tells it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from metamorphic.formats import dicom
from small_pair import a_grid, blobs, run_cli, true_map

from inr_registration.core import Volume

pytestmark = pytest.mark.slow

SECRETS = {
    "0010|0010": "Quxworthy^Zelda",
    "0010|0020": "PID-7733190",
    "0010|0030": "19610203",
    "0010|1040": "Nightingale Lane 5",
    "0008|0050": "ACC-5512077",
    "0008|0080": "Plumstead Infirmary",
    "0008|0090": "Grimshaw^Otto",
    "0008|1030": "Zeldas abdomen",
    "0008|103e": "arterial phase of Zelda",
    "0008|0020": "20240517",
}
"""Name, number, birthday, address, accession number, institution, physician, descriptions, date of the study."""


def words() -> list[str]:
    """What must not be found: the values, and both parts of the names."""
    return sorted({part for value in SECRETS.values() for part in (value, *value.split("^"))} | {"Zelda"})


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders, ``fixed`` and ``moving``, with a series each of the same patient."""
    folder = tmp_path_factory.mktemp("study")
    for name, through in (("fixed", true_map), ("moving", np.asarray)):
        (folder / name).mkdir()
        grid = a_grid()
        dicom(Volume(blobs(through(grid.all_points().astype(float))).astype(np.int16), grid), folder / name, SECRETS)
    return folder


def told(path: Path) -> Iterator[bytes]:
    """All that a file holds: its bytes, and what they are once unpacked; ITK's own view of images and transforms."""
    raw = path.read_bytes()
    yield raw
    if path.name.endswith(".gz"):
        yield gzip.decompress(raw)
        image = sitk.ReadImage(str(path))
        yield "\n".join(f"{key}={image.GetMetaData(key)}" for key in image.GetMetaDataKeys()).encode()
    if path.suffix == ".h5":
        yield str(sitk.ReadTransform(str(path))).encode()


def leaks(texts: Iterator[bytes]) -> set[str]:
    return {word for text in texts for word in words() for code in ("utf-8", "utf-16-le") if word.encode(code) in text}


def test_the_series_holds_what_is_looked_for(series: Path) -> None:
    one = (series / "fixed" / "slice-000.dcm").read_bytes()
    assert [value for value in SECRETS.values() if value.encode() not in one] == []
    assert leaks(told(series / "fixed" / "slice-000.dcm")) == set(words())


def test_nothing_about_the_patient_leaves_a_dicom_series(series: Path, tmp_path: Path) -> None:
    output = tmp_path / "result"
    run = run_cli(series / "fixed", series / "moving", "--output", output, "--preset", "quick", "--max-voxels", 3000, "--threads", 1)
    assert run.returncode == 0, run.stderr
    moved = run_cli("apply", output / "model.safetensors", series / "moving", output / "again.nii.gz")
    judged = run_cli("evaluate", output / "transform.h5", "--fixed", series / "fixed", "--moving", series / "moving")
    assert (moved.returncode, judged.returncode) == (0, 0), moved.stderr + judged.stderr
    made = sorted(output.iterdir())
    assert {file.suffix for file in made} >= {".html", ".json", ".h5", ".gz", ".safetensors"}
    found = {file.name: leaks(told(file)) for file in made}
    said = "".join(done.stdout + done.stderr for done in (run, moved, judged)) + "\n".join(file.name for file in made)
    assert {name: words_ for name, words_ in {**found, "said": leaks(iter([said.encode()]))}.items() if words_} == {}


def test_a_series_that_cannot_be_used_says_nothing_about_the_patient_either(series: Path, tmp_path: Path) -> None:
    (tmp_path / "thin").mkdir()
    (tmp_path / "thin" / "slice.dcm").write_bytes((series / "fixed" / "slice-000.dcm").read_bytes())
    done = run_cli(tmp_path / "thin", series / "moving", "--output", tmp_path / "out")
    assert done.returncode == 2
    assert leaks(iter([(done.stdout + done.stderr).encode()])) == set()
