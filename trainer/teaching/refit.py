"""After the sound model changed, or sounds came from elsewhere: fit again from kept examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from everlisten.audio_io.chunk import CHUNK_SAMPLES, Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.counter_examples import MAX_ROWS, CounterExamples
from everlisten.engine.sounds.taught import TaughtSound
from everlisten.engine.sounds.taught_store import TaughtStore
from everlisten.trainer.teaching.background import Background
from everlisten.trainer.teaching.doubts import decline
from everlisten.trainer.teaching.embedder import Embedder, Embeddings, embed
from everlisten.trainer.teaching.examples import active_samples
from everlisten.trainer.teaching.lesson import Progress, teach


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

    If it is known much less well than before, the estimate says so.

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
    if worse := decline(sound.estimate, again.estimate):
        warnings = (worse, *again.estimate.warnings)
        again = replace(again, estimate=replace(again.estimate, warnings=warnings))
    return replace(again, id=sound.id, enabled=sound.enabled, created_at=sound.created_at)


def stale(store: TaughtStore, model: Embedder) -> list[TaughtSound]:
    """The sounds that belong to another sound model."""
    now = (model.version, model.embedding_width)
    return [sound for sound in store.sounds() if (sound.version, sound.width) != now]


def refit_stale(
    store: TaughtStore,
    model: Embedder,
    background: Background,
    counter: CounterExamples | None = None,
    *,
    backdrops: Sequence[Samples] | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[TaughtSound, str]]:
    """Fit every sound again that belongs to another sound model; up to a minute each.

    What the user does to a sound meanwhile holds. Whoever stops in between loses nothing: each
    sound is kept as it was until it is fitted.

    Yields:
        Each of these sounds as it is now, and "" or one sentence: why it stays stale.
    """
    for sound in stale(store, model):
        problem = ""
        try:
            strange = counter.embeddings(sound.id) if counter is not None else []
            again = refit(
                sound,
                store.examples(sound.id),
                model,
                background,
                strange,
                others=store.sounds(),
                backdrops=backdrops,
                progress=progress,
            )
            sound = store.renew(again)
        except EngineError as error:
            problem = str(error)
        yield sound, problem


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
        again = refit(
            sound,
            store.examples(sound.id),
            model,
            background,
            others=store.sounds(),
            backdrops=backdrops,
        )
        return store.renew(again)
    except BaseException:
        store.delete(sound.id)
        raise


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
