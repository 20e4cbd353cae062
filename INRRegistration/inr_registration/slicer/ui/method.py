"""The section Method: preset, method, similarity, weights, device; and the pre-alignment among the advanced settings."""

from __future__ import annotations

from inr_registration.core.presets import preset_names
from inr_registration.slicer.logic.choice import (
    AFFINE_CHOICES,
    SIMILARITY_CHOICES,
    Choice,
    choice_of,
    is_modified,
    uncertainties,
    uses,
    with_method,
)
from inr_registration.slicer.logic.choice import methods as method_names
from inr_registration.slicer.logic.torch_setup import torch_status
from inr_registration.slicer.ui import choices, words
from inr_registration.slicer.ui.parameters import DEVICES, choice_in, put_choice
from inr_registration.slicer.ui.piece import Piece


class Method(Piece):
    """Choosing a preset or a method fills in what comes with it; what then differs from the preset is called modified."""

    def connect(self) -> None:
        ui = self.ui
        choices.fill(ui.presetCombo, words.presets(preset_names()))
        choices.fill(ui.methodCombo, _of(words.methods(), method_names()))
        choices.fill(ui.similarityCombo, _of(words.similarities(), SIMILARITY_CHOICES))
        choices.fill(ui.deviceCombo, _of(words.devices(), DEVICES))
        choices.fill(ui.affineCombo, _of(words.alignments(), AFFINE_CHOICES))
        spins = {
            "diffusion": ui.diffusionWeight,
            "symmetric_jacobian": ui.symmetricJacobianWeight,
            "jacobian": ui.jacobianWeight,
            "bending": ui.bendingWeight,
            "hyperelastic": ui.hyperelasticWeight,
        }
        self._weights = {name: (spin, spin.toolTip) for name, spin in spins.items()}
        # "activated" is the user's doing only; unlike a change it also tells that the same entry was chosen again
        self.wires.on(ui.presetCombo, "activated(int)", self._preset)
        self.wires.on(ui.methodCombo, "activated(int)", self._method)
        self.wires.on(ui.similarityCombo, "activated(int)", self._similarity)
        self.wires.on(ui.deviceCombo, "activated(int)", self._device)
        self.wires.on(ui.affineCombo, "activated(int)", self._affine)
        self.wires.on(ui.uncertaintyCombo, "activated(int)", self._uncertainty)

    def refresh(self) -> None:
        self.ui.torchLabel.text = torch_status().words
        if self.parameters is None:
            return
        choice, ui = choice_in(self.parameters), self.ui
        choices.fill(ui.uncertaintyCombo, _of(words.uncertainties(), uncertainties(choice)))
        for combo, name in (
            (ui.presetCombo, choice.preset),
            (ui.methodCombo, choice.method),
            (ui.similarityCombo, choice.similarity),
            (ui.deviceCombo, choice.device),
            (ui.affineCombo, choice.affine),
            (ui.uncertaintyCombo, choice.uncertainty),
        ):
            choices.select(combo, name)
            combo.toolTip = choices.tip_of(combo)
        ui.presetModified.visible = is_modified(choice)
        usable = uses(choice.method)
        for name, (spin, tip) in self._weights.items():
            spin.enabled = name in usable
            spin.toolTip = words.with_reason(tip, "" if name in usable else words.unused_weight())

    def _preset(self) -> None:
        self._put(choice_of(choices.selected(self.ui.presetCombo)))

    def _method(self) -> None:
        if self.parameters is not None:
            choice, method = choice_in(self.parameters), choices.selected(self.ui.methodCombo)
            if method != choice.method:
                self._put(with_method(choice, method))

    def _put(self, choice: Choice) -> None:
        if self.parameters is not None:
            put_choice(self.parameters, choice)

    def _similarity(self) -> None:
        self._set("similarity", choices.selected(self.ui.similarityCombo))

    def _device(self) -> None:
        self._set("device", choices.selected(self.ui.deviceCombo))

    def _affine(self) -> None:
        self._set("affine", choices.selected(self.ui.affineCombo))

    def _uncertainty(self) -> None:
        self._set("uncertainty_method", choices.selected(self.ui.uncertaintyCombo))

    def _set(self, name: str, value: str) -> None:
        if self.parameters is not None:
            setattr(self.parameters, name, value)


def _of(entries: dict[str, tuple[str, str]], names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The entries of these names, in their order; a name without words stands for itself."""
    return {name: entries.get(name, (name, "")) for name in names}
