"""VGG feature extractor (Simonyan and Zisserman 2014, arXiv:1409.1556), the perceptual network of style transfer.

The layers are numbered as in torchvision (`features.0`, `features.2`, ...) and named as in the literature (relu1_1, ...).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VGG16, VGG19 = (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)  # convolutions in each of the five blocks

_POOLING = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def layer_names(convolutions: Sequence[int]) -> tuple[str, ...]:
    """Names of the layers of all blocks, from the picture on."""
    return tuple(f"relu{block}_{i}" for block, count in enumerate(convolutions, 1) for i in range(1, count + 1))


LAYERS = layer_names(VGG19)


class VGG(nn.Module):
    """The convolutions of VGG-19, or of another of that family, down to the layer `deepest`, with `widths` channels in the five
    blocks.

    Pictures [N, 3, H, W] in [-1, 1] -> activations by layer name; block b has ceil(H / 2^(b-1)) or one less rows.
    Average pooling instead of the classifier's maximum lets gradients reach every pixel (Gatys et al. 2016); borders are
    reflected, because zeros outside would be seen as an edge and painted as one.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (64, 128, 256, 512, 512),
        deepest: str = "relu5_1",
        pooling: str = "average",
        convolutions: tuple[int, ...] = VGG19,
    ):
        super().__init__()
        names = layer_names(convolutions)
        if deepest not in names:
            raise ValueError(f"deepest is one of {', '.join(names)}; got {deepest!r}")
        self.deepest = deepest
        self.features = nn.Sequential()
        self._names: dict[int, str] = {}  # position of a ReLU in `features` -> its name
        self.widths: dict[str, int] = {}  # channels by layer name
        narrow = 3
        for name in names[: names.index(deepest) + 1]:
            block = int(name[4])
            if name.endswith("_1") and block > 1:
                self.features.append(_POOLING[pooling](2))
            self.features.append(nn.Conv2d(narrow, widths[block - 1], 3, padding=1, padding_mode="reflect"))
            self.features.append(nn.ReLU())
            self._names[len(self.features) - 1] = name
            narrow = self.widths[name] = widths[block - 1]
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that can be asked for."""
        return tuple(self._names.values())

    @property
    def smallest(self) -> int:
        """Fewest pixels a side that reach the deepest layer: reflection needs two positions there."""
        return 2 * 2 ** (int(self.deepest[4]) - 1)

    def forward(self, x: Tensor, layers: Iterable[str] | None = None, circular_padding: bool = False) -> dict[str, Tensor]:
        """Activations of `layers` (None: all). Nothing deeper than the last of them is computed.

        circular_padding: the picture goes on at its opposite side, as copies of it do that tile a plane. Exact down to block b
        where both sides are multiples of 2^(b-1).
        """
        wanted = set(self.layers if layers is None else layers)
        if unknown := wanted - set(self.layers):
            raise ValueError(f"there is no layer {', '.join(sorted(unknown))}; choose from {', '.join(self.layers)}")
        h, found = ((x + 1) / 2 - self.mean) / self.std, {}
        for i, layer in enumerate(self.features):
            h = _circular_convolution(layer, h) if circular_padding and isinstance(layer, nn.Conv2d) else layer(h)
            if self._names.get(i) in wanted:
                found[self._names[i]] = h
                if len(found) == len(wanted):
                    break
        return found


def _circular_convolution(layer: nn.Conv2d, h: Tensor) -> Tensor:
    """A 3 x 3 convolution on a picture whose sides meet."""
    return F.conv2d(F.pad(h, (1, 1, 1, 1), mode="circular"), layer.weight, layer.bias)
