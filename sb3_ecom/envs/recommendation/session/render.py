"""The shop page as a visitor sees it, and beside it what he feels: pictures and text."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.rendering import FADED, INK, LINE, PAPER, WHITE, Canvas, Rectangle, text_bar
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome
from sb3_ecom.envs.recommendation.session.garments import garment, item_colours
from sb3_ecom.envs.recommendation.session.page_view import PageReader, PageView
from sb3_ecom.envs.recommendation.session.params import SessionParams

_CLICKED, _BOUGHT, _RETURNED, _SEEN, _HIDDEN = "#e08a1e", "#2a9d5c", "#c0392b", "#3a6ea5", "#8e5aa8"


def render(
    params: SessionParams, tables: Any, state: State, outcome: PageOutcome | None, row: int, mode: str
) -> Any:
    """Return the shop page of copy `row` as a (480, 640, 3) uint8 picture or, in mode "ansi", a text."""
    for known, page in _PAGES:
        if known is params:
            return page.show(state, outcome, row, mode)
    _PAGES.append((params, ShopPage(params)))
    del _PAGES[:-4]
    return _PAGES[-1][1].show(state, outcome, row, mode)


#: Pages of the shops drawn last: colours follow from the whole catalogue.
_PAGES: list[tuple[SessionParams, ShopPage]] = []


class ShopPage:
    """Draws the pages of one shop.

    Args:
        params: of the session; the catalogue gives shapes, colours and prices.
    """

    def __init__(self, params: SessionParams) -> None:
        self._reader = PageReader(params)
        self._items = params.catalogue
        self._colours = item_colours(params.catalogue)

    def show(self, state: State, outcome: PageOutcome | None, row: int, mode: str) -> Any:
        """Show copy `row` after a page (`outcome` None: before the first one).

        Returns:
            A (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi").
        """
        view = self._reader.read(state, outcome, row)
        return self._write(view) if mode == "ansi" else self._draw(view)

    def _write(self, view: PageView) -> str:
        rows = [f"{_progress(view)}   {_status(view)}"]
        for slot, item in enumerate(view.slate):
            mark = f"  <- {_deed(view)}" if slot == view.slot else ""
            rows.append(f" {slot + 1:>2}  {self._label(item) if item >= 0 else '(empty)'}{mark}")
        recent = ", ".join(self._items.item_ids[item] + "*" * bought for item, bought in view.recent)
        wanted = ", ".join(self._items.item_ids[item] for item in view.wanted)
        rows += [
            f"agent sees  satisfaction [{text_bar(view.inferred)}] {view.inferred:.2f}   clicks: {recent}",
            f"hidden      satisfaction [{text_bar(view.satisfaction)}] {view.satisfaction:.2f}"
            f"   leaves without a click: {view.leaving:.2f}   wants: {wanted}",
        ]
        return "\n".join(rows)

    def _label(self, item: int) -> str:
        items = self._items
        category = items.category_name(int(items.category[item]))
        return f"item {items.item_ids[item]:<8} {category:<12} {items.price[item]:8.2f}"

    def _draw(self, view: PageView) -> Array:
        canvas = Canvas()
        canvas.rectangle((0, 0, 640, 38), fill=INK)
        canvas.text(14, 19, _progress(view), size=18, colour=WHITE, anchor="lm")
        colour = _RETURNED if view.left else "#9fd3b4"
        canvas.rectangle((614, 12, 628, 26), fill=colour)
        canvas.text(604, 19, _status(view), size=16, colour=WHITE, anchor="rm")
        if view.slate:
            for slot, (item, box) in enumerate(zip(view.slate, _grid(len(view.slate)), strict=True)):
                self._card(canvas, box, slot, item, view)
        else:
            self._landing(canvas, view)
        self._seen(canvas, view)
        self._hidden(canvas, view)
        return canvas.pixels()

    def _landing(self, canvas: Canvas, view: PageView) -> None:
        canvas.panel((8, 46, 632, 300))
        canvas.text(
            320, 70, "the visitor lands on (hidden from the agent)", size=15, colour=FADED, anchor="mm"
        )
        canvas.paste(self._picture(view.landed, 150), 245, 90)
        canvas.text(320, 266, self._label(view.landed), size=15, anchor="mm")

    def _card(self, canvas: Canvas, box: Rectangle, slot: int, item: int, view: PageView) -> None:
        left, top, right, bottom = box
        middle = (left + right) / 2
        if item < 0:
            canvas.panel(box, fill=PAPER)
            canvas.text(middle, (top + bottom) / 2, "empty", size=14, colour=FADED, anchor="mm")
            return
        chosen = slot == view.slot
        colour = _deed_colour(view) if chosen else LINE
        canvas.panel(box, edge=colour, thickness=4 if chosen else 1)
        size = int(min(right - left - 16, bottom - top - 86))
        canvas.paste(self._picture(item, size), int(middle - size / 2), int((top + bottom - 84 - size) / 2))
        canvas.text(left + 10, top + 7, f"{slot + 1}", size=13, colour=FADED)
        items, room = self._items, right - left - 14
        canvas.text(middle, bottom - 83, items.item_ids[item], size=15, anchor="ma", width=room, name=True)
        category = items.category_name(int(items.category[item]))
        canvas.text(middle, bottom - 64, category, size=12, colour=FADED, anchor="ma", width=room)
        canvas.text(middle, bottom - 47, f"{items.price[item]:.2f}", size=17, anchor="ma", width=room)
        if chosen:
            canvas.rectangle((left + 1, bottom - 22, right - 1, bottom - 4), fill=colour)
            canvas.text(middle, bottom - 12, _deed(view), size=13, colour=WHITE, anchor="mm", width=room)

    def _seen(self, canvas: Canvas, view: PageView) -> None:
        canvas.panel((8, 308, 316, 472), "what the agent can see")
        _meter(canvas, 18, 334, "satisfaction, inferred from clicks", view.inferred, _SEEN)
        canvas.text(18, 384, "clicked so far, newest right; green: bought", size=12, colour=FADED)
        for place, (item, bought) in enumerate(view.recent):
            self._thumbnail(canvas, 16 + 37 * place, item, _BOUGHT if bought else FADED)

    def _hidden(self, canvas: Canvas, view: PageView) -> None:
        canvas.panel((324, 308, 632, 472), "hidden: the visitor as he is")
        _meter(canvas, 334, 334, "satisfaction", view.satisfaction, _HIDDEN, width=138)
        _meter(canvas, 484, 334, "P(leave) without a click", view.leaving, _RETURNED, width=138)
        canvas.text(334, 384, "wants most", size=12, colour=FADED)
        for place, item in enumerate(view.wanted):
            self._thumbnail(canvas, 332 + 37 * place, item, FADED)
        canvas.text(490, 384, "tired of", size=12, colour=FADED)
        top = max(*view.satiation, 4.0)
        height = 60 / max(len(view.satiation), 1)
        for place, value in enumerate(view.satiation):
            y = 404 + height * place
            left = 552 if height >= 10 else 490
            canvas.bar((left, y, 622, y + max(height - 5, 1)), value / top, _HIDDEN)
            if height >= 10:
                words, middle = self._items.category_name(place), y + (height - 5) / 2
                canvas.text(546, middle, words, size=11, colour=FADED, anchor="rm", width=56, name=True)

    def _thumbnail(self, canvas: Canvas, x: int, item: int, colour: str) -> None:
        canvas.paste(self._picture(item, 34), x, 404)
        name = self._items.item_ids[item]
        canvas.text(x + 17, 449, name, size=12, colour=colour, anchor="mm", width=36, name=True)

    def _picture(self, item: int, size: int) -> Any:
        return garment(int(self._items.category[item]), self._colours[item], size)


def _progress(view: PageView) -> str:
    clicks = "1 click" if view.clicks == 1 else f"{view.clicks} clicks"
    return f"page {view.page}   {clicks}   {int(view.hour):02d}:{int(view.hour % 1 * 60):02d}"


def _status(view: PageView) -> str:
    if view.left:
        return "left the shop"
    return "browsing" if view.slate else "just arrived"


def _deed(view: PageView) -> str:
    if view.returned:
        return "bought, sent back"
    return "bought" if view.bought else "clicked"


def _deed_colour(view: PageView) -> str:
    return _RETURNED if view.returned else _BOUGHT if view.bought else _CLICKED


def _grid(cards: int) -> list[Rectangle]:
    """Return the cards' boxes: one row up to 5 cards, else two."""
    rows = 1 if cards <= 5 else 2
    columns = -(-cards // rows)
    width, height = (640 - 8) / max(columns, 3), (308 - 46) / rows
    first = 8 + (640 - 8 - width * columns) / 2  # fewer than three stand in the middle
    boxes = []
    for card in range(cards):
        left, top = first + width * (card % columns), 46 + height * (card // columns)
        boxes.append((left, top, left + width - 8, top + height - 8))
    return boxes


def _meter(
    canvas: Canvas, x: float, y: float, name: str, share: float, colour: str, *, width: float = 288
) -> None:
    """Draw a named share in [0, 1] with its number."""
    canvas.text(x, y, name, size=12, colour=FADED)
    canvas.bar((x, y + 18, x + width - 36, y + 34), share, colour)
    canvas.text(x + width, y + 26, f"{share:.2f}", size=13, anchor="rm")
