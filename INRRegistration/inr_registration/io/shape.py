"""What counts as one scalar 3D image."""

from __future__ import annotations

import math

from inr_registration.core.errors import InputError

CHOOSE_FRAME = "choose one with --frame N (or --fixed-frame, --moving-frame, --fixed-mask-frame, ...; frame=N in Python)"
READABLE = "give a 3D NIfTI, NRRD or MetaImage file, or a folder with a DICOM series"


def check_shape(shape: tuple[int, ...], components: int, frame: int | None = None) -> int:
    """Raise unless this is one scalar 3D image, or a frame of several is chosen.

    Args:
        shape: Voxels along each axis; a fourth one is time.
        components: Values per voxel.
        frame: Which of several frames is meant, from 1; None where nobody said.

    Returns:
        Which frame to read, from 0.

    Raises:
        InputError: It is not, or there is no such frame.
    """
    seen = " x ".join(str(n) for n in shape)
    if any(n < 1 for n in shape):
        raise InputError(f"the header declares {seen} voxels; repair the header")
    if len(shape) < 3 or shape[2] == 1:
        raise InputError(f"this is a 2D image ({seen} voxels); {READABLE}")
    frames = math.prod(shape[3:])
    if frames != 1 and frame is None:
        raise InputError(f"this is a 4D image of {frames} frames ({seen}); give one frame, or {CHOOSE_FRAME}")
    if frame is not None and not 1 <= frame <= frames:
        raise InputError(f"there is no frame {frame}: this image has {frames}; {CHOOSE_FRAME}, from 1 to {frames}")
    if components > 1:
        raise InputError(f"every voxel has {components} values (a colour or vector image); give a scalar image")
    return (frame or 1) - 1
