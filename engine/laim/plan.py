"""The rows that a lane wants in its next forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from everlisten.engine.laim.context import Context, joined
from everlisten.engine.laim.outcomes import Heard
from everlisten.engine.laim.step import RowBlock
from everlisten.engine.laim.tokens import CHUNK_ROWS, CHUNK_TOKENS, KEEP_SILENCE, TURN_ROWS


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows for the next pass, and the waiting chunks among them."""

    block: RowBlock
    heard: tuple[Heard, ...] = ()


def of_rows(context: Context, max_rows: int) -> Plan:
    """Pending rows after which nothing is asked."""
    begin = context.position
    tokens, sound = context.between(begin, min(begin + max_rows, context.rows))
    return Plan(RowBlock(slot=context.slot, position=begin, tokens=tokens, features=joined(sound)))


def of_reply(context: Context, *, text: bool, temperature: float) -> Plan:
    """The pending rows, the last of which is a reply's newest token.

    Args:
        context: Of the lane.
        text: Whether a text token is wanted, not an emotion.
        temperature: Of the text token.
    """
    tokens, sound = context.between(context.position, context.rows)
    return Plan(
        RowBlock(
            slot=context.slot,
            position=context.position,
            tokens=tokens,
            features=joined(sound),
            read=(len(tokens) - 1,),
            temperature=temperature,
            text=text,
        )
    )


def of_chunks(context: Context, heard: Sequence[Heard]) -> Plan:
    """The pending rows and waiting chunks, each but the last with KEEP_SILENCE behind it."""
    tokens, sound = context.between(context.position, context.rows)
    first = len(tokens) + CHUNK_ROWS - 1
    for one in heard:
        tokens += (*CHUNK_TOKENS, KEEP_SILENCE)
        sound.append(one.features)
    tokens.pop()
    block = RowBlock(
        slot=context.slot,
        position=context.position,
        tokens=tokens,
        features=joined(sound),
        read=tuple(first + TURN_ROWS * index for index in range(len(heard))),
        text=False,
    )
    return Plan(block, tuple(heard))


def of_ride(context: Context, heard: Heard, *, temperature: float) -> Plan:
    """A chunk with KEEP_SILENCE, then the one pending row: a reply's newest token."""
    tokens = (*CHUNK_TOKENS, KEEP_SILENCE, context.turns[-1].tail[-1])
    block = RowBlock(
        slot=context.slot,
        position=context.position,
        tokens=tokens,
        features=heard.features,
        read=(CHUNK_ROWS - 1, len(tokens) - 1),
        temperature=temperature,
    )
    return Plan(block, (heard,))
