"""One picture for every small recommendation task: the page on the left, what moves on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sb3_ecom.core.rendering import FADED, INK, LINE, Canvas, text_bar

_ACCENT, _CLICKED = "#2a6f97", "#2a9d5c"
_ROWS, _BARS = 10, 12  # most rows of each panel


class Row(NamedTuple):
    """One line of a panel."""

    label: str
    share: float  # length of its bar, in [0, 1]
    marked: bool = False  # drawn in the colour of a click
    value: str = ""  # number with its unit, at the right end; "": the share


class Cards(NamedTuple):
    """One copy's page, ready to be drawn."""

    title: str
    facts: Sequence[str]  # at most three lines below the title
    page_title: str
    page: Sequence[Row]
    mind_title: str
    mind: Sequence[Row]


def show_cards(cards: Cards, mode: str) -> Any:
    """Return a (480, 640, 3) uint8 picture ("rgb_array") or a text ("ansi")."""
    return _tell(cards) if mode == "ansi" else _draw(cards)


def _tell(cards: Cards) -> str:
    lines = [cards.title, *(f"  {fact}" for fact in cards.facts)]
    for heading, rows in ((cards.page_title, cards.page), (cards.mind_title, cards.mind)):
        lines.append(heading)
        for row in rows:
            mark = "*" if row.marked else " "
            lines.append(f" {mark}{row.label[:30]:<31}{text_bar(row.share)} {_value(row)}")
    return "\n".join(lines)


def _draw(cards: Cards) -> Any:
    canvas = Canvas()
    canvas.text(16, 12, cards.title, size=18, width=608)
    for line, fact in enumerate(cards.facts[:3]):
        canvas.text(16, 40 + 18 * line, fact, size=13, colour=FADED, width=608)
    _panel(canvas, (16, 100, 316, 466), cards.page_title, cards.page[:_ROWS])
    _panel(canvas, (324, 100, 624, 466), cards.mind_title, cards.mind[:_BARS])
    return canvas.pixels()


def _panel(canvas: Canvas, box: tuple[float, float, float, float], title: str, rows: Sequence[Row]) -> None:
    canvas.panel(box, title)
    left, top, right, bottom = box
    if not rows:
        middle = (left + right) / 2, (top + bottom) / 2
        canvas.text(*middle, "nothing yet", size=14, colour=FADED, anchor="mm")
        return
    step = (bottom - top - 34) / len(rows)  # few rows are drawn large: no half of a panel stays empty
    size, thick = round(min(max(0.3 * step, 12), 17)), min(max(0.2 * step, 6), 26)
    for place, row in enumerate(rows):
        y = top + 30 + step * place + max(step - 1.35 * size - thick - 8, 0) / 2
        words = f"{row.label}  (clicked)" if row.marked else row.label
        ink, colour = (_CLICKED, _CLICKED) if row.marked else (INK, _ACCENT)
        canvas.text(left + 10, y, words, size=size, colour=ink, width=right - left - 84)
        canvas.text(right - 10, y, _value(row), size=size, colour=FADED, anchor="ra")
        canvas.bar((left + 10, y + 1.35 * size, right - 10, y + 1.35 * size + thick), row.share, colour)
        end = top + 30 + step * (place + 1) - 3
        canvas.line([(left + 10, end), (right - 10, end)], LINE)


def _value(row: Row) -> str:
    return row.value or f"{row.share:.2f}"
