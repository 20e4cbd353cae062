"""What counts as one scalar 3D image."""

from __future__ import annotations

import math

from INRRegistrationLib.core.errors import InputError

READABLE = "give a 3D NIfTI, NRRD or MetaImage file, or a folder with a DICOM series"


def check_shape(shape: tuple[int, ...], components: int) -> None:
    """Raise unless this is one scalar 3D image.

    Args:
        shape: Voxels along each axis; a fourth one is time.
        components: Values per voxel.

    Raises:
        InputError: It is not.
    """
    seen = " x ".join(str(n) for n in shape)
    if any(n < 1 for n in shape):
        raise InputError(f"the header declares {seen} voxels; repair the header")
    if len(shape) < 3 or shape[2] == 1:
        raise InputError(f"this is a 2D image ({seen} voxels); {READABLE}")
    if len(shape) > 3 and math.prod(shape[3:]) != 1:
        raise InputError(f"this is a 4D image of {math.prod(shape[3:])} frames ({seen}); give one frame")
    if components > 1:
        raise InputError(f"every voxel has {components} values (a colour or vector image); give a scalar image")
