"""A small letter for pictures: 5 by 7 dots, lower case, drawn for this project."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HEIGHT = 7
ADVANCE = 6
"""Dots from one letter to the next."""
_WIDTH = 5

# fmt: off
_DOTS: dict[str, int] = {
    "a": 0x000E0BE2F, "b": 0x4216CC63E, "c": 0x000F8420F, "d": 0x042D9C62F,
    "e": 0x000E8FE0E, "f": 0x191E42108, "g": 0x01F18BC2E, "h": 0x4216CC631,
    "i": 0x100C2108E, "j": 0x080610A4C, "k": 0x4212A6292, "l": 0x30842108E,
    "m": 0x001AAD631, "n": 0x0016CC631, "o": 0x000E8C62E, "p": 0x001E8FA10,
    "q": 0x000D9BC21, "r": 0x0016CC210, "s": 0x000F8383E, "t": 0x211E42126,
    "u": 0x00118C66D, "v": 0x00118C544, "w": 0x00118D6AA, "x": 0x001151151,
    "y": 0x00118BC2E, "z": 0x001F1111F, "0": 0x3A33AE62E, "1": 0x11842108E,
    "2": 0x3A211111F, "3": 0x7C441062E, "4": 0x08CA97C42, "5": 0x7E1E0862E,
    "6": 0x1910F462E, "7": 0x7C2222108, "8": 0x3A317462E, "9": 0x3A317844C,
    ".": 0x00000018C, ",": 0x000003088, ":": 0x018C03180, "-": 0x0000F8000,
    "%": 0x672222273, "/": 0x042222210, "(": 0x088842082, ")": 0x208210888,
    "=": 0x001F07C00, "+": 0x0084F9080,
}
# fmt: on
"""Seven rows of five dots each, the top left one in the highest of 35 bits."""


def text_mask(text: str, scale: int = 1) -> NDArray[np.bool_]:
    """Where the letters of `text` are inked.

    Args:
        text: Shown in lower case; a letter that isn't known leaves a gap.
        scale: Pixels of one dot.

    Returns:
        bool [7 * scale, (6 * len(text) - 1) * scale]; one column where there is no text.
    """
    mask = np.zeros((HEIGHT, max(1, ADVANCE * len(text) - 1)), np.bool_)
    for number, letter in enumerate(text.lower()):
        begin = number * ADVANCE
        mask[:, begin : begin + _WIDTH] = _letter(_DOTS.get(letter, 0))
    return mask.repeat(scale, axis=0).repeat(scale, axis=1)


def _letter(dots: int) -> NDArray[np.bool_]:
    bits = [dots >> (_WIDTH * HEIGHT - 1 - place) & 1 for place in range(_WIDTH * HEIGHT)]
    return np.array(bits, np.bool_).reshape(HEIGHT, _WIDTH)
