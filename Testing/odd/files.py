"""Cases that are files: damaged and lying headers, cut and swollen content, odd names and links."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk

from odd.case import FIXED, MOVING, SIZE, Array, Case

READ = "cannot be read"
SHORT = READ + "|to register them takes"
NOISE = np.random.default_rng(0).normal(size=SIZE[::-1]).astype(np.float32)
WHOLE = (100 * NOISE).astype(np.int16)


def beside(name: str, write: Callable[[Path], object]) -> Callable[[Path], tuple[Path, Path]]:
    """An odd fixed image of a name, and the ordinary moving one."""

    def images(folder: Path) -> tuple[Path, Path]:
        write(folder / name)
        return folder / name, MOVING.write(folder / "moving.nii.gz")

    return images


def odd(what: str, name: str, content: bytes | Callable[[], bytes], refused: str = READ, **more: Any) -> Case:
    """A file of these bytes, or of those that a function makes, in place of the fixed image."""

    def write(path: Path) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content())

    return Case(what, refused, images=beside(name, write), **more)


def nifti(*changes: tuple[int, str, Any], values: Array = NOISE, keep: int | None = None) -> bytes:
    """A NIfTI file with fields of its header changed: (offset, struct code, value)."""
    content = bytearray(nibabel.Nifti1Image(values.T, np.diag([3.0, 3.0, 3.0, 1.0])).to_bytes())
    for offset, code, value in changes:
        struct.pack_into("<" + code, content, offset, *(value if isinstance(value, tuple) else (value,)))
    return bytes(content[:keep])


DIM, PIXDIM, TYPE, OFFSET, SLOPE, INTERCEPT, SFORM = 40, 76, 70, 108, 112, 116, 280


def dims(i: int, j: int, k: int) -> tuple[int, str, tuple[int, ...]]:
    return DIM, "8h", (3, i, j, k, 1, 1, 1, 1)


def bomb(count: int, start: bytes) -> bytes:
    """gzip of some bytes and very many zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts, block = [packer.compress(start)], bytes(2**20)
    parts += [packer.compress(block) for _ in range(count // len(block) + 1)]
    return b"".join([*parts, packer.flush()])


def nrrd(*lines: str, data: bytes = b"", size: str = "24 22 20", kind: str = "float", encoding: str = "raw", sizes: str = "sizes") -> bytes:
    known = [
        "NRRD0004", f"type: {kind}", "dimension: 3", "space: left-posterior-superior", f"{sizes}: {size}",
        "space directions: (3,0,0) (0,3,0) (0,0,3)", "kinds: domain domain domain", "endian: little", f"encoding: {encoding}",
        "space origin: (0,0,0)",
    ]  # fmt: skip
    replaced = {line.split(":")[0]: line for line in lines}
    header = [replaced.pop(line.split(":")[0], line) for line in known]
    return "\n".join([*header, *replaced.values(), "", ""]).encode() + data


def mha(*lines: str, data: bytes = b"") -> bytes:
    known = [
        "ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False", "TransformMatrix = 1 0 0 0 1 0 0 0 1",
        "Offset = 0 0 0", "ElementSpacing = 3 3 3", "DimSize = 24 22 20", "ElementType = MET_FLOAT", "ElementDataFile = LOCAL",
    ]  # fmt: skip
    replaced = {line.split(" =")[0]: line for line in lines}
    return "\n".join([*(replaced.pop(line.split(" =")[0], line) for line in known), ""]).encode() + data


def with_itk(picture: Any, path: Path) -> Path:
    image = sitk.GetImageFromArray(picture.values)
    image.SetOrigin(picture.affine[:3, 3].tolist())
    image.SetSpacing(np.diag(picture.affine)[:3].tolist())
    sitk.WriteImage(image, str(path))
    return path


def named(fixed: str, moving: str) -> Callable[[Path], tuple[Path, Path]]:
    def images(folder: Path) -> tuple[Path, Path]:
        paths = folder / fixed, folder / moving
        for path, picture in zip(paths, (FIXED, MOVING), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.name.lower().endswith((".nii", ".gz")):
                picture.write(path)
            else:
                with_itk(picture, path)
        return paths

    return images


def linked(folder: Path) -> tuple[Path, Path]:
    """Links to files, through a link to their folder."""
    (folder / "real").mkdir()
    FIXED.write(folder / "real" / "a.nii.gz")
    MOVING.write(folder / "real" / "b.nii.gz")
    (folder / "way").symlink_to(folder / "real", target_is_directory=True)
    (folder / "fixed link.nii.gz").symlink_to(folder / "way" / "a.nii.gz")
    (folder / "moving link.nii.gz").symlink_to(folder / "way" / "b.nii.gz")
    return folder / "fixed link.nii.gz", folder / "moving link.nii.gz"


def circle(path: Path) -> None:
    path.symlink_to(path.with_name("other.nii.gz"))
    path.with_name("other.nii.gz").symlink_to(path)


def without_ending(path: Path) -> None:
    path.write_bytes(FIXED.write(path.with_name("a.nii.gz")).read_bytes())


def mirrored_nrrd(path: Path) -> None:
    """Space directions that run backwards, as the spacing cannot be negative."""
    values = np.ascontiguousarray(FIXED.values[::-1, :, ::-1])
    first = -FIXED.affine[:3, 3]
    directions, origin = "space directions: (-3,0,0) (0,3,0) (0,0,-3)", f"space origin: ({first[0]},{-first[1]},{first[2]})"
    path.write_bytes(nrrd(directions, origin, data=values.tobytes()))


def mirrored_mha(path: Path) -> None:
    """ITK takes a negative spacing for an axis that runs backwards."""
    values = np.ascontiguousarray(FIXED.values[:, ::-1])
    x, y, z = FIXED.affine[:3, 3]
    path.write_bytes(mha("ElementSpacing = 3 -3 3", f"Offset = {x} {-y} {z}", data=values.tobytes()))


def sheared_nrrd(path: Path) -> None:
    from odd.case import SHIFT
    from odd.images import SHEAR, affine_of, seen_on

    picture = seen_on(SHEAR @ affine_of(), shift=SHIFT)
    columns = " ".join("({},{},{})".format(*picture.affine[:3, n]) for n in range(3))
    origin = "space origin: ({},{},{})".format(*picture.affine[:3, 3])
    path.write_bytes(nrrd(f"space directions: {columns}", origin, data=picture.values.tobytes()))


def crc_of(content: bytes) -> bytes:
    packed = bytearray(gzip.compress(content))
    packed[-6] ^= 0xFF
    return bytes(packed)


PACKED = gzip.compress(nifti())
HUGE = (20000, 20000, 20000)
BYTES = NOISE.tobytes()

NIFTI = [
    odd("header declares 20000^3 voxels", "huge.nii", nifti(dims(*HUGE)), "20000 x 20000 x 20000"),
    odd("header declares 32767^3 voxels, compressed", "huge.nii.gz", gzip.compress(nifti(dims(32767, 32767, 32767))), "32767 x 32767"),
    odd("gzip bomb: 2000^3 bytes of zeros", "bomb.nii.gz", lambda: bomb(2000**3, nifti(dims(2000, 2000, 2000), (TYPE, "2h", (2, 8)))[:352]),
        "2000 x 2000 x 2000", heavy=True),
    odd("gzip bomb behind a small image", "tail.nii.gz", lambda: bomb(2**31, nifti()), "", shift=None, heavy=True),
    odd("2 GB declared, 40 kB there", "short.nii", nifti(dims(1000, 1000, 500)), SHORT),
    odd("truncated", "cut.nii", nifti(keep=9000)),
    odd("truncated in the header", "head.nii", nifti(keep=200)),
    odd("truncated gzip", "cut.nii.gz", PACKED[:-3000]),
    odd("truncated gzip, in its header", "cut.nii.gz", PACKED[:7]),
    odd("gzip without its last 4 bytes", "cut.nii.gz", PACKED[:-4]),
    odd("gzip with a wrong checksum", "crc.nii.gz", crc_of(nifti())),
    odd("gzip of nothing", "nothing.nii.gz", gzip.compress(b"")),
    odd("not compressed though called .gz", "plain.nii.gz", nifti()),
    odd("empty", "empty.nii.gz", b"", "empty"),
    odd("zero spacing", "zero.nii", nifti((PIXDIM + 4, "f", 0.0)), "spacing is [0.0"),
    odd("NaN spacing", "nan.nii", nifti((PIXDIM + 8, "f", np.nan)), "spacing is"),
    odd("infinite sform", "inf.nii", nifti((SFORM, "f", np.inf)), "finite"),
    odd("unknown voxel type 999", "type.nii", nifti((TYPE, "h", 999))),
    odd("0 dimensions", "dim.nii", nifti((DIM, "h", 0)), "declares 0 voxels"),
    odd("30000 dimensions", "dim.nii", nifti((DIM, "h", 30000))),
    odd("a negative size", "neg.nii", nifti(dims(24, -22, 20)), "declares 24 x -22 x 20"),
    odd("a size of 0", "none.nii", nifti(dims(24, 0, 20)), "declares 24 x 0 x 20"),
    odd("data offset beyond the end", "offset.nii", nifti((OFFSET, "f", 1e9))),
    odd("negative data offset", "offset.nii", nifti((OFFSET, "f", -352.0))),
    odd("NaN data offset", "offset.nii", nifti((OFFSET, "f", np.nan))),
    odd("infinite slope", "slope.nii", nifti((SLOPE, "2f", (np.inf, 0.0)), values=WHOLE), "", shift=None),
    odd("slope of 10^38", "slope.nii", nifti((SLOPE, "2f", (3e38, 3e38)), values=WHOLE), "cannot be read|constant|beyond 1e+38"),
    odd("Analyze in place of NIfTI", "old.nii", nifti((344, "4s", b"\0\0\0\0"))),
    odd("a text", "notes.nii.gz", b"these are notes" * 30),
    odd("a picture in 2D", "p.pgm", b"P5 2 2 255\n\0\1\2\3"),
]  # fmt: skip

OTHERS = [
    odd("NRRD declares 20000^3 voxels", "huge.nrrd", nrrd(size="20000 20000 20000"), "20000 x 20000 x 20000"),
    odd("NRRD declares 20000^3 voxels, gzip", "huge.nrrd", nrrd(size="20000 20000 20000", encoding="gzip", data=gzip.compress(BYTES)),
        "20000 x 20000 x 20000"),
    odd("NRRD, 4 GB declared, 40 kB there", "short.nrrd", nrrd(size="1000 1000 1000", data=BYTES), SHORT),
    odd("NRRD declares 10^30 voxels", "huge.nrrd", nrrd(size=" ".join(["10000000000"] * 3))),
    odd("NRRD, its data missing", "a.nhdr", nrrd("data file: nowhere.raw"), "its voxels is not where"),
    odd("NRRD, its data in a folder elsewhere", "a.nhdr", nrrd("data file: ../../nowhere/x.raw")),
    odd("NRRD with too few bytes", "cut.nrrd", nrrd(data=BYTES[:500])),
    odd("NRRD with a broken gzip", "gz.nrrd", nrrd(encoding="gzip", data=gzip.compress(BYTES)[:-3000])),
    odd("NRRD without sizes", "no.nrrd", nrrd(sizes="size")),
    odd("NRRD with a NaN direction", "nan.nrrd", nrrd("space directions: (nan,0,0) (0,3,0) (0,0,3)", data=BYTES)),
    odd("NRRD with a zero direction", "zero.nrrd", nrrd("space directions: (0,0,0) (0,3,0) (0,0,3)", data=BYTES), "0 mm"),
    odd("NRRD with two equal directions", "twice.nrrd", nrrd("space directions: (3,0,0) (3,0,0) (0,0,3)", data=BYTES)),
    odd("NRRD of blocks", "block.nrrd", nrrd("block size: 4", kind="block", data=BYTES)),
    odd("NRRD as text that is no numbers", "text.nrrd", nrrd(encoding="ascii", data=b"one two three")),
    odd("garbage NRRD", "garbage.nrrd", b"garbage" * 99),
    Case("NRRD with axes that run backwards", images=beside("back.nrrd", mirrored_nrrd)),
    Case("NRRD with shear", images=beside("shear.nrrd", sheared_nrrd)),
    odd("MetaImage declares 20000^3 voxels", "huge.mha", mha("DimSize = 20000 20000 20000"), "20000 x 20000 x 20000"),
    odd("MetaImage, 4 GB declared, 40 kB there", "short.mha", mha("DimSize = 1000 1000 1000", data=BYTES), SHORT),
    odd("MetaImage with a negative size", "neg.mha", mha("DimSize = 24 -22 20", data=BYTES), "24 x 4294967274 x 20"),
    Case("MetaImage with negative spacing", images=beside("neg.mha", mirrored_mha)),
    odd("MetaImage with zero spacing", "zero.mha", mha("ElementSpacing = 3 0 3", data=BYTES), "0 mm"),
    odd("MetaImage, its data missing", "a.mhd", mha("ElementDataFile = nowhere.raw"), "its voxels is not where"),
    odd("MetaImage, its data itself", "a.mhd", mha("ElementDataFile = a.mhd")),
    odd("MetaImage with too few bytes", "cut.mha", mha(data=BYTES[:500])),
    odd("MetaImage of 66660 dimensions, which ends ITK", "many.mha", mha("NDims = 66660", data=BYTES), "66660 dimensions"),
    odd("MetaImage without a type", "kind.mha", mha("ElementType = MET_NOTHING", data=BYTES)),
    odd("a PNG that is cut", "p.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    odd("a TIFF that is cut", "p.tif", b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 40),
    odd("a JPEG 2D", "p.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\0" * 50),
    odd("no image at all", "letter.docx", b"Dear doctor" * 40),
]  # fmt: skip

NAMES = [
    Case("names with spaces and quotes", images=named("my 'fixed' image.nii.gz", 'moving "one" & two.nii.gz')),
    Case("names with non-Latin letters", images=named("Ängström 画像.nii.gz", "подвижный ด.nii.gz")),
    Case("non-Latin NRRD and MetaImage", images=named("画像.nrrd", "изображение/über.mha")),
    Case("names with tags, dashes and a newline", images=named("<b>a.nii.gz", "b\nc.nii.gz")),
    Case("a name that is no Unicode", "no letters in UTF-8", images=named(os.fsdecode(b"\xff\xfe.nii.gz"), os.fsdecode(b"caf\xe9.nii"))),
    Case("a name of capitals", images=named("A.NII.GZ", "B.NII")),
    Case("a name of 250 letters", images=named("a" * 240 + ".nii.gz", "b" * 240 + ".nii")),
    Case("a name that is too long", "no such file", words=lambda _: ["--fixed-mask", "a" * 300]),
    Case("links to files and folders", images=linked),
    Case("a link to nowhere", "no such file", images=beside("a.nii.gz", lambda path: path.symlink_to("nowhere"))),
    Case("links in a circle", "no such file", images=beside("a.nii.gz", circle)),
    Case("a file without ending", READ, images=beside("image", without_ending)),
    Case("a folder without DICOM", "DICOM", images=beside("series", lambda path: path.mkdir())),
    Case("a DICOM folder with damaged files", "DICOM",
         images=beside("series", lambda path: (path.mkdir(), (path / "1.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 64)))),
]  # fmt: skip
