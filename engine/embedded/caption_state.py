"""What a captioner says, and what it remembers of one source."""

from __future__ import annotations

from dataclasses import dataclass, field

from everlisten.engine.embedded.language import LanguageState
from everlisten.engine.embedded.live_text import LiveText
from everlisten.engine.embedded.log_mel import LogMelState
from everlisten.engine.embedded.segmenter import SegmenterState, Utterance
from everlisten.engine.embedded.vad import VadState
from everlisten.engine.embedded.whisper_decoder import Hypothesis


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A text of one utterance, as the model turns it into an event.

    Attributes:
        number: Of the utterance in this stream, from 0.
        translated: English translation instead of the words spoken.
        final: Whether it is the last of this utterance.
        stable: Text that never changes again; all of it if final.
        unstable: The rest. Both empty: what was shown is withdrawn.
        language: Of the speech.
        begin: First sample of speech.
        end: End of the speech so far.
        confidence: Mean token probability, 0..1.
    """

    number: int
    translated: bool
    final: bool
    stable: str
    unstable: str
    language: str
    begin: int
    end: int
    confidence: float


@dataclass(slots=True, kw_only=True)
class OpenState:
    """What has been decoded of the open utterance."""

    language: str | None = None
    guessing: bool = False
    """The language is a guess from too little speech: nothing is translated on its account."""
    detected_s: float = 0.0
    """Speech that the newest detection of the language heard."""
    words: LiveText = field(default_factory=LiveText)
    translation: LiveText = field(default_factory=lambda: LiveText(settles=False))
    careful: list[Hypothesis] | None = None
    """Result of a decode with the final settings, good as long as no more speech came."""
    decoded_end: int = -1
    """`speech_end` at the newest decode."""
    waited_chunks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The utterance before the open one: left context of careful decodes."""

    utterance: Utterance
    language: str
    tokens: tuple[tuple[int, ...], ...]
    """Of the words, and of the translation if there was one."""


@dataclass(slots=True, kw_only=True)
class CaptionerState:
    """All streaming state of one source."""

    vad: VadState
    log_mel: LogMelState
    segmenter: SegmenterState
    language: LanguageState = field(default_factory=LanguageState)
    heard_samples: int = 0
    utterances: int = 0
    open: OpenState = field(default_factory=OpenState)
    finished: Finished | None = None
