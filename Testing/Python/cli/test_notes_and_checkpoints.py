"""A run that has something to say of its files keeps checkpoints like any other."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
from small_pair import Registered, run_cli


def test_a_checkpoint_is_kept_where_a_file_was_noted_upon(a_registration: Registered, tmp_path: Path) -> None:
    pair = a_registration.pair
    image = nibabel.load(pair.moving)
    plain = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    plain.set_sform(image.affine, code=1)
    turned = image.affine.copy()
    turned[:3, 3] += 4.0
    plain.set_qform(turned, code=1)  # qform and sform differ, which is told
    nibabel.save(plain, tmp_path / "moving.nii.gz")
    words = ("-o", tmp_path / "out", "--preset", "quick", "--checkpoint-every", "0")
    done = run_cli(pair.fixed, tmp_path / "moving.nii.gz", *words)
    assert done.returncode in (0, 5), done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert any("qform" in said for said in report["warnings"])
