"""Which model listens, where it runs, and what its assistant does; metadata makes the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

EMBEDDED = "embedded"
"""The model that runs on any CPU."""
BIG = "audio-interaction"
"""The big model's entry in the catalogue."""
FOLDER = "folder"
"""A checkpoint in a folder of the user's own."""
MODELS = {EMBEDDED: "Small, embedded", BIG: "Audio-Interaction", FOLDER: "From a folder"}
DEVICES = {
    "auto": "The best there is",
    "cuda": "NVIDIA graphics card (CUDA)",
    "mps": "Apple graphics (Metal)",
    "cpu": "Processor",
}
PRECISIONS = {
    "auto": "As fits the memory",
    "bf16": "16 bit (bfloat16)",
    "int8": "8 bit",
    "int4": "4 bit",
    "float32": "32 bit",
}
POLICIES = {"queue": "Wait for the reply's end", "interleave": "Go in while it speaks"}
OFF = "off"
LEAST_TALKATIVE = -4.0
MOST_TALKATIVE = 4.0
"""As a difference of logits: at 4, what was as likely to be silent as not is spoken in 98 %."""


def _choice(default: str, title: str, help: str, choices: dict[str, str]) -> str:
    metadata = {
        "title": title,
        "help": help,
        "page": "Model",
        "choices": tuple(choices.items()),
        "needs_restart": True,
    }
    value: str = field(default=default, metadata=metadata)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """The user's choices for the model. A field without a page is changed in the main window."""

    model: str = _choice(
        EMBEDDED,
        "Model",
        "The small one writes captions on any computer. Audio-Interaction also answers, warns and"
        " translates into any language; it needs about 8 GB of graphics memory.",
        MODELS,
    )
    folder: str = field(
        default="",
        metadata={
            "title": "Folder of the model",
            "help": "A checkpoint as it was released or as 'everlisten models convert' writes it.",
            "page": "Model",
            "needs_restart": True,
        },
    )
    device: str = _choice("auto", "Runs on", "For the big model only.", DEVICES)
    precision: str = _choice(
        "auto", "Precision", "Fewer bits need less memory and are a little less exact.", PRECISIONS
    )
    policy: str = _choice(
        "queue",
        "What is heard during a reply",
        "The released model was trained to take it in after the reply.",
        POLICIES,
    )
    eager: bool = field(
        default=False,
        metadata={
            "title": "Start without compiling",
            "help": "The big model is ready sooner and then runs slower.",
            "page": "Model",
            "needs_restart": True,
        },
    )
    captions: bool = True
    """Whether the captions lane is on."""
    assistant: str = "warn"
    """What the assistant does: a preset's id, the user's own text, or off."""
    talkativeness: float = 0.0
    """Above 0 the assistant speaks more readily, below 0 more rarely."""
    own_instructions: str = "[]"
    """The user's own texts for the assistant, as a JSON list."""

    def __post_init__(self) -> None:
        for one in fields(self):
            choices = dict(one.metadata.get("choices", ()))
            value = getattr(self, one.name)
            if choices and value not in choices:
                raise ValueError(f"{one.name} = {value!r}: give one of {', '.join(choices)}")
        if not LEAST_TALKATIVE <= self.talkativeness <= MOST_TALKATIVE:
            raise ValueError(
                f"talkativeness = {self.talkativeness:g}: give a number from"
                f" {LEAST_TALKATIVE:g} to {MOST_TALKATIVE:g}"
            )
        read_texts(self.own_instructions)

    @property
    def chosen(self) -> str:
        """The model as the command line takes it: embedded, a catalogue id or a path."""
        return self.folder if self.model == FOLDER and self.folder else self.model


def read_texts(value: str) -> tuple[str, ...]:
    """The texts in a JSON list.

    Raises:
        ValueError: It is none.
    """
    try:
        texts = json.loads(value)
    except ValueError:
        texts = None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(
            f'own_instructions = {value!r}: give a JSON list of texts, as in ["Count the barks."]'
        )
    return tuple(texts)


def write_texts(texts: Sequence[str]) -> str:
    """The texts as `read_texts` reads them."""
    return json.dumps(list(texts), ensure_ascii=False)
