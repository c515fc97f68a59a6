"""What each lane is told: which lanes an instruction asks for, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from everlisten.audio_io.chunk import Samples
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.instructions import (
    CAPTIONS,
    instruction_for,
    shipped_instructions,
    translation_text,
)
from everlisten.engine.laim.spoken import say
from everlisten.engine.presets import preset_of

CAPTIONS_LANE = "captions"
TRANSLATION_LANE = "translation"
ASSISTANT_LANE = "assistant"
LANES = (CAPTIONS_LANE, TRANSLATION_LANE, ASSISTANT_LANE)
"""In the order in which they are stepped; captions come before their translations."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What one lane is told; a lane whose brief changes begins anew.

    Attributes:
        words: The instruction; "" where the weights need none.
        spoken_in: Language of the words.
    """

    words: str
    spoken_in: str = "en"

    def samples(self) -> Samples | None:
        """The instruction in speech, float32 [T] at 16 kHz; None if there is nothing to say.

        Raises:
            SpeechError: No clip has these words, and no voice of this computer can say them.
        """
        if not self.words:
            return None
        clip = instruction_for(self.words)
        return clip.load() if clip is not None else say(self.words, self.spoken_in)


def briefs_of(instruction: Instruction) -> dict[str, Brief]:
    """The lanes that are on, in the order of `LANES`."""
    briefs: dict[str, Brief] = {}
    if instruction.captions:
        briefs[CAPTIONS_LANE] = Brief(shipped_instructions()[CAPTIONS].text)
    if instruction.translate_to is not None:
        name = _language_names().get(instruction.translate_to, instruction.translate_to)
        briefs[TRANSLATION_LANE] = Brief(translation_text(name))
    if instruction.assistant is not None:
        preset = preset_of(instruction.assistant)
        shipped = preset.id == instruction.assistant
        language = "en" if shipped else instruction.language or "en"
        briefs[ASSISTANT_LANE] = Brief(preset.text, language)
    return briefs


@cache
def _language_names() -> Mapping[str, str]:
    text = resources.files("everlisten.assets").joinpath("languages.yaml").read_text("utf-8")
    names: Mapping[str, str] = yaml.safe_load(text)
    return names
