"""A run on its way as plain arrays and numbers, and back."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inr_registration.core.checkpoints import Checkpoints
from inr_registration.core.displacements import Displacements
from inr_registration.core.errors import InputError
from inr_registration.core.problem import Problem
from inr_registration.core.result import Curve, ModelState
from inr_registration.core.settings import Settings
from inr_registration.core.version import __version__
from inr_registration.core.volume import Volume
from inr_registration.optimise.fit import StageRun

UNKNOWN = "the checkpoint is not one of a registration"
REMEDY = "leave out resuming to start from the beginning"


@dataclass
class Saved:
    """What has to be known to go on with a run, beside the images and the settings.

    Args:
        affine: (4, 4) world to world.
        choices: What was decided before the fit.
        halved: Whether memory had run out, so that this is the attempt with less.
        number: Of the stage.
        history: Curves of the stages before.
        converged: Whether each of them converged.
        warnings: About them.
        done: Iterations of the fit so far, in all stages.
        run: Of the stage: plain numbers.
        start: Facts on the pre-alignment by name: ``agreement``, ``turned`` degrees; empty where there was none.
        shading: Smooth factors that were taken from the moving image, in this order.
        aligned: (4, 4) the closest linear map that was found, at which contrasts are compared; empty where none was looked for.
        tensors: ``before.N`` parameters before the stage began; ``parameters.N``, ``means.N``, ``squares.N``, ``best.N`` now;
            ``generator.before`` and ``generator.now`` states of the source of random numbers.
    """

    affine: list[list[float]]
    choices: list[str]
    halved: bool
    number: int = 0
    history: list[Curve] = field(default_factory=list)
    converged: list[bool] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    done: int = 0
    run: dict[str, Any] = field(default_factory=dict)
    start: dict[str, float] = field(default_factory=dict)
    shading: list[dict[str, Any]] = field(default_factory=list)
    aligned: list[list[float]] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def add(self, run: StageRun) -> None:
        """Take a stage as it is now."""
        run.settle()
        parts = {
            "parameters": [parameter.detach() for parameter in run.objective.parameters],
            "means": run.optimiser.means,
            "squares": run.optimiser.squares,
            "best": run.guard.best,
        }
        self.tensors.update({f"{name}.{n}": tensor for name, tensors in parts.items() for n, tensor in enumerate(tensors)})
        records = run.records
        self.run = {
            "done": run.done,
            "steps": run.optimiser.steps,
            "halvings": run.guard.halvings,
            "objectives": [run.guard.first, run.guard.last, run.guard.lowest],
            "smoothed": list(records.rule.smoothed),
            "latest": records.latest,
            "curve": dataclasses.asdict(records.curve),
            "is_converged": records.converged,
        }

    def put_into(self, run: StageRun) -> None:
        """Bring a stage that has just begun to where this one was.

        Raises:
            InputError: The arrays are not those of such a stage.
        """
        self.put("parameters", run.objective.parameters)
        for name, tensors in (("means", run.optimiser.means), ("squares", run.optimiser.squares), ("best", run.guard.best)):
            self.put(name, tensors)
        try:
            self._set_numbers(run)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{UNKNOWN} ({error!r}); {REMEDY}") from error

    def _set_numbers(self, run: StageRun) -> None:
        run.done, run.optimiser.steps = int(self.run["done"]), int(self.run["steps"])
        run.guard.halvings = int(self.run["halvings"])
        run.guard.first, run.guard.last, run.guard.lowest = (float(value) for value in self.run["objectives"])
        run.records.rule.smoothed = [float(value) for value in self.run["smoothed"]]
        run.records.latest = {str(name): float(value) for name, value in self.run["latest"].items()}
        run.records.curve, run.records.converged = Curve(**self.run["curve"]), bool(self.run["is_converged"])

    @torch.no_grad()
    def put(self, name: str, into: Sequence[Tensor]) -> None:
        """Copy the arrays of this name into tensors of the same shapes."""
        for n, tensor in enumerate(into):
            saved = self.tensors.get(f"{name}.{n}")
            if saved is None or saved.shape != tensor.shape:
                raise InputError(f"the checkpoint does not fit: {name}.{n} of shape {tuple(tensor.shape)} is not in it; {REMEDY}")
            tensor.copy_(saved)

    def put_generator(self, when: str, generator: torch.Generator) -> None:
        """Bring a source of random numbers to where it was ``before`` the stage, or is ``now``."""
        try:
            generator.set_state(self.tensors[f"generator.{when}"])
        except (KeyError, RuntimeError, TypeError) as error:
            raise InputError(f"{UNKNOWN} (generator.{when} is not in it or damaged); {REMEDY}") from error


class Keeper:
    """Saves a run now and then where somebody keeps it, and finds what was saved.

    Args:
        checkpoints: Who keeps it; None where nobody does.
        problem: The images and what is known besides, as given.
        settings: As given.
    """

    def __init__(self, checkpoints: Checkpoints | None, problem: Problem, settings: Settings) -> None:
        self.checkpoints, self.problem, self.settings = checkpoints, problem, settings
        self.found = None if checkpoints is None else self._load(checkpoints)
        self.halved = False

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a run to go on."""
        return {"version": __version__, "settings": self.settings.to_json(), "inputs": hash_of(self.problem)}

    def taken(self) -> Saved | None:
        """What was found, once, in the attempt that it belongs to."""
        found, self.found = self.found, None
        return found if found is not None and found.halved == self.halved else None

    def due(self) -> bool:
        """Whether to save now."""
        return self.checkpoints is not None and self.checkpoints.due()

    def save(self, saved: Saved) -> None:
        """Have it kept."""
        assert self.checkpoints is not None
        plain = {f.name: getattr(saved, f.name) for f in dataclasses.fields(saved) if f.name not in ("tensors", "history")}
        plain["history"] = [dataclasses.asdict(curve) for curve in saved.history]
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in saved.tensors.items()}
        self.checkpoints.save(ModelState({"checkpoint": {"identity": self.identity, **plain}}, tensors))

    def _load(self, checkpoints: Checkpoints) -> Saved | None:
        state = checkpoints.load()
        if state is None:
            return None
        try:
            plain = dict(state.metadata["checkpoint"])
            theirs = plain.pop("identity")
            history = [Curve(**curve) for curve in plain.pop("history")]
            tensors = {name: torch.as_tensor(array) for name, array in state.tensors.items()}
            found = Saved(**plain, history=history, tensors=tensors)
            np.asarray(found.affine, float).reshape(4, 4)
            differing = [name for name, mine in self.identity.items() if theirs[name] != mine]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{UNKNOWN} ({error!r}); {REMEDY}") from error
        if differing:
            raise InputError(f"the checkpoint is of another run (other {' and '.join(differing)}); {REMEDY}")
        return found


def hash_of(problem: Problem) -> str:
    """One hash of everything in a problem that a fit depends on: names of images and notes are left out."""
    digest = hashlib.sha256()
    for entry in dataclasses.fields(problem):
        if entry.name == "notes":
            continue
        value = getattr(problem, entry.name)
        digest.update(entry.name.encode())
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Displacements):
                digest.update(part.grid.affine.tobytes())
                part = part.values
            if isinstance(part, Volume):
                digest.update(part.sha256().encode())
            elif part is not None:
                digest.update(f"{np.shape(part)}".encode() + np.ascontiguousarray(part, dtype=np.float64).tobytes())
    return digest.hexdigest()
