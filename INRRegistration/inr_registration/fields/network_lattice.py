"""A spline lattice whose control points are moved by a coordinate network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from inr_registration.fields.asked import Asked
from inr_registration.fields.lattice import Lattice
from inr_registration.fields.network import Network, new_network
from inr_registration.numerics.knots import Knots

CHUNK_FLOATS = 2**24
"""Size of a hidden layer above which the control points go through the network in parts that are recomputed backward."""

Triple = tuple[float, float, float]


class NetworkLattice(Lattice):
    """Spline-enhanced implicit neural representation (SINR): a network of the control points, a spline of space.

    ``c_k = S net(S^-1 (p_k - o))`` at the control points ``p_k``; the displacement is the cubic B-spline of the ``c_k``. So
    its Jacobian and its bending are those of the spline, and the exported spline is the map itself. The network alone is
    fitted. Read on other knots it gives the same map up to what a spline of coarser knots smooths away: with step h, about
    h^2 / 6 of its second derivative along each axis.

    Sideri-Lampretsa et al., "SINR: Spline-enhanced implicit neural representation for multi-modal registration",
    MIDL 2024, PMLR 250.

    Args:
        knots: Where the control points lie, in the lattice's own axes, mm.
        network: From unit coordinates to a displacement in the same unit.
        centre: o, where the unit coordinates are zero, mm.
        scale: The diagonal of S, mm per unit along each axis; all equal for isotropic coordinates.
    """

    unit: Tensor
    stretch: Tensor

    def __init__(self, knots: Knots, network: Network, centre: Triple, scale: Triple) -> None:
        super().__init__(knots)
        self.network, self.centre, self.scale = network, centre, scale
        x, y, z = (
            (knots.start[d] - centre[d] + knots.step[d] * torch.arange(knots.count[d], dtype=torch.float64)) / scale[d] for d in range(3)
        )
        k, j, i = torch.meshgrid(z, y, x, indexing="ij")
        like = network.weights[0].detach()
        self.register_buffer("unit", torch.stack([i, j, k]).reshape(3, -1).to(like), persistent=False)
        self.register_buffer("stretch", like.new_tensor(scale).reshape(3, 1), persistent=False)

    def coefficients(self) -> Tensor:
        parts = self.unit.split(max(CHUNK_FLOATS // self.network.weights[0].shape[0], 1), dim=1)
        if len(parts) == 1:
            moved = [self.network(self.unit)]
        else:
            # nothing random happens: keeping the state of the random numbers would wait for a GPU in each iteration
            moved = [checkpoint(self.network, part, use_reentrant=False, preserve_rng_state=False) for part in parts]
        return (self.stretch * torch.cat(moved, dim=1)).reshape(3, *self.knots.shape)

    def on(self, knots: Knots) -> NetworkLattice:
        """The same network, read on other knots."""
        return NetworkLattice(knots, self.network, self.centre, self.scale)


def field_for(asked: Asked) -> NetworkLattice:
    """The network goes on, on the stage's control points.

    A new one lies over the box, whose unit is half of the longest side or, per axis, half of each side.
    """
    if isinstance(asked.before, NetworkLattice):
        return asked.before.on(asked.knots)
    x, y, z = asked.box.mean(axis=0).tolist()
    half = np.ptp(asked.box, axis=0) / 2
    if asked.representation.coordinates == "isotropic":
        half = np.full(3, half.max())
    i, j, k = half.tolist()
    return NetworkLattice(asked.knots, new_network(asked.representation, asked.generator), (x, y, z), (i, j, k))
