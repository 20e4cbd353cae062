"""What a transform file of another program is, where it cannot be read: said instead of calling it damaged."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 65536
CONVERT = "convert it to an ITK transform"
ENDINGS = {
    ".m3z": "a FreeSurfer morph (.m3z)",
    ".x5": "an X5 transform",
    ".1d": "an AFNI matrix",
    ".dat": "a FreeSurfer register.dat or another matrix without a frame",
    ".npz": "a NumPy archive (as VoxelMorph writes fields)",
    ".npy": "a NumPy array",
}


def what_it_is(path: Path) -> str | None:
    """What another program's file is and what to do with it, in words; None where it is not known.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if b"\0" not in head:
        lines = [line.strip() for line in head.decode("utf-8", "replace").splitlines()]
        lines = [line for line in lines if line and not line.startswith(("#", "//"))]
        if any(line.startswith("(Transform ") for line in lines):
            return (
                "this is an elastix parameter file, whose transform ITK cannot read; have elastix write an ITK transform as well "
                '((ITKTransformOutputFileNameExtension "tfm")), or a deformation field with transformix'
            )
        if len(lines) == 4 and all(_is_row(line, 4) for line in lines):
            return (
                "this is a 4x4 matrix without a frame, as FLIRT of FSL (between scaled voxels), NiftyReg and FreeSurfer write them; "
                f"{CONVERT}, such as with c3d_affine_tool -fsl2ras -oitk for FSL"
            )
        if len(lines) in (1, 3) and all(_is_row(line, 12 if len(lines) == 1 else 4) for line in lines):
            return f"this is a 3x4 matrix without a frame, as AFNI writes them; {CONVERT}"
    known = ENDINGS.get(path.suffix.lower())
    return None if known is None else f"this is {known}, which cannot be read here; {CONVERT} or to a field of displacements"


def _is_row(line: str, count: int) -> bool:
    words = line.split()
    try:
        return len(words) == count and all(abs(float(word)) < float("inf") for word in words)
    except ValueError:
        return False
