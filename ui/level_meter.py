"""A level meter in dBFS with peak hold. Repaints only when a pixel changes."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from everlisten.ui.theme import Theme

FLOOR_DB = -60.0
LOUD_DB = -12.0
CLIP_DB = -1.0
_HOLD_MS = 1_500
_FALL_DB_PER_S = 20.0
_TICKS_DB = (-60, -48, -36, -24, -12, 0)
_BAR_PX = 8
_SLIM_PX = 5


class LevelMeter(QWidget):
    """A bar from -60 to 0 dBFS; with `scale`, the numbers stand below it."""

    def __init__(self, theme: Theme, name: str, scale: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._scale = scale
        self._level_db = self._held_db = FLOOR_DB
        self._clock = QElapsedTimer()
        self._clock.start()
        self._drawn: tuple[int, int, bool] = (0, 0, False)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def level_db(self) -> float:
        """The level shown."""
        return self._level_db

    @property
    def held_db(self) -> float:
        """The peak mark: stays 1.5 s, then falls."""
        return self._held_db

    def show_level(self, level_db: float, peak_db: float) -> None:
        """Show a reading, dBFS."""
        self._level_db = level_db
        passed_ms = self._clock.elapsed()
        if peak_db >= self._held_db:
            self._held_db = min(0.0, peak_db)
            self._clock.restart()
        elif passed_ms > _HOLD_MS:
            fallen = self._held_db - _FALL_DB_PER_S * 0.066
            self._held_db = max(peak_db, fallen, FLOOR_DB)
        if self._marks() != self._drawn:
            self.update()

    def rest(self) -> None:
        """Show nothing: the source does not listen."""
        self._held_db = FLOOR_DB
        self.show_level(FLOOR_DB, FLOOR_DB)

    def sizeHint(self) -> QSize:
        if not self._scale:
            return QSize(72, _SLIM_PX)
        return QSize(220, _BAR_PX + 6 + QFontMetrics(self._small_font()).height())

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(8.0)
        return font

    def _margin(self) -> int:
        return 14 if self._scale else 0

    def _pixels(self, level_db: float) -> int:
        share = (min(0.0, max(FLOOR_DB, level_db)) - FLOOR_DB) / -FLOOR_DB
        return round(share * (self.width() - 2 * self._margin()))

    def _marks(self) -> tuple[int, int, bool]:
        """Pixel of the level, pixel of the peak, and whether the peak is too loud."""
        return self._pixels(self._level_db), self._pixels(self._held_db), self._held_db >= CLIP_DB

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        left, height = self._margin(), _BAR_PX if self._scale else _SLIM_PX
        radius = height / 2
        full = QRectF(left, 0, self.width() - 2 * left, height)
        painter.setBrush(tokens.color("meter_track"))
        painter.drawRoundedRect(full, radius, radius)
        level, held, clipped = self._drawn = self._marks()
        if level > 0:
            color = "danger" if clipped else "warning" if self._level_db > LOUD_DB else "accent"
            painter.setBrush(tokens.color(color))
            painter.drawRoundedRect(QRectF(left, 0, max(level, height), height), radius, radius)
        if held > 0:
            painter.setBrush(tokens.color("danger" if clipped else "text"))
            painter.drawRect(QRectF(left + held - 2, 0, 2, height))
        if self._scale:
            self._paint_scale(painter, left, height)

    def _paint_scale(self, painter: QPainter, left: int, height: int) -> None:
        tokens = self._theme.tokens
        painter.setFont(self._small_font())
        metrics = QFontMetrics(painter.font())
        for tick in _TICKS_DB:
            x = left + self._pixels(tick)
            painter.fillRect(QRectF(x - 0.5, height + 1, 1, 3), tokens.color("dim"))
            text = f"{tick}".replace("-", "\u2212") if tick else "0 dB"
            width = metrics.horizontalAdvance(text)
            at = min(max(0, x - width // 2), self.width() - width)
            painter.setPen(tokens.color("secondary"))
            painter.drawText(at, height + 5 + metrics.ascent(), text)


def level_and_peak(level_db: float, peak_db: float) -> str:
    """Both, or silence alone."""
    if peak_db <= -100:
        return "silence"
    return f"{decibels(level_db)}, peak {decibels(peak_db)}"


def gain(gain_db: float) -> str:
    """+6 dB, \u22126 dB, 0 dB."""
    return f"{gain_db:+.0f} dB".replace("-", "\u2212") if round(gain_db) else "0 dB"


def decibels(level_db: float) -> str:
    """-23.4 as "-23 dB" with a real minus sign; the floor as "silence"."""
    if level_db <= -100:
        return "silence"
    return f"{level_db:.0f} dB".replace("-", "\u2212")
