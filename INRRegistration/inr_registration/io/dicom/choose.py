"""Which series and which of its volumes is meant: the only one, the one that was asked for, or a question with all there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inr_registration.core.errors import InputError
from inr_registration.io.dicom.frame import Frame, Series
from inr_registration.io.dicom.labels import segments_of
from inr_registration.io.dicom.scan import Found
from inr_registration.io.dicom.split import Part, Same
from inr_registration.io.dicom.volumes import parts_of
from inr_registration.io.shape import CHOOSE_FRAME

Say = Callable[[str], None]

LISTED, LETTERS = 12, 40
"""Of a list that is told; of a description."""
MAIN = 4
"""A volume with this many times the slices of every other orientation is the one that is meant: the others are localizers."""
SERIES = "choose one with --series N (or --fixed-series, --moving-series, --fixed-mask-series, ...; series=N in Python)"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A series and what can be read of it.

    Args:
        series: The series.
        volumes: Its volumes, in the order in which the user counts them.
        left: Slices that belong to no volume, copies apart.
        copies: Slices that are there twice.
        problem: Why there is no volume; empty where there is one.
    """

    series: Series
    volumes: tuple[Part, ...]
    left: int = 0
    copies: int = 0
    problem: str = ""

    @property
    def slices(self) -> int:
        """Of the largest volume."""
        return max((len(part.frames) for part in self.volumes), default=0)


def candidate(series: Series, same: Same) -> Candidate:
    """Look what volumes there are in a series."""
    if series.segmentation:
        return Candidate(series, (Part(series.frames),))
    placed = [frame for frame in series.frames if frame.placed and frame.colours == 1]
    colours = min(frame.colours for frame in series.frames)
    if colours > 1:
        return Candidate(series, (), problem=f"every voxel has {colours} values (a colour image); give a scalar image")
    if not placed:
        return Candidate(series, (), problem=_unplaced(series))
    try:
        parts, copies = parts_of(placed, same)
    except InputError as error:
        return Candidate(series, (), problem=str(error))
    volumes = tuple(part for part in parts if len(part.frames) > 1)
    left = len(series.frames) - copies - sum(len(part.frames) for part in volumes)
    return Candidate(series, volumes, left, copies, "" if volumes else _flat(series, placed))


def _unplaced(series: Series) -> str:
    count = len(series.frames)
    if count == 1:
        return _flat(series, series.frames)
    return (
        f"its {count} images ({series.what}) do not say where they lie in space or how large their pixels are: a film, a set of pictures "
        "or a capture of a screen, no volume; give a series of parallel slices"
    )


def _flat(series: Series, frames: Sequence[Frame]) -> str:
    columns, rows = frames[0].size
    if len(series.frames) == 1:
        return f"this is a single slice of {columns} x {rows} pixels, a 2D image; give the folder with all files of a 3D series"
    return (
        f"its {len(series.frames)} images are single slices of one place (a film) or of different orientations, no volume; give a 3D series"
    )


def choose_series(found: Found, wanted: str | None, labels: bool, same: Same, say: Say) -> Candidate:
    """The series that is meant.

    Args:
        found: All there is.
        wanted: Number in the list, or UID; None for the only one, or for the one that has most slices.
        labels: Whether a segmentation is preferred to images.
        same: Compares pixels.
        say: Told what was assumed.

    Raises:
        InputError: There is none, or no telling which.
    """
    every = [candidate(series, same) for series in found.series]
    if wanted is not None:
        return _asked(every, wanted)
    usable = [one for one in every if one.volumes]
    preferred = [one for one in usable if one.series.segmentation == labels] or usable
    if not preferred:
        raise InputError(max(every, key=lambda one: len(one.series.frames)).problem)
    most = max(one.slices for one in preferred)
    largest = [one for one in preferred if one.slices == most]
    if len({one.series.patient for one in usable}) > 1 or len(largest) > 1:
        several = "of different patients " if len({one.series.patient for one in usable}) > 1 else ""
        raise InputError(f"there are {len(every)} series {several}here: {_listed(map(_series_words, every))}; {SERIES}")
    if len(every) > 1:
        place = every.index(largest[0]) + 1
        text = f"{len(every)} series found; reading the one with most slices ({most}), number {place}, {largest[0].series.uid}"
        say(f"{text}; {SERIES}" if len(usable) > 1 else text)
    return largest[0]


def _asked(every: Sequence[Candidate], wanted: str) -> Candidate:
    by_uid = [one for one in every if one.series.uid == wanted]
    if by_uid:
        return by_uid[0]
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 9 and 1 <= int(wanted) <= len(every):
        return every[int(wanted) - 1]
    raise InputError(f"there is no series '{wanted[:70]}'; there are {len(every)}: {_listed(map(_series_words, every))}; {SERIES}")


def choose_volume(chosen: Candidate, wanted: int | None, say: Say) -> Part:
    """The volume of a series that is meant.

    Args:
        chosen: The series.
        wanted: Number in the list; None for the only one, or for the one beside which the others are localizers.
        say: Told what was left out.

    Raises:
        InputError: There is none, or no telling which.
    """
    volumes = chosen.volumes
    if not volumes:
        raise InputError(chosen.problem)
    if wanted is not None:
        if not 1 <= wanted <= len(volumes):
            raise InputError(f"there is no frame {wanted}: this series holds {_count(volumes)}: {_listed(map(_part_words, volumes))}")
        return volumes[wanted - 1]
    main = max(volumes, key=lambda part: len(part.frames))
    rivals = [part for part in volumes if part is not main and (MAIN * len(part.frames) > len(main.frames) or part.group == main.group)]
    if rivals:
        raise InputError(f"this series holds {_count(volumes)}: {_listed(map(_part_words, volumes))}; {CHOOSE_FRAME}")
    if chosen.copies:
        say(f"{chosen.copies} of its images are copies of others; left out")
    left = chosen.left + sum(len(part.frames) for part in volumes) - len(main.frames)
    if left:
        say(f"{left} of its images have another orientation, size or place (localizers); left out; {len(main.frames)} make the volume")
    return main


def choose_segment(series: Series, wanted: int | None) -> int | None:
    """The segment that was asked for.

    Raises:
        InputError: There is none of this number.
    """
    known = segments_of(series.frames)
    if wanted is not None and known and wanted not in known:
        raise InputError(f"there is no segment {wanted} in this segmentation; there are {', '.join(map(str, known[:LISTED]))}")
    return wanted if known else None


def _count(volumes: Sequence[Part]) -> str:
    return "one volume" if len(volumes) == 1 else f"{len(volumes)} volumes"


def _series_words(one: Candidate) -> str:
    series = one.series
    words = f"{series.modality or 'image'} '{series.description[:LETTERS]}' (patient {series.patient})"
    if one.problem:
        return f"{words}, {len(series.frames)} images, no volume"
    if series.segmentation:
        return f"{words}, {len(segments_of(series.frames)) or 'some'} segments"
    return f"{words}, {one.slices} slices" + (f", {len(one.volumes)} volumes" if len(one.volumes) > 1 else "")


def _part_words(part: Part) -> str:
    first, last = part.frames[0], part.frames[-1]
    gap = (last.height - first.height) / (len(part.frames) - 1)
    normal = " ".join(f"{x:.2f}" for x in first.normal)
    return ", ".join([f"{len(part.frames)} slices {gap:.2f} mm apart", *(part.words or (f"across {normal}",))])


def _listed(words: Iterable[str]) -> str:
    every = [f"{n}: {word}" for n, word in enumerate(words, 1)]
    return "; ".join(every[:LISTED]) + (f"; and so on up to {len(every)}" if len(every) > LISTED else "")
