"""Teach a sound: from a few recordings to a head with a measured estimate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from everlisten.audio_io.chunk import Samples
from everlisten.engine.sounds.taught import Estimate, TaughtSound, check_words, new_id
from everlisten.trainer.teaching.augment import Copy, changed_copy, plain_copy
from everlisten.trainer.teaching.backdrops import shipped_speech
from everlisten.trainer.teaching.background import Background
from everlisten.trainer.teaching.doubts import doubts
from everlisten.trainer.teaching.embedder import Embedder, Embeddings, embed
from everlisten.trainer.teaching.evidence import Evidence, HeardCopy, gather
from everlisten.trainer.teaching.examples import TeachingError, checked
from everlisten.trainer.teaching.measure import Scores, held_out_scores, measured, threshold_of
from everlisten.trainer.teaching.relatives import without_relatives

_SHORT_SPAN, _LONG_SPAN = 3, 6
_LONG_CHUNKS = 10
"""From a sound of 4 s on, a head looks back 2.4 s; at shorter ones 1.2 s, to be told sooner."""
_MOST_COPIES, _FEWEST_COPIES = 16, 4
_BUDGET_S = 25.0
"""Of a core's time for the sound model, which a busy computer does not change; fitting takes some
seconds more."""
_PATIENCE_S = 50.0
"""On a busy computer, after which the fewest copies have to do."""
_HEARD = 0.9
"""The share that is done when all copies were heard."""
_CLEARLY = 4.0
"""Logits between the threshold's limit and typical copies, so that the sensitivity, which moves
the threshold by up to 2, means the same for every taught sound."""

Progress = Callable[[float], None]


def teach(
    examples: Sequence[Samples],
    name: str,
    model: Embedder,
    background: Background,
    counter_examples: Sequence[Embeddings] = (),
    *,
    severity: str = "notice",
    advice: str = "",
    others: Sequence[TaughtSound] = (),
    backdrops: Sequence[Samples] | None = None,
    progress: Progress | None = None,
) -> TaughtSound:
    """Learn to recognise a sound and measure how well that goes.

    Args:
        examples: 3 or more recordings of it, float32 [T] at 16 kHz, 0.2 to 30 s each.
        name: As the user calls it; not the name of one of `others`.
        model: Hears them; not used for anything else meanwhile.
        background: Of the same model.
        counter_examples: Embeddings [T, D] of what was said not to be this sound.
        severity: "emergency", "warning" or "notice".
        advice: What to do when it is heard.
        others: The sounds taught before, which this one is not.
        backdrops: Recordings of 20 s or more under which the sound is to be recognised; None takes
            the speech that ships with the program.
        progress: Called with the share that is done, 0..1, before each recording that is heard and
            before what was fitted is fitted again; may raise to stop the teaching.

    Returns:
        A new sound, not enabled yet: its estimate is to be seen first.

    Raises:
        EngineError: One sentence that says what is wrong with the examples or the name.
    """
    name = name.strip()
    check_words(name, severity, advice)
    if name.casefold() in {other.name.casefold() for other in others}:
        raise TeachingError(f"There is a taught sound named {name!r}: give another name")
    distinct, repeated = checked(examples)
    backdrops = shipped_speech() if backdrops is None else backdrops
    progress = progress or (lambda share: None)
    copies = _hear(distinct, model, backdrops, progress)
    strange = list(counter_examples)
    strange += [o.embeddings.astype(np.float32) for o in others if o.version == model.version]
    evidence = gather(copies, background, strange, _span(copies))
    plain = np.array([copy.plain for copy in copies])
    evidence, scores = without_relatives(
        evidence, held_out_scores(evidence, plain), lambda: progress(_HEARD)
    )
    weights, bias = _head(evidence, scores)
    return TaughtSound(
        id=new_id(),
        name=name,
        severity=severity,
        advice=advice,
        weights=weights,
        bias=bias,
        span=evidence.span,
        threshold=0.5,
        examples=len(distinct),
        estimate=_estimate(evidence, scores, background, repeated),
        version=model.version,
        created_at=time.time(),
        embeddings=np.concatenate(
            [copy.embeddings[copy.active] for copy in copies if copy.plain]
        ).astype(np.float16),
    )


def _hear(
    examples: Sequence[Samples], model: Embedder, backdrops: Sequence[Samples], progress: Progress
) -> list[HeardCopy]:
    """The plain examples, and as many changed copies of each as there is time for."""
    began_s, used_s = time.perf_counter(), time.thread_time()
    heard = []
    for number, example in enumerate(examples):
        progress(0.0)
        heard.append(_heard(model, number, plain_copy(example), True))
    round_s = max(time.thread_time() - used_s, 1e-6)
    rounds = min(max(int(_BUDGET_S / round_s) - 1, _FEWEST_COPIES), _MOST_COPIES)
    for turn in range(rounds):
        if turn >= _FEWEST_COPIES and time.perf_counter() - began_s > _PATIENCE_S:
            break
        for number, example in enumerate(examples):
            progress(_HEARD * (turn + 1 + number / len(examples)) / (rounds + 1))
            rng = np.random.default_rng((number, turn))
            heard.append(_heard(model, number, changed_copy(example, rng, backdrops), False))
    progress(_HEARD)
    return heard


def _heard(model: Embedder, example: int, copy: Copy, plain: bool) -> HeardCopy:
    return HeardCopy(
        example=example, embeddings=embed(model, copy.samples), active=copy.active, plain=plain
    )


def _span(copies: Sequence[HeardCopy]) -> int:
    lasting = np.median([copy.active.sum() for copy in copies if copy.plain])
    return _LONG_SPAN if lasting >= _LONG_CHUNKS else _SHORT_SPAN


def _head(evidence: Evidence, scores: Scores) -> tuple[Embeddings, float]:
    """Fitted on everything, with the threshold at a probability of one half."""
    limit = threshold_of(scores.peaks, scores.others())
    scale = _CLEARLY / max(float(np.median(scores.peaks)) - limit, 1.0)
    weights, bias = evidence.head(evidence.fit())
    return (weights * np.float32(scale)).astype(np.float32), (bias - limit) * scale


def _estimate(
    evidence: Evidence, scores: Scores, background: Background, repeated: int
) -> Estimate:
    counts = measured(scores)
    return Estimate(
        trials=counts.trials,
        recognised=counts.recognised,
        recall=counts.recall,
        false_alarms=counts.false_alarms,
        background_hours=background.hours,
        warnings=doubts(evidence, scores, counts, background, repeated),
    )
