"""Icons: the SVG files of `assets/icons`, tinted and drawn at every size they are needed in."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIZES_PX = (16, 20, 24, 32, 40, 48, 64)
"""20 px at 100 % and 200 %, and what trays and task bars ask for."""
_LABEL_GAP_PX = 6


def icon_path(name: str) -> Path:
    """The SVG file of an icon."""
    return Path(str(files("everlisten.assets").joinpath("icons", f"{name}.svg")))


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return icon_path(name).read_text(encoding="utf-8")


def draw_icon(painter: QPainter, name: str, rect: QRectF, color: QColor | str = "") -> None:
    """Paint an icon into `rect`; `color` replaces what the file calls currentColor."""
    text = _source(name).replace("currentColor", QColor(color).name() if color else "#808080")
    QSvgRenderer(QByteArray(text.encode())).render(painter, rect)


def pixmap(name: str, size: int, color: QColor | str = "", ratio: float = 1.0) -> QPixmap:
    """An icon as a picture of `size` logical pixels."""
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_icon(painter, name, QRectF(picture.rect()), color)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=256)
def icon(name: str, color: str = "", disabled: str = "") -> QIcon:
    """An icon in one colour, with a second one for disabled controls."""
    made = QIcon()
    for size in _SIZES_PX:
        made.addPixmap(pixmap(name, size, color))
        if disabled:
            made.addPixmap(pixmap(name, size, disabled), QIcon.Mode.Disabled)
    return made


@lru_cache(maxsize=64)
def labelled_icon(name: str, size: int, color: str, disabled: str = "") -> QIcon:
    """An icon for a button with text: Qt sets them too close, so room is part of the icon."""
    made = QIcon()
    for mode, tint in ((QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, disabled)):
        for ratio in (1.0, 1.5, 2.0, 3.0) if tint else ():
            whole = labelled_size(size)
            picture = QPixmap(whole * ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw_icon(painter, name, QRectF(0, 0, size * ratio, size * ratio), tint)
            painter.end()
            picture.setDevicePixelRatio(ratio)
            made.addPixmap(picture, mode)
    return made


def labelled_size(size: int) -> QSize:
    """The icon size of such a button."""
    return QSize(size + _LABEL_GAP_PX, size)


def forget_icons() -> None:
    """Drop every icon that was kept."""
    icon.cache_clear()
    labelled_icon.cache_clear()
