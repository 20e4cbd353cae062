"""What a fit can hold a displacement in, of those that need no anatomy."""

from __future__ import annotations

from inr_registration.fields.lattice import Lattice
from inr_registration.fields.network import Network

Field = Lattice | Network
