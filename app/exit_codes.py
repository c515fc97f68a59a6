"""Exit codes of the command line, and which error gives which."""

from __future__ import annotations

from everlisten.app.config import ConfigError
from everlisten.audio_io.errors import AudioError, AudioFileError
from everlisten.engine.errors import EngineError, ModelLoadError

GOOD = 0
BAD_INPUT = 2
MODEL_TROUBLE = 3
DEVICE_TROUBLE = 4
INTERRUPTED = 130

KNOWN_ERRORS = (ConfigError, AudioError, EngineError)
"""Errors whose message is one sentence for the user."""


def exit_code_of(error: Exception) -> int:
    """The exit code for one of `KNOWN_ERRORS`."""
    if isinstance(error, ModelLoadError):
        return MODEL_TROUBLE
    if isinstance(error, AudioError) and not isinstance(error, AudioFileError):
        return DEVICE_TROUBLE
    return BAD_INPUT
