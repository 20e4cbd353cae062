"""The answer of a registration together with its question: what can be done with it next."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

from inr_registration.core.errors import RegistrationError
from inr_registration.core.problem import Problem
from inr_registration.core.result import Result
from inr_registration.maps.fitted_map import load
from inr_registration.maps.map import Map, Placed


@dataclass(frozen=True, eq=False)
class Registration(Result):
    """A ``Result`` that knows its images.

    Args:
        problem: The question.
    """

    problem: Problem | None = None

    @classmethod
    def of(cls, result: Result, problem: Problem) -> Registration:
        """The same result, with its question."""
        return cls(**{field.name: getattr(result, field.name) for field in fields(Result)}, problem=problem)

    @cached_property
    def map(self) -> Map:
        """Fixed world point to moving world point, LPS mm.

        Raises:
            RegistrationError: There is none; the message says why the run ended.
        """
        if self.model is None or self.problem is None:
            raise RegistrationError(self.message)
        return Placed(load(self.model), self.problem.fixed.grid, self.problem.moving.grid)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write all files that the command line writes: images, transform, model, report.

        Args:
            folder: Made where it is missing; files of an earlier run in it are replaced.

        Raises:
            InputError: The folder cannot be used.
            RegistrationError: There is nothing to write, or it could not be written.
        """
        from inr_registration.app.cli.outputs import check_folder, write_result

        if not self.usable or self.problem is None:
            raise RegistrationError(self.message)
        check_folder(Path(folder), [])
        write_result(Path(folder), self.problem, self)
