"""What is given up, one thing after the other, when the device's memory is full while running."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import torch

from everlisten.engine.errors import EngineError
from everlisten.engine.laim.briefs import CAPTIONS_LANE, TRANSLATION_LANE
from everlisten.engine.laim.config import LaimConfig

_WAY_OUT = "Close programs that use the GPU and start again to have it back."


@dataclass(frozen=True, slots=True)
class Measure:
    """What is left after something was given up, and the sentence that says so."""

    refused: frozenset[str]
    config: LaimConfig
    sentence: str


def next_measure(refused: frozenset[str], config: LaimConfig, system_tokens: int) -> Measure:
    """What to give up next: the translation, half the window, then the captions.

    Args:
        refused: Lanes that are given up already.
        config: The present one.
        system_tokens: Length of the system text, which must fit in.

    Raises:
        EngineError: Nothing is left to give up.
    """
    if TRANSLATION_LANE not in refused:
        sentence = f"The GPU's memory is full: there is no translation now. {_WAY_OUT}"
        return Measure(refused | {TRANSLATION_LANE}, config, sentence)
    halved = config.halved()
    if halved is not None and system_tokens <= halved.max_system_tokens:
        sentence = f"The GPU's memory is full: the model remembers half as long now. {_WAY_OUT}"
        return Measure(refused, halved, sentence)
    if CAPTIONS_LANE not in refused:
        sentence = f"The GPU's memory is full: there are no captions now. {_WAY_OUT}"
        return Measure(refused | {CAPTIONS_LANE}, config, sentence)
    raise EngineError(
        "The GPU's memory is full, even for the assistant alone with a small window: close"
        " programs that use the GPU or choose a lower precision."
    )


def out_of_memory(error: RuntimeError) -> bool:
    """Whether the device's memory was full."""
    # Apple's backend has no kind of its own.
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)


def release() -> None:
    """Give memory that nothing refers to back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
