"""What every training run shares: the folder it lives in, checkpoints, a log that plots, preview grids, EMA of weights."""

from __future__ import annotations

import copy
import csv
import logging
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

log = logging.getLogger(__name__)


class Run:
    """A folder with `checkpoint.pt`, `log.csv`, `log.png` and `preview-*.png`; and a clock that survives a resume.

    Ctrl-C or SIGTERM ends a run after the step at hand, with everything saved: `stopping` turns true.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.stopping = False
        self._earlier = 0.0
        self._started = time.monotonic()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    @property
    def minutes(self) -> float:
        return (self._earlier + time.monotonic() - self._started) / 60

    def save(self, state: dict) -> None:
        """Replaces the checkpoint; a crash in between leaves the previous one."""
        partial = self.folder / "checkpoint.part"
        torch.save({"seconds": self.minutes * 60, **state}, partial)
        os.replace(partial, self.folder / "checkpoint.pt")

    def load(self) -> dict | None:
        """The last checkpoint, or None for a new run."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return None
        state = torch.load(path, map_location="cpu", weights_only=True)
        self._earlier = state.pop("seconds")
        return state

    def record(self, images: int, figures: dict[str, float]) -> None:
        """Adds a row to log.csv and prints it. Figures that are new get a column, empty in the rows before."""
        row = {"images": images, "minutes": round(self.minutes, 2), **{k: round(v, 5) for k, v in figures.items()}}
        rows = [*self._rows(), row]
        columns = list(dict.fromkeys(name for each in rows for name in each))
        with (self.folder / "log.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)

    def _rows(self) -> list[dict[str, str]]:
        """What log.csv holds so far."""
        path = self.folder / "log.csv"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    def plot(self) -> None:
        """Draws log.csv to log.png, one panel a column. Needs matplotlib (`pip install imgstudio[train]`); skipped without."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            log.info("no matplotlib: log.csv is not plotted")
            return
        rows = self._rows()
        columns = [name for name in rows[0] if name not in ("images", "minutes")]
        figure = Figure(figsize=(8, 2.2 * len(columns)), layout="constrained")
        for axis, name in zip(figure.subplots(len(columns), squeeze=False)[:, 0], columns):
            axis.plot([int(r["images"]) for r in rows], [float(r[name] or "nan") for r in rows], linewidth=1)
            axis.set_title(name, loc="left", fontsize=9)
        figure.savefig(self.folder / "log.png", dpi=100)

    def preview(self, images: int, pictures: Tensor, columns: int = 8) -> None:
        """Saves a grid of pictures [N, 3, H, W] in [-1, 1]."""
        grid(pictures, columns).save(self.folder / f"preview-{images:08d}.png")


def grid(pictures: Tensor, columns: int = 8) -> Image.Image:
    """[N, 3, H, W] in [-1, 1] -> one picture, `columns` wide; an incomplete last row stays black."""
    n, c, h, w = pictures.shape
    rows = -(-n // columns)
    sheet = torch.zeros(rows * columns, c, h, w, dtype=torch.uint8)
    sheet[:n] = pictures.detach().float().cpu().clamp(-1, 1).add(1).mul(127.5).round().byte()
    sheet = sheet.reshape(rows, columns, c, h, w).permute(0, 3, 1, 4, 2).reshape(rows * h, columns * w, c)
    return Image.fromarray(sheet.numpy())


def schedule(progress: float) -> float:
    """Learning rate factor: linear rise over the first 2 %, then a cosine to 2 %."""
    return min(1.0, progress / 0.02 + 0.02) * (0.51 + 0.49 * math.cos(math.pi * min(progress, 1.0)))


class EMA:
    """Exponential moving average (EMA) of a net's weights; buffers such as batch statistics are copied as they are.

    `horizon` is the number of steps over which old weights fade; the average catches up quickly while the run is young.
    """

    def __init__(self, net: nn.Module, horizon: int):
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.horizon, self.steps = horizon, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.steps += 1
        keep = min(1 - 1 / self.horizon, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.net.parameters()), list(net.parameters()), 1 - keep)
        for ours, theirs in zip(self.net.buffers(), net.buffers()):
            ours.copy_(theirs)

    def state(self) -> dict:
        return {"net": self.net.state_dict(), "steps": self.steps}

    def restore(self, state: dict) -> None:
        self.net.load_state_dict(state["net"])
        self.steps = state["steps"]


@torch.no_grad()
def settle_batch_norm(net: nn.Module, forward: Callable[[], object], *, passes: int = 100) -> None:
    """Measures batch-norm statistics anew for averaged weights, as the plain mean over `passes` batches.

    The statistics of the training net belong to other weights; keeping them makes averaged generators wash out.
    """
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean
    net.train()
    for _ in range(passes):
        forward()
    net.eval()


class Resumable:
    """What a training of one net keeps in a checkpoint, and takes up again."""

    net: nn.Module
    ema: EMA
    optimiser: torch.optim.Optimizer
    images: int

    def state(self) -> dict:
        return {
            "net": self.net.state_dict(),
            "ema": self.ema.state(),
            "optimiser": self.optimiser.state_dict(),
            "images": self.images,
        }

    def restore(self, state: dict) -> None:
        self.net.load_state_dict(state["net"])
        self.ema.restore(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.images = state["images"]
