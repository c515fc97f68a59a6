"""Sound on its way between the application, which has numpy, and the window, which has not."""

from __future__ import annotations

from array import array

import numpy as np

from everlisten.audio_io.chunk import Samples
from everlisten.ui import teaching_protocols as window


def to_window(samples: Samples) -> window.Samples:
    """A copy of float32 [N] at 16 kHz."""
    return array("f", np.asarray(samples, np.float32).tobytes())


def from_window(samples: window.Samples) -> Samples:
    """A copy: float32 [N] at 16 kHz."""
    return np.frombuffer(samples, np.float32).copy()
