"""The picture is a PNG that others can read, and says what was counted."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from everlisten.trainer.sounds.bitmap_font import text_mask
from everlisten.trainer.sounds.confusion_picture import draw, png, write_confusion

COUNTS = np.array([[8, 0, 2], [0, 0, 0], [1, 0, 99]])
INK = (32, 36, 44)
ROWS, COLUMNS = ("siren", "car_horn", "other sounds"), ("siren", "car_horn", "silent")


def read_png(data: bytes) -> np.ndarray:
    """uint8 [H, W, 3]; checks every sum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + content)
        chunks[kind] = content
        at += 12 + length
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour) == (8, 2)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any(), "a filter that this reader does not know"
    return lines[:, 1:].reshape(height, width, 3)


def test_png_holds_every_pixel() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (7, 5, 3), np.uint8)
    assert np.array_equal(read_png(png(picture)), picture)


def test_qt_reads_it(tmp_path: Path) -> None:
    gui = pytest.importorskip("PySide6.QtGui")
    write_confusion(tmp_path / "a.png", COUNTS, ROWS, COLUMNS, "held-out clips")
    image = gui.QImage(str(tmp_path / "a.png"))
    assert (image.height(), image.width()) == draw(COUNTS, ROWS, COLUMNS, "held-out clips").shape[
        :2
    ]


def occurrences(
    picture: np.ndarray, text: str, *, colour: tuple[int, int, int] = INK, turned: bool = False
) -> int:
    """How often a text stands in the picture, by its dots and the gaps between them."""
    mask = text_mask(text, 2)
    mask = np.rot90(mask) if turned else mask
    inked = (picture == colour).all(axis=2)
    spectrum = np.fft.rfft2(inked)

    def met(shape: np.ndarray) -> np.ndarray:
        """Inked pixels under a shape, for each place that it fits in."""
        product = np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(shape, inked.shape)), inked.shape)
        return np.rint(product)[: inked.shape[0] - mask.shape[0], : inked.shape[1] - mask.shape[1]]

    return int(((met(mask) == mask.sum()) & (met(~mask) == 0)).sum())


def test_labels_and_counts_are_written() -> None:
    picture = draw(COUNTS, ROWS, COLUMNS, "held-out clips")
    assert occurrences(picture, "held-out clips") == 1
    for row, total in (("siren", 10), ("car horn", 0), ("other sounds", 100)):
        assert occurrences(picture, f"{row} ({total})") == 1
    assert occurrences(picture, "car horn", turned=True) == 1
    assert occurrences(picture, "99", colour=(255, 255, 255)) == 1


def test_a_larger_share_of_the_row_is_darker() -> None:
    picture = draw(np.array([[1, 9], [5, 5]]), ("a", "b"), ("a", "b"), "x")
    light, dark = np.array((250, 251, 253)), np.array((18, 62, 140))
    # A cell is 24 by 36 pixels within its frame; few of them belong to the colour scale or a digit.
    found = {
        share: (picture == np.uint8(light + (dark - light) * share)).all(axis=2).sum()
        for share in (0.0, 0.1, 0.5, 0.9, 0.7)
    }
    cell = 24 * 36
    assert [count > 0.8 * cell for count in found.values()] == [False, True, True, True, False]
    assert found[0.5] > 1.6 * cell


def test_every_letter_of_a_label_is_known_and_differs() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,:-%/()=+"
    shapes = {text_mask(letter).tobytes() for letter in letters}
    assert len(shapes) == len(letters)
    assert all(text_mask(letter).any() for letter in letters)
    assert not text_mask(" ").any()
    assert text_mask("ab", 3).shape == (21, 33)
