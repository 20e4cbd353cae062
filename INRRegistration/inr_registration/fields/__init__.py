"""What holds the displacement, with its derivatives in closed form."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "cardiac": ("CardiacField", "PORTS"),
        "geometry.cardiac": ("CORE", "around", "axis_of", "coordinates", "directions", "height", "is_wall", "vectors"),
        "geometry.smooth": ("smoothed",),
        "geometry.tube": ("Place", "Tubes", "WALL"),
        "lattice": (
            "Lattice",
            "SplineLattice",
            "VelocityLattice",
            "enough_squarings",
            "evaluate_at_points",
            "evaluate_on_cells",
            "exponential",
            "respline",
        ),
        "network": ("Network", "ReluMlp", "Siren", "SumsOfProducts"),
        "network_lattice": ("NetworkLattice",),
        "tube": ("TubeField", "unit_scale"),
    },
)
