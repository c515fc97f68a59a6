"""A table of confusions as a PNG file, drawn with NumPy alone.

Each row is what was played, each column what was told; the colour is the share of the row, the
number in a cell counts clips.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from everlisten.trainer.sounds.bitmap_font import ADVANCE, HEIGHT, text_mask

_CELL = (26, 38)
"""Height and width of a cell, pixels."""
_SCALE = 2
_LINE = HEIGHT * _SCALE
_MARGIN = 12
_AXES = "rows: played (clips), columns: told first"
_SHARE = "share of the row"
_BAR = 220
"""Length of the colour scale."""
_INK = (32, 36, 44)
_GRID = (214, 219, 227)
_LIGHT = np.array((250, 251, 253), np.float64)
_DARK = np.array((18, 62, 140), np.float64)
_RIGHT = (224, 142, 38)
"""Frame of the cells in which what was told is what was played."""

Picture = NDArray[np.uint8]


def write_confusion(
    path: Path,
    counts: NDArray[np.int64],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
) -> None:
    """Draw the table and write it.

    Args:
        path: The PNG file.
        counts: int64 [rows, columns].
        rows: What was played.
        columns: What was told.
        title: One line above it.
    """
    path.write_bytes(png(draw(counts, rows, columns, title)))


def draw(
    counts: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], title: str
) -> Picture:
    """The picture, uint8 [height, width, 3]."""
    assert counts.shape == (len(rows), len(columns)), counts.shape
    labels = [f"{_spaced(row)} ({total})" for row, total in zip(rows, counts.sum(1), strict=True)]
    left = _MARGIN + max(map(_width, labels)) + _MARGIN
    top = _MARGIN + 2 * _LINE + max(_width(_spaced(each)) for each in columns) + 2 * _MARGIN
    grid_width = len(columns) * _CELL[1]
    scale_width = _BAR + _MARGIN + _width(_SHARE)
    right = max(left + grid_width, left + scale_width, _width(title), _width(_AXES))
    width = right + 2 * _MARGIN
    height = top + len(rows) * _CELL[0] + 3 * _MARGIN + 3 * _LINE
    picture = np.full((height, width, 3), 255, np.uint8)
    _write(picture, title, _MARGIN, _MARGIN)
    _write(picture, _AXES, _MARGIN + _LINE + 6, _MARGIN)
    for number, name in enumerate(columns):
        turned = np.rot90(text_mask(_spaced(name), _SCALE))
        x = left + number * _CELL[1] + (_CELL[1] - turned.shape[1]) // 2
        _ink(picture, turned, top - 6 - turned.shape[0], x, _INK)
    for number, label in enumerate(labels):
        y = top + number * _CELL[0]
        _write(picture, label, y + (_CELL[0] - _LINE) // 2, left - _MARGIN - _width(label))
        _cells(picture, counts[number], y, left, [rows[number] == name for name in columns])
    _colour_scale(picture, height - _MARGIN - 2 * _LINE, left)
    return picture


def png(picture: Picture) -> bytes:
    """uint8 [height, width, 3] as a PNG file (ISO/IEC 15948), 8 bits a colour."""
    height, width, _ = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    # Every line begins with the number of its filter; 0 is none.
    lines = np.concatenate((np.zeros((height, 1), np.uint8), picture.reshape(height, -1)), axis=1)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
         _chunk(b"IEND", b""))
    )  # fmt: skip


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _cells(
    picture: Picture, counts: NDArray[np.int64], y: int, left: int, right: Sequence[bool]
) -> None:
    """One row of cells."""
    total = max(1, int(counts.sum()))
    for number, count in enumerate(counts):
        share = float(count) / total
        x = left + number * _CELL[1]
        cell = picture[y : y + _CELL[0], x : x + _CELL[1]]
        cell[:] = _RIGHT if right[number] else _GRID
        cell[1:-1, 1:-1] = _colour(share)
        if count:
            text = str(count)
            ink = (255, 255, 255) if share > 0.5 else _INK
            mask = text_mask(text, _SCALE)
            _ink(picture, mask, y + (_CELL[0] - _LINE) // 2,
                 x + (_CELL[1] - mask.shape[1]) // 2, ink)  # fmt: skip


def _colour_scale(picture: Picture, y: int, left: int) -> None:
    shares = np.linspace(0, 1, _BAR)
    picture[y - 6 : y + _LINE, left : left + _BAR] = np.stack([_colour(s) for s in shares])
    _write(picture, "0 %", y + _LINE + 4, left)
    _write(picture, "100 %", y + _LINE + 4, left + _BAR - _width("100 %") // 2)
    _write(picture, _SHARE, y - 2, left + _BAR + _MARGIN)


def _colour(share: float) -> NDArray[np.uint8]:
    return np.asarray(_LIGHT + (_DARK - _LIGHT) * share, np.uint8)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _width(text: str) -> int:
    return len(text) * ADVANCE * _SCALE


def _write(picture: Picture, text: str, y: int, x: int) -> None:
    _ink(picture, text_mask(text, _SCALE), y, x, _INK)


def _ink(
    picture: Picture, mask: NDArray[np.bool_], y: int, x: int, colour: tuple[int, int, int]
) -> None:
    height, width = mask.shape
    picture[y : y + height, x : x + width][mask] = colour
