"""What a running model is made of, loaded from a checkpoint's folder."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim import tokens
from everlisten.engine.laim.checkpoint import load_checkpoint, read_summary
from everlisten.engine.laim.config import LaimConfig
from everlisten.engine.laim.perception import Perception
from everlisten.engine.laim.precision import ParameterCounts, choose_precision, find_device
from everlisten.engine.laim.step import LmStep, StepMode
from everlisten.engine.laim.text import TOKENIZER_FILE, TextTokenizer
from everlisten.engine.laim.tower import TowerStep, tower_weights
from everlisten.engine.laim.warm_up import Tell, WarmUpPlan, warm_up
from everlisten.engine.laim.weights import LanguageModelWeights

logger = logging.getLogger(__name__)

SYSTEM_FILE = "system_prompt.txt"
SYSTEM_TEXT = (
    "You are a helpful assistant. When there is no user text, if the audio contains a question,"
    " please answer it. If it is a sound effect, determine based on the sound whether help is"
    " needed."
)
"""As in the released code (infer_online.py, 3095139). A file `system_prompt.txt` in the
checkpoint's folder replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaimParts:
    """Weights on their device, and what goes with them.

    Attributes:
        weights: The language model's.
        perception: Log-mel stream and audio tower.
        tokenizer: Of the text.
        prefix: Token ids before the first chunk.
        mode: How passes are run.
        precision_reason: Why this precision, in one sentence for the user.
    """

    weights: LanguageModelWeights
    perception: Perception
    tokenizer: TextTokenizer
    prefix: tuple[int, ...]
    mode: StepMode
    precision_reason: str

    def new_step(self, config: LaimConfig, lanes: int) -> LmStep:
        """A language-model step with an empty cache for so many lanes."""
        step = LmStep(
            self.weights,
            slots=slots_for(lanes),
            positions=config.window,
            lanes=lanes,
            mode=self.mode,
        )
        step.prepare()
        return step


def slots_for(lanes: int) -> int:
    """Two for every lane, the second for forgetting; one for the assistant's branch."""
    return 2 * lanes + 1


def load_parts(
    folder: Path,
    *,
    device: str,
    precision: str,
    eager: bool,
    config: LaimConfig,
    lanes: int,
    tell: Tell | None = None,
    stop: threading.Event | None = None,
) -> LaimParts:
    """Load a checkpoint of either layout.

    Args:
        folder: Of the checkpoint.
        device: "auto" or torch's name.
        precision: "auto" or one of `PRECISIONS`.
        eager: Neither compile nor capture.
        config: Says how large the cache is.
        lanes: So does this.
        tell: Takes sentences about how far the first compilation is; None compiles in this process.
        stop: Set: the loading is given up.

    Raises:
        ModelLoadError: A file is missing or damaged, or it does not fit.
    """
    summary = read_summary(folder)
    if summary.tokenizer_file is None:
        raise ModelLoadError(f"{folder / TOKENIZER_FILE} is missing; fetch the checkpoint again")
    tokenizer = TextTokenizer.load(summary.tokenizer_file)
    prefix = tokens.prefix(_system_text(folder, tokenizer, config))
    place = find_device(device)
    choice = choose_precision(
        ParameterCounts.of(summary.size, summary.tower_size),
        place,
        asked=precision,
        stored=summary.stored,
        slots=slots_for(lanes),
        positions=config.window,
    )
    logger.info("%s: %s", folder.name, choice.reason)
    mode: StepMode = "captured" if place.name.startswith("cuda") and not eager else "eager"
    if mode == "captured" and tell is not None:
        plan = WarmUpPlan(
            size=summary.size,
            tower_size=summary.tower_size,
            precision=choice.precision,
            device=place.name,
            lanes=lanes,
            slots=slots_for(lanes),
            positions=config.window,
        )
        warm_up(plan, tell, stop or threading.Event())
    if stop is not None and stop.is_set():
        raise ModelLoadError("The loading was given up; start it again to have the model.")
    loaded = load_checkpoint(folder, device=place.name, precision=choice.precision)
    tower = TowerStep(
        tower_weights(
            loaded.tower_state,
            loaded.tower_size,
            device=place.name,
            dtype=loaded.weights.embedding.dtype,
        ),
        mode,
    )
    tower.prepare()
    return LaimParts(
        weights=loaded.weights,
        perception=Perception(tower),
        tokenizer=tokenizer,
        prefix=prefix,
        mode=mode,
        precision_reason=choice.reason,
    )


def _system_text(folder: Path, tokenizer: TextTokenizer, config: LaimConfig) -> list[int]:
    path = folder / SYSTEM_FILE
    try:
        text = path.read_text("utf-8").strip() if path.is_file() else SYSTEM_TEXT
    except (OSError, UnicodeDecodeError) as error:
        raise ModelLoadError(f"{path} cannot be read ({error}); give it as UTF-8 text") from error
    ids = tokenizer.encode(text)
    if len(ids) > config.max_system_tokens:
        raise ModelLoadError(
            f"{path} has {len(ids)} tokens; shorten it to {config.max_system_tokens}"
        )
    return ids
