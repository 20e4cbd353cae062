"""What is said about room after a file could not be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from inr_registration.app.cli import check_file, check_folder
from inr_registration.core import InputError, RegistrationError
from inr_registration.io import finished_folder, is_room, reason


def of(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def test_a_quota_is_not_told_as_room_that_is_free(tmp_path: Path) -> None:
    assert reason(tmp_path, of(errno.EDQUOT)) == ["your quota there is used up, whatever is free on the disk"]


@pytest.mark.parametrize("error", [of(errno.ENOSPC), OSError("a library failed")])
def test_room_on_the_disk_is_told_as_that(error: OSError, tmp_path: Path) -> None:
    (said,) = reason(tmp_path / "not" / "there", error)
    assert "MB are free on the disk there, and a quota may allow less" in said


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.EIO, errno.ENAMETOOLONG])
def test_errors_that_no_room_would_mend_say_nothing_of_room(number: int, tmp_path: Path) -> None:
    assert not is_room(of(number))
    assert reason(tmp_path, of(number)) == []


@pytest.mark.parametrize(("number", "remedy"), [(errno.EDQUOT, "make room or choose"), (errno.EROFS, r"\); choose another place")])
def test_the_remedy_fits_the_error(number: int, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(RegistrationError, match=remedy), finished_folder(tmp_path):
        raise of(number)


def test_a_result_that_is_read_only_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write everything is refused nothing, so the answer of the system is given."""
    kept = tmp_path / "report.json"
    kept.write_text("mine")
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != kept)
    with pytest.raises(InputError, match=r"report\.json: this file is read-only"):
        check_folder(tmp_path, [])
    with pytest.raises(InputError, match=r"report\.json: this file is read-only"):
        check_file(kept, [])
