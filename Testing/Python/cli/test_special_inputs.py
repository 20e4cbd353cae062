"""Options that only some methods use, from the words to the problem, and what such methods leave in the output folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from given import Given
from small_pair import SmallPair, a_grid, write_nifti

from inr_registration.app.cli import (
    FIELDS,
    RESULTS,
    choose_settings,
    files_of,
    given_fields,
    parse,
    print_summary,
    read_problem,
    write_result,
)
from inr_registration.core import (
    BLIND_SPOTS,
    REGULARITIES,
    SIMILARITIES,
    UNCERTAINTY_MEANING,
    InputError,
    Level,
    ModelState,
    Outcome,
    Problem,
    Quality,
    Result,
    Settings,
    SplineTransform,
    Verdict,
    Volume,
    check_given,
)
from inr_registration.io import read_axis, read_line, to_itk

LINE = np.array([[-20.0, 1, 2], [-5, 2, 3], [5, 4, 3], [22, 5, 1]])


def words(*more: object):
    return parse(["f.nii", "m.nii", "--output", "out", *map(str, more)])[1]


def csv(path: Path, points: np.ndarray) -> Path:
    np.savetxt(path, points, delimiter=",", header="x_lps_mm,y_lps_mm,z_lps_mm", comments="", fmt="%.9f")
    return path


def markups(path: Path, *lines: np.ndarray, kind: str = "Curve", system: str = "RAS") -> Path:
    sign = np.array([-1, -1, 1]) if system == "RAS" else 1
    parts = [
        {"type": kind, "coordinateSystem": system, "controlPoints": [{"position": (point * sign).tolist()} for point in line]}
        for line in lines
    ]
    path.write_text(json.dumps({"markups": parts}))
    return path


@pytest.mark.parametrize("name", SIMILARITIES)
def test_every_similarity_can_be_asked_for(name: str) -> None:
    assert set(choose_settings(words("--similarity", name)).similarity) == {name}


@pytest.mark.parametrize("name", REGULARITIES)
def test_every_regularity_can_be_weighted(name: str) -> None:
    assert choose_settings(words("--weight", f"{name}=0.25")).regularity[name] == 0.25


def test_start_uncertainty_and_landmark_weight_reach_the_settings() -> None:
    changed = choose_settings(words("--start", "discrete", "--landmark-weight", "0.5", "--uncertainty"))
    assert (changed.start, changed.landmark_weight, changed.uncertainty) == ("discrete", 0.5, "auto")
    assert choose_settings(words("--uncertainty", "perturbation")).uncertainty == "perturbation"
    plain = choose_settings(words())
    assert (plain.start, plain.landmark_weight, plain.uncertainty) == ("none", 0.0, "none")


def test_the_radius_of_a_tube_can_be_given_for_tubes_only() -> None:
    changed = choose_settings(words("--method", "geometry", "--tube-radius", "7.5")).geometry
    assert changed is not None
    assert changed.radius_mm == 7.5
    for others in (["--method", "cardiac"], []):
        with pytest.raises(InputError, match="--tube-radius is only for geometry"):
            choose_settings(words(*others, "--tube-radius", "7.5"))


def test_centrelines_are_repeatable_and_keep_their_order(a_pair: SmallPair, tmp_path: Path) -> None:
    first, second = csv(tmp_path / "a.csv", LINE), markups(tmp_path / "b.mrk.json", LINE + 1, LINE + 2)
    given = words("--method", "geometry", "--centreline", first, "--centreline", second)
    assert given_fields(given) == ["centrelines"]
    check_given(choose_settings(given), given_fields(given), FIELDS)
    given.fixed, given.moving = a_pair.fixed, a_pair.moving
    lines = read_problem(given).centrelines
    assert len(lines) == 3
    for line, expected in zip(lines, (LINE, LINE + 1, LINE + 2), strict=True):
        np.testing.assert_allclose(line, expected, atol=1e-6)


@pytest.mark.parametrize("method", ["cardiac", "auto"])  # strain is measured with any method
def test_the_long_axis_and_the_ventricle_reach_the_problem(a_pair: SmallPair, tmp_path: Path, method: str) -> None:
    ventricle = np.zeros((18, 24, 26), np.uint8)
    ventricle[6:12, 8:16, 8:16] = 1
    axis, heart = markups(tmp_path / "axis.mrk.json", LINE[:2], kind="Line"), write_nifti(tmp_path / "v.nii.gz", ventricle, a_grid())
    given = words("--method", method, "--long-axis", axis, "--ventricle", heart)
    check_given(choose_settings(given), given_fields(given), FIELDS)
    given.fixed, given.moving = str(a_pair.fixed), str(a_pair.moving)
    problem = read_problem(given)
    np.testing.assert_allclose(problem.long_axis, LINE[:2], atol=1e-6)
    assert problem.ventricle is not None
    assert int(problem.ventricle.inside().sum()) == int(ventricle.sum())
    assert {given.fixed, given.moving, str(axis), str(heart)} <= set(files_of(given))


def test_a_closed_curve_is_no_centreline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two ends"):
        read_line(markups(tmp_path / "ring.mrk.json", LINE, kind="ClosedCurve"))


def test_the_same_point_twice_is_no_axis(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two different points"):
        read_axis(csv(tmp_path / "a.csv", LINE[[0, 0]]))


def result_of(problem: Problem, **parts: object) -> Result:
    """A result whose map is a shift, with whatever a method may add."""
    grid, shift = problem.fixed.grid, np.eye(4)
    shift[:3, 3] = [3, -2, 1]
    one = Volume(np.ones(grid.shape, np.float32), grid, "one")
    zero = np.zeros((*grid.shape, 3), np.float32)
    spline = SplineTransform(shift, np.zeros((4, 4, 4, 3), np.float32), np.zeros(3), np.full(3, 9.0), np.eye(3))
    state = ModelState({"kind": "field"}, {"a": np.zeros(1, np.float32)})
    made = Result(Outcome.ITERATION_LIMIT, "Finished.", Settings().to_json(), model=state, transform=spline, warped=one, jacobian=one)
    return replace(made, derived=Given(zero, one.values, one.values), quality=Quality({"correlation": (0.5, 0.9)}), **parts)


@pytest.fixture
def a_problem() -> Problem:
    grid = a_grid()
    values = np.random.default_rng(3).normal(size=grid.shape).astype(np.float32)
    return Problem(Volume(values, grid, "a"), Volume(values[::-1].copy(), grid, "b"))


def test_inverse_maps_and_uncertainty_are_written_and_removed_by_a_run_without(a_problem: Problem, tmp_path: Path) -> None:
    grid, back = a_problem.fixed.grid, np.eye(4)
    back[:3, 3] = [-3, 2, -1]
    strain = Volume(np.where(np.arange(26) < 13, np.nan, 0.2).astype(np.float32) * np.ones(grid.shape, np.float32), grid, "x")
    made = result_of(a_problem)
    assert made.transform is not None
    rich = replace(made, inverse=replace(made.transform, affine=back), maps={"strain_radial": strain}, uncertainty=strain)
    write_result(tmp_path, a_problem, rich)
    extra = {"inverse_transform.h5", "strain_radial.nii.gz", "uncertainty.nii.gz"}
    assert extra <= {file.name for file in tmp_path.iterdir()} <= set(RESULTS)
    there, again = (sitk.ReadTransform(str(tmp_path / name)) for name in ("transform.h5", "inverse_transform.h5"))
    np.testing.assert_allclose(there.TransformPoint((1.0, 2.0, 3.0)), (4, 0, 4), atol=1e-9)
    np.testing.assert_allclose(again.TransformPoint(there.TransformPoint((1.0, 2.0, 3.0))), (1, 2, 3), atol=1e-9)
    read = nibabel.load(tmp_path / "strain_radial.nii.gz").get_fdata().transpose(2, 1, 0)  # SimpleITK reads NaN as 0
    np.testing.assert_allclose(read, strain.values, rtol=1e-6)
    write_result(tmp_path, a_problem, made)
    assert not extra & {file.name for file in tmp_path.iterdir()}


def test_the_inverse_is_a_transform_like_any_other(a_problem: Problem) -> None:
    made = result_of(a_problem).transform
    assert made is not None
    assert to_itk(made).TransformPoint((0.0, 0.0, 0.0)) == (3, -2, 1)


def test_the_summary_says_verdict_reasons_blind_spots_warnings_and_uncertainty(
    a_problem: Problem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.linspace(0, 4, a_problem.fixed.grid.voxels).reshape(a_problem.fixed.grid.shape)
    strain = {"radial": {"basal": 0.2, "global": 0.25}}
    verdict = Verdict(Level.RED, ("The discrepancy is 9 mm.",))
    result = result_of(a_problem, verdict=verdict, warnings=("The tube is thick.",), uncertainty=Volume(values, a_problem.fixed.grid))
    assert result.quality is not None
    print_summary(replace(result, quality=replace(result.quality, strain=strain)), tmp_path)
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("quality control: RED")
    assert lines[at + 1 : at + 3] == ["  The discrepancy is 9 mm.", f"  {BLIND_SPOTS}"]
    assert "warning: The tube is thick." in lines
    assert "uncertainty: median 2.00 mm, 95th percentile 3.80 mm, known at 100 % of the voxels" in lines
    assert f"  {UNCERTAINTY_MEANING}" in lines
    assert "radial strain: mean 25.0 %" in lines
