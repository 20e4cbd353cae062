from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from analytic import image_on
from fits import ALL, BEFORE, BOUNDS, FIXED, LATTICE, a_problem, error_mm, inner_points, model_of, short

from inr_registration.app import register
from inr_registration.core import Affine, Command, Outcome, Problem, Progress, Result, Settings, load_preset

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """The wavy pair, fitted by each kind of field."""
    return {name: register(a_problem(), settings) for name, settings in ALL.items()}


@pytest.mark.parametrize("name", ALL)
def test_a_known_smooth_warp_is_found_without_folding(results: dict[str, Result], name: str) -> None:
    result = results[name]
    assert BEFORE > 2.5
    assert error_mm(result) < BOUNDS[name]
    assert result.outcome is Outcome.ITERATION_LIMIT
    assert result.quality is not None
    assert result.quality.folding_percent == 0
    before, after = result.quality.similarity["correlation"]
    assert after > max(before, 0.97)
    assert model_of(result).determinant(inner_points()).min() > 0.2


@pytest.mark.parametrize("name", ALL)
def test_the_result_is_complete(results: dict[str, Result], name: str) -> None:
    result = results[name]
    for volume in (result.warped, result.before, result.aligned, result.jacobian):
        assert volume is not None
        assert volume.grid.is_same(FIXED)
        assert np.isfinite(volume.values).all()
    assert result.displacement is not None
    assert result.displacement.shape == (*FIXED.shape, 3)
    assert len(result.history) == len(ALL[name].stages)
    for curve in result.history:
        assert all(len(values) == len(curve.iterations) for values in curve.terms.values())
        assert curve.terms["total"][-1] < curve.terms["total"][0] or curve is not result.history[0]
    assert Settings.from_json(result.settings) == ALL[name]


@pytest.mark.parametrize("name", ["velocity", "spline", "siren"])
def test_identical_images_give_hardly_any_motion(name: str) -> None:
    image = image_on(FIXED)
    result = register(Problem(image, image), replace(short(ALL[name], 40), affine=Affine("affine")))
    points = inner_points()
    assert np.linalg.norm(model_of(result).map(points) - points, axis=1).mean() < 0.1


@pytest.mark.parametrize("name", ["velocity", "spline", "sampled spline", "siren", "relu"])
def test_the_same_seed_gives_the_same_result_bit_for_bit(name: str) -> None:
    first, again = (register(a_problem(), replace(short(ALL[name]), seed=7)) for _ in range(2))
    assert first.displacement is not None
    assert again.displacement is not None
    assert np.array_equal(first.displacement, again.displacement)
    for key, tensor in first.model.tensors.items() if first.model else ():
        assert again.model is not None
        assert np.array_equal(tensor, again.model.tensors[key])


@pytest.mark.parametrize("name", ["sampled spline", "siren", "relu"])
def test_another_seed_gives_another_result(name: str) -> None:
    first, other = (register(a_problem(), replace(short(ALL[name]), seed=seed)) for seed in (7, 8))
    assert first.displacement is not None
    assert other.displacement is not None
    assert not np.array_equal(first.displacement, other.displacement)


def answering(command: Command, phase: str, after: int = 0) -> Callable[[Progress], Command]:
    """A report that gives its command once the phase has been reported so many times."""
    seen = []

    def report(progress: Progress) -> Command:
        seen.append(progress.phase)
        return command if progress.phase == phase and seen.count(phase) > after else Command.CONTINUE

    return report


@pytest.mark.parametrize("phase", ["prepare", "affine", "fit", "finish"])
def test_a_cancelled_run_gives_nothing(phase: str) -> None:
    result = register(a_problem(), replace(short(LATTICE), affine=Affine("rigid", 5)), answering(Command.CANCEL, phase))
    assert result.outcome is Outcome.CANCELLED
    assert not result.outcome.usable
    for nothing in (result.model, result.transform, result.warped, result.displacement, result.quality):
        assert nothing is None


@pytest.mark.parametrize("name", ["velocity", "siren"])
def test_a_stopped_fit_gives_the_result_so_far(name: str) -> None:
    result = register(a_problem(), ALL[name], answering(Command.STOP, "fit", 20))
    assert result.outcome is Outcome.STOPPED
    assert result.outcome.usable
    assert result.transform is not None
    assert result.warped is not None
    assert result.quality is not None
    assert any("ended early" in note for note in result.quality.notes)
    assert error_mm(result) < 0.99 * BEFORE


@pytest.mark.parametrize("preset", ["auto", "cycle", "idir"])
def test_the_preparation_of_the_result_moves(preset: str) -> None:
    seen: list[Progress] = []

    def report(progress: Progress) -> Command:
        seen.append(progress)
        return Command.CONTINUE

    register(a_problem(), short(load_preset(preset).settings, 3), report)
    shares = [progress.fraction for progress in seen if progress.phase in ("finish", "uncertainty")]
    assert len(set(shares)) >= (6 if preset == "cycle" else 4)
    assert shares == sorted(shares)
    assert shares[-1] <= 1


@pytest.mark.parametrize("name", ["velocity", "siren"])
def test_reports_go_forward_from_0_to_1(name: str) -> None:
    seen: list[Progress] = []

    def report(progress: Progress) -> Command:
        seen.append(progress)
        return Command.CONTINUE

    register(a_problem(), replace(short(ALL[name]), affine=Affine("rigid", 5)), report)
    fractions, times = [p.fraction for p in seen], [p.elapsed_s for p in seen]
    assert fractions == sorted(fractions)
    assert times == sorted(times)
    assert fractions[0] >= 0
    assert fractions[-1] <= 1
    assert {"affine", "fit", "finish"} <= {p.phase for p in seen}
    fits = [p for p in seen if p.phase == "fit"]
    assert len(fits) == sum(stage.iterations for stage in short(ALL[name]).stages)
    assert {p.stage for p in fits} == set(range(len(ALL[name].stages)))
    assert all("total" in p.terms for p in fits)


def test_a_tolerance_ends_the_fit_early() -> None:
    stages = tuple(replace(stage, iterations=400) for stage in LATTICE.stages)
    result = register(a_problem(), replace(LATTICE, stages=stages, tolerance=0.05, patience=10))
    assert result.outcome is Outcome.CONVERGED
    assert all(curve.iterations[-1] < 300 for curve in result.history)
    assert error_mm(result) < 0.5 * BEFORE


@pytest.mark.gpu
@pytest.mark.parametrize("name", ALL)
def test_the_gpu_gives_the_result_of_the_cpu(results: dict[str, Result], name: str) -> None:
    result = register(a_problem(), replace(ALL[name], device="cuda"))
    assert "CUDA" in result.device
    assert error_mm(result) < BOUNDS[name]
    points = inner_points()
    difference = np.linalg.norm(model_of(result).map(points) - model_of(results[name]).map(points), axis=1)
    assert difference.mean() < 0.2
