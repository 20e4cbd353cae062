"""The folding regions of a result that is in the scene, listed with another threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from inr_registration.core.errors import InputError
from inr_registration.slicer.scene.arrays import label_folding
from inr_registration.slicer.scene.folding import UNSUPPORTED, Region, search
from inr_registration.slicer.scene.regions_table import read_regions, write_regions
from inr_registration.slicer.scene.segments import write_segments
from inr_registration.slicer.scene.store import ResultNodes
from inr_registration.slicer.scene.structure import Structure
from inr_registration.slicer.scene.volumes_in import read_volume


def list_regions(nodes: ResultNodes, threshold: float, structures: Sequence[Structure] = ()) -> tuple[Region, ...]:
    """Find the regions anew; the table and the segments of the result follow, and what was reviewed stays so.

    Outside the fixed mask the map of det J holds 1, so nothing is found there, as in the run itself.

    Args:
        nodes: The result.
        threshold: det J below which a region counts as compressed.
        structures: Segments on the fixed grid, to name where the regions are; without them the names of before are kept.

    Raises:
        InputError: The map of det J is gone.
    """
    if nodes.jacobian is None or nodes.jacobian.GetScene() is None:
        raise InputError("the det J volume of this result is no longer in the scene; run the registration again")
    listed = () if nodes.regions is None else read_regions(nodes.regions)
    former = {_place(region): region for region in listed}
    jacobian = read_volume(nodes.jacobian)
    found = search(jacobian.values, jacobian.grid, threshold, structures)
    regions = tuple(_with_memory(region, former.get(_place(region)), not structures) for region in found.regions)
    regions = (*regions, *(region for region in listed if region.kind == UNSUPPORTED))  # det J says nothing of them
    if nodes.regions is not None:
        write_regions(nodes.regions, regions, found.unlisted)
    if nodes.folding is not None:
        labels, first = label_folding(jacobian.values, threshold)
        write_segments(nodes.folding, labels, first, jacobian.grid, threshold)
    return regions


def _place(region: Region) -> tuple[float, ...]:
    """Its worst point, rounded to what the table keeps."""
    return tuple(round(value, 3) for value in region.worst_ras)


def _with_memory(region: Region, former: Region | None, named: bool) -> Region:
    if former is None:
        return region
    region = replace(region, reviewed=former.reviewed)
    return replace(region, structure=former.structure, distance_mm=former.distance_mm) if named else region
