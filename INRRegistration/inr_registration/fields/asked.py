"""What a stage asks a field for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from inr_registration.core.catalogue import FIELD_KINDS
from inr_registration.core.settings import Representation
from inr_registration.numerics.knots import Knots


@dataclass(frozen=True, eq=False)
class Asked:
    """Where a field is to hold a displacement.

    Args:
        representation: What it is, and its sizes.
        knots: Of a lattice of the stage's control spacing, over the box.
        box: (2, 3) lowest and highest coordinates, in the frame of the kind.
        before: The field of the stage before, to go on from; None at first.
        generator: Source of random numbers, on the CPU.
    """

    representation: Representation
    knots: Knots
    box: npt.NDArray[np.float64]
    before: nn.Module | None
    generator: torch.Generator


def field_for(asked: Asked) -> Any:
    """The field of a stage, by the row of its kind."""
    return import_module(f"{__package__}.{FIELD_KINDS[asked.representation.kind].module}").field_for(asked)
