"""Where the parts of a timeline row stand, for one width and font: laid out once and kept.

Nothing here paints. `timeline_delegate` paints a layout, `timeline_view` finds text under the
mouse in it.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from unicodedata import bidirectional

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QTextLayout, QTextOption

from everlisten.ui.card_layout import lay_out_card
from everlisten.ui.config import UiConfig
from everlisten.ui.row_layout import RowLayout, TextBlock
from everlisten.ui.timeline_row import RowKind, TimelineRow

MARGIN_PX = 20
NARROW_MARGIN_PX = 12
NARROW_PX = 560
"""Below this width there is no column for speakers and translations stand under the caption."""
READABLE_PX = 960
"""Lines longer than this are hard to read: a wider window leaves room at both sides."""
BESIDE_PX = 1320
"""The same for two columns."""
LINE_SPACING = 1.12
TURN_GAP_PX = 12
LINE_GAP_PX = 4
ICON_PX = 20
"""Smallest icon of a card; it grows with the captions."""
KEPT_LAYOUTS = 256
"""Several screens full; a layout takes about 5 kB."""


class RowLayouts:
    """Makes the layouts of rows and keeps the last few hundred."""

    def __init__(self, font: QFont, config: UiConfig) -> None:
        self._kept: OrderedDict[int, RowLayout] = OrderedDict()
        self._width = 0
        self._speakers = False
        self.set_style(font, config)

    def set_style(self, font: QFont, config: UiConfig) -> None:
        """Use other fonts or another placement."""
        self.config = config
        self.caption_font = QFont(font)
        self.caption_font.setPointSizeF(float(config.caption_font_pt))
        self.translation_font = QFont(self.caption_font)
        scale = config.translation_scale_percent / 100
        self.translation_font.setPointSizeF(max(8.0, config.caption_font_pt * scale))
        self.small_font = QFont(font)
        self.small_font.setPointSizeF(max(9.0, config.caption_font_pt * 0.72))
        self.action_font = QFont(self.small_font)
        self.action_font.setUnderline(True)
        self.speaker_font = QFont(self.small_font)
        self.speaker_font.setWeight(QFont.Weight.DemiBold)
        self.heading_font = QFont(self.caption_font)
        self.heading_font.setWeight(QFont.Weight.DemiBold)
        self._caption_metrics = QFontMetrics(self.caption_font)
        self.icon_px = max(ICON_PX, self._caption_metrics.ascent())
        small = QFontMetrics(self.speaker_font)
        self.speaker_px = small.horizontalAdvance("Others") + 16
        self.time_px = QFontMetrics(self.small_font).horizontalAdvance("00:00:00") + 8
        self.forget()

    def set_speakers(self, speakers: bool) -> bool:
        """Show who speaks, or not; returns whether that changed something."""
        changed = speakers != self._speakers
        self._speakers = speakers
        if changed:
            self.forget()
        return changed

    def forget(self) -> None:
        """Lay everything out again."""
        self._kept.clear()

    def of(self, row: TimelineRow, width: int) -> RowLayout:
        """The layout of a row; a kept one if nothing changed."""
        if width != self._width:
            self._width = width
            self.forget()
        kept = self._kept.get(id(row))
        if kept is not None and kept.revision == row.revision:
            self._kept.move_to_end(id(row))
            return kept
        made = self._lay_out(row, width)
        made.revision = row.revision
        self._kept[id(row)] = made
        if len(self._kept) > KEPT_LAYOUTS:
            self._kept.popitem(last=False)
        return made

    def estimate(self, row: TimelineRow, width: int) -> int:
        """A guess at the height that costs nothing to make."""
        line = self._caption_metrics.lineSpacing()
        letters = max(10, (min(width, READABLE_PX) - 100) // max(1, line // 2))
        lines = 1 + len(row.stable) // letters
        if row.translation:
            lines += 1 + len(row.translation) // letters
        return lines * line + (TURN_GAP_PX if row.turn_begins else LINE_GAP_PX)

    def _lay_out(self, row: TimelineRow, width: int) -> RowLayout:
        if row.kind is RowKind.SEPARATOR:
            return self._separator(row, width)
        if row.kind in (RowKind.CAPTION, RowKind.SOUND):
            return self._caption(row, width)
        return lay_out_card(self, row, width)

    def _separator(self, row: TimelineRow, width: int) -> RowLayout:
        left, right = self.column(width)
        block = self.block("separator", row.text, self.small_font, right - left - 48)
        block.position = QPointF((width - block.natural_width) / 2, 18)
        rule = QRectF(left, 0, right - left, 0)
        return RowLayout(height=ceil(block.rect.bottom()) + 10, blocks=[block], rule=rule)

    def _caption(self, row: TimelineRow, width: int) -> RowLayout:
        narrow = width < NARROW_PX
        left, right = self.column(width)
        y = float(TURN_GAP_PX if row.turn_begins else LINE_GAP_PX)
        made = RowLayout(time_right=right)
        if self._speakers:
            if not narrow:
                left += self.speaker_px
            if row.speaker and row.turn_begins:
                made.blocks.append(self._speaker(row, narrow, y, self.column(width)[0]))
                if narrow:
                    y = made.blocks[-1].rect.bottom() + 2
        # The time has a place of its own at the right, so that showing it moves nothing.
        text_right = right - (0 if narrow else self.time_px)
        beside = self.config.translation_placement == "beside" and not narrow
        column = (text_right - left - 24) / 2 if beside and row.translated else text_right - left
        font = self.small_font if row.kind is RowKind.SOUND else self.caption_font
        text = self.block("text", row.text, font, column, len(row.unstable.rstrip()))
        text.position = QPointF(left, y)
        made.blocks.append(text)
        bottom = text.rect.bottom()
        if row.translated:
            tail = len(row.translation_unstable.rstrip())
            second = self.block("translation", row.translated, self.translation_font, column, tail)
            drop = QFontMetrics(self.caption_font).ascent()
            drop -= QFontMetrics(self.translation_font).ascent()
            second.position = (
                QPointF(left + column + 24, y + drop) if beside else QPointF(left, bottom + 1)
            )
            made.blocks.append(second)
            bottom = max(bottom, second.rect.bottom())
        made.height = ceil(bottom) + LINE_GAP_PX
        return made

    def _speaker(self, row: TimelineRow, narrow: bool, y: float, left: float) -> TextBlock:
        block = self.block("speaker", row.speaker, self.speaker_font, 200)
        drop = 0
        if not narrow:
            drop = QFontMetrics(self.caption_font).ascent()
            drop -= QFontMetrics(self.speaker_font).ascent()
        block.position = QPointF(left, y + max(0, drop))
        return block

    def column(self, width: int) -> tuple[float, float]:
        """Left and right edge of what is shown in a row."""
        beside = self.config.translation_placement == "beside"
        margin = NARROW_MARGIN_PX if width < NARROW_PX else MARGIN_PX
        margin = max(margin, (width - (BESIDE_PX if beside else READABLE_PX)) // 2)
        return float(margin), float(width - margin)

    def block(
        self, part: str, text: str, font: QFont, width: float, tail_length: int = 0
    ) -> TextBlock:
        """A piece of text, broken into lines; its position is still to be set."""
        shown = text.replace("\n", "\u2028")
        layout = QTextLayout(shown, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        right_to_left = not shown.isascii() and _is_right_to_left(shown)
        if right_to_left:
            option.setTextDirection(Qt.LayoutDirection.RightToLeft)
            option.setAlignment(Qt.AlignmentFlag.AlignRight)
        else:
            option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        layout.setTextOption(option)
        layout.setCacheEnabled(True)
        layout.beginLayout()
        y = 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(40.0, width))
            line.setPosition(QPointF(0, y))
            y += round(line.height() * LINE_SPACING)
        layout.endLayout()
        return TextBlock(part, text, layout, QPointF(), len(text) - tail_length)


def _is_right_to_left(text: str) -> bool:
    """By the first letter that has a direction (Unicode standard annex 9, rule P2)."""
    kinds = (bidirectional(letter) for letter in text)
    return next((kind != "L" for kind in kinds if kind in ("L", "R", "AL")), False)
