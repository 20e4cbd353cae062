"""The settings that the experiments compare. Small networks and few points, so that ten seeds fit into minutes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from inr_registration.core import Affine, Cycle, Representation, Settings, Stage

OURS = Settings(
    method="study",
    representation=Representation("siren", width=64, omega=30.0),
    similarity={"ncc": 1.0},
    regularity={"symmetric_jacobian": 0.05},
    regularity_points=0.25,
    affine=Affine("none"),
    stages=(Stage(4, 100, 1e-3, 3000), Stage(2, 100, 1e-3, 3000), Stage(1, 100, 7e-4, 3000)),
)
"""Our way to fit one sine network: zero start, isotropic millimetres, three levels, falling steps."""
PUBLISHED = replace(
    OURS,
    representation=Representation("siren", width=64, omega=32.0, zero_start=False, coordinates="per-axis"),
    stages=(Stage(1, 300, 7e-4, 3000),),
    lr_end=1.0,
    outside_weight=0.0,
    clip_percent=0.0,
)
"""As published in kind (random start, per-axis coordinates, one level, constant steps), with the same work as ``OURS``."""
CYCLE = Cycle(0.001, "value", 0.25)
WEAK, STRONG = 0.0001, 0.01
"""Weights of the cycle term, per mm^2, around that of the preset."""


def with_jacobian(settings: Settings, weight: float) -> Settings:
    """Another weight of the symmetric Jacobian term."""
    return replace(settings, regularity={"symmetric_jacobian": weight})


def with_cycle(settings: Settings, **changes: Any) -> Settings:
    """Two networks."""
    return replace(settings, cycle=replace(CYCLE, **changes))


def with_field(settings: Settings, **changes: Any) -> Settings:
    """Another representation."""
    return replace(settings, representation=replace(settings.representation, **changes))


def bending(settings: Settings, weight: float = 10.0) -> Settings:
    """Bending energy (weight in mm^2) instead of the symmetric Jacobian term."""
    return replace(settings, regularity={"bending": weight})


def one_level(settings: Settings) -> Settings:
    """All iterations on the finest level, with the steps of the first one."""
    total = sum(stage.iterations for stage in settings.stages)
    return replace(settings, stages=(replace(settings.stages[-1], iterations=total, learning_rate=settings.stages[0].learning_rate),))
