"""Files that appear together or not at all: with processes that are really killed at every step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from small_pair import environment

from inr_registration.core import RegistrationError
from inr_registration.io import LIST, PREFIX, finished_file, finished_folder, locked, publish, recover

NAMES = ("a.txt", "b.txt", "c.txt")
OLD, NEW = dict.fromkeys((*NAMES, "gone.txt"), "old"), dict.fromkeys(NAMES, "new")

KILLED = """
import os, signal, sys
from pathlib import Path
from inr_registration.io import publish

left = [int(sys.argv[2])]

def watched(name, real):
    def called(*arguments, **more):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)
    return called

for owner, name in ((Path, "replace"), (Path, "unlink"), (Path, "write_text"), (Path, "mkdir"), (os, "fsync"), (publish.shutil, "rmtree")):
    setattr(owner, name, watched(name, getattr(owner, name)))
with publish.finished_folder(Path(sys.argv[1]), ["gone.txt", "c.txt"]) as new:
    for name in ("a.txt", "b.txt", "c.txt"):
        (new / name).write_text("new")
print("through")
"""


def seen(folder: Path) -> dict[str, str]:
    """Content of the files of a folder, hidden ones too."""
    return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}


def shown(folder: Path) -> dict[str, str]:
    """The same without hidden ones."""
    return {name: content for name, content in seen(folder).items() if not name.startswith(".")}


def a_folder(place: Path) -> Path:
    place.mkdir()
    for name, content in OLD.items():
        (place / name).write_text(content)
    (place / "mine").mkdir()
    return place


def test_a_process_that_is_killed_at_any_step_leaves_the_old_files_or_the_new_ones(tmp_path: Path) -> None:
    """Steps are what it asks of the disk; after each of them it is killed once, and the next one to come finishes or removes its draft."""
    met: list[str] = []
    for step in range(1, 60):
        folder = a_folder(tmp_path / str(step))
        words = [sys.executable, "-c", KILLED, str(folder), str(step)]
        done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
        visible = shown(folder)
        recover(folder)
        after = shown(folder)
        assert not [place for place in folder.glob(f"{PREFIX}*") if place.is_dir()]  # a lock may stay for an hour
        met.append("old" if after == OLD else "new" if after == NEW else f"mixed: {after}")
        if met[-1] == "old":
            assert visible == OLD
        if "through" in done.stdout:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert met == sorted(met, reverse=True)  # old until it counts, new from then on
    assert {"old", "new"} == set(met)
    assert met.count("old") > 5
    assert met.count("new") > 5


def write_new(folder: Path, trouble: BaseException | None = None) -> None:
    with finished_folder(folder, ["gone.txt"]) as new:
        for name in NAMES:
            (new / name).write_text("new")
        if trouble is not None:
            raise trouble


def test_a_block_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "there")
    for place, trouble in ((folder, ValueError("mine")), (folder, KeyboardInterrupt()), (tmp_path / "not" / "there", ValueError("mine"))):
        with pytest.raises(type(trouble)):
            write_new(place, trouble)
    assert seen(folder) == OLD
    assert not (tmp_path / "not").exists()


def test_a_folder_in_the_place_of_a_file_is_told_before_anything_is_moved(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "there")
    (folder / "b.txt").unlink()
    (folder / "b.txt").mkdir()  # no file can be renamed to that
    with pytest.raises(RegistrationError, match=r"could not be written \(b.txt is a folder\); choose another place"):
        write_new(folder)
    assert seen(folder) == {"a.txt": "old", "c.txt": "old", "gone.txt": "old"}
    assert not list(folder.glob(f"{PREFIX}*"))


def test_files_that_cannot_be_moved_are_moved_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, replace = a_folder(tmp_path / "there"), Path.replace

    def refused(self: Path, target: Path) -> Path:
        if target == folder / "b.txt":
            raise PermissionError(13, "it is open in another program")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refused)
        with pytest.raises(RegistrationError, match="it is open in another program"):
            write_new(folder)
    assert [(place / LIST).exists() for place in folder.glob(f"{PREFIX}*") if place.is_dir()] == [True]
    recover(folder)
    assert seen(folder) == NEW


def test_a_draft_whose_process_lives_is_left_alone(tmp_path: Path) -> None:
    with finished_file(tmp_path / "one.txt") as one:
        one.write_text("new")
        with finished_file(tmp_path / "two.txt") as two:
            two.write_text("new")
        recover(tmp_path)
        assert one.exists()
    assert seen(tmp_path) == {"one.txt": "new", "two.txt": "new"}


def test_many_writers_in_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from inr_registration.io.publish import finished_file\n"
        "for n in range(25):\n"
        "    with finished_file(Path(sys.argv[1]) / f'{sys.argv[2]}-{n}.txt') as new: new.write_text('new')"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)], env=environment()) for n in range(4)]
    assert [process.wait(timeout=120) for process in started] == [0] * 4
    assert seen(tmp_path) == {f"{one}-{n}.txt": "new" for one in range(4) for n in range(25)}


def test_an_old_lock_of_nobody_is_removed_and_a_young_or_held_one_is_not(tmp_path: Path) -> None:
    old, young, held = (tmp_path / f"{PREFIX}{name}.lock" for name in ("old", "young", "held"))
    for lock in (old, young, held):
        lock.touch()
    for lock in (old, held):
        os.utime(lock, (time.time() - 2 * publish.ABANDONED_S,) * 2)
    with FileLock(held):
        recover(tmp_path)
        assert {file.name for file in tmp_path.iterdir()} == {young.name, held.name}


def test_a_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "lock"):
            pass
    assert not list(tmp_path.iterdir())


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C raises, also where the shell has started the tests in the background and they were told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_an_interrupt_between_two_renamings_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, sent = Path.replace, []

    def interrupting(self: Path, target: Path) -> Path:
        if self.parent.name == publish.FILES:
            sent.append(os.kill(os.getpid(), signal.SIGINT))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupting)
    write_new(tmp_path)
    assert len(sent) == len(NAMES)
    assert seen(tmp_path) == NEW
    with pytest.raises(KeyboardInterrupt):  # and then it is heard again
        signal.raise_signal(signal.SIGINT)


def test_another_thread_can_write_too(tmp_path: Path) -> None:
    def work() -> None:
        with finished_file(tmp_path / "one.txt") as one:
            one.write_text("new")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen(tmp_path) == {"one.txt": "new"}
