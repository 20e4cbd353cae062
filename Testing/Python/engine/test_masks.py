from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic import OBLIQUE, blobs, centred, image_on, wave
from fits import ALL, LATTICE, SAMPLED, SIREN, Array, inner_points, model_of, short
from scipy import ndimage

from inr_registration.app import register
from inr_registration.core import Affine, Grid, InputError, Problem, Settings, Volume, load_preset
from inr_registration.images import MARGIN, clean, with_margin

pytestmark = pytest.mark.slow

FIXED, MOVING = centred((24, 22, 23), (1.9, 2.0, 2.1), OBLIQUE), centred((26, 25, 27), 2.0)
RADIUS = 15.0
SETTINGS = {name: short(ALL[name], 3) for name in ("velocity", "sampled spline", "siren")}
SETTINGS["affine"] = replace(SETTINGS["velocity"], affine=Affine(iterations=4))
SETTINGS["auto"] = replace(SETTINGS["affine"], similarity={"auto": 1.0})
SETTINGS["mind"] = replace(SETTINGS["sampled spline"], similarity={"mind": 10.0, "nmi": 1.0}, clip_percent=1.0)
SETTINGS["local"] = replace(SETTINGS["siren"], similarity={"local_ncc": 1.0, "mse": 1.0})
SETTINGS["discrete"] = replace(SETTINGS["velocity"], start="discrete")


def ball(grid: Grid, radius: float = RADIUS, name: str = "mask") -> Volume:
    return Volume((np.linalg.norm(grid.all_points(), axis=-1) < radius).astype(np.uint8), grid, name)


def spoilt(image: Volume, mask: Volume) -> Volume:
    """Loud noise, and voxels without a value, outside a mask on the same grid and its margin."""
    generator = np.random.default_rng(7)
    noise = generator.uniform(-5000, 9000, image.values.shape).astype(np.float32)
    noise[generator.uniform(size=noise.shape) < 0.05] = np.nan
    return replace(image, values=np.where(with_margin(mask.inside(), mask.grid), image.values, noise))


def masked(spoil: str) -> Problem:
    fixed, moving = image_on(FIXED, wave, "fixed"), image_on(MOVING, None, "moving")
    masks = ball(FIXED), ball(MOVING, RADIUS + 4)
    if spoil in ("fixed", "both"):
        fixed = spoilt(fixed, masks[0])
    if spoil in ("moving", "both"):
        moving = spoilt(moving, masks[1])
    return Problem(fixed, moving, *masks)


def mapped(problem: Problem, settings: Settings) -> Array:
    return model_of(register(problem, settings)).map(inner_points(25.0))


@pytest.mark.parametrize("name", SETTINGS)
def test_what_lies_outside_the_masks_changes_nothing(name: str) -> None:
    plain = mapped(masked("neither"), SETTINGS[name])
    np.testing.assert_array_equal(mapped(masked("both"), SETTINGS[name]), plain)


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_each_mask_protects_its_own_image_only(side: str) -> None:
    other = {"fixed": "moving", "moving": "fixed"}[side]
    without = {f"{other}_mask": None}
    plain, own, wrong = (mapped(replace(masked(spoil), **without), SETTINGS["velocity"]) for spoil in ("neither", side, other))
    np.testing.assert_array_equal(own, plain)
    assert not np.allclose(wrong, plain, atol=1e-3)


def test_a_sheared_fixed_image_is_masked_before_it_is_resampled() -> None:
    shear = np.array([[1.0, 0.0, 0.2], [0.0, 1.0, -0.2], [0.0, 0.0, 1.0]])
    grid = Grid.from_geometry((24, 22, 23), (2.0, 2.0, 2.0), (-23.0, -21.0, -22.0), shear)
    image, mask = image_on(grid, wave, "fixed"), ball(grid)
    problem = Problem(image, image_on(MOVING, None, "moving"), mask)
    plain, dirty = (mapped(replace(problem, fixed=f), SETTINGS["velocity"]) for f in (image, spoilt(image, mask)))
    np.testing.assert_array_equal(dirty, plain)


def test_the_same_mask_on_another_grid_gives_the_same_result() -> None:
    problem = masked("neither")
    assert problem.fixed_mask is not None
    inside, larger = problem.fixed_mask.inside(), np.zeros((31, 30, 32), dtype=np.uint8)
    larger[4:27, 4:26, 5:29] = inside
    other = Volume(larger, FIXED.cropped((-5, -4, -4), (32, 30, 31)), "mask")
    np.testing.assert_array_equal(mapped(replace(problem, fixed_mask=other), SETTINGS["velocity"]), mapped(problem, SETTINGS["velocity"]))


@pytest.mark.parametrize("settings", [short(SAMPLED), short(SIREN), replace(short(SIREN), similarity={"local_ncc": 1.0})])
def test_a_mask_with_fewer_voxels_than_the_batch_works(settings: Settings) -> None:
    small = ball(FIXED, 6.0)
    assert small.inside().sum() < 200 < min(stage.points for stage in settings.stages)
    result = register(replace(masked("neither"), fixed_mask=small), settings)
    assert result.outcome.usable
    assert np.isfinite(model_of(result).map(inner_points())).all()


@pytest.mark.parametrize("kind", ["velocity", "siren"])
def test_masks_keep_a_disturbance_out_of_the_result(kind: str) -> None:
    settings = LATTICE if kind == "velocity" else short(SIREN, 90)
    problem = masked("both")
    free = replace(problem, fixed_mask=None, moving_mask=None)
    points = inner_points(7.0)

    def error(given: Problem) -> float:
        return float(np.linalg.norm(model_of(register(given, settings)).map(points) - wave(points), axis=1).mean())

    before = float(np.linalg.norm(wave(points) - points, axis=1).mean())
    reached = error(problem)
    assert reached < 0.5 * before
    assert reached < 0.6 * error(free)


def test_intensities_are_scaled_by_what_lies_inside_the_mask() -> None:
    problem = masked("fixed")
    assert problem.fixed_mask is not None
    image = clean(problem.fixed, problem.fixed_mask, 0.0)
    inside = with_margin(problem.fixed_mask.inside(), FIXED)
    seen = problem.fixed.values[inside]
    np.testing.assert_allclose(image.values[inside], (seen - seen.min()) / np.ptp(seen), atol=1e-6)
    assert image.scale == (float(seen.min()), float(seen.max()))
    assert (image.counted == inside).all()


def test_a_voxel_outside_takes_the_value_of_the_nearest_one_inside() -> None:
    grid = centred((19, 15, 13), (1.0, 2.0, 3.0))
    mask = ball(grid, 5.0)
    volume = Volume(blobs(grid.all_points()).astype(np.float32), grid, "fixed")
    image, inside, points = clean(volume, mask, 0.0), with_margin(mask.inside(), grid), grid.all_points()
    assert not inside.all()
    for voxel in np.argwhere(~inside)[::7]:
        voxel = tuple(voxel)
        distance = np.linalg.norm(points[inside] - points[voxel], axis=1)
        nearest = np.isclose(distance, distance.min(), atol=1e-5)
        assert image.values[voxel] in image.values[inside][nearest]


def test_a_mask_without_structure_is_refused() -> None:
    problem = masked("neither")
    flat = replace(problem.fixed, values=np.where(with_margin(ball(FIXED).inside(), FIXED), 3.0, problem.fixed.values).astype(np.float32))
    with pytest.raises(InputError, match=r"fixed: every voxel inside mask has the value 3; draw a mask"):
        register(replace(problem, fixed=flat), SETTINGS["velocity"])


def test_without_masks_nothing_is_filled_in() -> None:
    volume = image_on(FIXED, wave, "fixed")
    image = clean(volume, None, 0.0)
    span = volume.values.max() - volume.values.min()
    np.testing.assert_allclose(image.values, (volume.values - volume.values.min()) / span, atol=1e-6)
    assert image.given is None


def test_a_mask_gets_a_margin_outwards_and_its_cavities_stay() -> None:
    grid = centred((40, 40, 40), (1.0, 1.0, 1.0))
    distance = np.linalg.norm(grid.all_points(), axis=-1)
    shell = (distance < 14) & (distance > 6)
    near = with_margin(shell, grid)
    assert np.array_equal(near & (distance < 10), shell & (distance < 10))  # the cavity
    from_edge = ndimage.distance_transform_edt(~(distance < 14))
    assert np.array_equal(near & (distance > 10), (from_edge <= MARGIN) & (distance > 10))


@pytest.mark.parametrize("both", [True, False])
def test_a_tight_mask_of_an_organ_is_no_worse_than_none(both: bool) -> None:
    """A soft ball among others like it: what tells it is its edge."""
    fixed, moving = (image_on(centred((44, 44, 44), 1.5), through, name) for through, name in ((wave, "fixed"), (None, "moving")))
    settings = load_preset("quick").settings
    masks = [Volume((v.values > np.quantile(v.values, 0.9)).astype(np.uint8), v.grid, "organ") for v in (fixed, moving)]
    points = fixed.grid.to_world(np.argwhere(masks[0].inside())[::5, ::-1])

    def error(**given: Volume) -> float:
        found = model_of(register(Problem(fixed, moving, **given), settings)).map(points)
        return float(np.linalg.norm(found - wave(points), axis=1).mean())

    given = {"fixed_mask": masks[0], "moving_mask": masks[1]} if both else {"fixed_mask": masks[0]}
    assert error(**given) < 1.3 * error() + 0.1
