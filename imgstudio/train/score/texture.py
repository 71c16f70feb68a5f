"""Scores of segmenters on mosaics of textures that training never saw, beside the simple ways to do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from skimage.color import rgb2lab
from skimage.filters import gaussian
from skimage.segmentation import felzenszwalb
from torch import Tensor, nn

from ... import device as devices
from ...metrics.segmentation import adjusted_rand, mean_iou
from ...models.embedding import on_sphere
from ...models.gabor import Gabor
from ...ops.texture import clustering
from ...ops.texture import segmentation as ops

Exam: TypeAlias = tuple[Tensor, Tensor]  # mosaics [N, 3, S, S] in [-1, 1] and their truth [N, S, S]
Answer: TypeAlias = Callable[[Tensor, "int | None"], np.ndarray]  # picture [1, 3, S, S], number of regions -> labels [S, S]


def by_clustering(net: Callable[[Tensor], Tensor]) -> Answer:
    """How the studio makes regions of what a net finds."""

    @torch.no_grad()
    def answer(x: Tensor, count: int | None) -> np.ndarray:
        with devices.autocast(x.device, training=True):
            features = net(x)[0].float()
        return ops.partition(features, x[0], count)

    return answer


def by_colour(x: Tensor, count: int | None) -> np.ndarray:
    """k-means on smoothed Lab colours, lifted to the sphere; it can't choose a number."""
    lab = rgb2lab(gaussian((x[0].permute(1, 2, 0).numpy() + 1) / 2, 2, channel_axis=2))
    colour = on_sphere(torch.from_numpy(lab).float().permute(2, 0, 1)[None] - torch.tensor([50.0, 0, 0])[:, None, None])[0]
    points = colour.flatten(1).T.contiguous()
    return (points @ clustering.kmeans(points, count).T).argmax(dim=1).reshape(x.shape[2:]).numpy()


def by_felzenszwalb(x: Tensor, count: int | None) -> np.ndarray:  # noqa: ARG001
    """Graph-based segmentation (Felzenszwalb and Huttenlocher 2004) by scikit-image, which chooses the number by its scale."""
    return felzenszwalb((x[0].permute(1, 2, 0).numpy() + 1) / 2, scale=800, sigma=1.0, min_size=300)


def mark(answer: Answer, exam: Exam, *, told: bool) -> dict[str, float]:
    """Mean IoU and adjusted Rand index over an exam; `told` gives the number of regions away."""
    marks = []
    for x, truth in zip(*exam):
        found = answer(x[None], int(truth.max()) + 1 if told else None)
        marks.append((mean_iou(found, truth.numpy()), adjusted_rand(found, truth.numpy())))
    iou, rand = np.mean(marks, axis=0)
    return {"mean IoU": float(iou), "adjusted Rand index": float(rand)}


def score_segmenter(net: nn.Module, name: str, exams: dict[str, Exam]) -> dict[str, dict[str, float]]:
    """A net beside colour, Gabor filters and Felzenszwalb, for each exam, with the number of regions given and not."""
    net = net.cpu().eval()
    gabor = Gabor()
    answers: dict[str, Answer] = {
        name: by_clustering(net),
        "Gabor filters": by_clustering(gabor),
        "colour k-means": by_colour,
        "Felzenszwalb": by_felzenszwalb,
    }
    rows: dict[str, dict[str, float]] = {}
    for title, answer in answers.items():
        rows[title] = {}
        for kind, exam in exams.items():
            for told in (True, False) if title in (name, "Gabor filters") else ((title == "colour k-means"),):
                words = "number given" if told else "number chosen"
                rows[title] |= {f"{what}, {kind}, {words}": value for what, value in mark(answer, exam, told=told).items()}
    return rows
