"""A new similarity, regulariser or representation is one file and one line; it works from Python and on the command line."""

from __future__ import annotations

import places
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("toy", places.TOYS, ids=lambda toy: toy.what)
def test_something_new_is_one_file_and_one_line(toy: places.Toy) -> None:
    files, lines, wrong = places.count(toy)
    assert wrong == ""
    assert (files, lines) == (1, 1)
