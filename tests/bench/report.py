"""The figures as people read them: one table, one chart, one file for machines."""

import json
from collections.abc import Sequence
from html import escape
from math import log10
from pathlib import Path

import msgspec

from tests.bench.figures import UNARY, Figure

BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def table(figures: Sequence[Figure]) -> str:
    rows = [("", "measured", "goal", "floor")]
    group = ""
    for figure in figures:
        if figure.group != group:
            group = figure.group
            rows.append((f"**{group}**", "", "", ""))
        rows.append((figure.name, shown(figure), figure.goal, figure.floor))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]]) + "\n"


def shown(figure: Figure) -> str:
    if figure.value is None:
        return f"not measured: {figure.why}".replace("\n", " ").replace("|", "/")[:120]
    digits = 0 if figure.value >= 100 else 1 if figure.value >= 10 else 2
    return f"{figure.value:,.{digits}f} {figure.unit}"


def write(figures: Sequence[Figure], folder: Path) -> None:
    """`performance.json`, `performance.svg`, and the table inside `performance.md` where there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = msgspec.to_builtins(figures)
    (folder / "performance.json").write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "performance.svg").write_text(chart(figures), encoding="utf-8")
    page = folder / "performance.md"
    if page.exists():
        page.write_text(with_table(page.read_text(encoding="utf-8"), figures), encoding="utf-8")


def read(folder: Path) -> list[Figure]:
    return msgspec.json.decode((folder / "performance.json").read_bytes(), type=list[Figure])


def with_table(page: str, figures: Sequence[Figure]) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(figures)}\n{END}{after}"


FONT = 'font-family="sans-serif" font-size="13"'
LEGEND = "tokenhub against each, one run, logarithmic; right of the line is faster"
BAR, GAP, LEFT, WIDTH, TOP = 22, 10, 190, 760, 56


def chart(figures: Sequence[Figure]) -> str:
    """Requests a second against each of the others, on a logarithmic scale; the line is `as many`."""
    bars = [(figure.name, figure.value) for figure in figures if figure.group == UNARY and figure.value]
    low = min([0.1, *(value for _, value in bars)])
    high = max([10.0, *(value for _, value in bars)])

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 70) * (log10(value) - log10(low)) / (log10(high) - log10(low))

    height = TOP + len(bars) * (BAR + GAP) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="bold">{escape(UNARY)}</text>',
        f'<text x="16" y="42" fill="#666">{LEGEND}</text>',
    ]
    for place, (name, value) in enumerate(bars):
        y = TOP + place * (BAR + GAP)
        start, end = sorted((x(1.0), x(value)))
        colour = "#2a7f4f" if value >= 1 else "#b5651d"
        parts += [
            f'<text x="{LEFT - 12}" y="{y + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{start:.1f}" y="{y}" width="{max(1.0, end - start):.1f}" height="{BAR}" fill="{colour}"/>',
            f'<text x="{end + 6:.1f}" y="{y + 16}">{value:,.2f} ×</text>',
        ]
    one = x(1.0)
    parts += [
        f'<line x1="{one:.1f}" y1="{TOP - 6}" x2="{one:.1f}" y2="{height - 22}" stroke="#333"/>',
        f'<text x="{one:.1f}" y="{height - 6}" text-anchor="middle" fill="#666">as many</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
