"""What every method is given, and the stopwatch that it runs under."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import SimpleITK as sitk

ORGANS = {
    "brain": ("brain", "fetal", "oasis", "ibsr"),
    "lung": ("lung", "thorax", "copd", "dirlab"),
    "abdomen": ("liver", "abdomen", "trunk", "pancreas", "kidney"),
}
"""Organ -> words in the name of a pair; a pair that has none of them is of another kind ("other")."""


@dataclass(frozen=True)
class Task:
    """One pair for one method.

    Args:
        pair: Folder with ``fixed.nii.gz`` and ``moving.nii.gz``.
        threads: How many threads the method may use.
        weight: Its weight of regularity; None is the one that its authors recommend.
    """

    pair: Path
    threads: int
    weight: float | None = None

    @property
    def organ(self) -> str:
        """``brain``, ``lung``, ``abdomen`` or ``other``, from the name of the pair."""
        name = self.pair.name.lower()
        return next((organ for organ, words in ORGANS.items() if any(word in name for word in words)), "other")

    @property
    def multimodal(self) -> bool:
        """Whether ``meta.json`` of the pair says that the images are of different modalities."""
        file = self.pair / "meta.json"
        return file.exists() and "multi-modal" in str(json.loads(file.read_text(encoding="utf-8")).get("modality", "")).lower()

    def images(self) -> tuple[sitk.Image, sitk.Image]:
        """Both images as float."""
        import SimpleITK as sitk

        fixed, moving = (sitk.ReadImage(str(self.pair / f"{side}.nii.gz"), sitk.sitkFloat32) for side in ("fixed", "moving"))
        return fixed, moving


@dataclass
class Laps:
    """Wall and CPU seconds of named parts of a run; what is outside of them (imports, reading, writing) is left out."""

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Time one part; children of this process that have ended count."""
        wall, cpu = time.perf_counter(), _cpu()
        yield
        self.seconds[name] = (time.perf_counter() - wall, _cpu() - cpu)


@dataclass(frozen=True)
class Method:
    """One tool.

    Args:
        run: Takes a task and the laps to fill; gives one ITK transform, fixed to moving points, LPS mm.
        module: What must be importable; None needs nothing but the project.
        package: Its name on PyPI.
        weights: For the sweep, beside the recommended one.
        weight_name: What the weight is.
    """

    run: Callable[[Task, Laps], sitk.Transform]
    module: str | None
    package: str
    weights: tuple[float, ...]
    weight_name: str


def chained(*transforms: sitk.Transform) -> sitk.Transform:
    """One transform that applies the last of these first, as ITK's composite does."""
    import SimpleITK as sitk

    composite = sitk.CompositeTransform(3)
    for transform in transforms:
        composite.AddTransform(transform)
    composite.FlattenTransform()
    return composite


def field_transform(displacement: sitk.Image) -> sitk.Transform:
    """A displacement image (LPS mm) as a transform; the image is emptied by ITK."""
    import SimpleITK as sitk

    return sitk.DisplacementFieldTransform(sitk.Cast(displacement, sitk.sitkVectorFloat64))


def thread_limits(threads: int) -> Mapping[str, str]:
    """Environment that holds ITK, OpenMP and BLAS to a number of threads, and off any GPU."""
    names = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {name: str(threads) for name in names} | {"OMP_WAIT_POLICY": "PASSIVE", "CUDA_VISIBLE_DEVICES": ""}


def _cpu() -> float:
    return sum(os.times()[:4])
