"""Pictures as data URIs."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def finite(values: npt.NDArray[np.generic]) -> Doubles:
    """Values as float64, with 0 for what is not finite."""
    return np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def shrink(values: npt.NDArray[np.generic], limit: int) -> Floats:
    """Average a picture (rows, columns) down to at most ``limit`` pixels along each side; a smaller side is kept."""
    picture = np.ascontiguousarray(finite(values), dtype=np.float32)
    rows, columns = picture.shape
    if max(rows, columns) <= limit:
        return picture
    size = (min(columns, limit), min(rows, limit))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX), dtype=np.float32)


def data_uri(entries: npt.NDArray[np.uint8], table: npt.NDArray[np.uint8]) -> str:
    """A PNG with a colour table, as a data URI.

    Args:
        entries: (rows, columns) entries of the table.
        table: (256, 3) red, green and blue.
    """
    image = Image.fromarray(np.ascontiguousarray(entries))
    if not np.array_equal(table[:, 0], np.arange(256)):  # a grey PNG needs no table
        image = image.convert("P")
        image.putpalette(table.tobytes())
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
