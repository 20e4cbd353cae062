"""Where the command keeps a run on its way: one hidden file in the output folder, replaced as a whole."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import Timeout

from inr_registration.app.cli.arguments import EVERY_S
from inr_registration.core.errors import InputError
from inr_registration.core.model_file import from_bytes, to_bytes
from inr_registration.core.result import ModelState
from inr_registration.core.sizes import MODEL_BYTES, check_size
from inr_registration.io.publish import PREFIX, locked, made, recover

NAME = f"{PREFIX}checkpoint.safetensors"
LARGEST = 5 * MODEL_BYTES
"""A checkpoint holds the parameters, their two moments, the best and those of the stage before."""


class CheckpointFile:
    """The checkpoint of an output folder.

    Args:
        folder: For the results.
        resume: Whether to go on from what an earlier run left.
        every_s: Seconds between two checkpoints.
        asked: Says whether one is wanted at once.
    """

    def __init__(self, folder: Path, resume: bool = False, every_s: float = EVERY_S, asked: Callable[[], bool] = lambda: False) -> None:
        self.path, self.resume, self.every_s, self.asked = folder / NAME, resume, every_s, asked
        self.last = time.monotonic()
        self.saves = True

    def load(self) -> ModelState | None:
        """What an earlier run left, if it is wanted."""
        if not self.path.exists():
            if self.resume:
                _say("nothing to resume in the output folder; starting from the beginning")
            return None
        if not self.resume:
            _say("an earlier run left a checkpoint in the output folder; --resume would have gone on from it")
            return None
        try:
            check_size(self.path.stat().st_size, LARGEST, "the file", "it is none that inr-register wrote")
            return from_bytes(self.path.read_bytes())
        except InputError as error:
            raise InputError(f"{self.path}: the checkpoint is damaged ({error}); leave out --resume to start from the beginning") from error

    def due(self) -> bool:
        """Whether enough time has passed, or one is asked for."""
        return self.saves and (self.asked() or time.monotonic() - self.last >= self.every_s)

    def save(self, state: ModelState) -> None:
        """Replace the file; a disk without room costs the checkpoint and not the run."""
        partial = self.path.with_suffix(".part")
        try:
            with partial.open("wb") as stream:
                stream.write(to_bytes(state))
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(self.path)
        except OSError as error:
            self.saves = False
            partial.unlink(missing_ok=True)
            _say(f"checkpoints cannot be written ({error.strerror or error}); the run goes on without them")
        self.last = time.monotonic()

    def remove(self) -> None:
        """Once it is of no use any more."""
        for path in (self.path, self.path.with_suffix(".part")):
            with suppress(OSError):
                path.unlink(missing_ok=True)


@contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Have an output folder to oneself for the time of a run, with what killed runs left there finished or removed.

    Raises:
        InputError: Another run is at work in it, or it cannot be used.
    """
    with ExitStack() as held:
        try:
            held.enter_context(made(folder))
            held.enter_context(locked(folder / f"{PREFIX}run.lock"))
            recover(folder)
        except Timeout as error:
            remedy = "wait for its end, or choose another output"
            raise InputError(f"{folder}: another inr-register is at work in this folder; {remedy}") from error
        except OSError as error:
            raise InputError(f"{folder}: cannot be used for results ({error.strerror or error}); choose another output") from error
        yield


def _say(sentence: str) -> None:
    print(f"inr-register: {sentence}", file=sys.stderr)
