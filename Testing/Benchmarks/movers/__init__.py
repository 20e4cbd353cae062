"""What can move the control points of a velocity lattice, for ``network_or_lattice.py``."""
