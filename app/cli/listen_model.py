"""What `everlisten listen` makes of its options about the model, its lanes and its assistant."""

from __future__ import annotations

import argparse

from everlisten.app.assistance import LONGEST_TEXT
from everlisten.app.config import AppConfig, ConfigError
from everlisten.app.engine_config import (
    DEVICES,
    LEAST_TALKATIVE,
    MOST_TALKATIVE,
    OFF,
    POLICIES,
    PRECISIONS,
)
from everlisten.app.languages import parse_language, parse_target
from everlisten.app.model_choice import ModelChoice
from everlisten.engine.interaction import Instruction
from everlisten.engine.presets import DEFAULT_PRESET, shipped_presets

LANES = ("captions", "translation", "assistant")
_BIG_ONLY = ("device", "precision", "eager", "policy", "preset", "instruction", "talkativeness")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of the model."""
    big = parser.add_argument_group("the model")
    big.add_argument(
        "--model",
        metavar="MODEL",
        help="embedded, audio-interaction, or the folder of a checkpoint (default: embedded)",
    )
    big.add_argument("--device", choices=tuple(DEVICES), help="where the big model runs")
    big.add_argument("--precision", choices=tuple(PRECISIONS), help="of the big model's weights")
    big.add_argument("--eager", action="store_true", help="do not compile the big model")
    big.add_argument(
        "--policy", choices=tuple(POLICIES), help="where sound goes that is heard during a reply"
    )
    big.add_argument("--lanes", metavar="LIST", help=f"some of {','.join(LANES)}, with commas")
    told = big.add_mutually_exclusive_group()
    told.add_argument("--preset", choices=tuple(shipped_presets()), help="what the assistant does")
    told.add_argument("--instruction", metavar="TEXT", help="the same in your own words")
    big.add_argument(
        "--talkativeness",
        type=float,
        metavar="X",
        help=f"from {LEAST_TALKATIVE:g} (rarely) to {MOST_TALKATIVE:g} (readily)",
    )


def choice_of(args: argparse.Namespace, config: AppConfig) -> ModelChoice:
    """The model to listen with.

    Raises:
        ConfigError: It is unknown, or an option needs the big model.
    """
    kept = config.engine
    choice = ModelChoice(
        model=args.model or ModelChoice().model,
        device=args.device or kept.device,
        precision=args.precision or kept.precision,
        eager=args.eager or kept.eager,
        policy=args.policy or kept.policy,
    )
    choice.check()
    values = {name: getattr(args, name) for name in _BIG_ONLY}
    given = [name for name, value in values.items() if value is not None and value is not False]
    if given and not choice.is_big:
        raise ConfigError(f"--{given[0]} is for the big model; choose it with --model.")
    return choice


def instruction_of(args: argparse.Namespace, config: AppConfig, choice: ModelChoice) -> Instruction:
    """What the model is to do.

    Raises:
        ConfigError: Options contradict each other, or need the big model.
    """
    language = config.listen.language if args.language is None else args.language
    # What was set for the window may need a model that is not in use here: then it is left out.
    target = parse_target(config.listen.translate_to)
    if not choice.is_big and target != "en":
        target = None
    if args.translate is not None:
        target = parse_target(args.translate, any_language=choice.is_big)
    assistant = _assistant(args, config) if choice.is_big else None
    captions = config.engine.captions or not choice.is_big
    if args.lanes is not None:
        lanes = _lanes(args.lanes, choice)
        captions = "captions" in lanes
        target = _translated(target, "translation" in lanes, args.translate)
        assistant = _assisting(assistant, "assistant" in lanes, args)
    return Instruction(
        language=parse_language(language),
        translate_to=target,
        captions=captions,
        assistant=assistant,
        talkativeness=_talkativeness(args, config) if choice.is_big else 0.0,
    )


def _assistant(args: argparse.Namespace, config: AppConfig) -> str | None:
    asked: str | None = args.preset
    if args.instruction is not None:
        asked = " ".join(args.instruction.split())
        if not asked:
            raise ConfigError("--instruction is empty; say what the assistant is to do.")
        if len(asked) > LONGEST_TEXT:
            raise ConfigError(
                f"--instruction has {len(asked)} letters; shorten it to {LONGEST_TEXT}."
            )
    kept = None if config.engine.assistant == OFF else config.engine.assistant
    return asked or kept


def _assisting(assistant: str | None, wanted: bool, args: argparse.Namespace) -> str | None:
    for name in ("preset", "instruction", "talkativeness"):
        if not wanted and getattr(args, name) is not None:
            raise ConfigError(f"--{name} is for the assistant, but --lanes leaves it out.")
    return (assistant or DEFAULT_PRESET) if wanted else None


def _lanes(value: str, choice: ModelChoice) -> set[str]:
    lanes = {name.strip() for name in value.split(",") if name.strip()}
    if not lanes or lanes - set(LANES):
        raise ConfigError(f"--lanes is {value!r}; give some of {', '.join(LANES)}, with commas.")
    if "assistant" in lanes and not choice.is_big:
        raise ConfigError("The assistant lane needs the big model; choose it with --model.")
    return lanes


def _translated(target: str | None, wanted: bool, asked: str | None) -> str | None:
    if wanted and target is None:
        raise ConfigError("--lanes names translation, but no language; add --translate LANGUAGE.")
    if not wanted and asked is not None and target is not None:
        raise ConfigError("--translate asks for a translation, but --lanes leaves it out.")
    return target if wanted else None


def _talkativeness(args: argparse.Namespace, config: AppConfig) -> float:
    value: float | None = args.talkativeness
    if value is None:
        return config.engine.talkativeness
    if not LEAST_TALKATIVE <= value <= MOST_TALKATIVE:
        raise ConfigError(
            f"--talkativeness is {value:g}; give a number from {LEAST_TALKATIVE:g} to"
            f" {MOST_TALKATIVE:g}."
        )
    return value
