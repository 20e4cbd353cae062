"""What a run tells of how far it is."""

from __future__ import annotations

import numpy as np
import pytest
from analytic import centred, pair, wave

from inr_registration.app import register
from inr_registration.core import Affine, Command, Progress, Representation, Settings, Stage

COUNTS = [(3, 4), (7, 11), (5, 9), (6, 1)]


@pytest.mark.parametrize("counts", COUNTS)
def test_the_share_that_is_done_never_falls(counts: tuple[int, int]) -> None:
    """With some numbers of iterations the last share of the fit was 0.9000000000000001, and finishing began at 0.9."""
    told: list[Progress] = []

    def report(progress: Progress) -> Command:
        told.append(progress)
        return Command.CONTINUE

    stages = tuple(Stage(shrink, count, 0.5) for shrink, count in zip((2, 1), counts, strict=True))
    settings = Settings(
        representation=Representation("velocity"), similarity={"ncc": 1.0}, affine=Affine("none"), stages=stages, device="cpu"
    )
    assert register(pair(centred((16, 16, 16), 3.0), centred((16, 16, 16), 3.0), wave), settings, report).usable
    shares = [progress.fraction for progress in told]
    assert shares == sorted(shares)
    assert all(type(share) is float and not np.isnan(share) for share in shares)
    assert max(progress.fraction for progress in told if progress.phase == "fit") == 0.9
