"""Settings of the embedded captions. The numbers are derived in docs/captions-log.md."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterConfig:
    """When an utterance begins and ends."""

    onset_probability: float = 0.5
    """A window of 32 ms at least this likely to be speech may open an utterance."""
    offset_probability: float = 0.35
    """Below this a window of an open utterance is quiet (Silero's own hysteresis of 0.15)."""
    onset_windows: int = 4
    """So many speech windows in a row (0.13 s) open an utterance; a click holds one or two."""
    pre_roll_s: float = 0.35
    """Sound kept from before the first speech window: soft consonants come before it."""
    post_roll_s: float = 0.3
    """Sound kept after the last speech window; the rest is replaced by zeros."""
    end_silence_s: float = 0.5
    """Quiet that ends a short utterance."""
    soft_limit_s: float = 9.0
    """From here on a pause of `soft_silence_s` is enough: decoding cost grows with length."""
    soft_silence_s: float = 0.19
    hard_limit_s: float = 18.0
    """At the latest here the utterance is cut, at the quietest window of the newest chunk."""

    def __post_init__(self) -> None:
        if not self.soft_limit_s < self.hard_limit_s <= 28.0:
            raise ValueError(
                f"hard_limit_s is {self.hard_limit_s}; it must lie between soft_limit_s"
                f" ({self.soft_limit_s}) and 28 (Whisper's window of 30 s less padding)"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionConfig:
    """How often and how carefully an utterance is decoded."""

    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    partial_every_chunks: int = 1
    """Decode after every so many chunks of an utterance; low-power mode uses 3."""
    partial_beam: int = 1
    final_beam: int = 5
    partial_padding_s: float = 5.0
    """Zeros after the sound: with 1.5 s, 8 of 60 beginnings of utterances looped, with 5 s none."""
    final_padding_s: float = 7.0
    """With the utterance before as context 7 s are as good as 12."""
    pause_s: float = 0.1
    """Quiet after which the last word is taken to be whole."""
    speculative_silence_s: float = 0.15
    """Quiet after which the next decode is done as carefully as a final, and reused as it."""

    def low_power(self) -> CaptionConfig:
        """The same with a third of the partial decodes, for running on battery."""
        return replace(self, partial_every_chunks=3)
