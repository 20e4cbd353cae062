"""A small model file of each kind."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from inr_registration.core import Centreline, ModelState
from inr_registration.fields import PORTS, CardiacField, ReluMlp, Siren, SplineLattice, TubeField, Tubes
from inr_registration.maps import CardiacMap, Consensus, Model, TubeMap
from inr_registration.numerics import Frame, Knots

FRAME, BOX = Frame(np.zeros(3), 30 * np.eye(3)), np.array([[-1.0] * 3, [1.0] * 3])


def _siren(ports: tuple[int, int] = (3, 3)) -> Siren:
    return Siren(6, 2, 5.0, False, torch.Generator().manual_seed(1), ports)


@cache
def models() -> dict[str, ModelState]:
    """By what holds the displacement."""
    line = Centreline.along(np.column_stack([np.linspace(-20, 20, 21), np.zeros(21), np.zeros(21)]), 2.0)
    tubes = Tubes((line,), 8.0)
    lattice = SplineLattice(Knots((-40.0,) * 3, (20.0,) * 3, (5, 5, 5)), 0.1 * torch.ones(3, 5, 5, 5))
    siren = Model(_siren(), FRAME, np.eye(4), BOX)
    return {
        "lattice": Model(lattice, Frame(np.zeros(3), np.eye(3)), np.eye(4), 20 * BOX).state(),
        "siren": siren.state(),
        "relu": Model(ReluMlp(6, 2, False, torch.Generator().manual_seed(1)), FRAME, np.eye(4), BOX).state(),
        "consensus": Consensus(siren, siren, 1.0).state(),
        "tube": TubeMap(TubeField(tubes, _siren(), _siren(), FRAME, (16.0,) * 3), np.eye(4), BOX).state(),
        "cardiac": CardiacMap(CardiacField(_siren(PORTS), _siren(), FRAME, FRAME), FRAME, FRAME, np.eye(4), BOX).state(),
    }
