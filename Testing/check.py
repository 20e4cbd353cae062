"""All that has to pass before a change lands: first the tree's style and documents, then the tests.

    python Testing/check.py              what one waits for: minutes
    python Testing/check.py --all        with the slow tests too: whole registrations and faults at every step, as CI runs them

Further words go to pytest: ``python Testing/check.py -k cycle``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINT = ["Testing/Lint", "-n", "2"]
QUICK = ["-m", "not slow"]


def main() -> int:
    """Run both; the status of the first that fails."""
    words = [word for word in sys.argv[1:] if word != "--all"]
    everything = "--all" in sys.argv[1:]
    for step in ([LINT] if not words else []) + [[*([] if everything else QUICK), *words]]:
        done = subprocess.run([sys.executable, "-m", "pytest", *step], cwd=ROOT, check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
