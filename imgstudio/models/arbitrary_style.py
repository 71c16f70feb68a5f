"""Style transfer in one pass for any style: a net whose instance norms take scale and shift from a style vector.

Of Ghiasi, Lee, Kudlur, Dumoulin and Shlens 2017 (arXiv:1705.06830), whose style vector a second net predicts from a picture;
conditional instance normalisation is of Dumoulin, Shlens and Kudlur 2017 (arXiv:1610.07629), where every style has its own row.
The layers are those of Magenta's published nets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .transformer_net import Moments, convolution, moments_of

LATENT = 100  # numbers of a style vector
_BOTTLENECKS = (  # of MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381): expansion, channels, repeats, first stride
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
_STEM, _HEAD = 32, 1280


def _same(x: Tensor, side: int, stride: int) -> Tensor:
    """Zeros around x as TensorFlow's "SAME" has them: with an even size and stride 2, none above and on the left."""
    if side == 1:
        return x
    missing = [max((-(-length // stride) - 1) * stride + side - length, 0) for length in x.shape[2:]]
    (top, bottom), (left, right) = ((m // 2, m - m // 2) for m in missing)
    return F.pad(x, (left, right, top, bottom))


class _Convolution(nn.Conv2d):
    """A convolution with TensorFlow's padding; batch norms are folded into its numbers."""

    def __init__(self, narrow: int, wide: int, side: int = 1, stride: int = 1, groups: int = 1):
        super().__init__(narrow, wide, side, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(_same(x, self.kernel_size[0], self.stride[0]))


class _Bottleneck(nn.Module):
    """Expand, convolve each channel alone, project; added to what came in where both have the same shape."""

    def __init__(self, narrow: int, wide: int, expansion: int, stride: int):
        super().__init__()
        hidden = narrow * expansion
        self.expand = _Convolution(narrow, hidden) if expansion > 1 else None
        self.depthwise = _Convolution(hidden, hidden, 3, stride, groups=hidden)
        self.project = _Convolution(hidden, wide)
        self.adds = narrow == wide and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.expand is None else F.relu6(self.expand(x))
        h = self.project(F.relu6(self.depthwise(h)))
        return x + h if self.adds else h


class StylePrediction(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1] -> style vectors [N, 100]. It learned from pictures of 256 x 256 px."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, _STEM, 3, 2)
        self.bottlenecks = nn.Sequential()
        narrow = _STEM
        for expansion, wide, repeats, first in _BOTTLENECKS:
            for i in range(repeats):
                self.bottlenecks.append(_Bottleneck(narrow, wide, expansion, first if i == 0 else 1))
                narrow = wide
        self.head = _Convolution(narrow, _HEAD)
        self.vector = nn.Linear(_HEAD, LATENT)

    def forward(self, x: Tensor) -> Tensor:
        h = self.bottlenecks(F.relu6(self.stem((x + 1) / 2)))
        return self.vector(F.relu6(self.head(h)).float().mean(dim=(2, 3)))


class ConditionalTransformer(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1] and one style vector [latent] -> the pictures in that style; any size from 8 x 8.

    widths: channels at full, half and a quarter of the resolution, where the residual `blocks` work.

    The layers that shrink have biases; all others have norms, whose scales and shifts are linear in the style vector. The right
    and lower border are reflected up to a multiple of 4, and cut off again.
    """

    stride = 4  # a tile that starts at a multiple of this lies on the grid of the whole picture

    def __init__(self, latent: int = LATENT, widths: Sequence[int] = (8, 16, 32), blocks: int = 5):
        super().__init__()
        full, half, quarter = widths
        shrinking = ((3, full, 9, 1), (full, half, 3, 2), (half, quarter, 3, 2))
        self.down = nn.ModuleList(convolution(*layer) for layer in shrinking)
        self.residual = nn.ModuleList(convolution(quarter, quarter, 3) for _ in range(2 * blocks))
        self.up = nn.ModuleList([convolution(quarter, half, 3), convolution(half, full, 3)])
        self.last = convolution(full, 3, 9)
        for layer in (*self.residual, *self.up, self.last):
            layer.register_parameter("bias", None)  # a norm follows, which takes any constant away
        self.channels = [*[quarter] * (2 * blocks), half, full, 3]  # of the norms, in their order
        self.affine = nn.Linear(latent, 2 * sum(self.channels))  # scales of all norms, then shifts

    @property
    def receptive_radius(self) -> int:
        """Half of the receptive field in pixels, when the moments are given: tiles need this margin; a multiple of `stride`."""
        down, residual, up = 4 + 1 + 2, 4 * len(self.residual), 4 + 2 + 4  # each layer's radius times the pixels of its step
        return -(-(down + residual + up + 8) // self.stride) * self.stride

    def forward(self, x: Tensor, vector: Tensor, moments: Sequence[Moments] | None = None) -> Tensor:
        """With `moments` (from `measure`) every norm uses those: tiles of one picture then agree with each other."""
        if moments is None:
            return self._run(x, vector, moments_of)
        given = iter(moments)
        return self._run(x, vector, lambda h: next(given))  # noqa: ARG005

    def measure(self, x: Tensor, vector: Tensor) -> list[Moments]:
        """The moments that each norm sees in x, in the order of use."""
        found: list[Moments] = []

        def note(h: Tensor) -> Moments:
            found.append(moments_of(h))
            return found[-1]

        self._run(x, vector, note)
        return found

    def _run(self, x: Tensor, vector: Tensor, moments_for: Callable[[Tensor], Moments]) -> Tensor:
        height, width = x.shape[2:]
        h = F.pad((x + 1) / 2, (0, -width % self.stride, 0, -height % self.stride), mode="reflect")
        scales, shifts = (part.split(self.channels) for part in self.affine(vector).float().chunk(2))
        affine = zip(scales, shifts)

        def normalised(h: Tensor) -> Tensor:
            (scale, shift), (mean, variance) = next(affine), moments_for(h)
            factor = scale[:, None, None] * torch.rsqrt(variance + 1e-5)  # N,C,1,1
            return torch.addcmul((shift[:, None, None] - mean * factor).to(h.dtype), h, factor.to(h.dtype))

        for layer in self.down:
            h = F.relu(layer(h))
        for first, second in zip(self.residual[::2], self.residual[1::2]):
            h = h + normalised(second(F.relu(normalised(first(h)))))
        for layer in self.up:
            h = F.relu(normalised(layer(F.interpolate(h, scale_factor=2))))
        drawn = normalised(self.last(h)).float()[:, :, :height, :width]
        return 2 * torch.sigmoid(drawn) - 1


class ArbitraryStyle(nn.Module):
    """Both nets: `predict` makes a style vector [100] of a picture, `transform` restyles pictures by one."""

    stride = ConditionalTransformer.stride
    style_side = 256  # pixels of a square that has as many as a style should have

    def __init__(self) -> None:
        super().__init__()
        self.predict = StylePrediction()
        self.transform = ConditionalTransformer()

    @property
    def receptive_radius(self) -> int:
        return self.transform.receptive_radius

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in the style of one picture [1, 3, h, w]."""
        return self.transform(content, self.predict(style)[0])
