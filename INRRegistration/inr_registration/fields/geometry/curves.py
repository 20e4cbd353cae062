"""Several centrelines laid end to end, as one smooth function of the way along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import solve_banded
from torch import Tensor

from inr_registration.core.centreline import Centreline
from inr_registration.numerics.spline import basis

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curves:
    """Centre and frame at each w, in mm along all centrelines, with gaps of two extensions between them.

    Cubic B-splines interpolate the samples. Beyond its ends a centreline goes straight on for one extension. World points are
    given relative to ``centre``, so that float32 is precise far from the world's origin.

    Args:
        centrelines: In world coordinates, LPS mm.
        extension: mm.
    """

    centrelines: tuple[Centreline, ...]
    extension: float

    @cached_property
    def centre(self) -> Array:
        """Mean of all samples, (3,) LPS mm."""
        return np.asarray(np.concatenate([line.points for line in self.centrelines]).mean(axis=0))

    @cached_property
    def starts(self) -> Array:
        """Coordinate w of the first sample of each centreline, mm."""
        lengths = np.array([line.length for line in self.centrelines])
        return np.concatenate([[0.0], (lengths + 2 * self.extension).cumsum()[:-1]])

    @property
    def span(self) -> tuple[float, float]:
        """Smallest and largest w of all centrelines, mm."""
        return 0.0, float(self.starts[-1] + self.centrelines[-1].length)

    @cached_property
    def ends(self) -> Array:
        """Coordinate w of the end of each centreline, mm."""
        return np.asarray(self.starts + [line.length for line in self.centrelines])

    @cached_property
    def samples(self) -> Array:
        """All samples, (n, 3) LPS mm."""
        return np.concatenate([line.points for line in self.centrelines])

    @cached_property
    def sample_w(self) -> Array:
        """Coordinate of each sample."""
        pairs = zip(self.starts, self.centrelines, strict=True)
        return np.concatenate([start + line.step * np.arange(len(line.points)) for start, line in pairs])

    @cached_property
    def sample_across(self) -> Array:
        """U and V of each sample, (n, 2, 3)."""
        return np.concatenate([np.stack([line.first, line.second], axis=1) for line in self.centrelines])

    def foot(self, w: Tensor) -> Tensor:
        """The point of the centrelines at w, or the end that w lies beyond."""
        piece = self.piece(w)
        low, high = torch.as_tensor(self.starts).to(w), torch.as_tensor(self.ends).to(w)
        return self.frames(torch.minimum(torch.maximum(w, low[piece]), high[piece]), 0)[0][0]

    @cached_property
    def _splines(self) -> list[tuple[float, float, Tensor]]:
        """For each centreline: w of the first control point, step, and coefficients (n, 9) of c, U and V, extended at both ends."""
        made = []
        for start, line in zip(self.starts, self.centrelines, strict=True):
            extra = int(np.ceil(self.extension / line.step)) + 1
            values = _extended(line, extra, self.centre)
            made.append((start - (extra + 1) * line.step, line.step, torch.as_tensor(_interpolating(values))))
        return made

    @cached_property
    def _table(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Start, step, first row and number of rows of each centreline's coefficients, and all of them in one column."""
        counts = [len(c) for _, _, c in self._splines]
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        starts, steps = (torch.tensor([s[n] for s in self._splines], dtype=torch.float64) for n in (0, 1))
        return starts, steps, torch.as_tensor(first), torch.as_tensor(counts), torch.cat([c for _, _, c in self._splines])

    def piece(self, w: Tensor) -> Tensor:
        """To which centreline w belongs: the gaps are shared between neighbours."""
        middles = torch.as_tensor(self.starts[1:] - self.extension).to(w)
        return torch.bucketize(w.detach().contiguous(), middles)

    def frames(self, w: Tensor, *orders: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        """For each order of derivative by w: centre (from ``centre``), U and V at w, (3, n) each."""
        starts, steps, first, counts, coefficients = (t.to(w.device) for t in self._table)
        piece = self.piece(w)
        step, count = steps.to(w)[piece], counts.to(w)[piece]
        cells = ((w - starts.to(w)[piece]) / step).clamp(torch.ones_like(count), count - 2)
        cell = torch.minimum(cells.detach().floor(), count - 3)
        index = (first[piece] + cell.long() - 1)[:, None] + torch.arange(4, device=w.device)
        near = coefficients.to(w).index_select(0, index.flatten()).reshape(len(w), 4, 9)
        found = []
        for order in orders:
            pieces = basis(cells - cell, order) / step[:, None] ** order
            c, u, v = (pieces[:, None] @ near)[:, 0].T.reshape(3, 3, -1).unbind(0)
            found.append((c, u, v))
        return found


def _extended(line: Centreline, extra: int, centre: Array) -> Array:
    """Centre, U and V of each sample, (n + 2 extra, 9), straight on beyond both ends."""
    far = line.step * np.arange(1, extra + 1)[:, None]
    before, after = line.points[0] - far[::-1] * line.tangents[0], line.points[-1] + far * line.tangents[-1]
    points = np.concatenate([before, line.points, after]) - centre
    frames = np.pad(np.concatenate([line.first, line.second], axis=1), ((extra, extra), (0, 0)), mode="edge")
    return np.concatenate([points, frames], axis=1)


def _interpolating(values: Array) -> Array:
    """Coefficients (n + 2, ...) of the uniform cubic B-spline through (n, ...) values, straight at both ends."""
    n = len(values)
    bands = np.zeros((3, n))
    bands[0, 2:], bands[1, 1:-1], bands[2, :-2] = 1 / 6, 4 / 6, 1 / 6
    bands[1, 0] = bands[1, -1] = 1.0
    inner = solve_banded((1, 1), bands, values)
    return np.concatenate([2 * inner[:1] - inner[1:2], inner, 2 * inner[-1:] - inner[-2:-1]])
