"""What an image takes is asked before anything is allocated, and messages of libraries stay out of sight."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_pair import environment

from inr_registration.core import InputError
from inr_registration.io import WORKING_BYTES, available_bytes, check_room


def test_an_image_that_fits_passes_and_one_that_does_not_is_refused_with_the_numbers() -> None:
    there = available_bytes()
    assert there is not None
    assert there > 10**8
    check_room((100, 100, 50), 2)
    side = int((there / (WORKING_BYTES + 2)) ** (1 / 3)) + 500
    with pytest.raises(InputError, match=rf"declares {side} x {side} x {side} voxels.*at least [\d,.]+ GB of memory, and [\d,.]+ GB are"):
        check_room((side, side, side), 2)


def test_a_number_beyond_every_float_is_refused_too() -> None:
    with pytest.raises(InputError, match="to register them takes"):
        check_room((10**200, 10**200, 10**200), 1)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_a_limit_of_the_process_counts() -> None:
    code = "import resource as r; r.setrlimit(r.RLIMIT_AS, (10**9,) * 2); from inr_registration.io.room import *; print(available_bytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert int(done.stdout) <= 10**9


def test_what_c_libraries_write_is_not_seen_and_what_comes_after_is(tmp_path: Path) -> None:
    code = (
        "import ctypes, os, sys\n"
        "from inr_registration.io.silence import silent_libraries\n"
        "print('before')\n"
        "with silent_libraries():\n"
        "    os.write(2, b'error'); ctypes.CDLL(None).printf(b'held back')\n"
        "print('after')\n"
    )
    if os.name == "nt":
        pytest.skip("the C library has another name on Windows")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=tmp_path, check=True)
    assert done.stdout.split() == ["before", "after"]
    assert done.stderr == ""
