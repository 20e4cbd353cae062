"""What the panel says: names of choices, progress and endings in plain words."""

from __future__ import annotations

import math

from slicer.i18n import tr as _

from inr_registration.core.catalogue import SIMILARITY_TERMS
from inr_registration.core.errors import InputError
from inr_registration.core.presets import load_preset
from inr_registration.core.progress import Progress

SMALLEST_LEFT_S = 1.5
"""Below this, a time left is not worth saying."""


def methods() -> dict[str, tuple[str, str]]:
    """Method -> title and tooltip, for those that there are."""
    return {**_plain_methods(), **_richer_methods(), **_published_methods()}


def _plain_methods() -> dict[str, tuple[str, str]]:
    return {
        "auto": (
            _("B-spline velocity (recommended)"),
            _("A lattice of control points moves with a smooth flow, coarse to fine. Fast, and folds least."),
        ),
        "ffd": (
            _("B-spline displacement (FFD)"),
            _("The classic: a lattice of control points, each with a displacement. Exact as a B-spline transform of Slicer."),
        ),
        "rigid": (_("Rigid only"), _("Shifts and turns the moving image as a whole. Weights do not apply: nothing bends.")),
        "affine": (_("Affine only"), _("Shifts, turns, stretches and shears the moving image as a whole. Weights do not apply.")),
        "idir": (
            _("Neural network, sines (IDIR)"),
            _("A small neural network is fitted to this pair of images alone. Smooth and compact; slower."),
        ),
        "idir-relu": (
            _("Neural network, ReLU"),
            _("As IDIR, with a piecewise linear network. It has no curvature, so the bending weight does not apply."),
        ),
    }


def _richer_methods() -> dict[str, tuple[str, str]]:
    return {
        "sinr": (
            _("Network of control points (SINR)"),
            _("A neural network gives the control points of a B-spline: smooth, and exact as a B-spline transform of Slicer."),
        ),
        "cycle": (
            _("Both directions (cycle)"),
            _("As automatic, in both directions at once. Gives an inverse, where both disagree, a verdict; takes twice as long and more."),
        ),
        "cycle-siren": (
            _("Two networks, both directions"),
            _("Two networks must undo each other. Gives an inverse, an uncertainty and a quality control; takes many times as long."),
        ),
        "geometry": (
            _("Along a tube (geometry)"),
            _("Coordinates that follow the centrelines of tubes, added to a plain network. For peristalsis, vessels, airways."),
        ),
        "geometry-tangent": (
            _("Along a tube only"),
            _("The displacement lives in the coordinates of the tube alone: no motion elsewhere."),
        ),
        "cardiac": (
            _("Left ventricle (cardiac)"),
            _("Coordinates around the long axis of the left ventricle. Gives strain maps."),
        ),
        "multimodal": (
            _("Different kinds of images"),
            _("For pairs such as MR and CT: compares structure or mutual information instead of brightness."),
        ),
        "large-motion": (
            _("Large motion"),
            _("Searches displacements on a coarse grid first. For motion much larger than the structures."),
        ),
    }


def _published_methods() -> dict[str, tuple[str, str]]:
    return {
        "idir-faithful": (
            _("IDIR as published"),
            _("The method of the paper (Wolterink and others, 2022), for comparison. No pyramid, no pre-alignment; slow."),
        ),
        "sinr-faithful": (
            _("SINR as published"),
            _("The method of the paper (Sideri-Lampretsa and others, 2024), for comparison. No pre-alignment."),
        ),
        "cycle-faithful": (
            _("Cycle as published"),
            _("The method of the paper (van Harten and others, 2024), for comparison. No pyramid, no pre-alignment; slow."),
        ),
        "geometry-faithful": (
            _("Along a tube, as published"),
            _("The method of the paper (van Harten and others, 2023), for comparison."),
        ),
    }


def similarities() -> dict[str, tuple[str, str]]:
    """Similarity -> title and tooltip."""
    worded = {
        "preset": (_("As the preset says"), _("What the preset, or the method, comes with.")),
        "auto": (_("Choose from the images"), _("Looks at both images once they are roughly aligned, and chooses.")),
        "local_ncc": (
            _("Local correlation (LNCC)"),
            _("Likeness of small neighbourhoods. For most pairs, also of differing contrast or uneven brightness."),
        ),
        "ncc": (_("Correlation (NCC)"), _("One linear relation between the brightness of both images. For the same kind of image.")),
        "mse": (_("Squared differences (MSE)"), _("Equal brightness in both images. For the same scanner and protocol.")),
        "nmi": (_("Mutual information (NMI)"), _("Any relation between the brightness of both images. For different kinds of images.")),
        "nmi_gaussian": (
            _("Mutual information, Gaussian windows"),
            _("The same with smooth Gaussian windows in the joint histogram."),
        ),
        "mind": (
            _("Neighbourhood descriptors (MIND-SSC)"),
            _("Compares the structure around each point, not its brightness. For different kinds of images."),
        ),
    }
    return worded | {name: (term.title, term.title) for name, term in SIMILARITY_TERMS.items() if name not in worded}


def uncertainties() -> dict[str, tuple[str, str]]:
    """Way to estimate the uncertainty -> title and tooltip."""
    meaning = _("It says how well estimates agree, in mm: consistency, not an error bound.")
    return {
        "none": (_("Do not estimate"), _("Fastest.")),
        "auto": (_("The way tested for this method"), meaning),
        "cycle": (_("Both directions"), _("Where the two fitted directions disagree.") + " " + meaning),
        "laplace": (_("Curvature of the objective"), _("How well the images pin the map.") + " " + meaning),
        "perturbation": (_("Known small warps"), _("How well small warps that were added on purpose are found again.") + " " + meaning),
    }


def devices() -> dict[str, tuple[str, str]]:
    """Device -> title and tooltip."""
    return {
        "auto": (_("Automatic"), _("The CUDA graphics card where there is one, else the processor.")),
        "cpu": (_("CPU"), _("The processor. Works everywhere; slower.")),
        "cuda": (_("CUDA GPU"), _("The NVIDIA graphics card. Refused where there is none.")),
    }


def alignments() -> dict[str, tuple[str, str]]:
    """Pre-alignment -> title and tooltip."""
    return {
        "auto": (_("Affine where it is needed"), _("For most pairs: kept only where it makes the images clearly more alike.")),
        "affine": (_("Affine (shift, turn, scale, shear)"), _("For images of different people.")),
        "rigid": (_("Rigid (shift and turn)"), _("For two images of the same anatomy that may not change its size.")),
        "none": (_("None"), _("The images already lie on each other in the scene, or an initial transform is given.")),
    }


def presets(names: list[str]) -> dict[str, tuple[str, str]]:
    """Preset -> title and description."""
    found = {}
    for name in names:
        try:
            preset = load_preset(name)
        except InputError:  # a file that this version cannot read is not offered
            continue
        found[name] = (preset.title, preset.description)
    return found


def phase(progress: Progress) -> str:
    """What is being done, and about how long the rest will take."""
    names = {
        "wait": _("Waiting for the earlier run to end..."),
        "load": _("Loading PyTorch (first time only)..."),
        "prepare": _("Preparing the images"),
        "affine": _("Aligning (linear part)"),
        "compile": _("Compiling for this computer (first time only)"),
        "fit": _("Deforming, level {level} of {levels}"),
        "finish": _("Preparing the result"),
        "uncertainty": _("Estimating the uncertainty"),
    }
    words = names.get(progress.phase, progress.phase).format(level=progress.stage + 1, levels=progress.stages)
    left = time_left(progress)
    return f"{words} – {left}" if left else words


def time_left(progress: Progress) -> str:
    """The rest of the time in words; empty while it cannot be told."""
    seconds = progress.remaining_s
    if seconds is None or progress.phase not in ("affine", "fit") or not math.isfinite(seconds) or seconds < SMALLEST_LEFT_S:
        return ""
    if seconds < 90:
        return _("about {seconds:.0f} s left").format(seconds=seconds)
    return _("about {minutes:.0f} min left").format(minutes=seconds / 60)


def with_reason(tip: str, reason: str) -> str:
    """A tooltip, and why the thing cannot be used now."""
    return f"{tip}\n\n{reason}" if reason else tip


def unused_weight() -> str:
    """Why a weight cannot be set."""
    return _("This method has no second derivatives, so this weight does not apply.")


def copied(path: object) -> str:
    """That the details were copied, and where the log file of the run lies (None where there is none)."""
    said = _("Details copied. Paste them into a note or a question.")
    return said if path is None else f"{said} " + _("The same is in the log file {path}").format(path=path)
