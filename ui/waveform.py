"""A sound as a picture, with a part that can be marked by mouse and keyboard."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from everlisten.ui.teaching_protocols import SAMPLE_RATE_HZ, Samples
from everlisten.ui.theme import Theme

SHORTEST_S = 0.3
STEP_S = 0.1
_BAR_PX = 3
_GRIP_PX = 8
_QUIETEST = 0.02
"""Sounds below this peak are not blown up further: silence looks like silence."""
_SCALE_PX = 16


def peaks(samples: Samples, count: int) -> list[float]:
    """The largest magnitude in each of `count` equal pieces."""
    size = max(1, len(samples) // max(1, count))
    starts = range(0, len(samples), size)
    pieces = (samples[start : start + size] for start in starts)
    return [max(max(piece), -min(piece)) for piece in pieces][:count]


def loudest_part(samples: Samples, seconds: float) -> tuple[float, float]:
    """Where the loudest part of about that length lies, in seconds."""
    whole_s = len(samples) / SAMPLE_RATE_HZ
    heights = peaks(samples, max(1, round(whole_s * 10)))
    width = max(1, round(seconds * 10))
    if len(heights) <= width:
        return 0.0, whole_s
    sums = [sum(heights[at : at + width]) for at in range(len(heights) - width + 1)]
    first = sums.index(max(sums)) / 10
    return first, min(whole_s, first + seconds)


class Waveform(QWidget):
    """Bars around a middle line; with `markable`, a marked part with two ends that can be moved."""

    marked = Signal(float, float)
    """Begin and end of the part, seconds."""

    def __init__(self, theme: Theme, name: str, markable: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._markable = markable
        self._samples: Samples | None = None
        self._peaks: list[float] = []
        self._begin_s = self._end_s = 0.0
        self._held = ""
        self._anchor_s = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        if markable:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.setMouseTracking(True)
        theme.changed.connect(self.update)

    @property
    def length_s(self) -> float:
        """Length of the whole sound."""
        return len(self._samples) / SAMPLE_RATE_HZ if self._samples is not None else 0.0

    @property
    def part_s(self) -> tuple[float, float]:
        """Begin and end of the marked part."""
        return self._begin_s, self._end_s

    def show_samples(self, samples: Samples | None) -> None:
        """Show another sound; the whole of it is marked."""
        self._samples = samples
        self._measure()
        self.mark(0.0, self.length_s)

    def part(self) -> Samples | None:
        """A copy of the marked part."""
        if self._samples is None:
            return None
        begin, end = (round(at * SAMPLE_RATE_HZ) for at in self.part_s)
        return self._samples[begin:end]

    def mark(self, begin_s: float, end_s: float) -> None:
        """Mark a part; it is kept inside the sound and not too short."""
        whole = self.length_s
        begin_s = max(0.0, min(begin_s, whole - SHORTEST_S))
        end_s = max(begin_s + min(SHORTEST_S, whole), min(end_s, whole))
        self._begin_s, self._end_s = max(0.0, begin_s), end_s
        if self._markable:
            self.setAccessibleDescription(
                f"From {self._begin_s:.1f} to {self._end_s:.1f} of {whole:.1f} seconds is marked. "
                "Arrow keys move it; with Shift they move its end."
            )
        self.marked.emit(self._begin_s, self._end_s)
        self.update()

    def _measure(self) -> None:
        bars = max(1, self.width() // (_BAR_PX + 1))
        self._peaks = peaks(self._samples, bars) if self._samples else []

    def sizeHint(self) -> QSize:
        return QSize(420, 96 + _SCALE_PX) if self._markable else QSize(120, 28)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()

    # Marking

    def _seconds(self, x: float) -> float:
        return max(0.0, min(1.0, x / max(1, self.width()))) * self.length_s

    def _x(self, seconds: float) -> float:
        return seconds / self.length_s * self.width() if self.length_s else 0.0

    def _grip(self, x: float) -> str:
        """begin, end, or nothing."""
        to_begin, to_end = abs(x - self._x(self._begin_s)), abs(x - self._x(self._end_s))
        if min(to_begin, to_end) > _GRIP_PX:
            return ""
        return "begin" if to_begin < to_end else "end"

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._markable or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        x = event.position().x()
        self._held = self._grip(x) or "new"
        self._anchor_s = self._seconds(x)
        if self._held != "new":
            self._anchor_s = self._end_s if self._held == "begin" else self._begin_s

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        over = self._grip(x) or self._held
        shape = Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor
        if self._markable and self.cursor().shape() != shape:
            self.setCursor(shape)
        if self._held:
            at_s = self._seconds(x)
            if abs(at_s - self._anchor_s) >= STEP_S:
                self.mark(min(at_s, self._anchor_s), max(at_s, self._anchor_s))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = ""
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -STEP_S, Qt.Key.Key_Right: STEP_S}.get(Qt.Key(event.key()))
        if not self._markable or step is None:
            super().keyPressEvent(event)
            return
        begin, end = self.part_s
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.mark(begin, end + step)
        elif 0 <= begin + step and end + step <= self.length_s:
            self.mark(begin + step, end + step)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = self.height() - (_SCALE_PX if self._markable else 0)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._markable:
            painter.setBrush(tokens.color("base"))
            painter.drawRoundedRect(QRectF(0, 0, self.width(), height), 7, 7)
            left, right = self._x(self._begin_s), self._x(self._end_s)
            painter.fillRect(QRectF(left, 0, right - left, height), tokens.color("accent_soft"))
        self._paint_bars(painter, height)
        if self._markable:
            self._paint_frame(painter, height)

    def _paint_bars(self, painter: QPainter, height: float) -> None:
        tokens = self._theme.tokens
        loudest = max([_QUIETEST, *self._peaks])
        left, right = self._x(self._begin_s), self._x(self._end_s)
        step = self.width() / max(1, len(self._peaks))
        for at, peak in enumerate(self._peaks):
            x = at * step
            inside = not self._markable or left <= x <= right
            tall = max(2.0, peak / loudest * (height - 6))
            bar = QRectF(x, (height - tall) / 2, max(1.0, min(_BAR_PX, step - 1)), tall)
            painter.fillRect(bar, tokens.color("accent" if inside else "dim"))

    def _paint_frame(self, painter: QPainter, height: float) -> None:
        tokens = self._theme.tokens
        for at_s in self.part_s:
            x = min(max(1.5, self._x(at_s)), self.width() - 1.5)
            painter.fillRect(QRectF(x - 1.5, 0, 3, height), tokens.color("accent"))
            painter.setBrush(tokens.color("accent"))
            painter.drawEllipse(QPointF(x, height / 2), 5, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        ring = "accent" if self.hasFocus() else "border"
        painter.setPen(QPen(tokens.color(ring), 2 if self.hasFocus() else 1))
        painter.drawRoundedRect(QRectF(1, 1, self.width() - 2, height - 2), 7, 7)
        painter.setPen(tokens.color("secondary"))
        font = painter.font()
        font.setPointSizeF(8.0)
        painter.setFont(font)
        row = QRectF(2, height + 1, self.width() - 4, _SCALE_PX)
        sides = Qt.AlignmentFlag
        painter.drawText(row, sides.AlignLeft, f"{self.length_s:.0f} s ago")
        painter.drawText(row, sides.AlignRight, "now")
        middle = f"{self._end_s - self._begin_s:.1f} s marked"
        painter.drawText(row, sides.AlignHCenter, middle)
