"""The words of the command line. Nothing heavy is imported here, so that ``--help`` answers at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from inr_registration.app.cli.which import add_which
from inr_registration.core.catalogue import REGULARITIES, SIMILARITIES
from inr_registration.core.errors import InputError
from inr_registration.core.needs import options
from inr_registration.core.presets import DEFAULT
from inr_registration.core.version import __version__

IMAGES = "Images: what SimpleITK reads (NIfTI, NRRD, MetaImage, ...) or a folder with DICOM files; 3D, one value per voxel."
POINTS = "Points: CSV with the columns x_lps_mm,y_lps_mm,z_lps_mm, or what Slicer writes (.mrk.json, .fcsv, tables with r,a,s)."
EXIT = (
    "Exit status: 0 a result was kept, 1 an error of the program, 2 bad input, 3 no usable result,\n"
    "4 a result was kept though the fit diverged, 5 one was kept that the quality control judges RED,\n"
    "6 you stopped the run and the result so far was kept, 143 ended by the system (see --resume for both)."
)
OTHERS = ("fixed-mask", "moving-mask", "fixed-labels", "moving-labels", "ventricle", "reference")
INTERPOLATIONS = ("linear", "nearest", "cubic")
DIGITS, MOST_THREADS = 40, 4096
"""Of a number on the command line; of one process."""
EVERY_S = 30.0
"""Between two checkpoints."""
RESEARCH = "For research; not for clinical use."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


@dataclass(frozen=True)
class Verb:
    """One verb of the command line.

    Args:
        module: In this package; has ``run(arguments) -> int``.
        summary: For the overview.
        describe: Adds the verb's arguments to its parser.
        epilog: Printed after the options.
    """

    module: str
    summary: str
    describe: Callable[[argparse.ArgumentParser], None]
    epilog: str = ""


def parse(words: Sequence[str]) -> tuple[str, argparse.Namespace]:
    """Choose the verb by the first word (``register`` where that is none) and read the rest.

    Raises:
        InputError: A word is not understood.
    """
    _check_letters(words)
    explicit = bool(words) and words[0] in VERBS
    name = words[0] if explicit else "register"
    verb = VERBS[name]
    prog = f"inr-register {name}" if explicit else "inr-register"
    overview = "" if explicit else "\nother verbs:\n" + "".join(f"  {n:<10}{v.summary}\n" for n, v in VERBS.items() if n != "register")
    overview += "" if explicit else "inr-register VERB --help says more about each.\n"
    parser = _Parser(
        prog=prog,
        description=verb.summary,
        epilog=f"{verb.epilog}\n{overview}\n{EXIT}\n{RESEARCH}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if not explicit:
        parser.add_argument("--version", action="version", version=f"inr-register {__version__}")
    verb.describe(parser)
    return name, parser.parse_args(words[1:] if explicit else words)


def _check_letters(words: Sequence[str]) -> None:
    """ITK ends the whole process at a name that is no Unicode."""
    for word in words:
        if not word.isascii() and word != word.encode("utf-8", "replace").decode("utf-8"):
            raise InputError(f"{word!a}: this name has bytes that are no letters in UTF-8; rename the file or folder")


def _at_least(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """A whole number from ``least`` up, and at most ``most``."""

    def read(word: str) -> int:
        short = len(word) <= DIGITS
        if not short or not word.removeprefix("-").isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"needs a whole number from {least} up, got '{word if short else word[:DIGITS] + '...'}'")
        if int(word) > most:
            raise argparse.ArgumentTypeError(f"needs a whole number up to {most}, got '{word}'")
        return int(word)

    return read


def _seconds(word: str) -> float:
    """A number of seconds from 0 up."""
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a number of seconds from 0 up, got '{word}'")
    return value


def _register(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("fixed", metavar="FIXED", help="the image that stays; the result is defined on its grid")
    add("moving", metavar="MOVING", help="the image that is warped onto FIXED")
    add("-o", "--output", metavar="DIR", required=True, help="folder for the results; other files in it stay")
    _common(parser)
    _how(parser)
    add_which(parser, "fixed", "moving", others=OTHERS)
    for side in ("fixed", "moving"):
        add(f"--{side}-mask", metavar="IMAGE", help=f"positive where {side.upper()} counts")
        add(f"--{side}-landmarks", metavar="POINTS", help=f"points in {side.upper()}, in pairs by order; they measure the error")
        add(f"--{side}-labels", metavar="IMAGE", help=f"integer labels of {side.upper()}; for quality only")
    add("--landmark-weight", metavar="W", type=float, help="let the landmarks steer the fit too: weight per mm of their mean distance")
    line = "ordered points along a tube in FIXED, for the methods named geometry; repeatable, one for each tube"
    add("--centreline", metavar="POINTS", action="append", default=[], help=line)
    add("--tube-radius", metavar="MM", type=float, help="how far a tube reaches from its centreline, for the methods named geometry")
    add("--long-axis", metavar="POINTS", help="apex and base of the left ventricle in FIXED; strain is measured around it")
    add("--ventricle", metavar="IMAGE", help="positive in the left ventricle of FIXED; the long axis is found in it")
    add("--initial-transform", metavar="FILE", help="transform to start from, of any kind that apply takes, fixed to moving points")
    add("--reference", metavar="IMAGE", help="grid of warped.nii.gz, in the fixed image's space; default: that of FIXED")
    add("--interpolation", choices=INTERPOLATIONS, default="linear", help="of MOVING between its voxels, in warped.nii.gz")
    add("--device", metavar="NAME", help="auto, cpu, cuda or cuda:N")
    add("--resume", action="store_true", help="go on from the checkpoint that an interrupted run of the same command left in DIR")
    every = f"seconds between two checkpoints of a long run; default {EVERY_S:g}"
    add("--checkpoint-every", metavar="SECONDS", type=_seconds, default=EVERY_S, help=every)


def _how(parser: argparse.ArgumentParser) -> None:
    """What changes single settings of the preset."""
    add = parser.add_argument
    add("--method", metavar="NAME", help="auto, ffd, sinr, idir, cycle, geometry, cardiac, ...; cycle goes with an organ's preset, too")
    add("--similarity", metavar="NAME", help=f"{', '.join(SIMILARITIES)}, instead of the preset's similarity")
    terms = f"weight of a regularity term ({', '.join(REGULARITIES)}), such as bending=10; repeatable"
    add("--weight", metavar="NAME=VALUE", action="append", default=[], help=terms)
    add("--start", metavar="NAME", help=f"{' or '.join(options('start'))}: search for large motion on a coarse grid before the fit")
    ways = f"estimate how uncertain the map is, in mm; NAME is one of {', '.join(options('uncertainty'))}, without it auto"
    add("--uncertainty", metavar="NAME", nargs="?", const="auto", help=ways)
    add("--max-voxels", metavar="N", type=_at_least(1), help="most voxels to work on internally; fewer are faster and coarser")


def _common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    preset = f"settings for a task; default {DEFAULT}; 'inr-register presets' lists them; or a JSON file as 'presets NAME' prints it"
    add("--preset", metavar="NAME", help=preset)
    add("--seed", metavar="N", type=_at_least(0), help="of every random number; the same seed gives the same result on a CPU")
    add("--threads", metavar="N", type=_at_least(1, MOST_THREADS), help="CPU threads; default: what torch chooses")
    add("--quiet", action="store_true", help="no progress and no summary")


def _demo(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-o", "--output", metavar="DIR", default="inr-register-demo", help="folder for images and results; default ./inr-register-demo")
    add("--size", metavar="NAME", default="full", help="full (about a minute) or small (coarser voxels, seconds)")
    _common(parser)


def _apply(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("transform", metavar="TRANSFORM", help="model.safetensors, or any transform (ITK, fields, .xfm, .lta) from fixed to moving points")
    add("input", metavar="INPUT", help="image, labels or points")
    add("output", metavar="OUTPUT", help="file to write; points keep the format of INPUT")
    add("--reference", metavar="IMAGE", help="grid of the output image; default: the grid that the model was made for")
    add_which(parser, "reference", shared=False)
    then = "a further transform that points of the fixed image take after TRANSFORM and those named before; repeatable"
    add("--then", metavar="TRANSFORM", action="append", default=[], help=then)
    add("--interpolation", choices=INTERPOLATIONS, default="linear", help="of images between their voxels; labels always take the nearest")
    add("--kind", choices=["image", "labels", "points"], help="default: points for files of points, else image")
    add("--to", choices=["fixed", "moving"], default="fixed", help="the space to bring INPUT to, from the other one; default fixed")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("transform", metavar="TRANSFORM", help="model.safetensors, or any transform (ITK, fields, .xfm, .lta) from fixed to moving points")
    add("--fixed", metavar="IMAGE", required=True, help="the fixed image: folding is measured on its grid")
    add("--moving", metavar="IMAGE", help="the moving image: similarities are measured too")
    add("--fixed-mask", metavar="IMAGE", help="measure folding and similarity only where this is positive; default: everywhere")
    add_which(parser, "fixed", "moving", others=("fixed-mask", "fixed-labels", "moving-labels"))
    for side in ("fixed", "moving"):
        add(f"--{side}-landmarks", metavar="POINTS", help=f"points in the {side} image, in pairs by order")
        add(f"--{side}-labels", metavar="IMAGE", help=f"integer labels of the {side} image")


def _presets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="print the complete settings of this preset as JSON")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


VERBS = {
    "register": Verb("register_command", "Register two 3D medical images, without training data.", _register, f"{IMAGES}\n{POINTS}"),
    "demo": Verb("demo", "Make a CT-like pair with a known warp, register it and print the error against the truth.", _demo),
    "apply": Verb("apply", "Carry an image, labels or points through a transform, in either direction.", _apply, f"{IMAGES}\n{POINTS}"),
    "evaluate": Verb("evaluate", "Measure any transform (landmarks, overlap, folding); prints JSON.", _evaluate, f"{IMAGES}\n{POINTS}"),
    "presets": Verb("presets_command", "List the presets, or print one completely.", _presets),
}
"""All verbs; ``register`` is meant where the first word is none of them."""
