"""All methods by name, and which of them this machine can run."""

from __future__ import annotations

import subprocess
import sys

from peer_methods.convex import CONVEX_ADAM
from peer_methods.elastix import ELASTIX
from peer_methods.fire import FIREANTS
from peer_methods.greedy import GREEDY
from peer_methods.ours import preset
from peer_methods.simple_itk import BSPLINE, DEMONS
from peer_methods.syn import SYN, SYN_CC
from peer_methods.task import Method

PEERS = {
    "greedy": GREEDY,
    "ants SyN": SYN,
    "ants SyN CC": SYN_CC,
    "elastix": ELASTIX,
    "convexAdam": CONVEX_ADAM,
    "FireANTs": FIREANTS,
    "SimpleITK Demons": DEMONS,
    "SimpleITK B-spline": BSPLINE,
}


def method(name: str) -> Method:
    """A peer, or a preset of ours."""
    return PEERS.get(name) or preset(name)


def probe(name: str) -> tuple[str, str]:
    """Whether a peer can be imported, tried in another process because some crash.

    Returns:
        Its version and nothing, or nothing and why it is left out.
    """
    peer = PEERS[name]
    module, _, attribute = (peer.module or "").partition(".")
    check = f"from {module} import {attribute}" if module == "itk" else f"import {peer.module}"
    code = f"{check}; from importlib.metadata import version; print(version({peer.package!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout.split()[-1], ""
    said = done.stderr.strip().splitlines()
    return "", said[-1] if said else f"importing it ended with signal {-done.returncode}"
