"""The terms of an objective and what can hold a displacement, a row each: all that can be said of them without computing one.

A new term is a row here and a function of its name in a file of ``terms``; a new kind of field a row and a file of ``fields``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SimilarityTerm:
    """How unlike two images are.

    Args:
        name: In settings and on the command line; of its function too.
        module: The file of ``terms`` with that function, of (fixed, moving, weight), tensors of one shape, 0 at best.
        weight: Brings it to about the same size as the others, so that the regularity of a preset fits each of them.
        title: For people: in the page of settings, and in the panel where it has no words of its own.
        crosses: Whether people choose it where intensities do not mean the same in both images.
        looks_at: ``values`` of single points, ``windows`` around each voxel, or ``features`` of both images.
    """

    name: str
    module: str
    weight: float
    title: str
    crosses: bool = False
    looks_at: str = "values"


@dataclass(frozen=True)
class RegularityTerm:
    """How irregular a field is.

    Args:
        name: In settings and on the command line; of its function too.
        module: The file of ``terms`` with that function, of the field's derivatives of this order; per mm.
        order: 1 for the Jacobian, 2 for second derivatives.
        title: For people: in the page of settings.
        of_velocity: Whether it is asked of a stationary velocity and not of the map that it makes.
    """

    name: str
    module: str
    order: int
    title: str
    of_velocity: bool = False


@dataclass(frozen=True)
class FieldKind:
    """What holds a displacement.

    Args:
        name: In settings.
        module: The file of ``fields`` with its ``field_for``; for one that is neither a lattice nor one of the networks here, with
            ``describe`` on the field and ``restored`` beside it.
        points: Whether it is fitted on ``sampled`` points, on ``whole`` levels, or ``either``.
        lattice: Whether its coordinates are mm along the image's axes; else they are scaled to about -1 to 1.
        network: Whether it is a coordinate network, which other coordinates can go into.
        smooth: Whether it has second derivatives.
    """

    name: str
    module: str
    points: str
    lattice: bool = False
    network: bool = False
    smooth: bool = True


SIMILARITY_TERMS = {
    term.name: term
    for term in (
        SimilarityTerm("mse", "similarity", 30.0, "Squared differences"),
        SimilarityTerm("ncc", "similarity", 1.0, "Correlation"),
        SimilarityTerm("local_ncc", "similarity", 1.0, "Local correlation", looks_at="windows"),
        SimilarityTerm("nmi", "information", 2.0, "Mutual information", crosses=True),
        SimilarityTerm("nmi_gaussian", "information", 5.0, "Mutual information, Gaussian windows", crosses=True),
        SimilarityTerm("mind", "mind", 10.0, "Neighbourhood descriptors (MIND-SSC)", crosses=True, looks_at="features"),
    )
}
REGULARITY_TERMS = {
    term.name: term
    for term in (
        RegularityTerm("jacobian", "regularity", 1, "Volume change"),
        RegularityTerm("symmetric_jacobian", "regularity", 1, "Volume change, symmetric"),
        RegularityTerm("bending", "regularity", 2, "Bending", of_velocity=True),
        RegularityTerm("diffusion", "regularity", 1, "Diffusion", of_velocity=True),
        RegularityTerm("hyperelastic", "regularity", 1, "Hyperelastic"),
    )
}
FIELD_KINDS = {
    kind.name: kind
    for kind in (
        FieldKind("siren", "network", "sampled", network=True),
        FieldKind("relu", "network", "sampled", network=True, smooth=False),
        FieldKind("spline", "lattice", "either", lattice=True),
        FieldKind("velocity", "lattice", "whole", lattice=True),
        FieldKind("sinr", "network_lattice", "either", lattice=True),
    )
}
SIMILARITIES, REGULARITIES = tuple(SIMILARITY_TERMS), tuple(REGULARITY_TERMS)
AUTO = "auto"
"""The similarity that is chosen from the images."""


def similarity_of(name: str) -> dict[str, float]:
    """The weights of one similarity by itself, or of ``auto``.

    Raises:
        KeyError: There is none of this name.
    """
    return {name: 1.0} if name == AUTO else {name: SIMILARITY_TERMS[name].weight}
