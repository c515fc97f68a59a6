"""How well taught sounds are known, measured with models that have not heard what is tested:

`python -m everlisten.trainer.teaching.evaluation --data DIR --folds MODELS --out FILE.md`

MODELS holds `fold-0.onnx` to `fold-4.onnx`; each has not heard its fold of the corpus. For each
fold and kind of sound there is one lesson, with one recording each of 3 to 5 originals of the
*other* folds, as one fold has too few of a kind; the model may have heard these in its training.
What follows was heard by neither model nor head:

- one recording of each original of the kind in the fold, in a quiet room;
- the same under speech of the fold that is 5 dB quieter than the sound;
- all other recordings of the fold as one stream, home noise and speech among them, for the false
  alarms. What is or, by that name, may be of the kind is not counted, nor are the 6 s after it.

The lesson's background is of the other folds and holds none of `KINDS`. How many copies of the
examples are heard depends on the speed of the computer, as in every lesson.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from everlisten.engine.sounds.model import SoundModel
from everlisten.engine.sounds.taught import Estimate, TaughtSound, pooled
from everlisten.trainer.sounds.corpus import Clip, Corpus, read_audio, read_corpus
from everlisten.trainer.teaching import examples
from everlisten.trainer.teaching.augment import plain_copy
from everlisten.trainer.teaching.background import build_background
from everlisten.trainer.teaching.background_set import MAX_HOURS, selected
from everlisten.trainer.teaching.embedder import Embedder, embed
from everlisten.trainer.teaching.lesson import teach
from everlisten.trainer.teaching.measure import alarm_count

KINDS = (
    "cat", "crow", "toilet_flush", "can_opening", "church_bells", "rooster", "sneeze",
    "clock_tick", "chainsaw", "vacuum_cleaner", "doorbell",
)  # fmt: skip
"""Labels of the corpus."""
_MOST_EXAMPLES = 5
_SPEECH_DB = -5.0
_LONGEST_S = 60
_AFTERWARDS_CHUNKS = 15
"""6 s in which the model may still remember the kind."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One lesson: what the user is told, the tests recognised, false alarms in so many hours."""

    kind: str
    estimate: Estimate
    tests: int
    recognised: int
    under_speech: int
    alarms: int
    hours: float


class Fold:
    """The lessons with a model that has not heard this fold; it hears 1.5 hours at once."""

    def __init__(self, model: Embedder, corpus: Corpus, number: int) -> None:
        self._model, self._number = model, number
        self._learnable, self._clips = corpus.training(number), corpus.test(number)
        others = [clip for clip in self._learnable if not any(may_be(clip, k) for k in KINDS)]
        self._background = build_background(model, _whole_chunks(selected(others)), MAX_HOURS)
        self._stream = build_background(model, _whole_chunks(self._clips), 24.0)
        self._speech = np.concatenate([read_audio(c) for c in self._clips if c.sound == "speech"])

    def lesson(self, kind: str) -> Outcome | None:
        """Teach a kind of sound and test it; nothing if there are too few examples.

        Raises:
            TeachingError: The examples do not do.
        """
        chosen = self._examples(kind)
        if len(chosen) < examples.FEWEST:
            return None
        sound = teach([read_audio(clip) for clip in chosen], kind, self._model, self._background)
        tests = _one_each([clip for clip in self._clips if clip.label == kind])
        found = [self._recognised(sound, clip, test) for test, clip in enumerate(tests)]
        elsewhere = _logits(sound, self._stream.embeddings)[self._free_of(kind)]
        alarms, hours = alarm_count(elsewhere, 0.0), len(elsewhere) * CHUNK_S / 3600
        quiet, loud = sum(quiet for quiet, _ in found), sum(loud for _, loud in found)
        return Outcome(kind, sound.estimate, len(tests), quiet, loud, alarms, hours)

    def _examples(self, kind: str) -> list[Clip]:
        fit = [c for c in self._learnable if examples.SHORTEST_S <= c.seconds <= examples.LONGEST_S]
        originals = _one_each([clip for clip in fit if clip.label == kind])
        order = np.random.default_rng(self._number).permutation(len(originals))
        return [originals[index] for index in order[:_MOST_EXAMPLES]]

    def _recognised(self, sound: TaughtSound, clip: Clip, test: int) -> tuple[bool, bool]:
        """In a quiet room and under speech, while a window holds any of the sound."""
        copy = plain_copy(read_audio(clip))
        touching = np.convolve(copy.active, np.ones(sound.span))[: len(copy.active)] > 0
        begin = np.random.default_rng(test).integers(len(self._speech) - len(copy.samples))
        speech = self._speech[begin : begin + len(copy.samples)]
        speech = speech * 10 ** ((_SPEECH_DB + _level_db(copy.samples) - _level_db(speech)) / 20)
        quiet, loud = (
            bool((_logits(sound, embed(self._model, heard))[touching] >= 0).any())
            for heard in (copy.samples, np.clip(copy.samples + speech, -1, 1).astype(np.float32))
        )
        return quiet, loud

    def _free_of(self, kind: str) -> NDArray[np.bool_]:
        """Chunks of the stream that do not hold a kind of sound."""
        starts, free = self._stream.starts, np.ones(len(self._stream.embeddings), np.bool_)
        for clip, start, end in zip(self._clips, starts, [*starts[1:], len(free)], strict=True):
            if may_be(clip, kind):
                free[start : end + _AFTERWARDS_CHUNKS] = False
        return free


def may_be(clip: Clip, kind: str) -> bool:
    """Whether a recording is or may hold a kind of sound, as far as the corpus names it so."""
    return kind in (clip.label, clip.sound, *clip.unsure)


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each kind and one for all, as Markdown."""
    head = (
        "sound", "lessons", "examples left out: recognised", "their copies",
        "false alarms an hour, estimated", "other recordings: recognised", "under speech",
        "false alarms an hour, true",
    )  # fmt: skip
    kinds = dict.fromkeys(each.kind for each in outcomes)
    groups = [(kind, [each for each in outcomes if each.kind == kind]) for kind in kinds]
    rows = [_row(kind.replace("_", " "), group) for kind, group in groups]
    lines = [head, ("---",) * len(head), *rows, _row("all lessons", outcomes)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _row(name: str, group: Sequence[Outcome]) -> tuple[str, ...]:
    def share(found: int, tests: int) -> str:
        return f"{found} of {tests} ({found / tests:.2f})" if tests else "none there"

    told = [each.estimate for each in group]
    tests = sum(each.tests for each in group)
    return (
        name,
        str(len(group)),
        share(sum(each.recognised for each in told), sum(each.trials for each in told)),
        f"{np.mean([each.recall for each in told]):.2f}",
        f"{sum(e.false_alarms for e in told) / sum(e.background_hours for e in told):.1f}",
        share(sum(each.recognised for each in group), tests),
        share(sum(each.under_speech for each in group), tests),
        f"{sum(each.alarms for each in group) / sum(each.hours for each in group):.1f}",
    )


def _one_each(clips: Sequence[Clip]) -> list[Clip]:
    """The first recording of each original."""
    return list({clip.source_group: clip for clip in reversed(clips)}.values())[::-1]


def _whole_chunks(clips: Sequence[Clip]) -> Iterator[Samples]:
    """Each with silence to the end of its last chunk, so that no chunk is of two."""
    for clip in clips:
        samples = read_audio(clip)[: _LONGEST_S * SAMPLE_RATE_HZ]
        yield np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))


def _logits(sound: TaughtSound, heard: NDArray[np.floating]) -> NDArray[np.float32]:
    features = pooled(heard.astype(np.float32), sound.span)
    return np.asarray(features @ sound.weights + sound.bias, np.float32)


def _level_db(samples: Samples) -> float:
    """Of what is loud, so that pauses do not count."""
    loud = samples[examples.active_samples(samples)]
    return float(10 * np.log10(np.mean(np.square(loud)) + 1e-12))


def main() -> None:
    """Measure one fold after the other; the table is written anew after each."""
    parser = argparse.ArgumentParser(description="Measure how well taught sounds are known.")
    for option, text in (("data", "the corpus"), ("folds", "the models"), ("out", "for the table")):
        parser.add_argument(f"--{option}", type=Path, required=True, help=text)
    args = parser.parse_args()
    corpus = read_corpus(args.data)
    outcomes: list[Outcome] = []
    for number in range(5):
        fold = Fold(SoundModel(args.folds / f"fold-{number}.onnx"), corpus, number)
        outcomes += [done for kind in KINDS if (done := fold.lesson(kind))]
        args.out.write_text(table(outcomes), encoding="utf-8")
        print(f"fold {number}: {len(outcomes)} lessons so far", flush=True)


if __name__ == "__main__":
    main()
