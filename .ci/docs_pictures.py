"""Draws the sequence diagrams of the pages as SVG: a site that loads no scripts from elsewhere must."""

from __future__ import annotations

import re
from html import escape

COLUMN, ROW, TOP, MARGIN = 190, 34, 46, 20
ARROW = re.compile(r"(\w+)(-?-)>>(\w+): (.*)")
NOTE = re.compile(r"Note over (\w+)(?:,(\w+))?: (.*)")


def picture_of(diagram: str) -> str:
    """The SVG of a `sequenceDiagram` with participants, arrows and notes.

    Raises:
        ValueError: A line is none of these.
    """
    lines = [line.strip() for line in diagram.splitlines()[1:] if line.strip()]
    names: dict[str, str] = {}
    steps = []
    for line in lines:
        if found := re.fullmatch(r"participant (\w+) as (.*)", line):
            names[found[1]] = found[2]
        elif found := ARROW.fullmatch(line):
            steps.append(("arrow", found[1], found[3], found[4], found[2] == "--"))
        elif found := NOTE.fullmatch(line):
            steps.append(("note", found[1], found[2] or found[1], found[3], False))
        else:
            raise ValueError(f"a line of a diagram that cannot be drawn: {line}")
    at = {name: MARGIN + COLUMN // 2 + COLUMN * index for index, name in enumerate(names)}
    width, bottom = 2 * MARGIN + COLUMN * len(names), TOP + ROW * len(steps) + 10
    drawn = []
    for name, text in names.items():
        drawn.append(f'<line x1="{at[name]}" y1="36" x2="{at[name]}" y2="{bottom}" class="life"/>')
        drawn.append(f'<rect x="{at[name] - 82}" y="8" width="164" height="28" rx="5" class="box"/>')
        drawn.append(f'<text x="{at[name]}" y="27">{escape(text)}</text>')
    for index, (kind, start, end, text, is_dashed) in enumerate(steps):
        y = TOP + ROW * index + 22
        left, right = at[start], at[end]
        if kind == "note":
            low, high = min(left, right) - 82, max(left, right) + 82
            drawn.append(f'<rect x="{low}" y="{y - 18}" width="{high - low}" height="24" class="note"/>')
            drawn.append(f'<text x="{(low + high) / 2}" y="{y - 1}">{escape(text)}</text>')
        elif left == right:
            drawn.append(f'<path d="M{left} {y - 8}h24v12h-20" class="arrow"/>')
            drawn.append(f'<text x="{left + 32}" y="{y + 2}" class="own">{escape(text)}</text>')
        else:
            style = ' stroke-dasharray="5 4"' if is_dashed else ""
            tip = right - 2 if right > left else right + 2
            drawn.append(f'<line x1="{left}" y1="{y}" x2="{tip}" y2="{y}" class="arrow"{style}/>')
            drawn.append(f'<text x="{(left + right) / 2}" y="{y - 5}">{escape(text)}</text>')
    longest = max((at[start] + 32 + 6.6 * len(text) for _, start, end, text, _ in steps if start == end), default=0)
    width = max(width, int(longest) + MARGIN)
    style = (
        "text{font:12px system-ui,sans-serif;fill:currentColor;text-anchor:middle}.own{text-anchor:start}"
        ".life,.arrow{stroke:currentColor;fill:none}.life{opacity:.35}.arrow{stroke-width:1.3;marker-end:url(#tip)}"
        ".box{fill:none;stroke:currentColor}.note{fill:#8883;stroke:none}"
    )
    marker = (
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 10 5 0 10z" fill="currentColor"/></marker></defs>'
    )
    title = escape("; ".join(text for *_, text, _ in steps))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 10}" role="img" '
        f'style="max-width:{width}px;width:100%"><title>{title}</title><style>{style}</style>{marker}{"".join(drawn)}</svg>'
    )
