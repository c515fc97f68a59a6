"""Whether things may move: the user's own setting, or the system's."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication, QStyle

from everlisten.ui.config import UiConfig

_SPI_GETCLIENTAREAANIMATION = 0x1042


def motion_reduced(config: UiConfig) -> bool:
    """True: nothing pulses or blinks; what matters is shown by colour and size alone."""
    style = QApplication.style()
    still = style.styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0
    return config.reduce_motion or still or _reduced_on_windows()


def _reduced_on_windows() -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    animated = ctypes.c_int(1)
    ctypes.windll.user32.SystemParametersInfoW(
        _SPI_GETCLIENTAREAANIMATION, 0, ctypes.byref(animated), 0
    )
    return not animated.value
