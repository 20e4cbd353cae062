"""Draw the module's icons and the sample data's thumbnail: ``python Resources/draw_icons.py``. Needs Pillow and the library."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
ICONS = ROOT / "INRRegistration" / "Resources" / "Icons"
SIZE = 32
SCALE = 8
"""Shapes are drawn this much larger and scaled down, which smooths their edges."""
SIDE = SIZE * SCALE
GREY = (125, 135, 146, 255)
"""Of outlines: seen on white and on black alike."""
BLUE = (46, 134, 222, 255)
RED = (224, 74, 61, 255)
ORANGE = (240, 150, 50, 255)
WHITE = (250, 250, 250, 255)
CLEAR = (0, 0, 0, 0)
BOX = (2 * SCALE, 2 * SCALE, SIDE - 2 * SCALE, SIDE - 2 * SCALE)


def blend(draw: ImageDraw.ImageDraw) -> None:
    """Two discs, mixed where they overlap."""
    draw.ellipse((1 * SCALE, 6 * SCALE, 21 * SCALE, 26 * SCALE), fill=BLUE)
    draw.ellipse((11 * SCALE, 6 * SCALE, 31 * SCALE, 26 * SCALE), fill=ORANGE)
    middle, radius = 16 * SCALE, 10 * SCALE
    for y in range(6 * SCALE, 26 * SCALE):
        half = math.sqrt(max(radius**2 - (y - middle) ** 2, 0)) - 5 * SCALE
        if half > 0:
            draw.line((middle - half, y, middle + half, y), fill=WHITE)


def checkerboard(draw: ImageDraw.ImageDraw) -> None:
    """Fields of two images."""
    step = (BOX[2] - BOX[0]) // 4
    for row in range(4):
        for column in range(4):
            x, y = BOX[0] + column * step, BOX[1] + row * step
            draw.rectangle((x, y, x + step - 1, y + step - 1), fill=BLUE if (row + column) % 2 else ORANGE)


def jacobian(draw: ImageDraw.ImageDraw) -> None:
    """Shrinking is blue, growing is red, 1 is white."""
    left, top, right, bottom = BOX[0], 5 * SCALE, BOX[2], 27 * SCALE
    for x in range(left, right):
        share = (x - left) / (right - left) * 2 - 1
        end = RED if share > 0 else BLUE
        draw.line((x, top, x, bottom), fill=tuple(round(w + (e - w) * abs(share)) for w, e in zip(WHITE, end, strict=True)))
    draw.rectangle((left, top, right, bottom), outline=GREY, width=SCALE)
    for radius, x in ((2, 8), (5, 23)):
        draw.ellipse(tuple(SCALE * c for c in (x - radius, 16 - radius, x + radius, 16 + radius)), outline=WHITE, width=2 * SCALE)


def uncertainty(draw: ImageDraw.ImageDraw) -> None:
    """A point in a halo that fades."""
    for radius, alpha in ((14, 70), (10, 130), (6, 200)):
        draw.ellipse(tuple(SCALE * c for c in (16 - radius, 16 - radius, 16 + radius, 16 + radius)), fill=(*ORANGE[:3], alpha))
    draw.ellipse(tuple(SCALE * c for c in (13, 13, 19, 19)), fill=WHITE, outline=GREY, width=SCALE)


def warp_grid(draw: ImageDraw.ImageDraw) -> None:
    """A bent lattice."""
    steps = [i / 40 for i in range(41)]
    for line in range(4):
        share = line / 3
        for swap in (False, True):
            points = [_bent(*((t, share) if not swap else (share, t))) for t in steps]
            draw.line(points, fill=BLUE, width=2 * SCALE, joint="curve")


def difference(draw: ImageDraw.ImageDraw) -> None:
    """A disc, half of it turned around."""
    draw.ellipse(BOX, fill=GREY)
    draw.pieslice(BOX, -90, 90, fill=WHITE)
    draw.ellipse(BOX, outline=GREY, width=2 * SCALE)
    draw.rectangle(tuple(SCALE * c for c in (6, 15, 13, 17)), fill=WHITE)
    draw.rectangle(tuple(SCALE * c for c in (19, 15, 26, 17)), fill=GREY)


def reset(draw: ImageDraw.ImageDraw) -> None:
    """An arrow that turns back."""
    centre, radius, start = 16, 10, math.radians(-60)
    draw.arc(tuple(SCALE * (centre + r) for r in (-radius - 2, -radius - 2, radius + 2, radius + 2)), -60, 210, fill=GREY, width=4 * SCALE)
    out, along = (math.cos(start), math.sin(start)), (math.sin(start), -math.cos(start))
    corners = ((radius, 9), (radius - 6, -1), (radius + 6, -1))
    draw.polygon([tuple(SCALE * (centre + r * o + s * a) for o, a in zip(out, along, strict=True)) for r, s in corners], fill=GREY)


def previous(draw: ImageDraw.ImageDraw) -> None:
    """A triangle to the left."""
    draw.polygon([(c * SCALE, d * SCALE) for c, d in ((24, 4), (24, 28), (6, 16))], fill=BLUE)


def following(draw: ImageDraw.ImageDraw) -> None:
    """A triangle to the right."""
    draw.polygon([(c * SCALE, d * SCALE) for c, d in ((8, 4), (8, 28), (26, 16))], fill=BLUE)


DRAWINGS: dict[str, Callable[[ImageDraw.ImageDraw], None]] = {
    "blend": blend,
    "checkerboard": checkerboard,
    "jacobian": jacobian,
    "uncertainty": uncertainty,
    "warp_grid": warp_grid,
    "difference": difference,
    "reset": reset,
    "previous": previous,
    "next": following,
}


def icon(draw_it: Callable[[ImageDraw.ImageDraw], None]) -> Image.Image:
    """One icon, 32 x 32 pixels on a clear ground."""
    image = Image.new("RGBA", (SIDE, SIDE), CLEAR)
    draw_it(ImageDraw.Draw(image))
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def thumbnail() -> Image.Image:
    """The sample pair: an axial slice through the upper half of the fixed image and the lower half of the moving one, 260 x 280 pixels."""
    sys.path.insert(0, str(ROOT / "INRRegistration"))
    from inr_registration.phantom.trunk import make_pair

    pair = make_pair("full")
    x, y = np.meshgrid(np.linspace(-132, 132, 256), np.linspace(-98, 98, 190))
    points = np.stack([x, y, np.full_like(x, 10)], axis=-1).reshape(-1, 3)
    pictures = [_grey(pair.phantom.values(p.astype(np.float32)).reshape(x.shape)) for p in (pair.warp(points), points)]
    sheet = Image.new("RGB", (260, 280), (0, 0, 0))
    sheet.paste(pictures[0].resize((256, 138)), (2, 1))
    sheet.paste(pictures[1].resize((256, 138)), (2, 141))
    return sheet


def main() -> None:
    """Write every picture."""
    ICONS.mkdir(parents=True, exist_ok=True)
    for name, drawing in DRAWINGS.items():
        icon(drawing).save(ICONS / f"{name}.png", optimize=True)
    thumbnail().save(ICONS / "INRTrunk.png", optimize=True)
    shutil.copyfile(ROOT / "Resources" / "INRRegistration.png", ICONS / "INRRegistration.png")


def _grey(values: np.ndarray) -> Image.Image:
    """A soft tissue window of HU."""
    return Image.fromarray((np.clip((values + 250) / 600, 0, 1) * 255).astype(np.uint8), "L")


def _bent(u: float, v: float) -> tuple[float, float]:
    """Pixel of a lattice point (0 to 1), moved by a smooth wave."""
    x = 4 + 24 * u + 2.6 * math.sin(2 * math.pi * v)
    y = 4 + 24 * v + 2.6 * math.sin(2 * math.pi * u)
    return x * SCALE, y * SCALE


if __name__ == "__main__":
    main()
