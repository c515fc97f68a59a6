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

import torch
from torch import Tensor, nn

from everlisten.engine.models.catalogue import ModelCatalogue
from everlisten.trainer.loop import LoopConfig, Progress, fit
from everlisten.trainer.sounds.candidates import CANDIDATES, Candidate
from everlisten.trainer.sounds.corpus import read_corpus
from everlisten.trainer.sounds.export import export
from everlisten.trainer.sounds.log_mel import masked
from everlisten.trainer.sounds.nano import Nano
from everlisten.trainer.sounds.network import Ear, parameters_of
from everlisten.trainer.sounds.objective import Spoken, hearing_loss
from everlisten.trainer.sounds.targets import Targets
from everlisten.trainer.sounds.teacher import Pupil, Teacher, taught_loss
from everlisten.trainer.sounds.validation import Scores, validate
from everlisten.trainer.sounds.whisper_weights import encoder_weights
from everlisten.trainer.sounds.workshop import Workshop

LossOf = Callable[[Tensor, Tensor, Targets], Tensor]
"""Log-mel frames [B, 80, 40 N], what is hidden in them, and what is right for them to a loss."""


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
    if not candidate.taught:
        return model, _spoken(workshop, model)
    teacher = Teacher(encoder, candidate.ear.layers).to(workshop.device)
    pupil = Pupil(model, teacher.width).to(workshop.device)
    return pupil, _taught(workshop, pupil, teacher, candidate.taught)


def _spoken(workshop: Workshop, model: Nano) -> LossOf:
    spoken, told = Spoken(model.vocabulary, workshop.device), workshop.compiled(model.told)

    def loss(_clear: Tensor, log_mel: Tensor, targets: Targets) -> Tensor:
        reply = spoken.reply(targets)
        return spoken.loss(told(log_mel, reply.words), reply, targets)

    return loss


def _taught(workshop: Workshop, pupil: Pupil, teacher: Teacher, weight: float) -> LossOf:
    """The teacher hears all of what the pupil hears a part of."""
    spoken = Spoken(pupil.nano.vocabulary, workshop.device)
    told, taught = workshop.compiled(pupil.forward), workshop.compiled(teacher.forward)

    def loss(clear: Tensor, log_mel: Tensor, targets: Targets) -> Tensor:
        reply = spoken.reply(targets)
        said, answer = told(log_mel, reply.words)
        return spoken.loss(said, reply, targets) + weight * taught_loss(answer, taught(clear))

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
