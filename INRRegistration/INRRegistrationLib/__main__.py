"""``python -m INRRegistrationLib`` is ``inr-register``."""

from __future__ import annotations

import sys

from INRRegistrationLib.cli.main import main

sys.exit(main())
