"""Whisper's encoder and decoder on the true length of the sound, through CTranslate2.

faster-whisper's own `transcribe` pads every piece to 30 s (0.5 s of computing on a CPU core);
here the encoder sees the utterance and a little silence (0.03-0.06 s).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from numpy.typing import NDArray

from everlisten.engine.errors import ModelLoadError

logger = logging.getLogger(__name__)

_TOKENS_PER_S = 12
"""More than any of the speech here needs (4-5); bounds a loop's cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What the decoder wrote.

    Attributes:
        tokens: Text tokens, the forced prefix included.
        mean_log_probability: Mean over the tokens.
        no_speech_probability: Whisper's own estimate that nobody speaks.
        probabilities: Of each token; only from a greedy decode, else empty.
    """

    tokens: tuple[int, ...]
    mean_log_probability: float
    no_speech_probability: float
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeRequest:
    """One text to write about an encoded utterance.

    Attributes:
        language: Language spoken, ISO 639-1 as Whisper names it.
        translate: English translation instead of transcription.
        before: Text tokens of the sound that was encoded in front of this utterance; not part of
            the result.
        prefix: Text tokens that the result must begin with.
    """

    language: str
    translate: bool = False
    before: tuple[int, ...] = ()
    prefix: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Encoder output of one utterance; read only."""

    view: Any
    """ctranslate2.StorageView float32 [1, T // 2, 512]."""
    sound_s: float
    """Length without padding."""


class WhisperDecoder:
    """The weights; stateless between calls. One caller at a time."""

    def __init__(self, folder: Path, threads: int) -> None:
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", intra_threads=threads
            )
            self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise bare Exception or RuntimeError
            raise ModelLoadError(
                f"the speech model in {folder} cannot be loaded ({error});"
                " run 'everlisten models verify'"
            ) from error
        self._start = self._id("<|startoftranscript|>")
        self._no_timestamps = self._id("<|notimestamps|>")
        self._end = self._id("<|endoftext|>")

    def encode(self, log_mel: NDArray[np.float32], sound_s: float) -> Encoded:
        """Encode float32 [1, 80, T] from `log_mel.whisper_input`."""
        view = self._model.encode(ctranslate2.StorageView.from_array(log_mel))
        return Encoded(view=view, sound_s=sound_s)

    def languages(self, encoded: Encoded) -> dict[str, float]:
        """Probability of each language code."""
        found = self._model.detect_language(encoded.view)[0]
        return {token[2:-2]: probability for token, probability in found}

    def decode(
        self, encoded: Encoded, requests: Sequence[DecodeRequest], beam: int
    ) -> list[Hypothesis]:
        """Write the texts asked for; two in one batch cost about 1.3 times one."""
        view = encoded.view
        if len(requests) > 1:
            view = ctranslate2.StorageView.from_array(
                np.repeat(np.array(view), len(requests), axis=0)
            )
        prompts = [self._prompt(request) for request in requests]
        room = int(encoded.sound_s * _TOKENS_PER_S) + 8
        results = self._model.generate(
            view,
            prompts,
            beam_size=beam,
            max_length=max(len(prompt) for prompt in prompts) + room,
            return_scores=True,
            return_no_speech_prob=True,
            return_logits_vocab=beam == 1,
        )
        return [
            self._hypothesis(request, result)
            for request, result in zip(requests, results, strict=True)
        ]

    def text(self, tokens: Sequence[int]) -> str:
        """The text of text tokens."""
        return str(self._tokenizer.decode(list(tokens)))

    def word_ends(self, tokens: Sequence[int]) -> list[int]:
        """Counts of tokens after which a word is complete and valid text, ascending.

        A word begins with a space; in scripts without spaces every character is one.
        """
        ends: list[int] = []
        text = ""
        for count in range(1, len(tokens) + 1):
            grown = self.text(tokens[:count])
            if grown.endswith("\ufffd"):
                continue
            added = grown[len(text) :]
            if ends and not _begins_word(added):
                ends[-1] = count
            else:
                ends.append(count)
            text = grown
        return ends

    def _hypothesis(self, request: DecodeRequest, result: Any) -> Hypothesis:
        # CTranslate2 returns what follows the special tokens, so what was forced is in it.
        forced = request.before + request.prefix
        tokens = tuple(t for t in result.sequences_ids[0] if t < self._end)
        assert tokens[: len(forced)] == forced, (forced, tokens)
        probabilities = _probabilities(tokens, result.logits[0]) if result.logits else ()
        skipped = len(request.before)
        # The score is a mean over all tokens and the end token, in which forced ones count as 0.
        share = (len(tokens) + 1) / (len(tokens) + 1 - skipped)
        return Hypothesis(
            tokens=tokens[skipped:],
            mean_log_probability=float(result.scores[0]) * share,
            no_speech_probability=float(result.no_speech_prob),
            probabilities=probabilities[skipped:],
        )

    def _prompt(self, request: DecodeRequest) -> list[int]:
        task = "<|translate|>" if request.translate else "<|transcribe|>"
        return [
            self._start,
            self._id(f"<|{request.language}|>"),
            self._id(task),
            self._no_timestamps,
            *request.before,
            *request.prefix,
        ]

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ModelLoadError(f"the speech model knows no token {token}")
        return int(found)


def _probabilities(tokens: Sequence[int], logits: Sequence[Any]) -> tuple[float, ...]:
    """Probability of each token; `logits` holds one float32 [V] (or [1, V]) for each step."""
    found = []
    for token, step in zip(tokens, logits, strict=False):
        row = np.array(step).reshape(-1)
        found.append(float(1.0 / np.exp(row - row[token]).sum()))
    return tuple(found)


def _begins_word(added: str) -> bool:
    first = added[:1]
    spaceless = bool(first) and ord(first) >= 0x0E00 and first.isalpha() and not _is_hangul(first)
    return first.isspace() or spaceless


def _is_hangul(character: str) -> bool:
    return 0xAC00 <= ord(character) <= 0xD7A3
