"""From what the user chose to a loaded model."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everlisten.app.config import ConfigError
from everlisten.app.engine_config import BIG, DEVICES, EMBEDDED, FOLDER, PRECISIONS, EngineConfig
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.interaction import InteractionModel
from everlisten.engine.models.catalogue import ModelCatalogue

_NO_TORCH = (
    "The big model needs PyTorch, which is not installed: run pip install 'everlisten[model]'."
)
Progress = Callable[[str], None]
"""Takes one short sentence about how far the loading is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which model, and how it runs. `model` is embedded, a catalogue id, or a folder's path."""

    model: str = EMBEDDED
    device: str = "auto"
    precision: str = "auto"
    eager: bool = False
    policy: str = "queue"

    @classmethod
    def of(cls, config: EngineConfig) -> ModelChoice:
        """What the settings say."""
        return cls(
            model=config.chosen,
            device=config.device,
            precision=config.precision,
            eager=config.eager,
            policy=config.policy,
        )

    @property
    def is_big(self) -> bool:
        """Whether it is more than the embedded model."""
        return self.model != EMBEDDED

    def check(self) -> None:
        """Refuse a name that is neither a model nor a folder, before anything is loaded.

        Raises:
            ConfigError: The sentence says what is known.
        """
        if self.model == FOLDER:
            raise ConfigError(
                "The model is to come from a folder, but none is named: choose the folder in the"
                " settings under Model."
            )
        if self.model not in (EMBEDDED, BIG) and not Path(self.model).is_dir():
            raise ConfigError(
                f"Unknown model {self.model!r}; give {EMBEDDED}, {BIG} or the folder of a"
                " checkpoint."
            )
        for name, value, known in (
            ("device", self.device, DEVICES),
            ("precision", self.precision, PRECISIONS),
        ):
            if value not in known:
                raise ConfigError(f"Unknown {name} {value!r}; give one of {', '.join(known)}.")

    def folder(self, catalogue: ModelCatalogue) -> Path:
        """Where the big model's files are.

        Raises:
            ModelLoadError: They are not there.
        """
        if self.model == BIG:
            return catalogue.ensure(BIG)
        return Path(self.model)


def load_big_model(
    choice: ModelChoice,
    catalogue: ModelCatalogue,
    tell: Progress,
    stop: threading.Event,
    policy: UrgentReplyPolicy | None = None,
) -> InteractionModel[Any]:
    """Load the big model; takes seconds to minutes.

    Args:
        choice: Which one, and how it runs.
        catalogue: Knows where the models are.
        tell: Takes sentences about how far it is.
        stop: Set: the loading gives up as soon as it can.
        policy: Which urgent replies are told; None leaves it to the shipped catalogue.

    Raises:
        ModelLoadError: PyTorch or a file is missing, or the memory is too small.
    """
    need_torch()
    folder = choice.folder(catalogue)
    tell("The big model is being loaded.")
    # Only now: torch takes seconds to import, and captions never need it.
    from everlisten.engine.laim.config import LaimConfig, Policy
    from everlisten.engine.laim.model import AudioInteractionModel

    model: InteractionModel[Any] = AudioInteractionModel(
        folder,
        device=choice.device,
        precision=choice.precision,
        eager=choice.eager,
        config=LaimConfig(policy=Policy(choice.policy)),
        tell=tell,
        stop=stop,
        policy=policy,
    )
    return model


def need_torch() -> None:
    """Say how to install PyTorch if it is missing.

    Raises:
        ModelLoadError: It is.
    """
    if importlib.util.find_spec("torch") is None:
        raise ModelLoadError(_NO_TORCH)
