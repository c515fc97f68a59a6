"""Builds the examples that `examples.yaml` lists.

    python assets/sounds/examples/build_examples.py SPEECH_AND_SOUNDS_FOLDER

Run by hand when the list changes; the results are committed. The same input gives the same samples.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "demo"))

from build_scene import SAMPLE_RATE_HZ, Samples, fade, level, read_clip  # noqa: E402

from everlisten.trainer.sounds.alarms import synthesise  # noqa: E402

LEVEL_DBFS = -16.0
FADE_S = 0.02
LONGEST_S = 8.0
REST_S = 0.8
"""A quiet room before and after: a microphone never delivers digital silence."""
ROOM_DBFS = -62.0


def example_samples(example: dict[str, Any], data: Path) -> Samples:
    """float64 [T]: one example."""
    if "seed" in example:
        made = synthesise(example["sound"], np.random.default_rng(example["seed"]))
        clip = made.samples[: round(LONGEST_S * SAMPLE_RATE_HZ)].astype(np.float64)
    else:
        clip = read_clip(data / example["file"], example["from_s"], example["to_s"])
    heard = np.pad(fade(level(clip, LEVEL_DBFS), FADE_S), round(REST_S * SAMPLE_RATE_HZ))
    room = np.random.default_rng(0).standard_normal(len(heard))
    return heard + 10 ** (ROOM_DBFS / 20) * room


def main() -> None:
    """Write the FLAC files beside this file."""
    parser = argparse.ArgumentParser(description="Build the examples of sounds.")
    parser.add_argument("data", type=Path, help="folder that holds sounds/")
    data = parser.parse_args().data
    for example in yaml.safe_load((HERE / "examples.yaml").read_text("utf-8"))["examples"]:
        path = HERE / f"{example['sound']}.flac"
        soundfile.write(path, example_samples(example, data), SAMPLE_RATE_HZ, subtype="PCM_16")


if __name__ == "__main__":
    main()
