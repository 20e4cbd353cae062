"""Methods as graphs: a group with consistent maps and a series with one network, each said in a few lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import toys
from toys.group import register_group
from toys.series import register_series

import inr_registration as inr
from inr_registration.core import Affine, Representation, Stage
from inr_registration.methods import GraphFit

Array = npt.NDArray[np.float64]
GRID = inr.Grid.from_geometry((24, 24, 24), (2.0, 2.0, 2.0), (-23.0, -23.0, -23.0), np.eye(3))
POINTS = np.random.default_rng(8).uniform(-12, 12, (300, 3))
LATTICE = inr.Settings(
    representation=Representation("velocity"),
    similarity={"ncc": 1.0},
    regularity={"diffusion": 0.02},
    affine=Affine("none"),
    stages=(Stage(2, 25, 0.6, control_spacing=2.0), Stage(1, 25, 0.4, control_spacing=3.0)),
    clip_percent=0.0,
    device="cpu",
)
NETWORK = inr.Settings(
    representation=Representation("siren", 48, 2, 10.0),
    similarity={"ncc": 1.0},
    regularity={"jacobian": 0.002},
    affine=Affine("none"),
    stages=(Stage(1, 150, 1e-3, 1500),),
    clip_percent=0.0,
    device="cpu",
)


def bend(amount: float) -> Callable[[Array], Array]:
    """Where a point of image ``amount`` lies in the material: to be undone by fixed-point steps."""
    return lambda points: points + amount * np.sin(points[..., ::-1] / 9 + [0.0, 1.0, 2.0])


def image(amount: float) -> inr.Volume:
    points = bend(amount)(GRID.all_points().astype(np.float64))
    generator, values = np.random.default_rng(11), np.zeros(GRID.shape)
    for _ in range(60):
        centre, width, height = generator.uniform(-24, 24, 3), generator.uniform(2.5, 6), generator.uniform(0.2, 1)
        values += height * np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
    return inr.Volume(values.astype(np.float32), GRID, f"image {amount:g}")


def truth(points: Array, first: float, second: float) -> Array:
    """The point of the second image that shows what the first one shows at the given points."""
    material, found = bend(first)(points), points.copy()
    for _ in range(60):
        found = found + material - bend(second)(found)
    return found


def errors(fit: GraphFit, amounts: list[float], ends: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Mean distance from the true map on each edge, mm, before and after."""
    found = []
    for a, b in ends:
        aim = truth(POINTS, amounts[a], amounts[b])
        found.append(tuple(float(np.linalg.norm(at - aim, axis=1).mean()) for at in (POINTS, fit.map((a, b)).map(POINTS))))
    return found


def test_three_images_with_consistent_maps() -> None:
    amounts, ends = [0.0, 1.6, 0.8], [(0, 1), (1, 2), (2, 0)]
    images = [image(amount) for amount in amounts]
    missed = {}
    for weight in (0.0, 0.05):
        fit = register_group(images, LATTICE, weight)
        assert all(after < 0.5 * before for before, after in errors(fit, amounts, ends))
        around = POINTS
        for edge in ends:
            around = fit.map(edge).map(around)
        missed[weight] = float(np.linalg.norm(around - POINTS, axis=1).mean())
    assert missed[0.05] < 0.5 * missed[0.0]


def test_a_chain_of_five_with_one_shared_network() -> None:
    amounts = [0.0, 0.5, 1.0, 1.5, 2.0]
    fit = register_series([image(amount) for amount in amounts], NETWORK)
    assert all(after < 0.6 * before for before, after in errors(fit, amounts, [(n, n + 1) for n in range(4)]))
    objective = fit.begin(NETWORK.stages[0])
    (first, *rest) = (edge.side.field for edge in fit.edges)
    assert all(other is not first and other.shared is first.shared for other in rest)
    assert len(objective.parameters) == len(list(first.shared.parameters()))
    moved = [fit.map((n, n + 1)).displacement(POINTS) for n in (0, 3)]
    assert np.abs(moved[0] - moved[1]).max() > 0.05  # the network knows the time


def test_both_are_said_in_under_sixty_lines() -> None:
    for name in ("group", "series"):
        assert len((Path(toys.__file__).parent / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 60
