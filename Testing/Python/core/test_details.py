from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import inr_registration as package
from inr_registration.core import Curve, Grid, Level, Outcome, Problem, Quality, Result, Settings, Verdict, Volume, describe, without_names
from inr_registration.core.details import details

LIBRARY = Path(package.__file__).parent
GRID = Grid.from_geometry((7, 9, 5), (0.8, 1.1, 3.5), (-120.0, 35.5, 812.25), np.eye(3))


def an_image(name: str, low: float = -1000.0) -> Volume:
    values = np.zeros(GRID.shape, np.float32)
    values[0, 0, 0], values[1, 1, 1] = low, 3000
    values[2, 2, 2] = np.nan
    return Volume(values, GRID, name)


def a_problem() -> Problem:
    mask = Volume(np.ones(GRID.shape, bool), GRID, "Miller mask")
    return Problem(an_image("Miller_CT_2019"), an_image("Miller (2)", -5), fixed_mask=mask, fixed_landmarks=np.ones((4, 3)))


def a_result() -> Result:
    quality = Quality(similarity={"correlation": (0.512345, 0.9)}, dice={"3": (0.5, 0.75)}, notes=("Miller_CT_2019 is odd",))
    return Result(
        Outcome.STOPPED,
        Outcome.STOPPED.value,
        Settings().to_json(),
        timings_s={"fit": 2.5, "total": 3.25},
        history=(Curve("2 mm", {"total": [0.5, 0.3]}, [0, 9]),),
        device="CPU, 2 threads",
        warnings=("Miller_CT_2019: 1 voxels are not finite and are left out",),
        choices=("similarity: local correlation",),
        quality=quality,
        verdict=Verdict(Level.AMBER, ("too far",)),
    )


def test_a_report_of_a_run_has_versions_device_settings_timings_warnings_and_quality() -> None:
    text = details(Settings(seed=77), result=a_result(), problem=a_problem(), also={"Slicer": "5.12.3"})
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["outcome"] == f"STOPPED: {Outcome.STOPPED.value}"
    assert lines["device"] == "CPU, 2 threads"
    assert lines["seconds"] == "fit 2.50, total 3.25"
    assert lines["stage 2 mm"] == "10 iterations, objective 0.5 to 0.3"
    assert lines["choice"] == "similarity: local correlation"
    assert lines["quality control"] == "AMBER: too far"
    assert lines["Slicer"] == "5.12.3"
    assert f"numpy {np.__version__}" in lines["packages"]
    assert Settings.from_json(json.loads(lines["settings"])) == Settings(seed=77), "complete, to run it again"
    assert json.loads(lines["quality"])["similarity"] == {"correlation": [0.5123, 0.9]}
    assert json.loads(lines["quality"])["dice"] == {"3": [0.5, 0.75]}


def test_images_are_told_by_grid_type_and_range() -> None:
    lines = dict(line.split(": ", 1) for line in describe(a_problem()))
    assert lines["fixed"].startswith("7 x 9 x 5 voxels of 0.8 x 1.1 x 3.5 mm")
    assert lines["fixed"].endswith("float32, -1000 to 3000")
    assert lines["moving"].endswith("float32, -5 to 3000")
    assert lines["fixed mask"].endswith("bool, 1 to 1")
    assert lines["landmarks"] == "4"
    assert "moving mask" not in lines


def test_no_name_of_an_image_and_no_folder_of_the_user_is_told() -> None:
    home = str(Path.home())
    text = details(
        Settings(),
        result=a_result(),
        problem=a_problem(),
        message="Miller (2) was removed; /data/Miller.nii too",
        said=["ERROR Miller mask"],
        traceback=f'File "{home}/x.py", line 3\nValueError: Miller_CT_2019',
        also={"log file": f"{home}/log.txt"},
        hidden=["/data/Miller.nii"],
    )
    assert "Miller" not in text
    assert home not in text
    assert "warning: <name>: 1 voxels are not finite" in text
    assert '"~/x.py", line 3' in text


def test_a_name_that_is_part_of_another_word_or_name_is_hidden_right() -> None:
    assert without_names("CT: CTA is not ACT", ["CT"]) == "<name>: CTA is not ACT"
    assert without_names("head and head 2", ["head", "head 2"]) == "<name> and <name>"
    assert without_names("the fixed image", ["fixed"]) == "the fixed image", "such a name tells nothing"


def test_what_is_not_known_is_left_out() -> None:
    text = details(None, message="PyTorch is missing")
    assert "outcome: PyTorch is missing" in text
    assert "settings" not in text
    assert "device" not in text
    assert not text.endswith("\n")


def test_a_message_beyond_that_of_the_result_is_told_too() -> None:
    result = a_result()
    assert "message:" not in details(None, result=result, message=result.message)
    assert "message: into new nodes" in details(None, result=result, message="into new nodes")
    assert '"seed": 5' in details(None, result=replace(result, settings={"seed": 5}))


def test_telling_it_imports_nothing() -> None:
    code = "import sys; from inr_registration.core.details import details; print(details(None)); print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "numpy" in done.stdout
    assert not {"torch", "scipy", "numba"} & set(done.stdout.split())


@pytest.mark.parametrize("names", [[], [""], ["  "]])
def test_an_empty_name_hides_nothing(names: list[str]) -> None:
    assert without_names("a b", names) == "a b"
