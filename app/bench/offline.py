"""The yardstick: the same weights on the same stream, offline.

faster-whisper's `WhisperModel.transcribe` with its default settings (beam 5, windows of 30 s, the
previous text as context, temperature fallback) and the language given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everlisten.app.bench.caption_measures import TimedWord, words_of
from everlisten.app.bench.speech_streams import SpeechStream


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineText:
    """What the weights write with all the time in the world.

    Attributes:
        text: The transcript, or the translation.
        words: With the times that they were spoken; of transcripts only.
    """

    text: str
    words: tuple[TimedWord, ...]


class OfflineModel:
    """The weights behind faster-whisper."""

    def __init__(self, folder: Path, threads: int) -> None:
        from faster_whisper import WhisperModel

        self._model: Any = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=threads
        )

    def transcribe(self, stream: SpeechStream) -> OfflineText:
        """Words with times."""
        found, _ = self._model.transcribe(
            stream.samples, language=stream.language, word_timestamps=True
        )
        segments = list(found)
        words = tuple(
            TimedWord(word=plain, end_s=float(word.end))
            for segment in segments
            for word in segment.words
            for plain in words_of(word.word)
        )
        return OfflineText(text=" ".join(s.text.strip() for s in segments), words=words)

    def translate(self, stream: SpeechStream) -> OfflineText:
        """English text."""
        found, _ = self._model.transcribe(
            stream.samples, language=stream.language, task="translate"
        )
        return OfflineText(text=" ".join(s.text.strip() for s in found), words=())
