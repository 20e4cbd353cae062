"""A fit that the images alone decide, so that what the geometry does to the map can be told from the noise of a fit."""

from __future__ import annotations

from inr_registration.core import Affine, Representation, Settings, Stage

STIFF = Settings(
    representation=Representation("velocity"),
    similarity={"ncc": 1.0},
    regularity={"diffusion": 0.2},
    affine=Affine("none"),
    stages=(Stage(2, 50, 0.3, control_spacing=2.5), Stage(1, 30, 0.2, control_spacing=3.0)),
    clip_percent=0.0,
    device="cpu",
)
