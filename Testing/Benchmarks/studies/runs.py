"""One run of the experiments, and many of them: in processes of one thread each, every row kept in a file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inr_registration.core import Settings


@dataclass(frozen=True)
class Job:
    """One registration.

    Args:
        case: Its name.
        variant: What the table calls these settings.
        settings: Complete; the seed is the job's.
        masked: Whether both masks are given.
        clipped: Whether the symmetric Jacobian term is clipped at 0.1 and 10 as published, not continued.
    """

    case: str
    variant: str
    settings: Settings
    masked: bool = False
    clipped: bool = False

    @property
    def key(self) -> str:
        """The same for the same registration, whatever the table calls it."""
        said = json.dumps([self.case, self.settings.to_json(), self.masked, self.clipped], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def seeded(self, seed: int) -> Job:
        """The same with another seed."""
        return replace(self, settings=replace(self.settings, seed=seed))


Row = dict[str, Any]


def read_rows(path: Path) -> dict[str, Row]:
    """Rows of earlier runs by the key of their job."""
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return {row["key"]: row for row in rows}


def run_all(jobs: Sequence[Job], pairs: str, path: Path, processes: int) -> Iterator[Row]:
    """Run the jobs whose rows are not in the file yet, add their rows to it, and give each as it comes."""
    known = read_rows(path)
    open_jobs = {job.key: job for job in jobs if job.key not in known}
    path.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes) as pool, path.open("a", encoding="utf-8") as out:
        waiting = [pool.submit(run_one, job, pairs) for job in open_jobs.values()]
        for done in as_completed(waiting):
            row = done.result()
            out.write(json.dumps(row) + "\n")
            out.flush()
            yield row


def run_one(job: Job, pairs: str) -> Row:
    """Fit once on one thread and measure; nothing is exported, which would take longer than the fit."""
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    import torch

    from studies.cases import load_case
    from studies.measure import fitted, measured

    torch.set_num_threads(1)
    case = load_case(job.case, pairs)
    row: Row = {"key": job.key, "case": job.case, "variant": job.variant, "seed": job.settings.seed}
    model, counted, seconds = fitted(case.masked() if job.masked else case.problem, job.settings, job.clipped)
    return row | {"fit_s": round(seconds, 2)} | measured(model, case.problem, counted)
