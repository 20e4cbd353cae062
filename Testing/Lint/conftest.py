"""What the checks of style and documents share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # for known_names and name_checks, which the tests import
