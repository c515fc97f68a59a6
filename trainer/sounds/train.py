"""Train the embedded sound model: `python -m everlisten.trainer.sounds.train --data DIR --out DIR`.

With `--fold K` the recordings of fold K are left out and measured; without, everything is trained
on, which is the model that is shipped. `--more DIR` adds recordings that are trained on in every
fold and measured in none (`more_recordings` fetches them). A seed gives the same streams again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from everlisten.engine.laim.log_mel import mel_filters
from everlisten.engine.models.catalogue import ModelCatalogue
from everlisten.trainer.loop import LoopConfig, Progress, fit
from everlisten.trainer.sounds.candidates import CANDIDATES, Candidate
from everlisten.trainer.sounds.corpus import Clip, Corpus, read_corpus
from everlisten.trainer.sounds.export import export
from everlisten.trainer.sounds.log_mel import MEL_BINS, LogMel, masked
from everlisten.trainer.sounds.mixing import Batch, MixConfig, Mixer
from everlisten.trainer.sounds.nano import Nano
from everlisten.trainer.sounds.network import Ear, parameters_of
from everlisten.trainer.sounds.objective import Spoken, hearing_loss, taught_loss
from everlisten.trainer.sounds.pool import (
    build_pool,
    real_pieces,
    synthetic_pieces,
)
from everlisten.trainer.sounds.rooms import microphone_response, room_response
from everlisten.trainer.sounds.targets import Targets
from everlisten.trainer.sounds.teacher import Pupil, Teacher
from everlisten.trainer.sounds.validation import Scores, validate
from everlisten.trainer.sounds.whisper_weights import encoder_weights

SYNTHETIC = {
    "smoke_alarm": 320, "co_alarm": 240, "siren": 240, "vehicle_alarm": 240, "appliance_beep": 480,
    "alarm_clock": 360, "phone_ringing": 360, "doorbell": 360, "door_knock": 160, "car_horn": 160,
    "thunder": 100, "glass_breaking": 120, "gunshot": 200, "coughing": 100, "sneezing": 80,
    "snoring": 120, "scream": 200, "fire_crackling": 60, "chime": 360, "background": 300,
    "music": 240,
}  # fmt: skip
"""Pieces of each sound that are synthesised."""
_ROOMS, _MICROPHONES = 400, 160
_ROOM_SAMPLES, _MICROPHONE_SAMPLES = 8_000, 512
T = TypeVar("T")
LossOf = Callable[[Tensor, Tensor, Targets], Tensor]
"""Log-mel frames [B, 80, 40 N], what is hidden in them, and what is right for them to a loss."""
_VALIDATION_BATCHES, _VALIDATION_SEED = 12, 7_777


class Workshop:
    """Everything on the device that a training needs.

    Args:
        corpus: The recordings.
        more: Recordings that are in no fold.
        fold: Left out; None leaves none out.
        seed: Of everything random.
        device: Where.
    """

    def __init__(
        self, corpus: Corpus, more: tuple[Clip, ...], fold: int | None, seed: int,
        device: torch.device,
    ) -> None:  # fmt: skip
        self.device, self.seed = device, seed
        filters = torch.as_tensor(mel_filters(MEL_BINS), dtype=torch.float32)
        self.log_mel = LogMel(filters.to(device))
        rng = np.random.default_rng(seed)
        self._rooms = _responses(
            [room_response(rng, float(rng.random())) for _ in range(_ROOMS)], _ROOM_SAMPLES, device
        )
        self._microphones = _responses(
            [microphone_response(rng) for _ in range(_MICROPHONES)], _MICROPHONE_SAMPLES, device
        )
        made = synthetic_pieces(SYNTHETIC, seed)
        self.pool = build_pool([*real_pieces([*corpus.training(fold), *more]), *made], device)
        self._held_out = None
        if fold is not None:
            some = {sound: 24 for sound in SYNTHETIC}
            made = synthetic_pieces(some, _VALIDATION_SEED)
            clips = [clip for clip in corpus.test(fold) if not clip.evaluation_only]
            self._held_out = build_pool([*real_pieces(clips), *made], device)

    def mixer(self, seed: int) -> Mixer:
        """Streams to train on."""
        return Mixer(self.pool, self._rooms, self._microphones, MixConfig(), seed)

    def validation(self) -> list[Batch]:
        """Streams of the fold that was left out; the same for every candidate."""
        assert self._held_out is not None
        config = MixConfig(
            few=0.0, talk=0.0, bed_db=(-62.0, -26.0), snr_db=(-2.0, 28.0), speed=0.1, roomy_beds=0.0
        )
        mixer = Mixer(self._held_out, self._rooms, self._microphones, config, _VALIDATION_SEED)
        return [mixer.batch(64) for _ in range(_VALIDATION_BATCHES)]

    def hear(self, model: nn.Module, samples: Tensor) -> Tensor:
        """Logits [B, N, K] of samples [B, T]."""
        with self.precision():
            logits: Tensor = model(self.log_mel(samples))
        return logits

    def precision(self) -> torch.autocast:
        """Products in bfloat16 where a GPU makes them fast."""
        gpu = self.device.type == "cuda"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=gpu)

    def compiled(self, forward: Callable[..., T]) -> Callable[..., T]:
        """On a GPU a third faster; on a CPU compiling would cost more than it gives."""
        return torch.compile(forward) if self.device.type == "cuda" else forward


def train(
    workshop: Workshop, candidate: Candidate, encoder: dict[str, Tensor], config: LoopConfig,
    batch_size: int,
) -> nn.Module:  # fmt: skip
    """Train one candidate; returns the averaged network."""
    torch.manual_seed(workshop.seed)
    model = candidate.build(encoder).to(workshop.device)
    mixer = workshop.mixer(workshop.seed + 1)
    hidden = torch.Generator(workshop.device).manual_seed(workshop.seed + 2)
    trained, loss_of = _lesson(workshop, model, candidate, encoder)

    def loss() -> Tensor:
        batch = mixer.batch(batch_size)
        log_mel = workshop.log_mel(batch.samples)
        with workshop.precision():
            return loss_of(log_mel, masked(log_mel, hidden), batch.targets)

    averaged = fit(trained, candidate.rate_of, loss, config, _tell)
    return averaged.nano if isinstance(averaged, Pupil) else averaged


def _lesson(
    workshop: Workshop, model: Nano | Ear, candidate: Candidate, encoder: dict[str, Tensor]
) -> tuple[nn.Module, LossOf]:
    """What is trained, the network or a pupil around it, and on what."""
    if isinstance(model, Ear):
        heard = workshop.compiled(model.forward)
        return model, lambda _clear, log_mel, targets: hearing_loss(heard(log_mel), targets)
    teacher = Teacher(encoder, candidate.ear.layers).to(workshop.device)
    pupil = Pupil(model, teacher.width).to(workshop.device)
    return pupil, _taught(workshop, pupil, teacher)


def _taught(workshop: Workshop, pupil: Pupil, teacher: Teacher) -> LossOf:
    """The teacher hears all of what the pupil hears a part of."""
    spoken = Spoken(pupil.nano.vocabulary, workshop.device)
    told, taught = workshop.compiled(pupil.forward), workshop.compiled(teacher.forward)

    def loss(clear: Tensor, log_mel: Tensor, targets: Targets) -> Tensor:
        reply = spoken.reply(targets)
        said, answer = told(log_mel, reply.words)
        return spoken.loss(said, reply, targets) + taught_loss(answer, taught(clear))

    return loss


def main() -> None:
    """Train what the command line says."""
    args = _arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    corpus, encoder = read_corpus(args.data), _encoder(args)
    more = read_corpus(args.more, speech=False).clips if args.more else ()
    for fold in args.fold or [None]:
        began_s = time.monotonic()
        workshop = Workshop(corpus, more, fold, args.seed, device)
        print(f"fold {fold}: streams ready in {time.monotonic() - began_s:.0f} s", flush=True)
        for name in args.candidate.split(","):
            _run(workshop, name, encoder, args, "all" if fold is None else f"fold-{fold}")


def _encoder(args: argparse.Namespace) -> dict[str, Tensor]:
    """The first layers of the captions' model."""
    file = args.encoder
    if file is None:
        file = ModelCatalogue(args.out / "models").ensure("whisper-base") / "model.bin"
    layers = max(each.ear.layers for each in CANDIDATES.values())
    found = encoder_weights(file, layers)
    return {name: torch.from_numpy(array) for name, array in found.items()}


def _run(
    workshop: Workshop, name: str, encoder: dict[str, Tensor], args: argparse.Namespace, what: str
) -> None:
    began_s = time.monotonic()
    config = LoopConfig(steps=args.steps)
    model = train(workshop, CANDIDATES[name], encoder, config, args.batch)
    seconds = time.monotonic() - began_s
    facts: dict[str, object] = {
        "candidate": name, "fold": what, "steps": args.steps, "batch": args.batch,
        "seed": args.seed, "seconds": round(seconds), "parameters": parameters_of(model),
    }  # fmt: skip
    if what != "all":
        scores = validate(lambda samples: workshop.hear(model, samples), workshop.validation())
        facts |= scores.summary()
        _print(name, what, seconds, scores)
    half = _half(model)
    if what == "all":
        torch.save(
            {"candidate": asdict(CANDIDATES[name]), "weights": half}, args.out / f"{name}-{what}.pt"
        )
    plain = CANDIDATES[name].build(encoder)
    plain.load_state_dict({key: value.float() for key, value in half.items()})
    version = hashlib.sha256(b"".join(each.numpy().tobytes() for each in half.values()))
    export(plain, args.out / f"{name}-{what}.onnx", version=version.hexdigest()[:12])
    (args.out / f"{name}-{what}.json").write_text(json.dumps(facts, indent=1), "utf-8")


def _half(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.half().cpu() for name, value in model.state_dict().items()}


def _print(name: str, what: str, seconds: float, scores: Scores) -> None:
    print(
        f"{name} {what}: {seconds:.0f} s, macro AP {scores.macro('average_precision'):.3f},"
        f" recall at 0.001 {scores.macro('recall'):.3f}; "
        + " ".join(f"{k}={v.average_precision:.2f}" for k, v in scores.by_sound.items()),
        flush=True,
    )


def _responses(found: list[np.ndarray], length: int, device: torch.device) -> Tensor:
    """Impulse responses of unit energy, cut or filled to one length."""
    rows = np.zeros((len(found), length), np.float32)
    for row, each in zip(rows, found, strict=True):
        row[: len(each[:length])] = each[:length]
    rows /= np.sqrt((rows**2).sum(1, keepdims=True)) + 1e-9
    return torch.as_tensor(rows, device=device)


def _tell(progress: Progress) -> None:
    print(f"  {progress.step}: {progress.loss:.3f} in {progress.seconds:.1f} s", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with sounds.csv")
    parser.add_argument("--more", type=Path, help="folder of more_recordings")
    parser.add_argument(
        "--encoder", type=Path, help="Whisper base's model.bin (default: of the installed packages)"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fold", type=int, action="append", help="left out; may be repeated")
    parser.add_argument("--candidate", default="nano", help=", ".join(CANDIDATES))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
