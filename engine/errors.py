"""Errors of the engine room. Kinds exist only where a caller acts differently."""

from __future__ import annotations


class EngineError(Exception):
    """Root of all errors that the engine raises for reasons outside the program.

    The message is one plain sentence that names the thing and the way out; it is shown as it is.
    """


class ModelLoadError(EngineError):
    """A model is missing, damaged or refused (exit code 3)."""


class TimelineError(EngineError):
    """The history cannot be read or written."""
