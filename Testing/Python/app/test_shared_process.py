"""The library in somebody else's process: reading in several threads takes nothing away from anybody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

READ_IN_THREADS = """
import json, logging, os, sys, threading
import numpy as np
import SimpleITK as sitk
import inr_registration as inr

folder = sys.argv[1]
for n in range(6):
    sitk.WriteImage(sitk.GetImageFromArray(np.random.rand(24, 24, 24).astype(np.float32)), f"{folder}/{n}.mha")
threads = [threading.Thread(target=lambda n=n: [inr.read(f"{folder}/{n}.mha") for _ in range(12)]) for n in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
levels = [logging.getLogger(name).getEffectiveLevel() < logging.CRITICAL for name in ("nibabel.global", "pydicom")]
os.write(2, b"errors are heard")
print(json.dumps([sitk.ProcessObject.GetGlobalWarningDisplay(), *levels]))
"""


def test_reading_in_several_threads_mutes_nobody_afterwards(tmp_path: Path) -> None:
    """Two threads that redirected the process's streams at once left them redirected for good."""
    done = subprocess.run([sys.executable, "-c", READ_IN_THREADS, str(tmp_path)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0
    assert done.stderr.endswith("errors are heard")
    assert json.loads(done.stdout) == [True, True, True]
