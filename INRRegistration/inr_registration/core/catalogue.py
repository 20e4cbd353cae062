"""The terms of an objective, a row each: all that can be said of them without computing one.

A new term is a row here and a function of its name in a file of ``terms``.
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
        title: For people.
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
        title: For people.
        of_velocity: Whether it is asked of a stationary velocity and not of the map that it makes.
    """

    name: str
    module: str
    order: int
    title: str
    of_velocity: bool = False


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
SIMILARITIES, REGULARITIES = tuple(SIMILARITY_TERMS), tuple(REGULARITY_TERMS)
AUTO = "auto"
"""The similarity that is chosen from the images."""


def similarity_of(name: str) -> dict[str, float]:
    """The weights of one similarity by itself, or of ``auto``.

    Raises:
        KeyError: There is none of this name.
    """
    return {name: 1.0} if name == AUTO else {name: SIMILARITY_TERMS[name].weight}
