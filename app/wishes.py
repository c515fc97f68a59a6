"""What the user wants of the model now, kept in the settings for the next start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from everlisten.app.config import AppConfig
from everlisten.app.engine_config import OFF
from everlisten.app.languages import parse_language, parse_target
from everlisten.engine.interaction import Instruction


class Wishes:
    """The instruction as the window changes it, field by field.

    Args:
        instruction: What is wanted at first.

    Attributes:
        instruction: What is wanted now; whatever the model in use cannot do, it leaves out.
    """

    def __init__(self, instruction: Instruction) -> None:
        self.instruction = instruction
        self._on_change: Callable[[], None] = lambda: None

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback`, in the thread that changed something, after every change."""
        self._on_change = callback

    def change(self, **fields: Any) -> None:
        """Want something else in these fields of the instruction."""
        self.instruction = replace(self.instruction, **fields)
        self._on_change()


def instruction_of(config: AppConfig) -> Instruction:
    """What the settings say.

    Raises:
        ConfigError: A language is unknown.
    """
    engine = config.engine
    return Instruction(
        language=parse_language(config.listen.language),
        translate_to=parse_target(config.listen.translate_to),
        captions=engine.captions,
        assistant=None if engine.assistant == OFF else engine.assistant,
        talkativeness=engine.talkativeness,
    )


def settings_of(instruction: Instruction) -> dict[str, str | float | bool]:
    """The settings that `instruction_of` makes this instruction of, by key."""
    return {
        "listen.language": instruction.language or "auto",
        "listen.translate_to": instruction.translate_to or OFF,
        "engine.captions": instruction.captions,
        "engine.assistant": instruction.assistant or OFF,
        "engine.talkativeness": instruction.talkativeness,
    }
