"""Captions and translations of one source: voice activity, then partial and final decodes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.engine.embedded import language, live_text, plausibility
from everlisten.engine.embedded.caption_state import (
    Caption,
    CaptionerState,
    Finished,
    OpenState,
)
from everlisten.engine.embedded.config import CaptionConfig
from everlisten.engine.embedded.live_text import LiveText
from everlisten.engine.embedded.log_mel import (
    FRAMES_PER_S,
    HOP_SAMPLES,
    LogMelStream,
    whisper_input,
)
from everlisten.engine.embedded.plausibility import Evidence
from everlisten.engine.embedded.segmenter import Segmenter, Utterance
from everlisten.engine.embedded.vad import WINDOW_SAMPLES, SileroVad
from everlisten.engine.embedded.whisper_decoder import (
    DecodeRequest,
    Encoded,
    Hypothesis,
    WhisperDecoder,
)
from everlisten.engine.interaction import Instruction

TARGET_LANGUAGE = "en"
"""The only language that Whisper translates into."""

_WINDOW_S = 30.0
"""Whisper's window in training; a loop is decoded once more in all of it."""
_LEFT_GAP_S = 2.5
"""A pause longer than this ends what the words before can tell about the words after."""
_LEFT_LIMIT_S = 12.0
"""Most sound encoded for a final, the utterance before included; each of its tokens costs 7 ms."""


_DETECTION_S = 4.0
"""More speech than this does not make the detection of its language better."""


class Captioner:
    """Turns the sound of one source into captions; shares the models between sources."""

    def __init__(self, decoder: WhisperDecoder, vad: SileroVad, config: CaptionConfig) -> None:
        self._decoder = decoder
        self._vad = vad
        self._config = config
        self._log_mel = LogMelStream()
        self._segmenter = Segmenter(config.segmenter)
        self._post_roll = round(config.segmenter.post_roll_s * SAMPLE_RATE_HZ)

    def new_state(self) -> CaptionerState:
        """State of a stream that has heard nothing."""
        return CaptionerState(
            vad=self._vad.new_state(),
            log_mel=self._log_mel.new_state(),
            segmenter=self._segmenter.new_state(),
        )

    def step(
        self,
        samples: NDArray[np.float32],
        instruction: Instruction,
        behind: bool,
        state: CaptionerState,
    ) -> list[Caption]:
        """Take in the next samples of the stream.

        Args:
            samples: float32 [T], 16 kHz.
            instruction: Language and translation wanted.
            behind: Whether more sound already waits; then partial decodes are left out.
            state: Updated in place.
        """
        probabilities = self._vad.step(samples, state.vad)
        self._log_mel.step(samples, state.log_mel)
        state.heard_samples += len(samples)
        captions = []
        for utterance in self._segmenter.step([float(p) for p in probabilities], state.segmenter):
            captions += self._finish(utterance, instruction, state)
        utterance_open = state.segmenter.open
        if utterance_open is not None and self._due(utterance_open, behind, state):
            captions += self._partial(utterance_open, instruction, state)
        return captions

    def flush(self, instruction: Instruction, state: CaptionerState) -> list[Caption]:
        """The stream has ended: finish what is open."""
        utterance = self._segmenter.flush(state.segmenter)
        return self._finish(utterance, instruction, state) if utterance is not None else []

    def _due(self, utterance: Utterance, behind: bool, state: CaptionerState) -> bool:
        """Whether a partial decode is worth its cost now."""
        now = state.open
        now.waited_chunks += 1
        if behind or utterance.speech_end == now.decoded_end:
            return False
        return now.waited_chunks >= self._config.partial_every_chunks

    def _partial(
        self, utterance: Utterance, instruction: Instruction, state: CaptionerState
    ) -> list[Caption]:
        now = state.open
        quiet = state.segmenter.window * WINDOW_SAMPLES - utterance.speech_end
        careful = quiet >= self._config.speculative_silence_s * SAMPLE_RATE_HZ
        decode = self._decode_carefully if careful else self._decode_quickly
        hypotheses = decode(utterance, instruction, state)
        now.careful = hypotheses if careful else None
        now.decoded_end, now.waited_chunks = utterance.speech_end, 0
        pausing = quiet >= self._config.pause_s * SAMPLE_RATE_HZ
        captions = []
        for live, hypothesis in zip(self._texts(now), hypotheses, strict=False):
            if not self._plausible(live, hypothesis, utterance, now):
                if live is now.words:
                    break
                continue
            texts = live_text.grow(hypothesis, self._decoder, pausing, live)
            if texts is not None:
                captions.append(self._caption(live, *texts, False, hypothesis, utterance, state))
        return captions

    def _finish(
        self, utterance: Utterance, instruction: Instruction, state: CaptionerState
    ) -> list[Caption]:
        now = state.open
        reusable = now.careful if utterance.speech_end == now.decoded_end else None
        hypotheses = reusable or self._decode_carefully(utterance, instruction, state)
        captions = self._last_captions(hypotheses, utterance, state)
        state.finished = None
        plausible = plausibility.is_plausible(self._evidence(hypotheses[0], utterance))
        if plausible and now.language is not None:
            tokens = tuple(hypothesis.tokens for hypothesis in hypotheses)
            state.finished = Finished(utterance=utterance, language=now.language, tokens=tokens)
        state.open = OpenState()
        state.utterances += 1
        return captions

    def _decode_quickly(
        self, utterance: Utterance, instruction: Instruction, state: CaptionerState
    ) -> list[Hypothesis]:
        """Words, and the translation if it is wanted and the speech is not English."""
        encoded = self._encode(utterance.begin, utterance, self._config.partial_padding_s, state)
        self._detect(encoded, utterance, instruction, state)
        requests = self._requests(instruction, state.open, None)
        return self._decoder.decode(encoded, requests, self._config.partial_beam)

    def _decode_carefully(
        self, utterance: Utterance, instruction: Instruction, state: CaptionerState
    ) -> list[Hypothesis]:
        """The same as a final: wider beam, more silence, the utterance before as context."""
        config, now = self._config, state.open
        if not self._settled(utterance, now):
            encoded = self._encode(utterance.begin, utterance, config.partial_padding_s, state)
            self._detect(encoded, utterance, instruction, state)
        left = self._left_context(utterance, instruction, state)
        begin = left.utterance.begin if left is not None else utterance.begin
        encoded = self._encode(begin, utterance, config.final_padding_s, state)
        requests = self._requests(instruction, now, left)
        hypotheses = self._decoder.decode(encoded, requests, config.final_beam)
        if all(h.tokens and not self._is_loop(h, utterance) for h in hypotheses):
            return hypotheses
        encoded = self._encode(utterance.begin, utterance, _WINDOW_S, state)
        return self._decoder.decode(
            encoded, self._requests(instruction, now, None), config.final_beam
        )

    def _left_context(
        self, utterance: Utterance, instruction: Instruction, state: CaptionerState
    ) -> Finished | None:
        """The utterance before, if it is near, short, and in the same language."""
        before = state.finished
        if before is None or before.language != state.open.language:
            return None
        if len(before.tokens) < 1 + self._translates(instruction, state.open):
            return None
        gap_s = (utterance.speech_begin - before.utterance.speech_end) / SAMPLE_RATE_HZ
        sound_s = (utterance.speech_end - before.utterance.begin) / SAMPLE_RATE_HZ
        return before if gap_s <= _LEFT_GAP_S and sound_s <= _LEFT_LIMIT_S else None

    def _encode(
        self, begin: int, utterance: Utterance, padding_s: float, state: CaptionerState
    ) -> Encoded:
        """Encode from sample `begin` to the end of the utterance, then silence, 30 s at most."""
        end = min(utterance.speech_end + self._post_roll, state.heard_samples)
        if utterance.cut:
            end = utterance.speech_end
        frames = self._log_mel.frames(begin // HOP_SAMPLES, end // HOP_SAMPLES, state.log_mel)
        sound_s = frames.shape[1] / FRAMES_PER_S
        padded = whisper_input(frames, max(0.0, min(padding_s, _WINDOW_S - sound_s)))
        return self._decoder.encode(padded, sound_s)

    def _is_loop(self, hypothesis: Hypothesis, utterance: Utterance) -> bool:
        return plausibility.is_loop(self._evidence(hypothesis, utterance))

    def _translates(self, instruction: Instruction, now: OpenState) -> bool:
        wanted = instruction.translate_to == TARGET_LANGUAGE
        return wanted and not now.guessing and now.language != TARGET_LANGUAGE

    def _requests(
        self, instruction: Instruction, now: OpenState, left: Finished | None
    ) -> list[DecodeRequest]:
        assert now.language is not None
        texts = self._texts(now)[: 1 + self._translates(instruction, now)]
        return [
            DecodeRequest(
                language=now.language,
                translate=live is now.translation,
                before=left.tokens[index] if left is not None else (),
                prefix=live.agreement.prefix,
            )
            for index, live in enumerate(texts)
        ]

    def _detect(
        self,
        encoded: Encoded,
        utterance: Utterance,
        instruction: Instruction,
        state: CaptionerState,
    ) -> None:
        """Set the language of the utterance; settled once words of it are stable."""
        now = state.open
        if instruction.language is not None:
            now.language, now.guessing = instruction.language, False
            now.detected_s = math.inf
        elif not self._settled(utterance, now):
            found = self._decoder.languages(encoded)
            now.language = language.observe(found, utterance.speech_s, None, state.language)
            now.guessing = state.language.current is None
            now.detected_s = utterance.speech_s

    def _settled(self, utterance: Utterance, now: OpenState) -> bool:
        """Whether another detection could not change the language any more."""
        heard_s = min(utterance.speech_s, _DETECTION_S)
        return now.language is not None and (
            now.words.agreement.stable > 0 or now.detected_s >= heard_s
        )

    def _texts(self, now: OpenState) -> Sequence[LiveText]:
        return (now.words, now.translation)

    def _plausible(
        self, live: LiveText, hypothesis: Hypothesis, utterance: Utterance, now: OpenState
    ) -> bool:
        evidence = self._evidence(hypothesis, utterance)
        if live is now.translation:
            return plausibility.is_plausible_translation(evidence)
        return plausibility.is_plausible(evidence)

    def _evidence(self, hypothesis: Hypothesis, utterance: Utterance) -> Evidence:
        return Evidence(
            text=self._decoder.text(hypothesis.tokens),
            tokens=len(hypothesis.tokens),
            mean_log_probability=hypothesis.mean_log_probability,
            no_speech_probability=hypothesis.no_speech_probability,
            speech_s=utterance.speech_windows * WINDOW_SAMPLES / SAMPLE_RATE_HZ,
            sound_s=utterance.speech_s,
        )

    def _last_captions(
        self, hypotheses: Sequence[Hypothesis], utterance: Utterance, state: CaptionerState
    ) -> list[Caption]:
        """Finals; a translation without words, or of what proved to be English, is withdrawn."""
        now = state.open
        words = self._last_caption(now.words, hypotheses[0], utterance, state)
        translation = None
        if words is not None and words.final and len(hypotheses) > 1:
            translation = self._last_caption(now.translation, hypotheses[1], utterance, state)
        elif now.translation.shown:
            translation = self._caption(
                now.translation, "", "", False, hypotheses[0], utterance, state
            )
        return [caption for caption in (words, translation) if caption is not None]

    def _last_caption(
        self, live: LiveText, hypothesis: Hypothesis, utterance: Utterance, state: CaptionerState
    ) -> Caption | None:
        """The final; or, of text that turned out implausible, what was promised to stay."""
        if self._plausible(live, hypothesis, utterance, state.open):
            text = live_text.final_text(hypothesis, self._decoder, live)
            return self._caption(live, text, "", True, hypothesis, utterance, state)
        if not live.shown:
            return None
        stable = live.stable_text
        return self._caption(live, stable, "", bool(stable), hypothesis, utterance, state)

    def _caption(
        self,
        live: LiveText,
        stable: str,
        unstable: str,
        final: bool,
        hypothesis: Hypothesis,
        utterance: Utterance,
        state: CaptionerState,
    ) -> Caption:
        return Caption(
            number=state.utterances,
            translated=live is state.open.translation,
            final=final,
            stable=stable,
            unstable=unstable,
            language=state.open.language or "",
            begin=utterance.speech_begin,
            end=utterance.speech_end,
            confidence=math.exp(min(0.0, hypothesis.mean_log_probability)),
        )
