"""What every map from fixed to moving world points can do, whatever holds it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.maps.newton import newton
from inr_registration.maps.warp import ORDERS, pull_image, pull_labels

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CLOSE, LOST = 1e-3, 0.1
"""How near an inverse comes, and from where on a point has none: the nearest one found misses it by so much, in units of the map."""
INTERPOLATIONS = {order: name for name, order in ORDERS.items()}


class Map(ABC):
    """``phi``: fixed world point to moving world point, LPS mm. ``(a @ b)(p)`` is ``a(b(p))``."""

    save_as: ClassVar[Callable[[Map, Path], None] | None] = None
    """Writes a map to a file; ``io`` fills it in, so that this floor knows no file format."""

    @abstractmethod
    def map(self, points: npt.ArrayLike) -> Array:
        """phi(p) at (n, 3) points, (n, 3)."""

    @abstractmethod
    def jacobian(self, points: npt.ArrayLike) -> Array:
        """d phi / d p at (n, 3) points, (n, 3, 3) without unit, ``[:, i, d] = d phi_i / d p_d``."""

    @property
    def unit_mm(self) -> float:
        """What counts as one voxel where points are compared: 1 mm, or less where the map is finer."""
        return 1.0

    @property
    def fixed_grid(self) -> Grid | None:
        """Of the image that the map was made for, where that is known."""
        return None

    @property
    def moving_grid(self) -> Grid | None:
        """Of the image that was warped, where that is known."""
        return None

    def __call__(self, points: npt.ArrayLike) -> Array:
        return self.map(points)

    def __matmul__(self, first: Map) -> Map:
        return Composite((*parts_of(first), *parts_of(self)))

    def determinant(self, points: npt.ArrayLike) -> Array:
        """det of ``jacobian`` at (n, 3) points, (n,): above 1 what is there is larger in the moving image."""
        return np.asarray(np.linalg.det(self.jacobian(points)))

    def inverse(self, points: npt.ArrayLike) -> Array:
        """The points (n, 3) that phi takes nearest to given (n, 3) points, by damped Newton steps.

        They come to within a thousandth of ``unit_mm``. Where phi folds there may be no unique answer; ``pull_back`` says where
        there is none.
        """
        target = np.asarray(points, dtype=np.float64)
        return np.asarray(newton(self.map, self.jacobian, target, target, tolerance_mm=CLOSE * self.unit_mm))

    @property
    def inverted(self) -> Map:
        """The map from moving to fixed world points."""
        return Inverted(self)

    def pull_back(self, points: Array) -> tuple[Array, Mask]:
        """``inverse`` at (n, 3) points, (n, 3), and which of them have no inverse, (n,)."""
        found = self.inverse(points)
        return found, ~(np.linalg.norm(self.map(found) - points, axis=1) <= LOST * self.unit_mm)

    def displacement_on(self, grid: Grid) -> Floats:
        """phi(p) - p at every voxel centre p of a grid: (k, j, i, 3) LPS mm, plane by plane."""
        moved = np.empty((*grid.shape, 3), dtype=np.float32)
        for k, points in enumerate(planes(grid)):
            moved[k] = (self.map(points) - points).reshape(moved[k].shape)
        return moved

    def inverse_on(self, grid: Grid) -> tuple[Floats, Mask]:
        """The same of the inverse, (k, j, i, 3), and where there is none, (k, j, i)."""
        moved, none = np.empty((*grid.shape, 3), dtype=np.float32), np.empty(grid.shape, dtype=bool)
        for k, points in enumerate(planes(grid)):
            found, lost = self.pull_back(points)
            moved[k], none[k] = (found - points).reshape(moved[k].shape), lost.reshape(none[k].shape)
        return moved, none

    def warp(self, volume: Volume, grid: Grid | None = None, order: int = 1) -> Volume:
        """An image of the moving space, as it looks in the fixed space.

        Args:
            volume: The image.
            grid: Of the output; by default that of the fixed image.
            order: 0 for label maps (nearest, 0 outside), 1 linear, 3 cubic spline; beyond the image its lowest value goes on.

        Raises:
            InputError: No grid is known, or there is no such order.
        """
        grid = self.fixed_grid if grid is None else grid
        if grid is None:
            raise InputError("this map does not say on which grid to write; give one, such as that of the fixed image")
        if order not in INTERPOLATIONS:
            raise InputError(f"the order of interpolation is 0, 1 or 3, got {order}")
        displacement = self.displacement_on(grid)
        values = pull_labels(volume, grid, displacement) if order == 0 else pull_image(volume, grid, displacement, INTERPOLATIONS[order])
        return Volume(values, grid, volume.name)

    def save(self, path: str | Path) -> None:
        """Write the map: ``.safetensors`` as it was fitted, ITK's formats (``.h5``, ``.tfm``) for other programs.

        Raises:
            InputError: Such a file cannot hold it.
            RegistrationError: It could not be written; what was there before stays.
        """
        save = Map.save_as
        if save is None:
            raise InputError("nothing that writes files was loaded; import inr_registration.io first")
        save(self, Path(path))


def planes(grid: Grid) -> Iterator[Array]:
    """Voxel centres of a grid, (n, 3) world points for each plane k, one plane at a time; rows run over j, then i."""
    i, j, k = grid.size
    for n in range(k):
        yield grid.to_world(np.stack(np.meshgrid(np.arange(i), np.arange(j), [n]), axis=-1).reshape(-1, 3))


def parts_of(one: Map) -> tuple[Map, ...]:
    """The maps that follow one another in a map, the first one first."""
    return one.parts if isinstance(one, Composite) else (one,)


@dataclass(frozen=True, eq=False)
class Composite(Map):
    """Several maps, one after another.

    Args:
        parts: The first one takes points of the fixed image, the last one gives points of the moving image.
    """

    parts: tuple[Map, ...]

    @property
    def unit_mm(self) -> float:
        return min(part.unit_mm for part in self.parts)

    @property
    def fixed_grid(self) -> Grid | None:
        return self.parts[0].fixed_grid

    @property
    def moving_grid(self) -> Grid | None:
        return self.parts[-1].moving_grid

    def map(self, points: npt.ArrayLike) -> Array:
        moved = np.asarray(points, dtype=np.float64)
        for part in self.parts:
            moved = part.map(moved)
        return moved

    def jacobian(self, points: npt.ArrayLike) -> Array:
        moved = np.asarray(points, dtype=np.float64)
        whole = np.broadcast_to(np.eye(3), (len(moved), 3, 3))
        for part in self.parts:
            whole, moved = part.jacobian(moved) @ whole, part.map(moved)
        return np.asarray(whole)

    def inverse(self, points: npt.ArrayLike) -> Array:
        found = np.asarray(points, dtype=np.float64)
        for part in reversed(self.parts):
            found = part.inverse(found)
        return found


@dataclass(frozen=True, eq=False)
class Inverted(Map):
    """A map taken the other way.

    Args:
        whole: Whose inverse this is.
    """

    whole: Map

    @property
    def unit_mm(self) -> float:
        return self.whole.unit_mm

    @property
    def fixed_grid(self) -> Grid | None:
        return self.whole.moving_grid

    @property
    def moving_grid(self) -> Grid | None:
        return self.whole.fixed_grid

    @property
    def inverted(self) -> Map:
        return self.whole

    def map(self, points: npt.ArrayLike) -> Array:
        return self.whole.inverse(points)

    def jacobian(self, points: npt.ArrayLike) -> Array:
        return np.asarray(np.linalg.inv(self.whole.jacobian(self.whole.inverse(points))))

    def inverse(self, points: npt.ArrayLike) -> Array:
        return self.whole.map(points)


@dataclass(frozen=True, eq=False)
class Placed(Map):
    """A map that knows its images.

    Args:
        whole: The map.
        fixed: Grid of the fixed image.
        moving: Grid of the moving image.
    """

    whole: Map
    fixed: Grid | None
    moving: Grid | None

    @property
    def unit_mm(self) -> float:
        return self.whole.unit_mm

    @property
    def fixed_grid(self) -> Grid | None:
        return self.fixed

    @property
    def moving_grid(self) -> Grid | None:
        return self.moving

    def map(self, points: npt.ArrayLike) -> Array:
        return self.whole.map(points)

    def jacobian(self, points: npt.ArrayLike) -> Array:
        return self.whole.jacobian(points)

    def inverse(self, points: npt.ArrayLike) -> Array:
        return self.whole.inverse(points)
