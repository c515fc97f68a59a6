"""Tables of the engine's benchmark: written as JSON when a suite is done, printed as Markdown."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Row = dict[str, object]
"""Column to cell."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the same columns, and what has to be known to read them."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """As in docs/benchmarks.md."""
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        lines = [f"### {self.title}", ""]
        if columns:
            lines += [_line(columns), _line(["---"] * len(columns))]
            lines += [
                _line([_cell(row.get(column, "")) for column in columns]) for row in self.rows
            ]
            lines.append("")
        return "\n".join([*lines, *self.notes]) + "\n"


def write_tables(path: Path, tables: Sequence[Table]) -> None:
    """Write whole or not at all, so that a broken run is not taken for a finished suite."""
    partial = path.with_suffix(".partial")
    text = json.dumps([asdict(table) for table in tables], indent=1)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def read_tables(path: Path) -> list[Table]:
    """What `write_tables` wrote."""
    read = json.loads(path.read_text(encoding="utf-8"))
    return [Table(each["title"], tuple(each["rows"]), tuple(each["notes"])) for each in read]


def machine(device: str) -> str:
    """What ran where, in one sentence."""
    import torch

    if device.startswith("cuda"):
        name = torch.cuda.get_device_name(device)
        where = f"{name}, CUDA {torch.version.cuda}"
    else:
        where = f"{platform.machine()} {device}, {torch.get_num_threads()} threads"
    return f"{where}; PyTorch {torch.__version__}, Python {platform.python_version()}."


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
