"""Problems and results built by hand, and a page taken apart again."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from given import Given
from PIL import Image

from inr_registration.core import (
    Curve,
    Grid,
    Level,
    ModelState,
    Outcome,
    Problem,
    Quality,
    Result,
    Settings,
    SplineTransform,
    Verdict,
    Volume,
)

VOID_TAGS = {"meta"}


@dataclass(frozen=True)
class Case:
    """A question and its answer."""

    problem: Problem
    result: Result

    def with_result(self, **changes: object) -> Case:
        return replace(self, result=replace(self.result, **changes))


@dataclass
class Shown:
    """One panel: its picture as RGB, its size in mm and the size at which it is drawn in px."""

    pixels: np.ndarray
    size_mm: tuple[float, float]
    drawn: tuple[float, float]


@dataclass
class Page(HTMLParser):
    """A parsed page: panels by label, text, attributes; raises where tags do not balance."""

    source: str
    panels: dict[str, Shown] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._label = ""
        self._drawn = (0.0, 0.0)
        self.feed(self.source)
        self.close()
        assert not self._open, f"left open: {self._open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, dict(attrs))
        if tag not in VOID_TAGS:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> without a start"
        assert self._open[-1] == tag, f"</{tag}> closes {self._open[-1]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    def _look(self, tag: str, attrs: dict[str, str | None]) -> None:
        self.tags.add(tag)
        if tag == "svg" and "aria-label" in attrs:
            self._label = attrs["aria-label"] or ""
        elif tag == "svg" and "width" in attrs:
            self._drawn = (float(attrs["width"] or 0), float(attrs["height"] or 0))
        elif tag == "image":
            head, _, body = (attrs["href"] or "").partition(",")
            assert head == "data:image/png;base64"
            pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB"), dtype=int)
            self.panels[self._label] = Shown(pixels, (float(attrs["width"] or 0), float(attrs["height"] or 0)), self._drawn)


def rotation(axis: int, degrees: float) -> np.ndarray:
    turn, (a, b) = np.eye(3), [n for n in range(3) if n != axis]
    turn[a, a] = turn[b, b] = np.cos(np.radians(degrees))
    turn[a, b], turn[b, a] = -np.sin(np.radians(degrees)), np.sin(np.radians(degrees))
    return turn


GRIDS = {
    "straight": Grid.from_geometry((20, 24, 16), [1, 1, 1], [5, -30, 12], np.eye(3)),
    "thick slices": Grid.from_geometry((28, 30, 9), [1.3, 1.3, 5], [0, 0, 0], np.eye(3)),
    "left-handed": Grid.from_geometry((20, 24, 16), [1, 1.5, 2], [3, 4, 5], np.diag([-1, 1, 1])),
    "all reversed": Grid.from_geometry((20, 24, 16), [2, 1.5, 1], [3, 4, 5], -np.eye(3)),
    "sagittal slices": Grid.from_geometry((22, 26, 12), [1, 1, 3], [3, 4, 5], np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]])),
    "oblique": Grid.from_geometry((20, 24, 16), [1, 1.2, 2], [-9, 4, 5], rotation(0, 25) @ rotation(2, -15)),
    "oblique coronal": Grid.from_geometry(
        (20, 16, 24), [1, 1.2, 2], [0, 0, 0], rotation(1, 20) @ np.array([[-1, 0, 0], [0, 0, 1], [0, 1, 0]])
    ),
}


def case_on(grid: Grid, marker: np.ndarray | None = None) -> Case:
    """A blob with texture, moved a little; most deformed at ``marker`` (LPS mm), where the fixed image is brightest."""
    points = grid.all_points().astype(float)
    spot = grid.centre if marker is None else marker
    reach = np.ptp(grid.corners(), axis=0).max()
    body = 60 * np.exp(-(((points - grid.centre) / (0.35 * reach)) ** 2).sum(-1)) + 2 * np.sin(points).sum(-1)
    peak = np.exp(-(((points - spot) / (0.1 * reach)) ** 2).sum(-1))
    fixed = (body + 150 * peak).astype(np.float32)
    field_ = (peak[..., None] * [2.0, 1.0, 0.5]).astype(np.float32)
    return Case(Problem(Volume(fixed, grid, "liver A"), Volume(fixed + 3, grid, "liver B")), result_for(grid, fixed, field_))


def result_for(grid: Grid, fixed: np.ndarray, displacement: np.ndarray) -> Result:
    quality = Quality(
        similarity={"correlation": (0.5, 0.9), "local correlation": (0.2, 0.6)},
        det={"min": 0.4, "p1": 0.6, "median": 1.0, "p99": 1.7, "max": 2.2},
        sd_log_det=0.21,
        displacement_mm={"mean": 1.2, "p95": 4.4, "max": 7.5},
        tre_mm={
            "before": dict.fromkeys(("mean", "sd", "median", "p95", "max"), 5.5),
            "after": dict.fromkeys(("mean", "sd", "median", "p95", "max"), 1.25),
        },
        dice={"1": (0.6, 0.8), "2": (0.5, 0.7)},
    )
    return Result(
        Outcome.ITERATION_LIMIT,
        Outcome.ITERATION_LIMIT.value,
        Settings().to_json(),
        timings_s={"prepare": 0.5, "fit": 2.5, "total": 3.0},
        history=(
            Curve("4 mm", {"ncc": [0.5, 0.3], "total": [0.6, 0.35]}, [0, 5]),
            Curve("2 mm", {"ncc": [0.4, 0.2], "total": [0.5, 0.3]}, [0, 9]),
        ),
        device="CPU, 2 threads",
        choices=("similarity: local correlation",),
        model=ModelState({"software": {"torch": "2.13.0"}}, {}),
        transform=SplineTransform(np.eye(4), np.zeros((4, 4, 4, 3), np.float32), np.zeros(3), np.ones(3), np.eye(3)),
        warped=Volume(fixed + 0.5, grid, "warped"),
        jacobian=Volume(np.ones(grid.shape, np.float32), grid, "jacobian"),
        derived=Given(displacement, np.roll(fixed, 2, axis=2), np.roll(fixed, 1, axis=2)),
        quality=quality,
        verdict=Verdict(Level.GREEN, ("the map explains 80% of the structure",)),
    )


@pytest.fixture
def a_case() -> Case:
    return case_on(GRIDS["straight"])


@pytest.fixture
def build_case() -> Callable[..., Case]:
    return case_on


@pytest.fixture
def read_page() -> Callable[[str], Page]:
    return Page


@pytest.fixture(params=GRIDS.values(), ids=GRIDS.keys())
def a_grid(request: pytest.FixtureRequest) -> Grid:
    return request.param
