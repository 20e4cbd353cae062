"""Presets fill in, edits are called modified, and only what a method uses can be edited."""

from __future__ import annotations

import pytest
from desk import Desk

from inr_registration.core import load_preset, preset_names
from inr_registration.core.catalogue import SIMILARITY_TERMS, SimilarityTerm
from inr_registration.slicer.logic import choice_of, methods
from inr_registration.slicer.ui import WEIGHTS, choice_in, words

SPINS = {
    "diffusion": "diffusionWeight",
    "symmetric_jacobian": "symmetricJacobianWeight",
    "jacobian": "jacobianWeight",
    "bending": "bendingWeight",
    "hyperelastic": "hyperelasticWeight",
}


def titles(combo: object) -> list[str]:
    return [combo.itemText(row) for row in range(combo.count)]  # type: ignore[attr-defined]


def test_all_presets_are_offered_by_title_with_their_description(desk: Desk) -> None:
    combo = desk.ui.presetCombo
    assert titles(combo) == [load_preset(name).title for name in preset_names()]
    assert combo.toolTip == load_preset("auto").description


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_fills_in_everything(desk: Desk, name: str) -> None:
    desk.pick(desk.ui.presetCombo, name)
    filled = choice_of(name)
    assert choice_in(desk.parameters) == filled
    for weight, spin in SPINS.items():
        assert getattr(desk.ui, spin).value == pytest.approx(filled.weights[weight], abs=1e-6)
    assert desk.ui.methodCombo.itemData(desk.ui.methodCombo.currentIndex) == filled.method
    assert desk.ui.presetCombo.toolTip == load_preset(name).description
    assert not desk.shown(desk.ui.presetModified)


@pytest.mark.parametrize("weight", ["diffusion", "bending"])
def test_an_edited_weight_is_called_modified_until_the_preset_is_chosen_again(desk: Desk, weight: str) -> None:
    spin = getattr(desk.ui, SPINS[weight])
    spin.value = 0.7
    assert getattr(desk.parameters, WEIGHTS[weight]) == 0.7
    assert desk.shown(desk.ui.presetModified)
    desk.pick(desk.ui.presetCombo, "auto")
    assert not desk.shown(desk.ui.presetModified)
    assert getattr(desk.parameters, WEIGHTS[weight]) == choice_of("auto").weights[weight]


def test_a_weight_too_fine_for_its_box_is_not_rounded_by_being_shown(desk: Desk) -> None:
    desk.pick(desk.ui.presetCombo, "idir-faithful")
    exact = load_preset("idir-faithful").settings.regularity["bending"]
    desk.leave()
    desk.open()
    assert desk.parameters.bending == exact
    assert not desk.shown(desk.ui.presetModified)


@pytest.mark.parametrize(("combo", "name"), [("similarityCombo", "nmi"), ("affineCombo", "rigid"), ("methodCombo", "idir")])
def test_another_choice_is_called_modified(desk: Desk, combo: str, name: str) -> None:
    desk.pick(getattr(desk.ui, combo), name)
    assert desk.shown(desk.ui.presetModified)
    assert name in (desk.parameters.similarity, desk.parameters.affine, desk.parameters.method)


def test_where_it_runs_is_not_a_modification(desk: Desk) -> None:
    desk.pick(desk.ui.deviceCombo, "cpu")
    desk.ui.seedSpin.value = 5
    assert (desk.parameters.device, desk.parameters.seed) == ("cpu", 5)
    assert not desk.shown(desk.ui.presetModified)


def test_a_method_brings_its_weights(desk: Desk) -> None:
    desk.pick(desk.ui.methodCombo, "ffd")
    assert desk.parameters.bending == load_preset("ffd").settings.regularity["bending"]
    assert desk.parameters.diffusion == load_preset("ffd").settings.regularity["diffusion"]
    assert desk.parameters.hyperelastic == 0.0


def test_a_weight_that_the_method_cannot_use_is_off_and_says_why(desk: Desk) -> None:
    desk.pick(desk.ui.methodCombo, "idir-relu")
    assert not desk.ui.bendingWeight.enabled
    assert words.unused_weight() in desk.ui.bendingWeight.toolTip
    assert desk.ui.diffusionWeight.enabled
    desk.pick(desk.ui.methodCombo, "idir")
    assert desk.ui.bendingWeight.enabled
    assert words.unused_weight() not in desk.ui.bendingWeight.toolTip


def test_every_method_and_choice_has_words() -> None:
    assert set(methods()) <= set(words.methods())
    for entries in (words.methods(), words.similarities(), words.devices(), words.alignments(), words.uncertainties()):
        assert all(title and tip.endswith(".") for title, tip in entries.values())


def test_the_settings_of_the_panel_are_those_of_the_run(desk: Desk) -> None:
    desk.pair()
    desk.pick(desk.ui.presetCombo, "lung-ct")
    desk.ui.bendingWeight.value = 2.0
    desk.ui.maxVoxelsSpin.value = 500_000
    desk.pick(desk.ui.affineCombo, "none")
    desk.run()
    used = desk.script.tasks[-1].settings
    assert used.regularity["bending"] == 2.0
    assert (used.max_voxels, used.affine.kind, dict(used.similarity)) == (500_000, "none", {"local_ncc": 1.0})


def test_names_of_another_version_become_the_defaults(desk: Desk) -> None:
    for name in ("preset", "method", "similarity", "device", "affine"):
        setattr(desk.parameters, name, "from the future")
    assert choice_in(desk.parameters) == choice_of("auto")


def test_the_state_of_pytorch_is_said(desk: Desk) -> None:
    assert desk.ui.torchLabel.text.startswith("PyTorch")


def test_a_similarity_without_words_of_the_panel_is_offered_by_its_title(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIMILARITY_TERMS, "absolute", SimilarityTerm("absolute", "absolute", 1.0, "Absolute differences"))
    assert words.similarities()["absolute"][0] == "Absolute differences"
