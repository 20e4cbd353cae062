"""A displacement in tube coordinates, alone or beside a plain one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from inr_registration.fields.geometry.tube import Place, Tubes
from inr_registration.fields.network import Network
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.jet import Jet, cofactors, determinant
from inr_registration.terms.regularity import in_millimetres


class TubeField(nn.Module):
    """``u(p) = u_I(p) + b(p) (rho(q + v(q)) - p)`` with ``q = tau(p)`` and ``b`` the weight of tube coordinates at p.

    Van Harten et al., MIDL 2023: without u_I the tangent model, with it the combined one. There is no b in the paper, whose
    result is defined in the tube only; here the displacement is continuous everywhere.

    Args:
        tubes: The coordinates.
        network: Holds v.
        plain: Holds u_I in unit coordinates of ``frame``, or None.
        frame: Of the image.
        scale: (3,) mm of w, u and v per unit of the network's coordinates, which are centred.
    """

    def __init__(self, tubes: Tubes, network: Network, plain: Network | None, frame: Frame, scale: tuple[float, float, float]) -> None:
        super().__init__()
        self.tubes, self.network, self.plain, self.frame, self.scale = tubes, network, plain, frame, scale
        self.middle = (sum(tubes.curves.span) / 2, 0.0, 0.0)

    def evaluate(self, xi: Tensor, place: Place, order: int) -> Jet:
        """Displacement in mm at (3, n) unit coordinates of ``frame``, and its derivative per mm where ``order`` is 1.

        Args:
            xi: Unit coordinates.
            place: Where the same points lie in the tubes.
            order: 0 or 1.
        """
        tube = self._in_image(place, order)
        value = tube.value.new_zeros(3, xi.shape[1]).index_add(1, place.inside, tube.value)
        first = None if tube.first is None else tube.first.new_zeros(3, 3, xi.shape[1]).index_add(2, place.inside, tube.first)
        if self.plain is None:
            return Jet(value, first)
        other = self.plain_jet(xi, order)
        return Jet(value + other.value, None if first is None or other.first is None else first + other.first)

    def plain_jet(self, xi: Tensor, order: int) -> Jet:
        """The plain displacement in mm and its derivatives per mm at (3, n) unit coordinates."""
        assert self.plain is not None
        like = next(self.plain.parameters())
        axes = torch.as_tensor(self.frame.axes).to(like)
        return _of_type(in_millimetres(self.plain.evaluate(xi.to(like), order), axes), xi)

    def tangent_jet(self, q: Tensor, order: int) -> Jet:
        """``v`` in mm and its derivatives per mm at (3, m) tube coordinates in mm."""
        like = next(self.network.parameters())
        middle, scale = (torch.tensor(triple).to(q)[:, None] for triple in (self.middle, self.scale))
        axes = torch.diag(torch.tensor(self.scale).to(like))
        return _of_type(in_millimetres(self.network.evaluate(((q - middle) / scale).to(like), order), axes), q)

    def along_curve(self, q: Tensor, order: int) -> Jet:
        """``v`` with its first derivative as seen in the frames of the curve: per mm of the image at bends, too.

        ``diag(g(q'), 1, 1) (I + dv/dq) diag(g(q), 1, 1)^-1 - I`` is the derivative of the displacement in the image but for
        the turn of the frame; sliding along a bend costs nothing.
        """
        jet = self.tangent_jet(q, order)
        assert jet.first is not None
        before, after = (self.tubes.volume_element(at) for at in (q, q + jet.value))
        ones = torch.ones_like(before)
        identity = torch.eye(3).to(q)[:, :, None]
        stretched = torch.stack([after, ones, ones])[:, None] * (identity + jet.first) / torch.stack([before, ones, ones])[None]
        return Jet(jet.value, stretched - identity, jet.second)

    def _in_image(self, place: Place, order: int) -> Jet:
        """The tube's part of the displacement in mm at the points inside, (3, m), and its derivative, (3, 3, m).

        The derivative of ``rho(q + v(q))`` is ``drho(q') (I + dv/dq) drho(q)^-1``, whose determinant is
        ``det(I + dv/dq) g(q') / g(q)``.
        """
        q, jet = place.q, self.tangent_jet(place.q, order)
        if order == 0:
            return Jet(place.weight * (self.tubes.rho(q + jet.value) - self.tubes.rho(q)))
        assert jet.first is not None
        (start, before), (end, after) = (self.tubes.rho_with_jacobian(at) for at in (q, q + jet.value))
        identity = torch.eye(3).to(q)[:, :, None]
        inverse = cofactors(before).transpose(0, 1) / determinant(before)
        turned = torch.einsum("abn,bcn,cdn->adn", after, identity + jet.first, inverse) - identity
        shift = end - start
        return Jet(place.weight * shift, place.weight * turned + shift[:, None] * place.slope[None])


def unit_scale(tubes: Tubes, coordinates: str) -> tuple[float, float, float]:
    """Scale of the network's coordinates, mm per unit.

    ``isotropic``: the diameter for all three, so that a frequency means the same for tubes of any length; ``per-axis``: half
    of the length along, the diameter across, as published.
    """
    width = 2 * tubes.radius
    return (width,) * 3 if coordinates == "isotropic" else (float(np.ptp(tubes.curves.span)) / 2, width, width)


def _of_type(jet: Jet, like: Tensor) -> Jet:
    return Jet(jet.value.to(like), *(None if part is None else part.to(like) for part in (jet.first, jet.second)))
