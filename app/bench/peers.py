"""WhisperLive 0.10 beside Everlisten: the same weights, the same stream, one after the other."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from everlisten.app.bench import caption_playback, captions, speech_streams
from everlisten.app.bench.caption_measures import (
    Display,
    TimedWord,
    percentile,
    taken_back,
    word_lags,
    words_of,
)
from everlisten.app.bench.offline import OfflineModel
from everlisten.app.bench.speech_streams import SpeechStream
from everlisten.engine.embedded.model import EmbeddedModel
from everlisten.engine.interaction import Instruction

_REQUIREMENTS = ("torch==2.13.0", "whisper-live==0.10.0", "psutil>=6")
_PORT = 9123
_CLIENT = Path(__file__).with_name("whisper_live_client.py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `everlisten bench peers`."""
    captions.add_data_arguments(parser)
    parser.add_argument(
        "--venv",
        type=Path,
        default=Path(".venv-whisper-live"),
        help="virtual environment of WhisperLive, made if it is missing (several GB; needs the"
        " system package portaudio19-dev)",
    )
    parser.add_argument("--stream", type=int, default=0, help="which speaker (default the first)")


def main(args: argparse.Namespace) -> int:
    """Measure both, print both columns, write the report."""
    if not args.data.is_dir():
        print(f"The recordings are not here: {args.data} is missing; give --data FOLDER.")
        return 2
    python = ensure_venv(args.venv)
    if python is None:
        print(
            "WhisperLive could not be installed; 'apt-get install portaudio19-dev' and a network"
            " are needed. The lines above say what failed."
        )
        return 2
    folder = args.weights or captions.catalogue_folder()
    stream = speech_streams.english_streams(args.data)[args.stream]
    words = OfflineModel(folder, args.threads).transcribe(stream)
    report = {
        "stream": stream.name,
        "speech s": round(stream.seconds, 1),
        "WER offline %": captions.error_rate([stream], [words.text]),
        "Everlisten": everlisten(stream, words.words, folder, args.threads),
        "WhisperLive 0.10": whisper_live(stream, words.words, folder, python),
    }
    captions.print_table(report)
    if args.out is not None:
        args.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


def ensure_venv(folder: Path) -> Path | None:
    """The Python of WhisperLive's environment; None if it cannot be made."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if python.exists():
        asked = subprocess.run([python, "-c", "import whisper_live"], check=False)
        if asked.returncode == 0:
            return python
    made = subprocess.run([sys.executable, "-m", "venv", folder], check=False)
    install = [str(python), "-m", "pip", "install", *_REQUIREMENTS]
    if made.returncode != 0 or subprocess.run(install, check=False).returncode != 0:
        return None
    return python


def everlisten(
    stream: SpeechStream, words: Sequence[TimedWord], folder: Path, threads: int
) -> dict[str, Any]:
    """Our column, played at real-time pace."""
    model = EmbeddedModel(folder, threads=threads)
    playback = caption_playback.played(model, stream.samples, Instruction(language="en"))
    return _column(
        stream,
        words,
        playback.displays(),
        playback.text(),
        playback.cpu_s,
        psutil.Process().memory_info().rss / 1e6,
    )


def whisper_live(
    stream: SpeechStream, words: Sequence[TimedWord], folder: Path, python: Path
) -> dict[str, Any]:
    """The peer's column: its own server, its default settings."""
    with tempfile.TemporaryDirectory(prefix="everlisten-bench-") as temporary:
        samples = Path(temporary) / "samples.f32"
        samples.write_bytes(stream.samples.astype("<f4").tobytes())
        done = subprocess.run(
            [python, _CLIENT, samples, folder.resolve(), str(_PORT)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    usage = answers.pop()
    displays = _displays(answers)
    text = " ".join(displays[-1].words) if displays else ""
    return _column(stream, words, [displays], text, usage["cpu_s"], usage["memory_mb"])


def _displays(answers: Sequence[dict[str, Any]]) -> list[Display]:
    """The whole transcript after each answer, put together as WhisperLive's own client does."""
    finished: list[dict[str, Any]] = []
    displays = []
    for answer in answers:
        current = ""
        for segment in answer["segments"]:
            if not segment.get("completed", False):
                current = segment["text"]
            elif not finished or float(segment["start"]) >= float(finished[-1]["end"]):
                finished.append(segment)
        stable = words_of(" ".join(segment["text"] for segment in finished))
        displays.append(
            Display(at_s=answer["at_s"], stable=stable, unstable=words_of(current), final=False)
        )
    return displays


def _column(
    stream: SpeechStream,
    words: Sequence[TimedWord],
    utterances: Sequence[Sequence[Display]],
    text: str,
    cpu_s: float,
    memory_mb: float,
) -> dict[str, Any]:
    lags, matched = word_lags(words, utterances)
    unstable = sum(taken_back(displays)[0] for displays in utterances)
    shown = sum(len(displays[-1].words) for displays in utterances)
    return {
        "word lag p50 s": round(percentile(lags, 0.5), 2),
        "word lag p95 s": round(percentile(lags, 0.95), 2),
        "words matched %": round(100 * matched, 1),
        "unstable words taken back %": round(100 * unstable / max(shown, 1), 1),
        "WER %": captions.error_rate([stream], [text]),
        "core-seconds per s": round(cpu_s / stream.seconds, 3),
        "resident memory MB": round(memory_mb),
    }
