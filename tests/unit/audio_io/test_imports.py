"""Importing this room touches no sound library, and no window."""

from __future__ import annotations

import subprocess
import sys

CHECK = """
import pkgutil, sys, threading
import everlisten.audio_io as room
for each in pkgutil.iter_modules(room.__path__):
    __import__(f"everlisten.audio_io.{each.name}")
loaded = {name.partition(".")[0] for name in sys.modules}
bad = loaded & {"sounddevice", "soundcard", "rtmixer", "soundfile", "cffi", "PySide6", "torch"}
assert not bad, bad
assert threading.active_count() == 1
"""


def test_nothing_happens_on_import() -> None:
    subprocess.run([sys.executable, "-c", CHECK], check=True, timeout=60)
