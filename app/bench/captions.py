"""Live captions on real speech: word lag, errors, words taken back, computing, invented text."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from everlisten.app.bench import caption_playback, speech_streams
from everlisten.app.bench.caption_measures import Display, percentile, taken_back, word_lags
from everlisten.app.bench.caption_playback import Playback, Player
from everlisten.app.bench.offline import OfflineModel
from everlisten.app.bench.speech_streams import SAMPLE_RATE_HZ, Samples, SpeechStream
from everlisten.engine.embedded.model import EmbeddedModel
from everlisten.engine.events import CaptionFinal, CaptionPartial, TranslationFinal
from everlisten.engine.interaction import Instruction

SUITES = ("speech", "noise", "translation", "robust")
_SEED = 3
_NOISE_S = 3_600.0
_SILENCE_S = 60.0
_DATA = Path("../shared/data")

Report = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `everlisten bench captions`."""
    parser.add_argument("--suite", choices=(*SUITES, "all"), default="all")
    add_data_arguments(parser)
    parser.add_argument("--streams", type=int, help="only the first so many speakers")
    parser.add_argument(
        "--simulate",
        action="store_true",
        help="advance the clock by processor time instead of playing at real-time pace",
    )


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """What every benchmark of captions takes."""
    parser.add_argument("--data", type=Path, default=_DATA, help=f"recordings (default {_DATA})")
    parser.add_argument("--weights", type=Path, help="folder of the weights (default: catalogue)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the report as JSON")


def main(args: argparse.Namespace) -> int:
    """Measure, print a table, write the report."""
    if not args.data.is_dir():
        print(f"The recordings are not here: {args.data} is missing; give --data FOLDER.")
        return 2
    report = run(args)
    print_table(report)
    if args.out is not None:
        args.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0


def run(args: argparse.Namespace) -> Report:
    """Everything that was asked for, by suite."""
    folder = args.weights or catalogue_folder()
    model = EmbeddedModel(folder, threads=args.threads)
    play = caption_playback.simulated if args.simulate else caption_playback.played
    chosen = SUITES if args.suite == "all" else (args.suite,)
    report: Report = {
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, {platform.system()}",
        "pace": "simulated" if args.simulate else "real time",
        "threads": args.threads,
    }
    if "speech" in chosen:
        streams = speech_streams.english_streams(args.data)[: args.streams]
        report["speech"] = speech(model, streams, OfflineModel(folder, args.threads), play)
    if "noise" in chosen:
        report["noise"] = noise(model, args.data)
    if "translation" in chosen:
        report["translation"] = translation(
            model, args.data, OfflineModel(folder, args.threads), play
        )
    if "robust" in chosen:
        streams = speech_streams.english_streams(args.data)[: args.streams]
        report["robust"] = robust(model, streams, args.data)
    return report


def speech(
    model: EmbeddedModel, streams: Sequence[SpeechStream], offline: OfflineModel, play: Player
) -> Report:
    """The bars of live captions on English speech."""
    english = Instruction(language="en")
    plays = [play(model, stream.samples, english) for stream in streams]
    memory_mb = psutil.Process().memory_info().rss / 1e6
    fast = [caption_playback.fast(model, stream.samples, english) for stream in streams]
    references = [offline.transcribe(stream) for stream in streams]
    lags: list[float] = []
    matched: list[float] = []
    for playback, reference in zip(plays, references, strict=True):
        found, share = word_lags(reference.words, playback.displays())
        lags += found
        matched.append(share * len(reference.words))
    waits = [wait for playback in plays for wait in playback.final_waits_s()]
    seconds = sum(playback.seconds for playback in plays)
    silence = np.zeros(int(_SILENCE_S * SAMPLE_RATE_HZ), np.float32)
    return {
        "speech s": round(seconds, 1),
        "word lag p50 s": round(percentile(lags, 0.5), 2),
        "word lag p95 s": round(percentile(lags, 0.95), 2),
        "words matched %": _percent(sum(matched), sum(len(r.words) for r in references)),
        **_taken_back([d for playback in plays for d in playback.displays()]),
        "final after utterance p50 s": round(percentile(waits, 0.5), 2),
        "final after utterance p95 s": round(percentile(waits, 0.95), 2),
        "WER %": error_rate(streams, [p.text() for p in plays]),
        "WER offline %": error_rate(streams, [r.text for r in references]),
        "WER --fast %": error_rate(streams, [p.text() for p in fast]),
        "core-seconds per s": round(sum(p.cpu_s for p in plays) / seconds, 3),
        "--fast real-time factor": round(sum(p.events[-1][0] for p in fast) / seconds, 3),
        "--fast core-seconds per s": round(sum(p.cpu_s for p in fast) / seconds, 3),
        "idle core-seconds per s": round(
            caption_playback.fast(model, silence, english).cpu_s / _SILENCE_S, 4
        ),
        "memory of engine and benchmark MB": round(memory_mb),
    }


def noise(model: EmbeddedModel, data: Path) -> Report:
    """One hour of sounds that hold no speech: whatever is written is invented."""
    clips = list(speech_streams.noise_clips(data))
    order = np.random.default_rng(_SEED).permutation(len(clips))
    parts: list[Samples] = []
    for index in order:
        parts.append(clips[index][2])
        if sum(map(len, parts)) >= _NOISE_S * SAMPLE_RATE_HZ:
            break
    sound = np.concatenate(parts)
    playback = caption_playback.simulated(model, sound, Instruction())
    captions = [e for _, e in playback.events if isinstance(e, CaptionFinal)]
    shown = {e.id for _, e in playback.events if isinstance(e, CaptionPartial) and e.text}
    return {
        "sound s": round(playback.seconds, 1),
        "captions": len(captions),
        "utterances with any text shown": len(shown | {e.id for e in captions}),
        "texts": [f"{e.start_s:.1f} s {e.text}" for e in captions],
        "clips left out, they hold speech": len(speech_streams.CLIPS_WITH_SPEECH),
        "core-seconds per s": round(playback.cpu_s / playback.seconds, 4),
    }


def translation(model: EmbeddedModel, data: Path, offline: OfflineModel, play: Player) -> Report:
    """Live English of the paragraphs, against their English text and against offline."""
    import sacrebleu

    pairs = speech_streams.paragraph_streams(data)
    english = [[text for _, text in pairs]]
    plays = [play(model, s.samples, Instruction(translate_to="en")) for s, _ in pairs]
    live = [playback.text(TranslationFinal) for playback in plays]
    reference = [offline.translate(stream).text for stream, _ in pairs]
    waits = [wait for playback in plays for wait in playback.first_translation_waits_s()]
    seconds = sum(p.seconds for p in plays)
    return {
        "speech s": round(seconds, 1),
        "BLEU": round(sacrebleu.corpus_bleu(live, english).score, 2),
        "BLEU offline": round(sacrebleu.corpus_bleu(reference, english).score, 2),
        "chrF": round(sacrebleu.corpus_chrf(live, english).score, 2),
        "chrF offline": round(sacrebleu.corpus_chrf(reference, english).score, 2),
        "first English text p50 s": round(percentile(waits, 0.5), 2),
        "first English text p95 s": round(percentile(waits, 0.95), 2),
        "utterances in the wrong language": sum(
            e.language != stream.language
            for playback, (stream, _) in zip(plays, pairs, strict=True)
            for _, e in playback.events
            if isinstance(e, CaptionFinal)
        ),
        "core-seconds per s": round(sum(p.cpu_s for p in plays) / seconds, 3),
    }


def robust(model: EmbeddedModel, streams: Sequence[SpeechStream], data: Path) -> Report:
    """Quiet speech, and speech under music."""
    english = Instruction(language="en")
    variants: dict[str, Callable[[SpeechStream], SpeechStream]] = {
        "as it is": lambda stream: stream,
        "at -35 dBFS": speech_streams.quiet,
        "under music at 10 dB": lambda stream: speech_streams.under_music(stream, data),
    }
    report: Report = {}
    for name, make in variants.items():
        plays: list[Playback] = [
            caption_playback.fast(model, make(stream).samples, english) for stream in streams
        ]
        report[f"WER {name} %"] = error_rate(streams, [p.text() for p in plays])
    return report


def error_rate(streams: Sequence[SpeechStream], texts: Sequence[str]) -> float:
    """Word error rate in percent over all streams, after Whisper's English normalizer."""
    import jiwer

    normalise = import_module("whisper_normalizer.english").EnglishTextNormalizer()
    references = [normalise(" ".join(stream.sentences)) for stream in streams]
    return round(100 * float(jiwer.wer(references, [normalise(text) for text in texts])), 2)


def print_table(report: Report, indent: str = "") -> None:
    """Names and values, suite by suite."""
    for name, value in report.items():
        if isinstance(value, dict):
            print(f"\n{indent}{name}")
            print_table(value, indent + "  ")
        elif isinstance(value, list):
            print(f"{indent}{name}")
            for item in value:
                print(f"{indent}  {item}")
        else:
            print(f"{indent}{name:36} {value}")


def _taken_back(utterances: Sequence[Sequence[Display]]) -> Report:
    counts = [taken_back(displays) for displays in utterances]
    words = sum(len(displays[-1].words) for displays in utterances)
    return {
        "unstable words taken back %": _percent(sum(unstable for unstable, _ in counts), words),
        "stable words taken back": sum(stable for _, stable in counts),
    }


def _percent(part: float, whole: float) -> float:
    return round(100 * part / max(whole, 1), 1)


def catalogue_folder() -> Path:
    """The weights in the application's own data folder."""
    from everlisten.app.paths import AppPaths
    from everlisten.engine.models.catalogue import ModelCatalogue

    return ModelCatalogue(AppPaths.default().models).ensure("whisper-base")
