"""Before PyTorch is imported: its compiler starts nothing that outlives a test."""

from __future__ import annotations

import os

from tqdm import tqdm

os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
# The compiler shows a bar now and then, whose monitor is a thread that never ends.
tqdm.monitor_interval = 0
