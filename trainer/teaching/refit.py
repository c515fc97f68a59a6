"""After the sound model changed, or sounds came from elsewhere: fit again from kept examples."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from everlisten.audio_io.chunk import CHUNK_SAMPLES, Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.counter_examples import MAX_ROWS, CounterExamples
from everlisten.engine.sounds.taught import TaughtSound
from everlisten.engine.sounds.taught_store import TaughtStore
from everlisten.trainer.teaching.background import Background
from everlisten.trainer.teaching.embedder import Embedder, Embeddings, embed
from everlisten.trainer.teaching.examples import active_samples
from everlisten.trainer.teaching.lesson import Progress, teach

logger = logging.getLogger(__name__)


def refit(
    sound: TaughtSound,
    examples: Sequence[Samples],
    model: Embedder,
    background: Background,
    counter_examples: Sequence[Embeddings] = (),
    *,
    others: Sequence[TaughtSound] = (),
    backdrops: Sequence[Samples] | None = None,
    progress: Progress | None = None,
) -> TaughtSound:
    """Teach a sound again: the same id, name and switch, a new head and estimate.

    Args:
        sound: As it was.
        examples: All of its recordings, also those that are new.
        model, background, counter_examples, backdrops, progress: See `teach`.
        others: All taught sounds; itself among them does not count.

    Raises:
        EngineError: The examples do not do.
    """
    again = teach(
        examples,
        sound.name,
        model,
        background,
        counter_examples,
        severity=sound.severity,
        advice=sound.advice,
        others=[other for other in others if other.id != sound.id],
        backdrops=backdrops,
        progress=progress,
    )
    return replace(again, id=sound.id, enabled=sound.enabled, created_at=sound.created_at)


def refit_stale(
    store: TaughtStore,
    model: Embedder,
    background: Background,
    counter: CounterExamples | None = None,
    backdrops: Sequence[Samples] | None = None,
) -> list[str]:
    """Fit every sound again that belongs to another sound model; up to a minute each.

    Returns:
        A sentence for each sound with which that did not go; it stays stale and is not heard.
    """
    failed = []
    for sound in store.sounds():
        if (sound.version, sound.width) == (model.version, model.embedding_width):
            continue
        try:
            examples = store.examples(sound.id)
            strange = counter.embeddings(sound.id) if counter is not None else []
            again = refit(
                sound,
                examples,
                model,
                background,
                strange,
                others=store.sounds(),
                backdrops=backdrops,
            )
            store.save(again, examples)
        except EngineError as error:
            logger.warning("taught sound %s was not fitted again: %s", sound.id, error)
            failed.append(f"{sound.name!r} must be taught again: {error}")
    return failed


def import_sound(
    store: TaughtStore,
    path: Path,
    model: Embedder,
    background: Background,
    backdrops: Sequence[Samples] | None = None,
) -> TaughtSound:
    """Take in an exported sound and, if it is another sound model's, fit it again at once.

    Raises:
        EngineError: The file is refused, or its examples do not do; then nothing is kept.
    """
    sound = store.import_file(path)
    if (sound.version, sound.width) == (model.version, model.embedding_width):
        return sound
    try:
        examples = store.examples(sound.id)
        again = refit(
            sound, examples, model, background, others=store.sounds(), backdrops=backdrops
        )
        store.save(again, examples)
    except BaseException:
        store.delete(sound.id)
        raise
    return again


def sounding(model: Embedder, samples: Samples) -> Embeddings:
    """Embeddings of those chunks of a clip that hold sound, for `CounterExamples`.

    Args:
        model: The sound model.
        samples: float32 [T], 16 kHz.

    Returns:
        float32 [N, D], N >= 1, the last 10 s of them at most.
    """
    embeddings = embed(model, samples)
    active = np.zeros(len(embeddings) * CHUNK_SAMPLES, np.bool_)
    active[: len(samples)] = active_samples(samples)
    share = active.reshape(len(embeddings), CHUNK_SAMPLES).mean(axis=1)
    heard: Embeddings = embeddings[share >= min(0.25, float(share.max()))]
    return heard[-MAX_ROWS:]
