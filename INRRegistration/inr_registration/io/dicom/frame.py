"""One slice as its header describes it; no pixels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frame:
    """A slice: a classic file, one frame of a multi-frame file, or one tile of a mosaic.

    Args:
        path: Its file.
        uid: SOP instance UID of the file.
        index: Place in the file, from 0.
        count: How many frames the file holds.
        size: Columns and rows.
        position: World position of the first pixel's centre, (3,) LPS mm; None where the file does not say.
        axes: Unit directions along a row and along a column, (2, 3) LPS; None where the file does not say.
        spacing: From column to column and from row to row, (2,) mm; None where the file does not say.
        scale: Slope and intercept of the stored values.
        bits: Bits stored, and whether values have a sign.
        colours: Values per pixel.
        syntax: UID of the transfer syntax.
        tile: Row and column of a mosaic's tile, in tiles; None for a whole image.
        segment: Number of the segment; 0 where this is no segmentation.
        number: Instance number, the last resort for an order.
        tags: What may tell volumes of one place apart, by keyword.
        times: What orders volumes of one place, by keyword.
    """

    path: Path
    uid: str
    index: int
    count: int
    size: tuple[int, int]
    position: Floats | None
    axes: Floats | None
    spacing: Floats | None
    scale: tuple[float, float] = (1.0, 0.0)
    bits: tuple[int, bool] = (16, False)
    colours: int = 1
    syntax: str = ""
    tile: tuple[int, int] | None = None
    segment: int = 0
    number: int = 0
    tags: Mapping[str, Hashable] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)

    @property
    def placed(self) -> bool:
        """Whether the file says where the slice lies."""
        return self.position is not None and self.axes is not None and self.spacing is not None

    @property
    def normal(self) -> Floats:
        """Unit vector across the slice, (3,) LPS."""
        assert self.axes is not None
        return np.asarray(np.cross(self.axes[0], self.axes[1]))

    @property
    def height(self) -> float:
        """Position along the normal, mm."""
        assert self.position is not None
        return float(self.position @ self.normal)


@dataclass(frozen=True, eq=False)
class Series:
    """The images of one series.

    Args:
        uid: Series instance UID.
        patient: Which patient of the folder, from 1; never who.
        number: Series number.
        modality: As DICOM abbreviates it.
        description: What the scanner calls it; only for choosing, it may hold anything.
        what: Kind of object in words, such as 'CT Image Storage'.
        frames: All its slices.
        segmentation: Whether it is a segmentation.
    """

    uid: str
    patient: int
    number: int
    modality: str
    description: str
    what: str
    frames: tuple[Frame, ...]
    segmentation: bool = False
