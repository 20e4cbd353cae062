"""What is fuzzed: readers that take bytes of unknown origin, each with valid small files to start from.

A target gets bytes. It returns whether they were accepted; the only exception that it may raise is ``InputError``, which it
takes as a refusal.
"""

from __future__ import annotations

import atexit
import gzip
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dicom_files
import nibabel
import numpy as np
import SimpleITK as sitk

from inr_registration.core import InputError, ModelState, Settings, load_preset, model_file, preset_names
from inr_registration.io import grid_from_json, read_axis, read_image, read_labels, read_line, read_points, read_transform
from odd.models import models
from odd.options import markups

SMALL = np.arange(5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    3,
    10**6,
    10**19,
    10**400,
    0.5,
    -1e-300,
    1e300,
    float("nan"),
    float("inf"),
    "",
    "x",
    "spline",
    [],
    [0],
    {},
]
"""Values that take the place of others in a JSON document."""
POINTS = np.random.default_rng(0).uniform(-50, 50, (7, 3))


@dataclass(frozen=True)
class Target:
    """One reader.

    Args:
        take: Bytes to whether they were accepted.
        seeds: Valid content.
        structured: Whether the seeds are JSON documents, or hold one, that can be changed in single places.
    """

    take: Callable[[bytes], bool]
    seeds: Callable[[], list[bytes]]
    structured: bool = False


def through_file(ending: str, *readers: Callable[[Path], object]) -> Callable[[bytes], bool]:
    """Bytes in a file of an ending, read in several ways; accepted where the first one does."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    def take(content: bytes) -> bool:
        path = folder / f"file{ending}"
        path.write_bytes(content)
        found = [accepted(lambda read=read: read(path)) for read in readers]
        return found[0]

    return take


def accepted(read: Callable[[], object]) -> bool:
    try:
        read()
    except InputError as error:
        text = str(error)
        text.encode()  # it can be printed
        assert 10 < len(text) < 2000, "a message of a sentence or two"
        return False
    return True


def image(path: Path) -> None:
    volume = read_image(path, lambda _: None)
    assert np.isfinite(volume.grid.affine).all()
    assert volume.values.shape == volume.grid.shape


def labels(path: Path) -> None:
    read_labels(path, lambda _: None)


def model(content: bytes) -> bool:
    """From bytes to a map that gives numbers."""
    from inr_registration.maps import load

    def read() -> None:
        state = model_file.from_bytes(content)
        fitted = load(state)
        fitted.map(POINTS)
        fitted.jacobian(POINTS)
        for name in ("fixed_grid", "moving_grid"):
            if name in state.metadata:
                grid_from_json(state.metadata[name])

    return accepted(read)


def settings(content: bytes) -> bool:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return accepted(lambda: Settings.from_json(data))


def nifti_seeds() -> list[bytes]:
    plain = nibabel.Nifti1Image(SMALL.T, np.diag([2.0, 2.0, 3.0, 1.0]))
    return [plain.to_bytes(), nibabel.Nifti2Image(SMALL.T.astype(np.int16), np.eye(4)).to_bytes()]


def itk_seeds(ending: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{ending}"
        found = []
        for compressed in (True, False):
            sitk.WriteImage(sitk.GetImageFromArray(SMALL), str(path), useCompression=compressed)
            found.append(path.read_bytes())
        return found


def dicom_seeds() -> list[bytes]:
    """Files that hold a volume each: an enhanced one, a segmentation and a mosaic."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.dcm"
        enhanced = dicom_files.enhanced(path, dicom_files.TRUTH, [dicom_files.group(n) for n in dicom_files.PLACES]).read_bytes()
        segments = [(1, n, dicom_files.TRUTH[n] > 300) for n in (2, 3)]
        return [
            enhanced,
            dicom_files.segmentation(path, segments).read_bytes(),
            dicom_files.mosaic(path, dicom_files.TRUTH).read_bytes(),
        ]


def transform_seeds(ending: str) -> list[bytes]:
    euler, affine = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.1, 0.2, 0.3), sitk.AffineTransform(3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{ending}"
        found = []
        for transform in (euler, affine, sitk.CompositeTransform([euler, affine])):
            sitk.WriteTransform(transform, str(path))
            found.append(path.read_bytes())
        return found


def csv_seeds() -> list[bytes]:
    return [b"x_lps_mm,y_lps_mm,z_lps_mm\n1,2,3\n4,5,6\n", b'name,x_lps_mm,y_lps_mm,z_lps_mm\n"a, b",1,2,3\n"c",4,5,6\n']


def model_seeds() -> list[bytes]:
    grids = {"fixed_grid": {"size": [5, 6, 7], "affine": np.eye(4).tolist()}}
    return [model_file.to_bytes(state, **grids) for state in models().values()]


def preset_seeds() -> list[bytes]:
    return [json.dumps(load_preset(name).settings.to_json()).encode() for name in preset_names()]


POINT_READERS = (read_points, read_line, read_axis)
TARGETS = {
    "model": Target(model, model_seeds, structured=True),
    "settings": Target(settings, preset_seeds, structured=True),
    "markups": Target(through_file(".mrk.json", *POINT_READERS), lambda: [markups().encode()], structured=True),
    "csv": Target(through_file(".csv", *POINT_READERS), csv_seeds),
    "nifti": Target(through_file(".nii", image, labels), nifti_seeds),
    "nifti-gz": Target(through_file(".nii.gz", image), lambda: [gzip.compress(seed) for seed in nifti_seeds()]),
    "nrrd": Target(through_file(".nrrd", image), lambda: itk_seeds(".nrrd")),
    "metaimage": Target(through_file(".mha", image), lambda: itk_seeds(".mha")),
    "dicom": Target(through_file(".dcm", image, labels), dicom_seeds),
    "transform": Target(through_file(".tfm", read_transform), lambda: transform_seeds(".tfm")),
    "transform-h5": Target(through_file(".h5", read_transform), lambda: transform_seeds(".h5")),
}


def changed_within(seed: bytes, choose: Callable[[int], int]) -> bytes:
    """A seed with single places of its JSON changed.

    Args:
        seed: A JSON document, or a model file.
        choose: Picks a number from 0 up to, and not with, the one that it is given.
    """
    state = model_file.from_bytes(seed) if seed[:1] != b"{" else None
    document = json.loads(seed) if state is None else state.metadata
    for _ in range(1 + choose(3)):
        _change(document, choose)
    if state is None:
        return json.dumps(document).encode()
    tensors = dict(state.tensors)
    if choose(3) == 0:
        name = sorted(tensors)[choose(len(tensors))]
        odd = (
            tensors[name][..., :1],
            tensors[name].astype(np.float64) * 1e300,
            tensors[name].astype(np.int8),
            np.zeros((0,)),
            tensors[name] * np.nan,
        )
        tensors[name] = odd[choose(len(odd))]  # type: ignore[assignment]
    return model_file.to_bytes(ModelState(document, tensors))


def _change(document: Any, choose: Callable[[int], int]) -> None:
    """Replace, remove, repeat or add a value somewhere in a document."""
    node, depth = document, 0
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = keys[choose(len(keys))]
        inner = node[key]
        if isinstance(inner, dict | list) and inner and choose(4) and depth < 20:
            node, depth = inner, depth + 1
            continue
        what = choose(6)
        if what == 0:
            del node[key]
        elif what == 1 and isinstance(node, list):
            node.append(inner)
        elif what == 2 and isinstance(node, dict):
            node["odd"] = inner
        elif what == 3 and isinstance(inner, int | float) and not isinstance(inner, bool) and abs(inner) < 1e300:
            node[key] = inner * (-1, 2, 1000, 1e-9)[choose(4)]
        else:
            node[key] = ODD_VALUES[choose(len(ODD_VALUES))]
        break
