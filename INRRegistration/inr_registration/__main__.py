"""``python -m inr_registration`` is ``inr-register``."""

from __future__ import annotations

import sys

from inr_registration.app.cli.main import main

sys.exit(main())
