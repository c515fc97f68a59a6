"""Tasks on whole recordings: transcribe, translate, answer a question. Nothing streams here.

The layout is the released offline one: OFFLINE and the system's text; AUDIO_BEGIN, an OFFLINE_PAD
for every audio embedding, AUDIO_END; the user's text if there is one; then ASSISTANT and
TEXT_BEGIN, which are forced, and the answer up to TEXT_END. Offline samples were trained without an
emotion, so none is looked for. Several pieces run as rows of one batch; a row that is done takes
the next piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from everlisten.engine.laim.config import LARGEST_WINDOW
from everlisten.engine.laim.log_mel import whole_log_mel
from everlisten.engine.laim.parts import LaimParts
from everlisten.engine.laim.pieces import LONGEST_S, cut, join
from everlisten.engine.laim.step import LmStep, RowBlock
from everlisten.engine.laim.task import Answer, OfflineTask, Recording, TaskError
from everlisten.engine.laim.text import TextTokenizer
from everlisten.engine.laim.tokens import (
    ASSISTANT,
    AUDIO_BEGIN,
    AUDIO_END,
    OFFLINE,
    OFFLINE_PAD,
    TEXT_BEGIN,
    TEXT_END,
    prefix,
    user_block,
)
from everlisten.engine.laim.tower import TowerStep

_MAX_ANSWER_TOKENS = 256
"""20 s of fast speech are about 100 tokens."""
_PREFIX_HEAD = len(prefix(())) - 1
"""Rows of a prefix before the system's text; one follows it."""
_ROWS_PER_S = 25
_SHORTEST_S = 1.0
"""A question that leaves room for less is refused."""


@dataclass(slots=True, eq=False)
class _Piece:
    """One context: its sound, its rows once that is encoded, and what came out of them."""

    sounds: list[Samples]
    tokens: list[int] = field(default_factory=list)
    features: Tensor | None = None
    position: int = 0
    written: list[int] = field(default_factory=list)
    done: bool = False
    complete: bool = True

    @property
    def prefilling(self) -> bool:
        """Whether rows before the answer are missing in the cache."""
        return len(self.tokens) - self.position > 1

    def block(self, slot: int, max_rows: int) -> RowBlock:
        """The next rows; the last one of all is read."""
        begin, end = self.position, min(self.position + max_rows, len(self.tokens))
        heard = self.tokens[:begin].count(OFFLINE_PAD)
        count = self.tokens[begin:end].count(OFFLINE_PAD)
        assert self.features is not None
        features = self.features[heard : heard + count] if count else None
        last = end == len(self.tokens)
        read = (end - begin - 1,) if last else ()
        return RowBlock(
            slot=slot, position=begin, tokens=self.tokens[begin:end], features=features, read=read
        )


@dataclass(slots=True, eq=False)
class _Job:
    """One recording: its pieces in order."""

    recording: Recording
    pieces: list[_Piece]
    heard_s: float

    def answer(self, tokenizer: TextTokenizer) -> Answer:
        return Answer(
            name=self.recording.name,
            text=join([tokenizer.decode(piece.written) for piece in self.pieces]),
            duration_s=len(self.recording.samples) / SAMPLE_RATE_HZ,
            heard_s=self.heard_s,
            complete=all(piece.complete for piece in self.pieces),
        )


class OfflineTasks:
    """Works through recordings. All calls come from one thread.

    Args:
        tower: Encodes them.
        step: Its slots 0 to `max_blocks` - 1 are overwritten.
        tokenizer: Of the text.
        system_text: Token ids of the system's text.
        max_answer_tokens: A piece's longer text is ended.
    """

    def __init__(
        self,
        *,
        tower: TowerStep,
        step: LmStep,
        tokenizer: TextTokenizer,
        system_text: Iterable[int],
        max_answer_tokens: int = _MAX_ANSWER_TOKENS,
    ) -> None:
        self._tower = tower
        self._step = step
        self._tokenizer = tokenizer
        self._prefix = prefix(tuple(system_text), OFFLINE)
        self._max_answer = max_answer_tokens

    @classmethod
    def of_parts(cls, parts: LaimParts, *, rows: int = 4) -> OfflineTasks:
        """With a cache of its own for so many rows; compiled and captured as `parts` says."""
        step = LmStep(
            parts.weights, slots=rows, positions=LARGEST_WINDOW, lanes=rows - 1, mode=parts.mode
        )
        step.prepare()
        return cls(
            tower=parts.perception.tower,
            step=step,
            tokenizer=parts.tokenizer,
            system_text=parts.prefix[_PREFIX_HEAD:-1],
        )

    def run(self, recordings: Iterable[Recording], task: OfflineTask) -> Iterator[Answer]:
        """Do `task` with every recording.

        Recordings are taken as rows become free, so that few of them are in memory at a time.

        Yields:
            One answer for each, in the order in which they are finished.

        Raises:
            TaskError: The question leaves no room for any sound.
        """
        end = self._end_of(task)
        source = iter(recordings)
        jobs: list[_Job] = []
        rows: list[_Piece | None] = [None] * self._step.max_blocks
        waiting: list[_Piece] = []
        while True:
            while len(waiting) < rows.count(None) and (one := next(source, None)) is not None:
                jobs.append(self._job(one, task, len(end)))
                waiting += jobs[-1].pieces
            for slot, piece in enumerate(rows):
                if piece is None and waiting:
                    rows[slot] = self._open(waiting.pop(0), end)
            if not any(rows):
                return
            self._advance(rows)
            rows = [None if piece is None or piece.done else piece for piece in rows]
            finished = [job for job in jobs if all(piece.done for piece in job.pieces)]
            for job in finished:
                jobs.remove(job)
                yield job.answer(self._tokenizer)

    def _end_of(self, task: OfflineTask) -> list[int]:
        """The rows behind the sound."""
        text = task.user_text
        user = user_block(self._tokenizer.encode(text)) if text else ()
        return [*user, ASSISTANT, TEXT_BEGIN]

    def _job(self, recording: Recording, task: OfflineTask, end: int) -> _Job:
        duration_s = len(recording.samples) / SAMPLE_RATE_HZ
        room = self._step.positions - len(self._prefix) - end - self._max_answer
        longest_s = min(LONGEST_S, (room - 2) / _ROWS_PER_S)
        if longest_s < _SHORTEST_S:
            raise TaskError(
                f"The question has {end} tokens and leaves no room for the recording; "
                "ask a shorter one."
            )
        sounds = cut(recording.samples, longest_s)
        if task.kind != "question":
            return _Job(recording, [_Piece([sound]) for sound in sounds], duration_s)
        # An answer needs the whole recording in one context, as far as that goes.
        rows = np.cumsum([len(sound) * _ROWS_PER_S / SAMPLE_RATE_HZ + 2 for sound in sounds])
        taken = sounds[: max(1, int((rows <= room).sum()))]
        heard_s = sum(map(len, taken)) / SAMPLE_RATE_HZ
        return _Job(recording, [_Piece(taken)], heard_s)

    def _open(self, piece: _Piece, end: list[int]) -> _Piece:
        """Encode a piece, now that a row is free: hours of embeddings would fill the memory."""
        parts = [self._encode(sound) for sound in piece.sounds]
        piece.features = torch.cat(parts)
        piece.tokens += self._prefix
        for features in parts:
            piece.tokens += [AUDIO_BEGIN, *(OFFLINE_PAD,) * len(features), AUDIO_END]
        piece.tokens += end
        return piece

    def _encode(self, samples: Samples) -> Tensor:
        missing = max(0, CHUNK_SAMPLES - len(samples))  # less gives no embedding at all
        bins = self._tower.weights.size.mel_bins
        frames = whole_log_mel(np.pad(samples, (0, missing)), bins)
        return self._tower.forward_clip(torch.from_numpy(frames))

    def _advance(self, rows: list[_Piece | None]) -> None:
        """One pass: rows that are not prefilled yet if there are any, else a token for each."""
        active = [(slot, piece) for slot, piece in enumerate(rows) if piece is not None]
        # A pass is as long as its longest block, so the two kinds do not share one.
        chosen = [one for one in active if one[1].prefilling] or active
        blocks = [piece.block(slot, self._step.max_rows) for slot, piece in chosen]
        for (_, piece), block, readings in zip(
            chosen, blocks, self._step.forward(blocks), strict=True
        ):
            piece.position += len(block.tokens)
            for reading in readings:
                self._write(piece, reading.token)

    def _write(self, piece: _Piece, token: int) -> None:
        if token != TEXT_END:
            piece.written.append(token)
            piece.tokens.append(token)
            full = len(piece.tokens) >= self._step.positions
            piece.complete = len(piece.written) < self._max_answer and not full
        piece.done = token == TEXT_END or not piece.complete
        if piece.done:
            piece.features = None
