"""A displacement around the long axis of the left ventricle, alone or added to a plain network.

After the geometry-informed INR of van Harten et al. (MIDL 2023), who name such coordinates for the myocardium as an outlook.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from inr_registration.fields.geometry.cardiac import coordinates, vectors
from inr_registration.fields.network import Network
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.jet import Jet
from inr_registration.terms.regularity import in_millimetres

PORTS = (4, 5)
"""Coordinates in; radial, circumferential, longitudinal and the two components of the core out."""


class CardiacField(nn.Module):
    """``u = a_r e_r + a_c e_c + a_l e_l`` near the heart's own directions, in the unit coordinates of the image.

    Args:
        network: From ``coordinates`` to the components along ``vectors``, in units of half the long axis.
        plain: Added to it: from the unit coordinates of the image to a displacement in them; None leaves it out.
        image: The frame of the image.
        cardiac: The frame around the long axis.
    """

    matrix: Tensor
    offset: Tensor
    back: Tensor

    def __init__(self, network: Network, plain: Network | None, image: Frame, cardiac: Frame) -> None:
        super().__init__()
        self.network, self.plain = network, plain
        to_cardiac = np.linalg.inv(cardiac.axes) @ image.axes
        like = network.weights[0]
        self.register_buffer("matrix", torch.as_tensor(to_cardiac).to(like), persistent=False)
        self.register_buffer("offset", torch.as_tensor(cardiac.to_unit(image.centre)).to(like), persistent=False)
        self.register_buffer("back", torch.as_tensor(np.linalg.inv(to_cardiac)).to(like), persistent=False)

    def forward(self, points: Tensor) -> Tensor:
        """Displacement at ``(3, ...)`` points, same shape."""
        return self.evaluate(points).value

    def evaluate(self, points: Tensor, order: int = 0) -> Jet:
        """Displacement at ``(3, ...)`` points, and its Jacobian where ``order`` is 1."""
        shape, flat = points.shape[1:], points.reshape(3, -1)
        jet = in_millimetres(self._around_axis(self.matrix @ flat + self.offset[:, None], order), self.back)
        value, first = jet.value.reshape(3, *shape), None if jet.first is None else jet.first.reshape(3, 3, *shape)
        if self.plain is None:
            return Jet(value, first)
        other = self.plain.evaluate(points, order)
        return Jet(value + other.value, None if first is None or other.first is None else first + other.first)

    def _around_axis(self, unit: Tensor, order: int) -> Jet:
        """Displacement and Jacobian in the frame around the axis, by the product and the chain rule."""
        at, slopes = coordinates(unit)
        jet = self.network.evaluate(at, order)
        towards, turning = vectors(at, slopes)
        value = torch.einsum("iqn,qn->in", towards, jet.value)
        if jet.first is None:
            return Jet(value)
        inner = torch.einsum("qkn,kdn->qdn", jet.first, slopes)
        return Jet(value, torch.einsum("iqn,qdn->idn", towards, inner) + torch.einsum("iqdn,qn->idn", turning, jet.value))
