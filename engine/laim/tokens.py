"""The token layout of the released weights.

Source: the released code of Audio-Interaction (github.com/xzf-thu/Audio-Interaction, 3095139). The
control ids lie inside the ordinary vocabulary of Qwen2.5's tokenizer, so rare text pieces share
them: what may be sampled where is masked, here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

PAD = 151608
"""Stands where an audio embedding goes."""
USER = 151601
ASSISTANT = 151602
KEEP_SILENCE = 151605
ONLINE = 151609
OFFLINE = 151610
ENGLISH = 151611
TEXT_END = 151643
TEXT_BEGIN = 151644
SYSTEM = 151644
"""The released layout gives the system block and the start of text one id."""
OFFLINE_PAD = 151646
AUDIO_BEGIN = 151647
AUDIO_END = 151648

CONTROL_IDS = range(151601, 151620)
"""Ids of the ordinary vocabulary that the released layout uses as control tokens."""
TEXT_VOCABULARY = 151643
"""Ids from here on are no text: TEXT_END, other specials, and padding up to 151,936."""

AUDIO_TOKENS = 10
"""Audio embeddings of one chunk of 0.4 s: 40 ms each."""
CHUNK_ROWS = AUDIO_TOKENS + 2
"""AUDIO_BEGIN, the audio, ASSISTANT; the control token that follows is the model's."""
TURN_ROWS = CHUNK_ROWS + 1
"""Rows of a chunk after which a lane stays silent."""
CHUNK_TOKENS = (AUDIO_BEGIN, *(PAD,) * AUDIO_TOKENS, ASSISTANT)


class Emotion(IntEnum):
    """How a reply is meant; the first token after TEXT_BEGIN."""

    HAPPY = 151614
    SAD = 151615
    ANGRY = 151616
    SURPRISE = 151617
    NORMAL = 151618
    URGENT = 151619


CONTROL_CHOICES = (TEXT_BEGIN, KEEP_SILENCE, *Emotion)
"""What a chunk's decision and a reply's emotion choose among."""


def prefix(system_text: Sequence[int], mode: int = ONLINE) -> tuple[int, ...]:
    """The rows before the first chunk: ONLINE or OFFLINE, and the system's text as token ids."""
    return (mode, ENGLISH, SYSTEM, TEXT_BEGIN, *system_text, TEXT_END)


def user_block(text: Sequence[int]) -> tuple[int, ...]:
    """A typed question as token ids."""
    return (USER, TEXT_BEGIN, *text, TEXT_END)
