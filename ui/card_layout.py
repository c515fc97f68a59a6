"""Where the parts of a card stand: the row of an alert, of a question or of a reply."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from everlisten.ui.row_layout import RowLayout
from everlisten.ui.timeline_row import TimelineRow

if TYPE_CHECKING:
    from everlisten.ui.timeline_layout import RowLayouts

GAP_PX = 12
"""Above and below a card."""
PADDING_PX = 12
NARROW_PX = 560
_ACTION_GAP_PX = 18


def lay_out_card(layouts: RowLayouts, row: TimelineRow, width: int) -> RowLayout:
    """Heading, text, the reasons if they are shown, and a quiet line with what can be done."""
    margin, right = layouts.column(width)
    y = float(GAP_PX)
    left = margin + PADDING_PX + layouts.icon_px + 12.0
    reserved = 0 if width < NARROW_PX else layouts.time_px
    column = right - PADDING_PX - reserved - left
    made = RowLayout(time_right=right - PADDING_PX)
    top = y + PADDING_PX - 2
    for part, text, font, gap in (
        ("heading", row.label, layouts.heading_font, 2),
        ("text", row.text, layouts.caption_font, 2),
        ("reason", row.why if row.expanded else "", layouts.small_font, 2),
    ):
        if text:
            block = layouts.block(part, text, font, column)
            block.position = QPointF(left, top)
            made.blocks.append(block)
            top = block.rect.bottom() + gap
    top = _lay_out_note(layouts, row, made, QRectF(left, top + 2, column, 0))
    first = made.blocks[0] if made.blocks else None
    middle = y + PADDING_PX + layouts.icon_px / 2
    if first is not None:
        middle = first.position.y() + first.layout.lineAt(0).height() / 2
    bottom = max(top, middle + layouts.icon_px / 2) + PADDING_PX - 2
    made.card = QRectF(margin, y, right - margin, bottom - y)
    made.icon = QRectF(
        margin + PADDING_PX, middle - layouts.icon_px / 2, layouts.icon_px, layouts.icon_px
    )
    made.height = ceil(bottom) + GAP_PX
    return made


def _lay_out_note(layouts: RowLayouts, row: TimelineRow, made: RowLayout, room: QRectF) -> float:
    """The note, and behind it the actions, on further lines if need be; returns the bottom."""
    x, y, bottom = room.left(), room.top(), room.top()
    parts = [("note", row.note)] if row.note else []
    for part, text in (*parts, *row.actions):
        font = layouts.small_font if part == "note" else layouts.action_font
        block = layouts.block(part, text, font, room.width())
        if x > room.left() and x + block.natural_width > room.right():
            x, y = room.left(), bottom + 2
        block.position = QPointF(x, y)
        made.blocks.append(block)
        x += block.natural_width + _ACTION_GAP_PX
        bottom = max(bottom, block.rect.bottom())
    return bottom
