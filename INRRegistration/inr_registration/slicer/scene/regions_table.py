"""The regions of small det J as a table node, which keeps what was reviewed in a saved scene."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

import slicer

from inr_registration.slicer.scene.folding import COMPRESSED, FOLDING, UNSUPPORTED, Region
from inr_registration.slicer.scene.roles import UNLISTED
from inr_registration.slicer.scene.table_columns import Kind, fill, rows_of

COLUMNS: dict[str, Kind] = {
    "Number": "count",
    "Kind": "text",
    "Volume (mm3)": "number",
    "Voxels": "count",
    "Smallest det J": "number",
    "R (mm)": "number",
    "A (mm)": "number",
    "S (mm)": "number",
    "Centre R (mm)": "number",
    "Centre A (mm)": "number",
    "Centre S (mm)": "number",
    "Extent i (mm)": "number",
    "Extent j (mm)": "number",
    "Extent k (mm)": "number",
    "Nearest structure": "text",
    "Distance (mm)": "number",
    "Reviewed": "flag",
}
"""R, A, S are the place of the smallest det J; the extent is along the voxel axes."""

REVIEWED = "Reviewed"


def ordered(regions: Sequence[Region]) -> list[Region]:
    """Folding, then without support, then compressed, each by volume, largest first."""
    order = (FOLDING, UNSUPPORTED, COMPRESSED)
    return sorted(regions, key=lambda region: (order.index(region.kind), -region.volume_mm3))


def write_regions(node: slicer.vtkMRMLTableNode, regions: Sequence[Region], unlisted: str = "") -> None:
    """Replace a table's content by these regions, sorted and numbered from 1.

    Args:
        node: The table.
        regions: In any order.
        unlisted: What is to be known of regions that are not among them, see ``Found.unlisted``.
    """
    node.SetAttribute(UNLISTED, unlisted or None)
    fill(node, COLUMNS, [_row(number, region) for number, region in enumerate(ordered(regions), start=1)])


def read_regions(node: slicer.vtkMRMLTableNode) -> tuple[Region, ...]:
    """The regions of a table in its order; none where the table is not one of ours. Scenes of 0.1 say |J| for det J."""
    names = list(COLUMNS)
    return tuple(_region(row) for row in rows_of(node, names) or rows_of(node, [name.replace("det J", "|J|") for name in names]))


def set_reviewed(node: slicer.vtkMRMLTableNode, row: int, reviewed: bool) -> None:
    """Mark the region in a row (from 0) as looked at, or not.

    Raises:
        IndexError: There is no such row.
    """
    flags = node.GetTable().GetColumnByName(REVIEWED)
    count = flags.GetNumberOfValues() if flags is not None else 0
    if not 0 <= row < count:
        raise IndexError(f"the table has {count} regions, there is no row {row}")
    flags.SetValue(row, int(reviewed))
    node.GetTable().Modified()
    node.Modified()  # so that the scene knows that the table needs saving


def to_csv(regions: Sequence[Region]) -> str:
    """The regions as comma-separated values, sorted as in the table; what is not known stays empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, region in enumerate(ordered(regions), start=1):
        writer.writerow("" if isinstance(value, float) and math.isnan(value) else value for value in _row(number, region))
    return text.getvalue()


def _row(number: int, region: Region) -> list[str | float | int]:
    return [
        number, region.kind, region.volume_mm3, region.voxels, region.worst, *region.worst_ras, *region.centre_ras, *region.bounds_mm,
        region.structure, region.distance_mm, int(region.reviewed),
    ]  # fmt: skip


def _region(row: tuple) -> Region:
    _, kind, volume, voxels, worst, *places, structure, distance, reviewed = row
    return Region(
        kind, int(voxels), volume, worst, tuple(places[:3]), tuple(places[3:6]), tuple(places[6:9]), structure, distance, bool(reviewed)
    )
