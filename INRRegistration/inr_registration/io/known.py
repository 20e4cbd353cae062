"""Sound files that are no image or transform that we read: what they are, and what to do with them."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

HEAD = 4096
ENDINGS = {
    (".mif", ".mif.gz", ".mih"): "an MRtrix image; convert it with 'mrconvert IN.mif OUT.nii.gz'",
    (".npz", ".npy"): "a NumPy array without a place in the patient; save it as NIfTI with its affine (nibabel.Nifti1Image)",
    (".pt", ".pth", ".h5ad", ".pkl"): "data or weights of a Python program; save the image as NIfTI with its affine",
    (".mrb", ".mrml"): "a scene of 3D Slicer; save the volume itself, as .nrrd or .nii.gz",
    (".stl", ".obj", ".ply", ".vtp", ".vtu", ".vtm", ".gii", ".pial", ".white"): "a surface; make a label map of it, in 3D Slicer",
    (".vti", ".vtr", ".vts"): "a VTK XML image; convert it to NRRD, in 3D Slicer or ParaView for example",
    (".fcsv", ".mrk.json", ".csv", ".tag", ".acsv"): "a list of points or a table; it belongs to the options for landmarks",
    (".czi", ".nd2", ".lif", ".oib", ".oif", ".svs", ".ims", ".vsi", ".ndpi"): "a microscope's file; convert it to NRRD in Fiji",
    (".trk", ".tck", ".trx"): "a list of fibres (streamlines); make a map of it first, or give the image itself",
    (".v", ".ecat"): "an ECAT image; convert it to NIfTI, with nibabel or dcm2niix for example",
    (".xcf", ".psd", ".pdf", ".docx", ".xlsx", ".svg"): "a document or a drawing; give the image itself",
    (".xz", ".nrrd.gz", ".mha.gz", ".lz4", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".zip"): "a packed file or archive; unpack it first",
    (".bval", ".bvec", ".json", ".xml", ".md", ".log", ".html"): "a text beside an image, not the image; give the image file",
    (".lta", ".m3z", ".xfm"): "a FreeSurfer or MINC transform; it belongs to the options for transforms",
    (".mgz", ".mgh"): "a FreeSurfer image",
    (".nii.bz2", ".nii.zst"): "a packed NIfTI image",
}  # fmt: skip
STARTS = {
    b"mrtrix image": "an MRtrix image; convert it with 'mrconvert IN.mif OUT.nii.gz'",
    b"mrtrix transforms": "an MRtrix transform; convert it to an ITK affine (LPS)",
    b"\x93NUMPY": "a NumPy array without a place in the patient; save it as NIfTI with its affine (nibabel.Nifti1Image)",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard; unpack it with 'zstd -d'",
    b"BZh": "packed with bzip2; unpack it with 'bunzip2'",
    b"\xfd7zXZ": "packed with xz; unpack it with 'unxz'",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"%PDF": "a PDF document; give the image itself",
    b"#Insight Transform File": "an ITK transform in text form; give it the ending .tfm, and use it where a transform is taken",
    b"MNI Transform File": "a MINC transform; give it the ending .xfm, and use it where a transform is taken",
    b"# Markups fiducial file": "a list of points of 3D Slicer; it belongs to the options for landmarks",
    b"<MRML": "a scene of 3D Slicer; save the volume itself, as .nrrd or .nii.gz",
    b"<?xml": "an XML file, not an image; give the image itself",
    b"<VTKFile": "a VTK XML file; convert it to NRRD, in 3D Slicer or ParaView for example",
    b"solid ": "a surface (STL); convert it to a label map, in 3D Slicer for example",
    b"ply": "a surface (PLY); convert it to a label map, in 3D Slicer for example",
    b"\xff\xff\xfe": "a FreeSurfer surface; convert it to a label map",
    b"\x89PNG": "a PNG picture of one slice; give a 3D image",
    b"\xff\xd8\xff": "a JPEG picture of one slice; give a 3D image",
    b"version https://git-lfs": "only the pointer to a file that Git LFS holds; fetch it with 'git lfs pull'",
}  # fmt: skip
MISNAMED = {
    b"NRRD0": ((".nrrd", ".nhdr"), "an NRRD file; give it the ending .nrrd, or .nhdr where its voxels are in another file"),
    b"ObjectType": ((".mha", ".mhd"), "a MetaImage file; give it the ending .mha, or .mhd where its voxels are in another file"),
    b"NDims": ((".mha", ".mhd"), "a MetaImage file; give it the ending .mha, or .mhd where its voxels are in another file"),
}
"""How files begin that would be read under another name, and their right endings."""
VTK_GRIDS = ("STRUCTURED_POINTS",)
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def described(path: Path) -> str | None:
    """What a file is and what to do, as the rest of a sentence that begins "this is"; None where that is not known.

    Its content counts before its name.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError:
        return None
    return _by_content(head, path) or _by_name(path)


def _by_content(head: bytes, path: Path) -> str | None:
    if head.startswith(b"PK\x03\x04"):
        known = _by_name(path)
        return known or "a ZIP archive; unpack it first, or, where a program made it, save the image as NIfTI"
    if head.startswith(b"\x1f\x8b"):
        return _packed(head, path)
    for start, (endings, words) in MISNAMED.items():
        if head.startswith(start):
            return None if path.suffix.lower() in endings else words
    found = next((words for start, words in STARTS.items() if head.lstrip().startswith(start)), None)
    return found or _nifti(head, path) or _vtk(head) or _text(head)


def _packed(head: bytes, path: Path) -> str | None:
    """Look into a gzip stream."""
    if path.suffix.lower() in (".gz", ".mgz"):
        return None
    try:
        inside = zlib.decompressobj(31).decompress(head, HEAD)
    except (zlib.error, gzip.BadGzipFile):
        return None
    within = _by_content(inside, path.with_suffix(f"{path.suffix}.gz")) if not inside.startswith(b"\x1f\x8b") else None
    return f"packed with gzip; add .gz to its name, or unpack it{f' (inside is {within})' if within else ''}"


def _nifti(head: bytes, path: Path) -> str | None:
    single = head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")
    if single and not path.name.lower().endswith((".nii", ".nii.gz", ".hdr", ".img")):
        return "a NIfTI image; give it the ending .nii, or .nii.gz where it is packed"
    return None


def _vtk(head: bytes) -> str | None:
    if not head.startswith(b"# vtk DataFile"):
        return None
    kind = re.search(rb"DATASET\s+(\w+)", head)
    name = kind[1].decode("latin-1") if kind else "data"
    return None if name in VTK_GRIDS else f"VTK {name.lower()}, not an image; convert it to a label map, in 3D Slicer for example"


def _text(head: bytes) -> str | None:
    """Transforms as text: elastix, FSL and plain matrices."""
    try:
        text = head.decode("ascii")
    except UnicodeDecodeError:
        return None
    if re.search(r"^\s*\((Transform|NumberOfParameters|FixedInternalImagePixelType) ", text, re.MULTILINE):
        return (
            "a file of parameters of elastix; have elastix write an ITK transform ('ITKTransformOutputFileNameExtension \"h5\"' in the "
            "parameters), or write its field with 'transformix -def all' and give that image"
        )
    rows = [row.split() for row in text.splitlines() if row.strip() and not row.startswith("#")]
    if len(rows) == 4 and all(len(row) == 4 and all(re.fullmatch(NUMBER, word) for word in row) for row in rows):
        return (
            "a 4 x 4 matrix as text (FSL's FLIRT writes such, between scaled voxels of two images; others in RAS or LPS mm); convert it to "
            "an ITK transform: c3d_affine_tool -ref FIXED -src MOVING FILE.mat -fsl2ras -oitk OUT.txt for FSL's"
        )
    return None


def _by_name(path: Path) -> str | None:
    name = path.name.lower()
    return next((words for endings, words in ENDINGS.items() if name.endswith(endings)), None)
