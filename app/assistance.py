"""The big model's lanes as the window commands them; implements `ui.protocols.Assistance`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from everlisten.app.engine_config import MOST_TALKATIVE, read_texts, write_texts
from everlisten.app.settings import AppSettings
from everlisten.app.wishes import Wishes
from everlisten.engine.presets import DEFAULT_PRESET, shipped_presets
from everlisten.ui.protocols import AssistantReading, AssistantTask

LONGEST_TEXT = 300
"""Letters of a text of the user's own: spoken, that is about 20 s."""


class Answerer(Protocol):
    """Has the model, or not."""

    def why_no_answers(self) -> str:
        """One sentence while the big model is not in use, else ""."""

    def ask(self, text: str) -> None:
        """Put a typed question."""

    def interrupt(self) -> None:
        """Break off the running reply."""


class AssistanceControl:
    """What the assistant does, and the user's own texts for it.

    Args:
        wishes: Changed in the window's thread.
        settings: Keep the user's own texts.
        answerer: Passes questions on.
    """

    def __init__(self, wishes: Wishes, settings: AppSettings, answerer: Answerer) -> None:
        self._wishes = wishes
        self._settings = settings
        self._answerer = answerer

    def reading(self) -> AssistantReading:
        """A snapshot."""
        wanted = self._wishes.instruction
        return AssistantReading(
            why_not=self._answerer.why_no_answers(),
            captions=wanted.captions,
            task=wanted.assistant,
            talkativeness=wanted.talkativeness / MOST_TALKATIVE,
        )

    def tasks(self) -> Sequence[AssistantTask]:
        """The presets, then the user's own texts."""
        presets = [
            AssistantTask(id=one.id, title=one.title, help=one.help)
            for one in shipped_presets().values()
        ]
        own = [AssistantTask(id=text, title=text, own=True) for text in self._texts()]
        return (*presets, *own)

    def set_captions(self, on: bool) -> None:
        """Write captions, or not."""
        self._wishes.change(captions=on)

    def set_task(self, id: str | None) -> None:
        """Tell the assistant what to do; None switches it off."""
        self._wishes.change(assistant=id)

    def add_task(self, text: str) -> str:
        """Keep a text of the user's own."""
        text = " ".join(text.split())
        if not text:
            return "Write what the assistant is to do."
        if len(text) > LONGEST_TEXT:
            return f"The text has {len(text)} letters; shorten it to {LONGEST_TEXT}."
        texts = self._texts()
        return "" if text in texts else self._keep((*texts, text))

    def delete_task(self, id: str) -> str:
        """Forget a text of the user's own; an assistant that does it warns and helps again."""
        refusal = self._keep(tuple(text for text in self._texts() if text != id))
        if not refusal and self._wishes.instruction.assistant == id:
            self.set_task(DEFAULT_PRESET)
        return refusal

    def set_talkativeness(self, value: float) -> None:
        """From -1 to 1."""
        self._wishes.change(talkativeness=max(-1.0, min(1.0, value)) * MOST_TALKATIVE)

    def ask(self, text: str) -> None:
        """Put a typed question; an assistant that is off is switched on for it."""
        if self._wishes.instruction.assistant is None:
            self.set_task(DEFAULT_PRESET)
        self._answerer.ask(text)

    def interrupt(self) -> None:
        """Break off the running reply."""
        self._answerer.interrupt()

    def _texts(self) -> tuple[str, ...]:
        return read_texts(self._settings.config.engine.own_instructions)

    def _keep(self, texts: Sequence[str]) -> str:
        return self._settings.change("engine.own_instructions", write_texts(texts))
