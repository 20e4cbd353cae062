"""What only some methods give: the quality control's verdict, uncertainty, strain, and landmarks that steered the fit."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from inr_registration.core import UNCERTAINTY_MEANING, Doubt, Level, SplineTransform, Verdict, Volume
from inr_registration.report import colours, headline, report_data, report_html

REASON = "The 95th percentile of the discrepancy is 7.1 mm, above 5 mm."
STRAIN = {"radial": {"basal": 0.31, "global": 0.25}, "circumferential": {"basal": -0.18, "global": -0.2}}


def on_grid(case, values, name="map"):
    grid = case.problem.fixed.grid
    return Volume(np.broadcast_to(np.asarray(values, np.float32), grid.shape).copy(), grid, name)


def page_of(case, read_page):
    return read_page(report_html(case.problem, case.result))


def half_known(case, value):
    """A map that is unknown in the first half of the columns."""
    volume = on_grid(case, value)
    values = volume.values.copy()
    values[:, :, : values.shape[2] // 2] = np.nan
    return Volume(values, volume.grid, volume.name)


@pytest.mark.parametrize("level", Level)
def test_the_verdict_is_a_word_with_reasons_and_what_it_cannot_see(level, a_case, read_page):
    verdict = Verdict(level, (REASON,))
    page = page_of(a_case.with_result(verdict=verdict), read_page)
    start, reason, blind = (page.text.find(said) for said in (f"Quality control: {level.name}.", REASON, verdict.blind_spots))
    assert 0 < start < reason < blind < page.text.find("How to read this")


def test_a_page_without_a_verdict_speaks_of_no_quality_control(a_case, read_page):
    assert "Quality control" not in page_of(a_case.with_result(verdict=None), read_page).text


def test_places_without_support_are_listed_with_the_verdict_and_in_the_data(a_case, read_page):
    doubts = (Doubt((12.0, -30.0, 5.0), (11.0, -29.0, 4.0), 2500.0, 80, (10.0, 20.0, 30.0), -0.05),)
    case = a_case.with_result(doubts=doubts)
    page = page_of(case, read_page)
    assert "L 12, A 30, S 5" in page.text
    assert "2.5 ml" in page.text
    (told,) = report_data(case.problem, case.result)["doubts"]
    assert told["place_lps"] == [12.0, -30.0, 5.0]
    assert told["volume_mm3"] == 2500.0


def test_the_headline_is_never_better_than_the_verdict(a_case):
    tones = {level: headline(a_case.with_result(verdict=Verdict(level, ())).result)[0] for level in Level}
    assert tones == {Level.GREEN: "good", Level.AMBER: "look", Level.RED: "bad"}


def test_a_green_verdict_makes_no_bad_result_good(a_case):
    worse = dataclasses.replace(a_case.result.quality, similarity={"correlation": (0.9, 0.5)})
    case = a_case.with_result(quality=worse, verdict=Verdict(Level.GREEN, ()))
    assert headline(case.result)[0] == "look"


def test_verdict_uncertainty_maps_and_strain_are_in_the_data(a_case):
    values = np.linspace(0, 4, a_case.problem.fixed.grid.voxels).reshape(a_case.problem.fixed.grid.shape)
    values[0] = np.nan
    known = values[np.isfinite(values)]
    lattice = SplineTransform(np.eye(4), np.zeros((4, 4, 4, 3), np.float32), np.zeros(3), np.ones(3), np.eye(3), 0.02)
    case = a_case.with_result(
        verdict=Verdict(Level.AMBER, (REASON,)),
        uncertainty=on_grid(a_case, values),
        maps={"strain_radial": half_known(a_case, 0.25)},
        inverse=lattice,
        quality=dataclasses.replace(a_case.result.quality, strain=STRAIN),
    )
    data = report_data(case.problem, case.result)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["verdict"]["level"] == "AMBER"
    assert data["verdict"]["reasons"] == [REASON]
    assert "cannot be told apart" in data["verdict"]["blind_spots"]
    assert data["uncertainty"]["median_mm"] == pytest.approx(np.median(known), rel=1e-5)
    assert data["uncertainty"]["p95_mm"] == pytest.approx(np.percentile(known, 95), rel=1e-5)
    assert data["uncertainty"]["known_percent"] == pytest.approx(100 * known.size / values.size)
    assert data["maps"] == {"strain_radial": pytest.approx({"p5": 0.25, "median": 0.25, "p95": 0.25})}
    assert data["quality"]["strain"] == STRAIN
    assert data["inverse_max_error_mm"] == 0.02


def test_a_result_of_a_plain_method_has_none_of_it(a_case):
    data = report_data(a_case.problem, a_case.with_result(verdict=None).result)
    assert (data["verdict"], data["uncertainty"], data["inverse_max_error_mm"], data["maps"]) == (None, None, None, {})


def test_the_uncertainty_says_its_figures_and_what_it_means(a_case, read_page):
    page = page_of(a_case.with_result(uncertainty=half_known(a_case, 1.5)), read_page)
    assert "Median 1.50 mm, 95th percentile 1.50 mm." in page.text
    assert "Known at 50 % of the voxels" in page.text
    assert UNCERTAINTY_MEANING.replace("'", "&#x27;") in report_html(
        a_case.problem, a_case.with_result(uncertainty=half_known(a_case, 1.5)).result
    )


def test_an_uncertainty_known_nowhere_is_said_to_be_so(a_case, read_page):
    page = page_of(a_case.with_result(uncertainty=on_grid(a_case, np.nan)), read_page)
    assert "nothing is known at any voxel" in page.text
    assert not any(label.startswith("Uncertainty") for label in page.panels)


def test_where_nothing_is_known_the_grey_image_shows(a_case, read_page):
    pixels = page_of(a_case.with_result(maps={"strain_radial": half_known(a_case, 0.3)}), read_page).panels["Radial strain, axial"].pixels
    grey = (pixels == pixels[..., :1]).all(axis=-1)
    assert grey[:, : grey.shape[1] // 2].all()
    assert not grey[:, grey.shape[1] // 2 :].any()


@pytest.mark.parametrize(("value", "wins"), [(0.3, "red"), (-0.3, "blue")])
def test_lengthening_is_red_and_shortening_is_blue(value, wins, a_case, read_page):
    panel = page_of(a_case.with_result(maps={"strain_radial": on_grid(a_case, value)}), read_page).panels["Radial strain, coronal"]
    red, _, blue = panel.pixels.reshape(-1, 3).mean(axis=0)
    assert (red > blue + 50) == (wins == "red")
    assert (blue > red + 50) == (wins == "blue")


def test_no_strain_is_white_between_the_two(a_case, read_page):
    values = np.where(np.arange(a_case.problem.fixed.grid.size[0]) < 10, 0.0, 0.4)
    panel = page_of(a_case.with_result(maps={"strain_longitudinal": on_grid(a_case, values)}), read_page).panels[
        "Longitudinal strain, axial"
    ]
    assert panel.pixels[:, :8].min() >= 245


def test_the_table_of_strains_has_every_part(a_case, read_page):
    page = page_of(a_case.with_result(quality=dataclasses.replace(a_case.result.quality, strain=STRAIN)), read_page)
    assert "Mean strain Basal Global Radial 0.310 0.250 Circumferential −0.180 −0.200" in page.text


def test_landmarks_that_steered_the_fit_are_no_independent_witness(a_case, read_page):
    case = a_case.with_result(settings={**a_case.result.settings, "landmark_weight": 0.5})
    assert "these landmarks steered the fit" in page_of(case, read_page).text
    assert "these landmarks steered the fit" not in page_of(a_case, read_page).text


def test_half_of_the_colours_over_grey_are_the_tables_own():
    table = colours.over_grey(colours.DIVERGING)
    assert table.shape == (256, 3)
    assert table[:128].max() < 130
    entries = colours.over_grey_entries(np.array([255, 255], np.uint8), np.array([0, 255], np.uint8), np.array([True, False]))
    np.testing.assert_array_equal(table[entries], [colours.DIVERGING[0], colours.GREY[254] // 2])
