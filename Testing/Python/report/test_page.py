"""The page as a whole: what it says, that it is safe and that it stands alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from given import Given

from inr_registration.core import Curve, Grid, Outcome, Problem, Quality, Result, Settings, Volume
from inr_registration.report import headline, report_html
from inr_registration.report.facts import facts

NASTY = "<script>alert('x')</script> & \"co\""
ENDED = [Outcome.CANCELLED, Outcome.DIVERGED, Outcome.OUT_OF_MEMORY]


def changed(case, **changes):
    """The case with changes to its quality."""
    return case.with_result(quality=dataclasses.replace(case.result.quality, **changes))


def test_tags_balance_and_every_section_is_there(a_case, read_page):
    words = read_page(report_html(a_case.problem, a_case.result)).text
    titles = ("How to read this", "Images", "Agreement before and after", "Deformation", "Quality", "How the fit went", "Technical details")
    assert [title for title in titles if title not in words] == []


def test_the_page_shows_every_picture_in_three_planes(a_case, read_page):
    panels = read_page(report_html(a_case.problem, a_case.result)).panels
    kinds = (
        "Fixed",
        "Moving, before",
        "Moving, after (warped)",
        "Difference before",
        "Difference after",
        "Checkerboard before",
        "Checkerboard after",
    )
    for plane in ("axial", "coronal", "sagittal"):
        assert {label for label in panels if label.endswith(f", {plane}")} >= {f"{kind}, {plane}" for kind in kinds}
        assert any(label.startswith(f"Warp grid, {plane}") for label in panels)
        assert any(label.startswith(f"det J, {plane}") for label in panels)


def test_not_for_clinical_use_is_said_at_the_top_and_at_the_bottom(a_case, read_page):
    words = read_page(report_html(a_case.problem, a_case.result)).text
    places = words.find("Not for clinical use"), words.rfind("Not for clinical use")
    assert places[0] < 300
    assert places[1] > len(words) - 300


def test_the_direction_of_the_map_is_said(a_case, read_page):
    words = read_page(report_html(a_case.problem, a_case.result)).text
    assert "fixed world point to moving world point, LPS mm" in words
    assert "whole map" in words


def test_figures_are_on_the_page(a_case, read_page):
    words = read_page(report_html(a_case.problem, a_case.result)).text
    for said in ("0.50 → 0.90", "5.5 → 1.2 mm", "Label 2 0.500 0.700", "7.5", "CPU, 2 threads", "torch 2.13.0", "fit 2.50 s", "0.210"):
        assert said in words, said
    assert "representation.kind velocity" in words


def test_no_address_outside_the_page_is_named(a_case):
    page = report_html(a_case.problem, a_case.result)
    assert "http" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert "<link" not in page
    assert "<script" not in page


def test_whatever_comes_from_files_is_escaped(a_case, read_page):
    fixed, moving = (Volume(image.values, image.grid, NASTY) for image in (a_case.problem.fixed, a_case.problem.moving))
    quality = dataclasses.replace(a_case.result.quality, notes=(NASTY,), dice={NASTY: (0.1, 0.2)}, similarity={NASTY: (0.1, 0.2)})
    result = dataclasses.replace(
        a_case.result,
        message=NASTY,
        warnings=(NASTY,),
        choices=(NASTY,),
        device=NASTY,
        settings={NASTY: NASTY, "stages": [{NASTY: NASTY}]},
        timings_s={NASTY: 1.0},
        history=(Curve(NASTY, {NASTY: [1.0, 0.5]}, [0, 1]),),
        quality=quality,
    )
    page = report_html(Problem(fixed, moving), result, title=NASTY)
    parsed = read_page(page)
    assert "script" not in parsed.tags
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10


def test_the_page_is_the_same_each_time(a_case):
    assert report_html(a_case.problem, a_case.result) == report_html(a_case.problem, a_case.result)


def test_a_page_of_large_noisy_images_stays_below_two_megabytes(build_case):
    grid = Grid.from_geometry((512, 512, 12), [0.7, 0.7, 5], [0, 0, 0], np.eye(3))
    noise = (np.random.default_rng(1).random(grid.shape) * 1000).astype(np.float32)
    case = build_case(Grid.from_geometry((8, 8, 8), [1, 1, 1], [0, 0, 0], np.eye(3)))
    image = Volume(noise, grid, "noise")
    still = np.zeros((*grid.shape, 3), np.float32)
    result = dataclasses.replace(case.result, warped=image, jacobian=image, derived=Given(still, noise[::-1], noise))
    assert 300_000 < len(report_html(Problem(image, image), result)) < 2_000_000


@pytest.mark.parametrize("outcome", ENDED)
def test_a_run_without_a_result_still_gets_a_short_report(outcome, a_case, read_page):
    result = Result(outcome, f"{outcome.value} (cause)", Settings().to_json(), {"prepare": 0.1}, warnings=("dark image",))
    page = read_page(report_html(a_case.problem, result))
    assert headline(result)[0] == "none"
    assert f"{outcome.value} (cause)" in page.text
    assert "dark image" in page.text
    assert "Not for clinical use" in page.text
    assert page.panels == {}
    assert "agree" not in page.text


def test_the_best_state_of_a_fit_that_diverged_is_shown_as_such(a_case, read_page):
    case = a_case.with_result(outcome=Outcome.DIVERGED, message="The fit diverged (so it did)")
    assert headline(case.result) == ("bad", "Do not rely on this map: the fit diverged, and this is its best state before that.")
    page = read_page(report_html(case.problem, case.result))
    assert "The fit diverged (so it did)" in page.text
    assert page.panels


def test_the_title_names_both_images_unless_another_is_given(a_case):
    assert "<h1>liver B registered onto liver A</h1>" in report_html(a_case.problem, a_case.result)
    assert "<h1>Case 7</h1>" in report_html(a_case.problem, a_case.result, "Case 7")


def test_the_headline_is_the_verdict_and_good_only_where_nothing_got_worse_and_nothing_folds(a_case):
    said = "The quality control is green: the map explains far more than chance does, and it does not fold."
    assert headline(a_case.result) == ("good", said)


def test_images_that_agree_better_are_no_good_news_without_a_verdict(a_case):
    tone, words = headline(a_case.with_result(verdict=None).result)
    assert tone == "look"
    assert "nothing judged it" in words


def test_folding_is_in_the_headline(a_case):
    tone, words = headline(changed(a_case, folding_percent=0.01).result)
    assert tone == "look"
    assert "folds" in words


def test_landmarks_that_drift_apart_outweigh_a_better_similarity(a_case):
    tre = {"before": {"mean": 3.0}, "after": {"mean": 4.0}}
    tone, words = headline(changed(a_case, tre_mm=tre).result)
    assert tone == "bad"
    assert "landmark" in words


def test_a_similarity_that_fell_makes_a_mixed_result(a_case):
    tone, words = headline(changed(a_case, similarity={"correlation": (0.9, 0.8)}).result)
    assert tone == "look"
    assert "correlation got worse" in words


def test_a_correlation_that_fell_where_windows_agree_more_is_no_mixed_result(a_case):
    tone, words = headline(changed(a_case, similarity={"correlation": (0.9, 0.8), "local correlation": (0.29, 0.55)}).result)
    assert (tone, "got worse" in words) == ("good", False)


def test_a_correlation_of_opposite_contrasts_got_better_when_it_got_more_negative(a_case):
    opposite = {"correlation": (-0.3, -0.8), "local correlation": (0.2, 0.6)}
    tone, _ = headline(changed(a_case, similarity=opposite).result)
    assert tone == "good"
    assert facts(Quality(similarity=opposite))[0].sentence == "Correlation went from −0.300 to −0.800; below 0, contrasts are opposite."
    tone, words = headline(changed(a_case, similarity={"correlation": (-0.8, -0.3)}).result)
    assert tone == "look"
    assert "correlation got worse" in words


def test_images_that_agreed_from_the_start_may_be_green(a_case):
    quality = Quality(similarity={"correlation": (0.9, 0.9001)})
    assert headline(a_case.with_result(quality=quality).result)[0] == "good"


def test_a_stopped_run_is_said_to_be_stopped(a_case):
    tone, words = headline(a_case.with_result(outcome=Outcome.STOPPED).result)
    assert tone == "look"
    assert "stopped early" in words


def test_a_result_with_nothing_but_a_warped_image_still_gets_its_pictures(a_case, read_page):
    bare = dict.fromkeys(("derived", "jacobian", "quality", "model"))
    case = a_case.with_result(history=(), **bare)
    page = read_page(report_html(case.problem, case.result))
    assert set(page.panels) == {
        f"{kind}, {plane}" for kind in ("Fixed", "Moving, after (warped)") for plane in ("axial", "coronal", "sagittal")
    }
    assert "How the fit went" not in page.text


def test_uncertainty_is_shown_where_there_is_one(a_case, read_page):
    grid = a_case.problem.fixed.grid
    case = a_case.with_result(uncertainty=Volume(np.linspace(0, 4, grid.voxels).reshape(grid.shape), grid, "uncertainty"))
    panels = read_page(report_html(case.problem, case.result)).panels
    assert {label for label in panels if label.startswith("Uncertainty")} == {
        f"Uncertainty, {plane}" for plane in ("axial", "coronal", "sagittal")
    }
