"""A taught sound that nobody taught."""

from __future__ import annotations

import numpy as np

from everlisten.engine.sounds.taught import Estimate, TaughtSound, new_id


def make_sound(rng, *, width=8, **fields):
    """Random weights; `fields` replace what is in the way."""
    return TaughtSound(
        **{
            "id": new_id(),
            "name": "Kettle",
            "severity": "warning",
            "advice": "Take it off the fire.",
            "weights": rng.standard_normal(2 * width).astype(np.float32),
            "bias": -0.5,
            "span": 3,
            "threshold": 0.5,
            "examples": 3,
            "estimate": Estimate(
                trials=3,
                recognised=2,
                recall=0.7,
                false_alarms=1,
                background_hours=2.0,
                warnings=("Rough.",),
            ),
            "version": "model-1",
            "created_at": 1000.0,
            "embeddings": rng.standard_normal((7, width)).astype(np.float16),
            **fields,
        }
    )


def make_examples(rng, count=3):
    """Noise of half a second to a second, which FLAC of 16 bits keeps to 1/32768."""
    return [
        (rng.uniform(-0.5, 0.5, int(rng.integers(8_000, 16_000)))).astype(np.float32)
        for _ in range(count)
    ]
