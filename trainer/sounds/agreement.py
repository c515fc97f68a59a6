"""Whether nano says the same as a checkpoint of the big model's layout and as the file that ships.

`python -m everlisten.trainer.sounds.agreement --checkpoint FOLDER --model nano-all.onnx`

Both hear the demo scene, or `--sound FILE`. The checkpoint decides by itself whether to speak; the
file only gives probabilities, and counts as speaking where an alert's is above one half, which is
what the decision was trained on. They cannot agree everywhere: the file's matrices have 7 bits, its
chunks lie 7.5 ms later, and it has never said anything, whereas the checkpoint reads what it said.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from everlisten.audio_io.chunk import (
    CHUNK_S,
    CHUNK_SAMPLES,
    SAMPLE_RATE_HZ,
    AudioChunk,
    Samples,
    SourceName,
)
from everlisten.engine.errors import EngineError
from everlisten.engine.events import Decision, EngineEvent, ReplyFinal
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.model import AudioInteractionModel
from everlisten.engine.presets import DEFAULT_PRESET
from everlisten.engine.sounds.model import SoundModel
from everlisten.engine.sounds.vocabulary import shipped_sounds
from everlisten.trainer.sounds.hearing import read
from everlisten.trainer.sounds.labels import ALERT_SOUNDS

_SPEAKS = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """What the checkpoint made of one chunk.

    Attributes:
        score: Probability of speaking.
        speak: What was decided.
        text: Of the reply; "" without one.
    """

    score: float
    speak: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One chunk, heard by both.

    Attributes:
        said: By the checkpoint.
        names: Of the alerts that the file hears, the surest first.
    """

    said: Said
    names: tuple[str, ...]

    @property
    def agree(self) -> bool:
        """Whether both speak or both are silent."""
        return self.said.speak == bool(self.names)


def said_by(model: AudioInteractionModel, samples: Samples) -> list[Said]:
    """Play a sound to a checkpoint's assistant, each chunk done with before the next.

    Args:
        model: Any.
        samples: float32 [T] at 16 kHz; an unfinished chunk is left out.
    """
    state = model.new_state(Instruction(captions=False, assistant=DEFAULT_PRESET), "agreement")
    events: list[EngineEvent] = []
    for index in range(len(samples) // CHUNK_SAMPLES):
        part = samples[None, index * CHUNK_SAMPLES : (index + 1) * CHUNK_SAMPLES]
        chunk = AudioChunk(index=index, sources=(SourceName.MIC,), samples=part, captured_s=0.0)
        events += model.step(chunk, state)
        while model.busy(state):
            events += model.advance(state)
    texts = {_number(event): event.text for event in events if isinstance(event, ReplyFinal)}
    return [
        Said(event.score, event.speak, texts.get(_number(event), ""))
        for event in events
        if isinstance(event, Decision)
    ]


def compared(
    said: Sequence[Said], probabilities: NDArray[np.float32], sounds: Sequence[str]
) -> list[Comparison]:
    """Put what both say of each chunk side by side.

    Args:
        said: By the checkpoint, N chunks.
        probabilities: float32 [N, K] of the file.
        sounds: Ids of the columns.
    """
    comparisons = []
    for one, row in zip(said, probabilities, strict=True):
        heard = [
            (-value, sound)
            for value, sound in zip(row, sounds, strict=True)
            if sound in ALERT_SOUNDS and value > _SPEAKS
        ]
        names = tuple(shipped_sounds()[sound].label["en"] for _, sound in sorted(heard))
        comparisons.append(Comparison(one, names))
    return comparisons


def report(comparisons: Sequence[Comparison]) -> str:
    """Counts, and every chunk on which the two differ, as lines of text."""
    counts = Counter((each.said.speak, bool(each.names)) for each in comparisons)
    both = [each for each in comparisons if each.said.speak and each.names]
    named = sum(each.said.text in each.names for each in both)
    agreed = sum(each.agree for each in comparisons)
    lines = [
        f"{agreed} of {len(comparisons)} decisions agree: both speak {counts[True, True]}, both"
        f" silent {counts[False, False]}, only the checkpoint speaks {counts[True, False]}, only"
        f" the file {counts[False, True]}.",
        f"Where both speak, the reply is one of the file's names in {named} of {len(both)}.",
    ]
    for number, each in enumerate(comparisons):
        if not each.agree:
            time, names = f"{number * CHUNK_S:6.1f} s", ", ".join(each.names) or "nothing"
            said = f"checkpoint {each.said.score:.2f} {each.said.text!r}"
            lines.append(f"{time}: {said}, file {names}")
    return "\n".join(lines)


def _number(event: EngineEvent) -> int:
    return round(event.start_s / CHUNK_S)


def _sound(path: Path | None) -> Samples:
    scene = resources.files("everlisten.assets").joinpath("demo", "scene.flac")
    name = str(scene if path is None else path)
    try:
        samples, rate_hz = soundfile.read(name, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise EngineError(f"{name} cannot be read ({error}); give a FLAC or WAV file") from error
    if rate_hz != SAMPLE_RATE_HZ:
        raise EngineError(f"{name} has {rate_hz} Hz; give a file of {SAMPLE_RATE_HZ} Hz")
    mono: Samples = samples.mean(axis=1)
    return mono


def main() -> None:
    """Compare what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of released_checkpoint")
    parser.add_argument("--model", type=Path, required=True, help="nano-all.onnx of train")
    parser.add_argument("--sound", type=Path, help="16 kHz (default: the demo scene)")
    parser.add_argument("--device", default="cpu", help="of the checkpoint: cpu, cuda or mps")
    args = parser.parse_args()
    try:
        samples, file = _sound(args.sound), SoundModel(args.model)
        checkpoint = AudioInteractionModel(args.checkpoint, device=args.device)
    except EngineError as error:
        parser.exit(1, f"{error}\n")
    said = said_by(checkpoint, samples)
    checkpoint.close()
    probabilities = np.stack([each.probabilities for each in read(file, samples)])
    print(report(compared(said, probabilities, file.sounds)))


if __name__ == "__main__":
    main()
