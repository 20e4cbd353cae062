"""Compiled loops over a whole level against the same terms in torch, in double precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic import blobs, centred, turn, wave
from torch import Tensor

from inr_registration.core import Affine, Problem, Settings, Stage, Volume
from inr_registration.fields import SplineLattice, exponential
from inr_registration.methods import CompiledLevel, StageData, WholeLevel, prepare
from inr_registration.numerics import Image, Knots

SETTINGS = Settings(similarity={"local_ncc": 1.0, "mse": 5.0}, affine=Affine("none"), stages=(Stage(1, 1, 0.5, control_spacing=2.5),))
TURNED = np.eye(4)
TURNED[:3, :3], TURNED[:3, 3] = turn(7, 1), (1.5, -2.0, 0.7)


def a_stage(masked: bool, affine: np.ndarray, size: tuple[int, int, int] = (19, 22, 17)) -> tuple[StageData, Knots]:
    """A fixed and a smaller, turned moving image, so that some points leave it; with masks where asked for."""
    grids = centred(size, [2.0, 2.0, 2.5], turn(15)), centred((18, 17, 15), 2.2, turn(-5, 0), [1.0, 2.0, -1.0])
    fixed = Volume(blobs(wave(grids[0].all_points())).astype(np.float32), grids[0], "fixed")
    moving = Volume(blobs(grids[1].all_points()).astype(np.float32), grids[1], "moving")
    masks = {}
    if masked:
        for name, volume in (("fixed_mask", fixed), ("moving_mask", moving)):
            inside = np.linalg.norm(volume.grid.all_points() / [14, 17, 12], axis=-1) < 1
            masks[name] = Volume(inside.astype(np.uint8), volume.grid, name)
    prepared = prepare(Problem(fixed, moving, **masks), SETTINGS, torch.device("cpu"))
    prepared.similarity = dict(SETTINGS.similarity)
    field = prepared.field_for(SETTINGS.stages[0], SETTINGS, None, torch.Generator().manual_seed(0))
    assert isinstance(field, SplineLattice) or hasattr(field, "knots")
    return prepared.stage_data(SETTINGS.stages[0], SETTINGS, affine), field.knots


def displaced(knots: Knots, amount: float) -> Tensor:
    """Smooth random coefficients."""
    coarse = torch.randn(1, 3, 4, 4, 4, generator=torch.Generator().manual_seed(3)) * amount
    return torch.nn.functional.interpolate(coarse, size=knots.shape, mode="trilinear")[0]


def in_double(data: StageData, knots: Knots, coefficients: Tensor) -> tuple[dict[str, float], Tensor]:
    """Terms and derivative of their sum by torch, in double precision."""
    exact = replace(
        data,
        fixed=Image(data.fixed.values.double(), data.fixed.grid),
        fixed_weight=data.fixed_weight.double(),
        moving=Image(data.moving.values.double(), data.moving.grid),
        moving_weight=data.moving_weight.double(),
    )
    free = coefficients.double().requires_grad_(True)
    return of_terms(WholeLevel(exact, SplineLattice(knots, free.detach())).terms(free), free)


def of_terms(terms: dict[str, Tensor], free: Tensor) -> tuple[dict[str, float], Tensor]:
    torch.stack(list(terms.values())).sum().backward()
    assert free.grad is not None
    return {name: value.item() for name, value in terms.items()}, free.grad


@pytest.mark.parametrize("affine", [np.eye(4), TURNED], ids=["identity", "turned"])
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("amount", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("extra", [{}, {"mind": 5.0}], ids=["", "mind"])
def test_terms_and_their_derivative_are_those_of_double_precision(
    masked: bool, affine: np.ndarray, amount: float, extra: dict[str, float]
) -> None:
    data, knots = a_stage(masked, affine)
    data = replace(data, similarity={**data.similarity, **extra})
    coefficients = displaced(knots, amount) + 0.013  # off the voxel centres, where the slope of linear interpolation jumps
    expected, slope = in_double(data, knots, coefficients)
    free = coefficients.clone().requires_grad_(True)
    found, derivative = of_terms(CompiledLevel(data, knots).terms(free), free)
    assert found == pytest.approx(expected, rel=2e-5, abs=1e-7)
    assert float((derivative - slope).norm() / slope.norm()) < 2e-3
    if amount == 12:
        assert found["outside"] > 0


def test_a_term_without_weight_is_left_out_and_the_others_do_not_change() -> None:
    data, knots = a_stage(True, np.eye(4))
    free = displaced(knots, 3.0).requires_grad_(True)
    alone = replace(data, similarity={"local_ncc": 1.0})
    found, derivative = of_terms(CompiledLevel(alone, knots).terms(free), free)
    expected, slope = in_double(alone, knots, free.detach())
    assert set(found) == {"local_ncc", "outside"}
    assert found == pytest.approx(expected, rel=2e-5, abs=1e-7)
    assert float((derivative - slope).norm() / slope.norm()) < 2e-3


def test_each_term_is_scaled_by_its_own_share_of_the_objective() -> None:
    data, knots = a_stage(True, np.eye(4))
    level, coefficients = CompiledLevel(data, knots), displaced(knots, 6.0)
    slopes = []
    for factors in ((1.0, 0.0), (0.0, 1.0), (2.0, 3.0)):
        free = coefficients.clone().requires_grad_(True)
        terms = level.terms(free)
        (factors[0] * terms["local_ncc"] + factors[1] * terms["mse"]).backward()
        assert free.grad is not None
        slopes.append(free.grad)
    torch.testing.assert_close(slopes[2], 2 * slopes[0] + 3 * slopes[1], rtol=1e-4, atol=1e-7)


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    data, knots = a_stage(False, np.eye(4), (60, 50, 40))
    coefficients, before, seen = displaced(knots, 4.0), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            free = coefficients.clone().requires_grad_(True)
            seen.append(of_terms(CompiledLevel(data, knots).terms(free), free))
    finally:
        torch.set_num_threads(before)
    assert len(CompiledLevel(data, knots).ranges) > 2
    for terms, slope in seen[1:]:
        assert terms == seen[0][0]
        assert torch.equal(slope, seen[0][1])


def test_only_the_last_evaluation_can_be_differentiated() -> None:
    data, knots = a_stage(False, np.eye(4))
    level, free = CompiledLevel(data, knots), displaced(knots, 1.0).requires_grad_(True)
    earlier = level.terms(free)["mse"]
    level.terms(free)
    with pytest.raises(AssertionError, match="evaluated again"):
        earlier.backward()


@pytest.mark.parametrize("extra", [{}, {"mind": 5.0}], ids=["", "mind"])
def test_an_image_one_voxel_thick_is_read_as_torch_reads_it(extra: dict[str, float]) -> None:
    data, knots = a_stage(False, np.eye(4))
    data = replace(data, similarity={**data.similarity, **extra})
    thin = Image(data.moving.values[:, 7:8].contiguous(), data.moving.grid.cropped([0, 0, 7], (18, 17, 1)))
    data = replace(data, moving=thin, moving_weight=torch.ones_like(thin.values))
    coefficients = displaced(knots, 2.0)
    expected, slope = in_double(data, knots, coefficients)
    free = coefficients.clone().requires_grad_(True)
    found, derivative = of_terms(CompiledLevel(data, knots).terms(free), free)
    assert found == pytest.approx(expected, rel=5e-5, abs=1e-7)
    assert float((derivative - slope).norm() / slope.norm()) < 5e-3


def test_coefficients_that_are_no_numbers_show_in_the_terms_and_read_no_foreign_memory() -> None:
    data, knots = a_stage(True, np.eye(4))
    free = torch.full((3, *knots.shape), float("nan"), requires_grad=True)
    assert torch.isnan(CompiledLevel(data, knots).terms(free)["mse"])
    with_features = replace(data, similarity={"local_ncc": 1.0, "mind": 1.0})
    assert torch.isnan(CompiledLevel(with_features, knots).terms(free)["local_ncc"])
    assert torch.isnan(exponential(free.detach(), knots, 5)).all()
