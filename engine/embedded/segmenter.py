"""Cuts a stream of speech probabilities into utterances.

Decides only where; what is heard in between is the captioner's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.engine.embedded.config import SegmenterConfig
from everlisten.engine.embedded.vad import WINDOW_SAMPLES

_CUT_SEARCH_WINDOWS = 13
"""A forced cut looks for the quietest window of the newest 0.4 s: what lay before it has already
been decoded and may be stable."""


@dataclass(slots=True, kw_only=True)
class Utterance:
    """A stretch of speech; all positions are samples since the start of the stream.

    Attributes:
        begin: First sample to decode (pre-roll included).
        speech_begin: First sample of the first speech window.
        speech_end: End of the last speech window so far.
        speech_windows: Number of windows that held speech.
        closed: No more is coming.
        cut: Ended by the length limit in the middle of speech.
    """

    begin: int
    speech_begin: int
    speech_end: int
    speech_windows: int
    closed: bool = False
    cut: bool = False

    @property
    def speech_s(self) -> float:
        """Length from the first to the last speech window."""
        return (self.speech_end - self.speech_begin) / SAMPLE_RATE_HZ


@dataclass(slots=True, kw_only=True)
class SegmenterState:
    """Where one stream stands."""

    window: int = 0
    """Windows seen."""
    run: int = 0
    """Speech windows in a row while no utterance is open."""
    previous_end: int = 0
    """End of speech of the previous utterance; no pre-roll reaches before it."""
    open: Utterance | None = None
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_CUT_SEARCH_WINDOWS))


class Segmenter:
    """Opens an utterance at speech and closes it at a pause or a length limit."""

    def __init__(self, config: SegmenterConfig) -> None:
        self._config = config
        self._pre_roll = round(config.pre_roll_s * SAMPLE_RATE_HZ)
        self._soft = config.soft_limit_s * SAMPLE_RATE_HZ
        self._hard = config.hard_limit_s * SAMPLE_RATE_HZ

    def new_state(self) -> SegmenterState:
        """State of a stream that has heard nothing."""
        return SegmenterState()

    def step(self, probabilities: Sequence[float], state: SegmenterState) -> list[Utterance]:
        """Take in the next windows; returns the utterances that were closed by them."""
        closed = []
        for probability in probabilities:
            state.recent.append(probability)
            state.window += 1
            if state.open is None:
                self._listen_for_onset(probability, state)
                continue
            self._follow(probability, state.open, state)
            finished = self._finished(state.open, state)
            if finished is not None:
                closed.append(finished)
        return closed

    def flush(self, state: SegmenterState) -> Utterance | None:
        """The stream has ended: close what is open."""
        utterance = state.open
        if utterance is not None:
            self._close(utterance, state)
        return utterance

    def _listen_for_onset(self, probability: float, state: SegmenterState) -> None:
        state.run = state.run + 1 if probability >= self._config.onset_probability else 0
        if state.run < self._config.onset_windows:
            return
        end = state.window * WINDOW_SAMPLES
        speech_begin = end - state.run * WINDOW_SAMPLES
        state.open = Utterance(
            begin=max(speech_begin - self._pre_roll, state.previous_end, 0),
            speech_begin=speech_begin,
            speech_end=end,
            speech_windows=state.run,
        )
        state.run = 0

    def _follow(self, probability: float, utterance: Utterance, state: SegmenterState) -> None:
        end = state.window * WINDOW_SAMPLES
        resumes = probability >= self._config.onset_probability
        goes_on = (
            probability >= self._config.offset_probability
            and utterance.speech_end == end - WINDOW_SAMPLES
        )
        if resumes or goes_on:
            utterance.speech_end = end
            utterance.speech_windows += 1

    def _finished(self, utterance: Utterance, state: SegmenterState) -> Utterance | None:
        end = state.window * WINDOW_SAMPLES
        length = end - utterance.speech_begin
        quiet_s = (end - utterance.speech_end) / SAMPLE_RATE_HZ
        config = self._config
        limit = config.end_silence_s if length < self._soft else config.soft_silence_s
        if quiet_s >= limit:
            self._close(utterance, state)
            return utterance
        if length >= self._hard:
            self._cut(utterance, state)
            return utterance
        return None

    def _close(self, utterance: Utterance, state: SegmenterState) -> None:
        utterance.closed = True
        state.previous_end = utterance.speech_end
        state.open = None
        state.run = 0

    def _cut(self, utterance: Utterance, state: SegmenterState) -> None:
        recent = list(state.recent)
        after = len(recent) - recent.index(min(recent))
        at = (state.window - after) * WINDOW_SAMPLES
        going_on = Utterance(
            begin=at,
            speech_begin=at,
            speech_end=max(at, utterance.speech_end),
            speech_windows=after,
        )
        utterance.speech_end = min(at, utterance.speech_end)
        utterance.cut = True
        self._close(utterance, state)
        state.open = going_on
