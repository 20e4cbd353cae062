"""The page: one HTML file that needs nothing else."""

from __future__ import annotations

from inr_registration.core.measures import uncertainty_summary
from inr_registration.core.problem import Problem
from inr_registration.core.result import Quality, Result
from inr_registration.report import charts, sections, tables
from inr_registration.report.control import control
from inr_registration.report.facts import Fact, deformation, facts, headline, were_steered
from inr_registration.report.folding import find_folding
from inr_registration.report.pictures import artist
from inr_registration.report.style import STYLE
from inr_registration.report.words import DIRECTION, NOT_CLINICAL, number, percent, seconds, text

LARGEST = 1_900_000
"""A page of more characters than this is drawn again with smaller pictures."""

LIMITS = (480, 320, 200, 120)
"""Most pixels of a picture along each side, tried in turn."""


def report_html(problem: Problem, result: Result, title: str | None = None) -> str:
    """Draw the report of a run.

    Args:
        problem: The question.
        result: The answer, whatever its outcome.
        title: Headline of the page; by default the names of both images.

    Returns:
        A complete HTML document: styles, drawings and pictures are inside, nothing is fetched.
    """
    shown = title or f"{problem.moving.name} registered onto {problem.fixed.name}"
    for limit in LIMITS:
        page = _document(problem, result, shown, limit)
        if len(page) <= LARGEST:
            break
    return page


def _document(problem: Problem, result: Result, title: str, limit: int) -> str:
    heeded = [*result.warnings, *(result.quality.notes if result.quality is not None else ())]
    judged = [] if result.verdict is None else [control(result.verdict, result.doubts)]
    parts = [_verdict(result), _list("Please note", heeded, "warnings"), *judged]
    if result.warped is not None:
        made = artist(problem, result, limit)
        parts += [_HOW_TO_READ, sections.images(made), sections.agreement(made), sections.deformation(made), sections.strain(made)]
    if result.quality is not None:
        parts.append(_quality(result, result.quality))
    chosen = _list("What was chosen on the way", list(result.choices), "choices")
    parts += [chosen, sections.objective(result.history), _technical(problem, result)]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{text(title)}</title>'
    top = f"<header><div><h1>{text(title)}</h1><p>Deformable registration report · map from {DIRECTION}</p></div>{_BADGE}</header>"
    foot = f"<footer>{_BADGE}<p>Made by INR Registration. For research; no diagnosis or treatment may rest on this page.</p></footer>"
    body = f"{top}<main>{''.join(parts)}</main>{foot}"
    return f'<!DOCTYPE html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>'


_BADGE = f'<strong class="badge">{NOT_CLINICAL}</strong>'

_ICONS = {"good": "✓", "look": "!", "bad": "✕", "none": "✕"}

_HOW_TO_READ = (
    "<section class='reading'><h2>How to read this</h2><ul>"
    "<li><b>Fixed</b> stays as it is. <b>Moving</b> is warped onto it. “Before” is the moving image where it started, "
    "“after” is the result; after should look like fixed.</li>"
    "<li><b>The map</b> goes from fixed to moving world points: for every place in the fixed image it tells where in the moving image the "
    "same tissue lies. Images are pulled back along it. Its <b>Jacobian</b> (det J) tells how much it changes local volume; it is that of "
    "the whole map, affine part included.</li>"
    "<li><b>Folding</b> means that two places are mapped onto each other’s side, which tissue cannot do. It should be absent, or tiny and "
    "outside the anatomy that matters.</li>"
    "<li><b>No number stands alone.</b> Images can agree although the map is wrong, above all where they are uniform. Look at the "
    "pictures, and at landmarks or labels where there are any.</li></ul></section>"
)


def _verdict(result: Result) -> str:
    tone, said_first = headline(result)
    quality = result.quality
    said = "" if quality is None else " ".join(fact.sentence for fact in facts(quality)) + " " + deformation(quality)
    tiles = "" if quality is None else f'<div class="tiles">{"".join(_tiles(result, quality))}</div>'
    return (
        f'<section class="verdict {tone}"><div class="headline"><span class="icon" aria-hidden="true">{_ICONS[tone]}</span>'
        f"<div><h2>{text(said_first)}</h2><p>{text(result.message)}</p></div></div>{tiles}<p>{text(said)}</p></section>"
    )


def _tiles(result: Result, quality: Quality) -> list[str]:
    """The figures that a reader asks for first, side by side."""
    found = [_change(fact) for fact in facts(quality)]
    if quality.displacement_mm:
        moved = quality.displacement_mm
        found.append(_tile("Displacement", f"{number(moved.get('mean'), 2)} mm", f"mean; at most {number(moved.get('max'), 2)} mm"))
    found.append(
        _tile("Folding", percent(quality.folding_percent), "of the measured voxels", "" if quality.folding_percent == 0 else "worse")
    )
    unsure = {} if result.uncertainty is None else uncertainty_summary(result.uncertainty)
    if unsure:
        found.append(_tile("Uncertainty", f"{number(unsure['median_mm'], 2)} mm", f"median; 95 % below {number(unsure['p95_mm'], 2)} mm"))
    if "total" in result.timings_s:
        found.append(_tile("Time", seconds(result.timings_s["total"]), result.device))
    return found


def _change(fact: Fact) -> str:
    return _tile(fact.name, f"{number(fact.before, 2)} → {number(fact.after, 2)}{fact.unit}", fact.trend, fact.trend)


def _tile(name: str, figure: str, remark: str, kind: str = "") -> str:
    return f'<div class="tile {kind}"><span>{text(name)}</span><b>{text(figure)}</b><small>{text(remark)}</small></div>'


def _list(title: str, lines: list[str], kind: str) -> str:
    items = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f'<section class="{kind}"><h2>{title}</h2><ul>{items}</ul></section>' if lines else ""


def _quality(result: Result, quality: Quality) -> str:
    regions = "not measured" if result.jacobian is None else sections.folding_words(find_folding(result.jacobian))
    body = tables.before_after(quality, were_steered(result)) if facts(quality) else ""
    if quality.dice:
        body += "<h3>Overlap of each label</h3>" + tables.dice_table(quality.dice)
    body += "<h3>The map itself</h3>" + tables.map_table(quality, regions)
    return sections.section("Quality", body, "“Before” is the initial alignment, “after” the whole map.")


def _technical(problem: Problem, result: Result) -> str:
    body = "<h3>Run</h3>" + tables.run_table(problem, result)
    if result.timings_s:
        body += "<h3>Time per phase</h3>" + charts.timing_bar(result.timings_s)
    body += "<h3>Settings</h3>" + tables.settings_tables(result.settings)
    return sections.section("Technical details", body)
