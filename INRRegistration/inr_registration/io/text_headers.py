"""Text that ITK's readers trust: over some damage they end the whole process, and over some they say nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from inr_registration.core.errors import InputError

META = (".mha", ".mhd")
META_HEADER = 65536
"""Bytes at the beginning of a MetaImage file in which its header is looked for."""
META_AXES = ("DimSize", "ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation")
META_MATRICES = ("TransformMatrix", "Rotation", "Orientation")
ONCE = ("NDims", "DimSize", "ElementType", "TransformMatrix", "ElementSpacing", "Offset")
TRANSFORMS = (".tfm", ".txt")
COUNTS = {
    "AffineTransform": 12, "MatrixOffsetTransformBase": 12, "Euler3DTransform": 6, "VersorRigid3DTransform": 6, "VersorTransform": 3,
    "TranslationTransform": 3, "Similarity3DTransform": 7, "ScaleTransform": 3, "ScaleVersor3DTransform": 9,
    "ScaleSkewVersor3DTransform": 15, "ComposeScaleSkewVersor3DTransform": 12, "CenteredAffineTransform": 15,
    "CenteredEuler3DTransform": 9, "FixedCenterOfRotationAffineTransform": 12, "Rigid3DTransform": 12, "QuaternionRigidTransform": 7,
    "IdentityTransform": 0, "CompositeTransform": 0,
}  # fmt: skip
"""Parameters of ITK's transforms of 3D points."""
LATTICE, MOST_POINTS = 18, 10_000
"""Numbers that describe the lattice of a B-spline or a field; and points along an axis, at most."""


def check_meta_header(path: Path) -> None:
    """Make sure that a MetaImage header has one number for each axis where such belong.

    Raises:
        InputError: It has not; the text says where.
    """
    if path.suffix.lower() not in META:
        return
    seen: dict[str, str] = {}
    for name, value, _ in _meta_lines(path):
        if name in seen and name in ONCE:
            raise InputError(f"the header says {name} twice, so it cannot be read; repair the header")
        seen[name] = value
    if seen.get("NDims") not in ("2", "3", "4"):
        raise InputError(f"the header declares {seen.get('NDims', 'no')[:20]} dimensions, so it cannot be read; repair the header")
    axes = int(seen["NDims"])
    for names, count in ((META_AXES, axes), (META_MATRICES, axes**2)):
        for name in names:
            if name in seen and len(seen[name].split()) != count:
                what = f"{len(seen[name].split())} values of {name} where {count} belong"
                raise InputError(f"the header has {what}, so it cannot be read; repair the header")


def meta_header(path: Path) -> tuple[dict[str, str], int]:
    """Values of a MetaImage header by their names, and the byte at which it ends.

    Raises:
        InputError: It cannot be read.
    """
    lines = list(_meta_lines(path))
    return {name: value for name, value, _ in lines}, lines[-1][2]


def _meta_lines(path: Path) -> Iterator[tuple[str, str, int]]:
    """Names and values of a MetaImage header, to the one that ends it, each with the byte after its line."""
    with path.open("rb") as stream:
        header = stream.read(META_HEADER)
    for piece in re.finditer(rb"([^\r\n]*)(\r\n|\r|\n|$)", header):
        line = piece[1]
        if not line.strip():
            continue
        name, found, value = line.partition(b"=")
        if not found:
            name, found, value = line.partition(b":")
        if not found or any(byte < 32 and byte != 9 for byte in line):
            raise InputError("a line of the header is not 'name = value', so it cannot be read; repair the header")
        yield name.decode("latin-1").strip(), value.decode("latin-1").strip(), piece.end()
        if name.strip() == b"ElementDataFile":
            return
    raise InputError("the header does not say where its voxels are (ElementDataFile), so it cannot be read; repair the header")


def check_transform_text(path: Path) -> None:
    """Make sure that a file in ITK's text format for transforms has as many numbers as its transforms take.

    Raises:
        ValueError: It has not, or a line is none of such a file.
        OSError: The file cannot be read.
    """
    if path.suffix.lower() not in TRANSFORMS:
        return
    found: list[tuple[str, dict[str, list[float]]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if not line.strip() or line.startswith("#"):
            continue
        if name == "Transform" and value.isprintable():
            found.append((value, {}))
        elif name in ("Parameters", "FixedParameters") and found:
            found[-1][1][name] = [float(word) for word in value.split()]
        else:
            raise ValueError(f"unknown line '{line[:40]}'")
    for kind, numbers in found:
        _check_count(kind, numbers.get("Parameters", []), numbers.get("FixedParameters", []))


def _check_count(kind: str, free: list[float], fixed: list[float]) -> None:
    """Compare with what transforms of 3D points take; those of others are refused elsewhere."""
    name, _, rest = kind.partition("_")
    if not rest.endswith("_3_3"):
        return
    expected = COUNTS.get(name)
    if (
        name.startswith(("BSpline", "DisplacementField"))
        and len(fixed) == LATTICE
        and all(n.is_integer() and 0 < n < MOST_POINTS for n in fixed[:3])
    ):
        expected = 3 * int(math.prod(fixed[:3]))
    if expected is None or len(free) != expected:
        raise ValueError(f"{len(free)} parameters of {name}")
