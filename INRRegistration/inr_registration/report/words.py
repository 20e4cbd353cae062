"""Words and numbers, fit for a page and fit for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

DIRECTION = "fixed world point to moving world point, LPS mm"
"""What every map of this package does; said on the page and in the JSON."""

NOT_CLINICAL = "Not for clinical use"


def text(value: object) -> str:
    """A value as text that is safe in HTML, in an attribute as well."""
    return escape(str(value), quote=True)


def number(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` significant digits and no exponent where it can be avoided; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{places}f}".replace("-", "−")


def short(value: float) -> str:
    """A round number without idle zeros: ``20``, ``1.29``, ``0.05``."""
    return f"{round(value, 9):.3g}".replace("-", "−")


def percent(value: float) -> str:
    """A share in percent; 0 only where it is exactly 0."""
    return "0 %" if value == 0 else f"{number(value, 2)} %" if value >= 1e-3 else "below 0.001 %"


def seconds(value: float) -> str:
    """A duration: ``0.42 s``, ``12.3 s``, ``4 min 05 s``."""
    if value >= 60:
        return f"{int(value // 60)} min {int(value % 60):02d} s"
    return f"{number(value)} s" if value >= 0.01 else "< 0.01 s"


def count(amount: int, noun: str) -> str:
    """An amount with its noun: ``1 region``, ``2 regions``."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}".replace(",", " ")


def listed(items: list[str]) -> str:
    """Items as a sentence has them: ``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def position(point: npt.NDArray[np.float64]) -> str:
    """A world point (3,) LPS mm in the words of the patient's directions: ``L 12, A 30, S 5 mm``."""
    parts = [f"{'LPS'[axis] if value >= 0 else 'RAI'[axis]} {abs(value):.0f}" for axis, value in enumerate(point)]
    return ", ".join(parts) + " mm"


def plain(value: Any) -> Any:
    """Anything made of numbers, texts and containers as JSON can hold it; what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
