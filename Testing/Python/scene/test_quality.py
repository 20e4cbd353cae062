"""The quality tables: numbers against their definition, words, and survival in a saved scene."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import ndimage
from stand_in.boot import application_logic

from inr_registration.core import Grid, Outcome, Problem, Quality, Result, Volume
from inr_registration.slicer.scene import QualityTables, quality_tables, read_table, write_table
from inr_registration.slicer.scene.quality import to_csv

GRID = Grid.from_geometry((20, 16, 12), [1.0, 1.0, 2.0], [0, 0, 0], np.eye(3))
STATISTICS = ("mean", "sd", "median", "p95", "max")


@dataclass(frozen=True, eq=False)
class Part:
    name: str
    first: tuple[int, int, int]
    mask: np.ndarray


@pytest.fixture
def det() -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal(GRID.shape), 1)
    return (1 + 2.5 * noise).astype(np.float32)


@pytest.fixture
def problem() -> Problem:
    mask = np.zeros(GRID.shape, dtype=np.uint8)
    mask[:, :, :12] = 1
    image = Volume(np.random.default_rng(0).random(GRID.shape, dtype=np.float32), GRID, "ct")
    return Problem(image, image, fixed_mask=Volume(mask, GRID, "mask"))


@pytest.fixture
def result(det: np.ndarray) -> Result:
    quality = Quality(
        similarity={"correlation": (0.5, 0.9)},
        folding_percent=1.5,
        det={"min": -0.4, "p1": 0.6, "median": 1.0, "p99": 1.7, "max": 2.2},
        sd_log_det=0.21,
        displacement_mm={"mean": 1.2, "p95": 4.4, "max": 7.5},
        tre_mm={
            "before": dict(zip(STATISTICS, (5.0, 1.0, 4.0, 9.0, 12.0), strict=True)),
            "after": dict(zip(STATISTICS, (2.0, 1.0, 2.0, 3.0, 4.0), strict=True)),
        },
        dice={"1": (0.6, 0.8), "2": (0.5, 0.7)},
        notes=("1.5 % of the voxels fold: do not carry structures through them",),
    )
    return Result(Outcome.CONVERGED, "done", {}, jacobian=Volume(det, GRID), quality=quality, warnings=("ct: 3 voxels are left out",))


@pytest.fixture
def liver(det: np.ndarray) -> Part:
    mask = np.zeros(det.shape, dtype=bool)
    mask[3:8, 4:12, 5:15] = np.random.default_rng(2).random((5, 8, 10)) > 0.4
    return Part("liver", (5, 4, 3), mask[3:8, 4:12, 5:15])


@pytest.fixture
def tables(problem: Problem, result: Result, liver: Part) -> QualityTables:
    return quality_tables(problem, result, [liver], {1: "left kidney"})


def values(tables: QualityTables, group: str) -> dict[str, tuple[float, float]]:
    return {row.name: (row.before, row.after) for row in tables.rows if row.group == group}


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=2e-5)


def test_every_indicator_that_was_measured_has_a_row(tables: QualityTables) -> None:
    assert values(tables, "Similarity") == {"Correlation": (0.5, 0.9)}
    assert values(tables, "Landmarks")["Distance, 95th percentile"] == (9, 3)
    assert len(values(tables, "Landmarks")) == 5
    assert values(tables, "Dice") == {
        "left kidney": (0.6, 0.8),
        "Label 2": (0.5, 0.7),
        "Mean of all": (pytest.approx(0.55), pytest.approx(0.75)),
    }
    shown = values(tables, "det J")
    assert [after for _, after in shown.values()] == [-0.4, 0.6, 1.0, 1.7, 2.2, 0.21]
    assert values(tables, "Displacement")["Largest"][1] == 7.5


def test_folding_outside_the_mask_is_counted_on_its_own(tables: QualityTables, det: np.ndarray) -> None:
    rows = values(tables, "Folding")
    assert rows["Voxels with det J ≤ 0"][1] == 1.5
    assert rows["The same outside the fixed mask"][1] == pytest.approx(100 * (det[:, :, 12:] <= 0).mean())
    assert rows["The same outside the fixed mask"][1] > 0


def test_a_mask_on_another_grid_is_brought_onto_the_fixed_one(problem: Problem, result: Result, det: np.ndarray) -> None:
    fine = Grid.from_geometry((40, 32, 24), [0.5, 0.5, 1.0], [-0.25, -0.25, -0.5], np.eye(3))
    finer = np.kron(problem.fixed_mask.values, np.ones((2, 2, 2), dtype=np.uint8))
    rows = values(quality_tables(replace(problem, fixed_mask=Volume(finer, fine)), result), "Folding")
    assert rows["The same outside the fixed mask"][1] == pytest.approx(100 * (det[:, :, 12:] <= 0).mean())


def test_there_is_no_row_for_what_lies_outside_a_mask_that_was_not_given(problem: Problem, result: Result) -> None:
    assert len(values(quality_tables(replace(problem, fixed_mask=None), result), "Folding")) == 1


def test_det_inside_a_structure_is_summed_up_from_its_voxels(tables: QualityTables, det: np.ndarray, liver: Part) -> None:
    inside = det[3:8, 4:12, 5:15][liver.mask].astype(float)
    (row,) = tables.structures
    assert row.name == "liver"
    assert (row.smallest, row.largest) == (inside.min(), inside.max())
    assert row.median == pytest.approx(np.median(inside))
    assert row.p5 == pytest.approx(np.percentile(inside, 5))
    assert row.folding_percent == pytest.approx(100 * (inside <= 0).mean())
    assert row.volume_ml == pytest.approx(len(inside) * 2 / 1000)
    assert row.change_percent == pytest.approx(100 * (inside.mean() - 1))


def test_notes_are_sentences_and_hold_the_warnings(tables: QualityTables) -> None:
    assert tables.notes == ("ct: 3 voxels are left out", "1.5 % of the voxels fold: do not carry structures through them.")
    assert tables.disclaimer == "Not for clinical use"
    assert "fixed" in tables.direction


def test_a_result_without_quality_says_so(problem: Problem) -> None:
    tables = quality_tables(problem, Result(Outcome.CANCELLED, Outcome.CANCELLED.value, {}))
    assert tables.rows == ()
    assert "not measured" in tables.notes[-1]


def test_a_table_node_gives_back_exactly_what_was_written(scene, tables: QualityTables) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", "quality")
    write_table(node, tables)
    back = read_table(node)
    assert repr(back) == repr(tables)


def test_the_tables_survive_a_saved_scene(scene, tables: QualityTables, tmp_path) -> None:
    write_table(scene.AddNewNodeByClass("vtkMRMLTableNode", "quality"), tables)
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear()
    (tmp_path / "open").mkdir()
    assert application_logic().OpenSlicerDataBundle(str(tmp_path / "scene.mrb"), str(tmp_path / "open"))
    back = read_table(scene.GetFirstNodeByName("quality"))
    assert (back.notes, back.direction, back.disclaimer) == (tables.notes, tables.direction, tables.disclaimer)
    assert len(back.rows) == len(tables.rows)
    for new, old in zip(back.rows, tables.rows, strict=True):
        assert (new.group, new.name, new.unit, new.meaning) == (old.group, old.name, old.unit, old.meaning)
        assert same(new.before, old.before)
        assert same(new.after, old.after)
    assert back.structures[0].name == "liver"
    assert back.structures[0].volume_ml == pytest.approx(tables.structures[0].volume_ml, rel=1e-5)


def test_a_table_of_somebody_else_gives_empty_tables(scene) -> None:
    assert read_table(scene.AddNewNodeByClass("vtkMRMLTableNode", "other")).rows == ()


def test_the_csv_holds_every_row_and_says_what_it_is_not_for(tables: QualityTables) -> None:
    lines = list(csv.reader(io.StringIO(to_csv(tables))))
    assert lines[0] == ["Not for clinical use"]
    found = {(line[0], line[1]): line for line in lines if len(line) == 6}
    for row in tables.rows:
        line = found[row.group, row.name]
        assert line[2] == "" if math.isnan(row.before) else float(line[2]) == row.before
        assert float(line[3]) == row.after
    assert any(line[:1] == ["liver"] and len(line) == 9 for line in lines)


def test_the_tables_are_made_without_slicer_or_vtk() -> None:
    import subprocess
    import sys

    code = (
        "import sys; import inr_registration.slicer.scene.quality, inr_registration.slicer.scene.folding; "
        "sys.exit(any(name in sys.modules for name in ('slicer', 'vtk', 'vtkmodules', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode == 0
