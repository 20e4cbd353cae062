"""The small pair and its registration, made once for all tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # for small_pair, which the tests import too

from small_pair import Registered, SmallPair, run_cli, write_small_pair


@pytest.fixture(scope="session")
def a_pair(tmp_path_factory: pytest.TempPathFactory) -> SmallPair:
    """Two oblique images of known relation, with labels and landmarks."""
    return write_small_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="session")
def a_registration(a_pair: SmallPair, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """The small pair, registered once with the default preset."""
    output = tmp_path_factory.mktemp("run") / "result"
    given = [f"--{side}-{what}={getattr(a_pair, f'{side}_{what}')}" for side in ("fixed", "moving") for what in ("landmarks", "labels")]
    return Registered(a_pair, output, run_cli(a_pair.fixed, a_pair.moving, "--output", output, "--threads", 1, *given))
