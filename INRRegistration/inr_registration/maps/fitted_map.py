"""What every fitted map can do, whatever holds it; and reading one back from plain arrays."""

from __future__ import annotations

from abc import abstractmethod
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.result import ModelState
from inr_registration.maps.map import CLOSE, Map
from inr_registration.maps.newton import newton

Array = npt.NDArray[np.float64]

FORMAT, VERSION = "inr-registration-model", 1

DAMAGE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError)
"""What wrong content of a file may lead to."""
KINDS = {
    "field": ("inr_registration.maps.model", "Model"),
    "cardiac": ("inr_registration.maps.cardiac_map", "CardiacMap"),
    "tube": ("inr_registration.maps.tube_map", "TubeMap"),
    "consensus": ("inr_registration.maps.consensus", "Consensus"),
}
"""Where the class of each kind of model file lives; what it needs is imported when such a file is read."""


class FittedMap(Map):
    """``phi(p) = affine(p + u(p))``, fixed world point to moving world point, LPS mm.

    Subclasses give ``affine``, ``displacement`` and ``gradient``, and the plain arrays that they can be built from again.
    """

    affine: Array
    most_sites: ClassVar[int] = 20_000_000
    """At most about so many control points make the spline that stands for the map on export."""

    @abstractmethod
    def displacement(self, points: npt.ArrayLike) -> Array:
        """u(p) in mm at (n, 3) world points, (n, 3): the deformable part, before the affine."""

    @abstractmethod
    def gradient(self, points: npt.ArrayLike) -> Array:
        """du/dp at (n, 3) world points, (n, 3, 3) without unit, ``[:, i, d] = du_i / dp_d``."""

    @abstractmethod
    def state(self, **extra: Any) -> ModelState:
        """Plain arrays and metadata from which ``load`` builds an equal map; ``extra`` goes into the metadata."""

    @classmethod
    @abstractmethod
    def restored(cls, state: ModelState) -> FittedMap:
        """Build the map from a state of its own kind; any error that its content causes may be raised."""

    @abstractmethod
    def on_cpu(self) -> FittedMap:
        """The same map with its numbers on the CPU."""

    def map(self, points: npt.ArrayLike) -> Array:
        """phi(p) at (n, 3) world points: (n, 3) moving world points, LPS mm."""
        moved = np.asarray(points, dtype=np.float64) + self.displacement(points)
        return np.asarray(moved @ self.affine[:3, :3].T + self.affine[:3, 3])

    def jacobian(self, points: npt.ArrayLike) -> Array:
        """d phi / d p at (n, 3) world points, (n, 3, 3) without unit, ``[:, i, d] = d phi_i / d p_d``."""
        return np.asarray(self.affine[:3, :3] @ (np.eye(3) + self.gradient(points)))

    def inverse(self, points: npt.ArrayLike, steps: int = 30, tolerance_mm: float | None = None) -> Array:
        """The fixed world points (n, 3) that phi takes to given (n, 3) moving world points, by damped Newton steps.

        They come to within ``tolerance_mm``, by default a thousandth of ``unit_mm``.

        A step is halved where it does not bring a point closer. Where phi folds there may be no unique answer; the
        closest point found is returned, so check ``map(inverse(q))`` against q where that matters.
        """
        target = np.asarray(points, dtype=np.float64)
        guess = (target - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
        return newton(self.map, self.jacobian, target, guess, steps, CLOSE * self.unit_mm if tolerance_mm is None else tolerance_mm)


def header(kind: str, **extra: Any) -> dict[str, Any]:
    """The metadata that every model file begins with."""
    direction = "fixed world point to moving world point, LPS mm"
    return {"format": FORMAT, "version": VERSION, "kind": kind, "direction": direction, **extra}


def load(state: ModelState) -> FittedMap:
    """Rebuild a map of any kind on the CPU.

    Raises:
        InputError: The state is not a model of this package, of a version or kind that is not known, or damaged.
    """
    data = state.metadata
    if data.get("format") != FORMAT or data.get("version") != VERSION:
        raise InputError(f"not an {FORMAT} of version {VERSION}: got {data.get('format')!r}, version {data.get('version')!r}")
    kind = data.get("kind", "field")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"the model file holds a map of kind {kind!r}; known are {', '.join(KINDS)}; use a newer version of this program")
    module, name = KINDS[kind]
    try:
        restored: FittedMap = getattr(import_module(module), name).restored(state)
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"the model file is damaged: {repr(error)[:300]}; save it again") from error
    return restored
