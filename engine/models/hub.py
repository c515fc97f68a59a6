"""Download of a model from the Hugging Face Hub, resumed where it stopped.

`huggingface_hub` is imported only here and only when the user asks: it opens the network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models.entries import HubSource, ModelEntry

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) of the whole model."""


def download(
    entry: ModelEntry,
    source: HubSource,
    folder: Path,
    progress: Progress | None,
    endpoint: str | None = None,
) -> None:
    """Bring every file of a model into `folder`; what is there already is not fetched again.

    Raises:
        ModelLoadError: The Hub cannot be reached or refuses.
    """
    from huggingface_hub import hf_hub_download

    done = 0
    for file in entry.files:
        tally = _tally_class(progress, done, entry.size)
        try:
            hf_hub_download(
                source.repo,
                file.name,
                revision=source.revision,
                local_dir=folder,
                endpoint=endpoint,
                tqdm_class=tally,
            )
        # Which HTTP library raises, and what, differs between releases of huggingface_hub.
        except Exception as error:
            raise ModelLoadError(
                f"{file.name} of model {entry.id} could not be fetched from {source.repo}: "
                f"{_reason(error)}; check the network connection and run "
                f"'everlisten models fetch {entry.id}' again, it goes on where it stopped"
            ) from error
        done += file.size
        if progress is not None:
            progress(done, entry.size)


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _tally_class(progress: Progress | None, done: int, total: int) -> type[Any]:
    """A silent progress bar that tells `progress` instead of a terminal."""
    from tqdm import tqdm

    class Tally(tqdm):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            self.counted = int(options.get("initial") or 0)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self.counted += int(n or 0)
            if progress is not None:
                progress(min(done + self.counted, total), total)
            return None

    return Tally
