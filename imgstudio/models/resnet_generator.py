"""The generator of CycleGAN (Zhu et al. 2017, arXiv:1703.10593): convolutions down to a quarter, residual blocks, and up again.

Its parameters are named as in the two public layouts, so that their files load as they are: junyanz/pytorch-CycleGAN-and-pix2pix
(transposed convolutions, `conv_block`) and the one of the Hub's huggan organisation (enlarge and convolve, `block`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dcgan import binomial_blur

INSIDE = 0.98  # with `skip`, pure black and white are drawn in by this factor, so that there is a way to change them
MARGIN = 16  # pixels of reflection around a picture with `antialias`, cut off again: the zeros at borders would show as lines
OUTPUT_GAIN = 0.25  # of the last layer's first weights with `skip`: a generator begins near the picture itself

Moments = tuple[Tensor, Tensor]  # mean and variance over positions, [N, C] each, float32


def moments_of(h: Tensor) -> Moments:
    """Mean and variance of each channel of [N, C, H, W] over positions, in float32."""
    variance, mean = torch.var_mean(h.float(), dim=(2, 3), correction=0)
    return mean, variance


def instance_norm(h: Tensor, moments: Moments | None = None) -> Tensor:
    """Each channel of each picture [N, C, H, W] brought to mean 0 and variance 1, by its own moments or by given ones.

    Done as batch norm of one picture at a time: on a CPU that is the only one of PyTorch's norms that is fast in bfloat16 with
    the channels last, forwards and backwards, and it sums in float32.
    """
    if moments is None and h.is_cuda:
        return F.instance_norm(h)
    if moments is None:
        parts = [F.batch_norm(part, None, None, training=True) for part in h.split(1)]
    else:
        parts = [F.batch_norm(part, mean, variance) for part, mean, variance in zip(h.split(1), *moments)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class Reflect(nn.Module):
    """Mirrors [N, C, H, W] by `width` at every border. Outside of autocast, which would take this to float32 and back."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, h: Tensor) -> Tensor:
        with torch.autocast(h.device.type, enabled=False):
            return F.pad(h, (self.width,) * 4, mode="reflect")


class UpsampleConv(nn.Conv2d):
    """Doubles the sides by repeating pixels and convolves, [N, C, H, W] -> [N, D, 2H, 2W].

    Computed as the transposed convolution that comes to the same: half the work, and no enlarged copy in memory.
    """

    def __init__(self, narrow: int, wide: int):
        super().__init__(narrow, wide, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        w = F.pad(self.weight, (1, 1, 1, 1))  # D,C,5,5
        w = w[:, :, 1:, 1:] + w[:, :, :-1, 1:] + w[:, :, 1:, :-1] + w[:, :, :-1, :-1]  # D,C,4,4
        return F.conv_transpose2d(h, w.flip(2, 3).transpose(0, 1), self.bias, stride=2, padding=1)


class InstanceNorm(nn.Module):
    """Instance normalisation without parameters (Ulyanov et al. 2016, arXiv:1607.08022)."""

    def forward(self, h: Tensor, moments: Moments | None = None) -> Tensor:
        return instance_norm(h, moments)


class Residual(nn.Module):
    """Two convolutions whose result is added to what comes in. `name` is what the layout calls them."""

    def __init__(self, channels: int, name: str, norm: Callable[[], nn.Module]):
        super().__init__()
        first = [Reflect(1), nn.Conv2d(channels, channels, 3), norm(), nn.ReLU(inplace=True)]
        second = [Reflect(1), nn.Conv2d(channels, channels, 3), norm()]
        self.add_module(name, nn.Sequential(*first, *second))

    @property
    def layers(self) -> nn.Sequential:
        return next(self.children())


class ResnetGenerator(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1] -> translated pictures of the same size in [-1, 1]; any size from 8 x 8.

    channels: at full resolution, twice and four times as many at half and at a quarter, where the residual `blocks` work.
    upsample: "resize" enlarges and then convolves, which leaves no checkerboard (Odena et al. 2016); "transposed" convolves
              backwards, as the paper does.
    skip:     a global skip connection: adds what the last layer draws to the picture itself. The net then begins by leaving
              everything as it is, and learns in a fraction of the time; the paper's begins with noise.
    antialias: what the last layer draws passes a 3 x 3 binomial filter against checkerboard artefacts; and outside of training a
              margin keeps the borders clean.
    noise_std: standard deviation of the noise that is to be added to a picture before the net sees it
              (`ops.translation.prepared`). A net without any can fill a plain sky only with a pattern that repeats.
    per_channel_noise: another noise plane for each colour, from which a net can draw strokes that differ in lightness and hue.
    lic_length: length in pixels of the line integral convolution (LIC) by which that noise is to be smoothed along the structure
              of the picture (`ops.translation.prepared`); 0 for white noise. It shows the net where strokes run.
    norm:     "instance" as in the paper; or "none", which suits a net that draws small things only: instance norm lifts the next
              to nothing that there is in a plain sky to the strength of everything else, and the sky gets specks.
    unet_skips: skip connections from the encoder's features to the decoder's at the same size, added (Ronneberger et al. 2015,
              arXiv:1505.04597): fine strokes need not pass through a quarter of the resolution.
    input_size: short side in pixels to which the caller has to resize a picture; 0 for any. A net trained on whole flowers
              takes a petal of a large one for a wall.

    The right and lower border are reflected up to a multiple of 4, and cut off again.
    """

    stride = multiple = 4  # a tile that starts at a multiple of this lies on the grid of the whole picture
    smallest = 8

    def __init__(
        self,
        channels: int = 32,
        blocks: int = 6,
        upsample: str = "resize",
        skip: bool = False,
        antialias: bool = False,
        noise_std: float = 0.0,
        per_channel_noise: bool = False,
        lic_length: float = 0.0,
        norm: str = "instance",
        unet_skips: bool = False,
        input_size: int = 0,
    ):
        super().__init__()
        if upsample not in BLOCK_NAMES:
            raise ValueError(f"upsample is one of {', '.join(BLOCK_NAMES)}, got {upsample!r}")
        if norm not in NORMS:
            raise ValueError(f"norm is one of {', '.join(NORMS)}, got {norm!r}")
        self.channels, self.blocks = channels, blocks
        self.skip, self.antialias, self.unet_skips = skip, antialias, unet_skips
        self.noise_std, self.per_channel_noise = noise_std, per_channel_noise
        self.lic_length, self.input_size = lic_length, input_size
        self.model = nn.Sequential(*_layers(channels, blocks, upsample, NORMS[norm]))
        self.apply(_init_normal if norm == "instance" else _init_variance)
        if skip:
            nn.init.normal_(self.model[-1].weight, 0.0, 0.02 * OUTPUT_GAIN)

        rectified = [i for i, layer in enumerate(self.model) if isinstance(layer, nn.ReLU)]
        self._skip_sources, self._skip_targets = rectified[:2], rectified[3:]  # those around the lowest resolution

    @property
    def receptive_radius(self) -> int:
        """Half of the receptive field in pixels, when the moments are given: tiles need this margin; a multiple of `stride`."""
        down, residual, up = 3 + 1 + 2, 4 * 2 * self.blocks, 4 + 2 + 3  # each layer's radius times the pixels of its step
        pixels = down + residual + up + 8  # enlarging adds a few
        return -(-pixels // self.stride) * self.stride

    def forward(self, x: Tensor, moments: list[Moments] | None = None) -> Tensor:
        """With `moments` (from `measure`) every norm uses those: tiles of one picture then agree with each other."""
        if moments is None:
            return self._run(x, instance_norm)
        given = iter(moments)
        return self._run(x, lambda h: instance_norm(h, next(given)))

    def measure(self, x: Tensor) -> list[Moments]:
        """The moments that each norm sees in x, in the order of use."""
        found: list[Moments] = []

        def note(h: Tensor) -> Tensor:
            found.append(moments_of(h))
            return instance_norm(h, found[-1])

        self._run(x, note)
        return found

    def _run(self, x: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
        height, width = x.shape[2:]
        margin = MARGIN if self.antialias and not self.training and min(height, width) > MARGIN + self.stride else 0
        extra = (margin, margin + -width % self.stride, margin, margin + -height % self.stride)
        h = F.pad(x, extra, mode="reflect") if any(extra) else x
        found: list[Tensor] = []  # on the way down
        for i, layer in enumerate(self.model):
            if self.unet_skips and i in self._skip_targets:
                h = h + found.pop()
            h = h + _through(layer.layers, h, norm) if isinstance(layer, Residual) else _through([layer], h, norm)
            if self.unet_skips and i in self._skip_sources:
                found.append(h)
        drawn = binomial_blur(h.float()) if self.antialias else h.float()
        drawn = drawn[:, :, margin : margin + height, margin : margin + width]
        if not self.skip:
            return torch.tanh(drawn)
        return torch.tanh(drawn + torch.atanh(INSIDE * x.float().clamp(-1, 1)))  # noise reaches beyond


def _through(layers: Iterator[nn.Module], h: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
    for layer in layers:
        h = norm(h) if isinstance(layer, InstanceNorm) else layer(h)
    return h


def white_noise(x: Tensor, planes: int, seed: int | None = 0) -> Tensor:
    """N(0, 1) for pictures [N, 3, H, W], so many planes: [N or 1, planes, H, W].

    With a seed all pictures of a size get the same noise, each time; without, each gets its own. Left to the caller, since a
    tile must have the noise of its place in the whole.
    """
    height, width = x.shape[2:]
    if seed is None:
        return torch.randn(len(x), planes, height, width, device=x.device)
    return torch.randn(1, planes, height, width, generator=torch.Generator().manual_seed(seed)).to(x.device)


def _layers(channels: int, blocks: int, upsample: str, norm: Callable[[], nn.Module]) -> Iterator[nn.Module]:
    """All layers of a generator in their order, see there."""
    widths = [channels, 2 * channels, 4 * channels]
    yield from (Reflect(3), nn.Conv2d(3, widths[0], 7), norm(), nn.ReLU(inplace=True))
    for narrow, wide in itertools.pairwise(widths):
        yield from (nn.Conv2d(narrow, wide, 3, 2, padding=1), norm(), nn.ReLU(inplace=True))
    for _ in range(blocks):
        yield Residual(widths[-1], BLOCK_NAMES[upsample], norm)
    for wide in reversed(widths[1:]):
        yield from (*_upsample(wide, upsample), norm(), nn.ReLU(inplace=True))
    yield from (Reflect(3), nn.Conv2d(widths[0], 3, 7))


def _upsample(width: int, upsample: str) -> list[nn.Module]:
    """Layers that double the sides and halve the channels."""
    if upsample == "resize":
        return [nn.Identity(), UpsampleConv(width, width // 2)]  # the layout has a layer of its own for enlarging
    return [nn.ConvTranspose2d(width, width // 2, 3, 2, padding=1, output_padding=1)]


def _init_normal(module: nn.Module) -> None:
    """The paper's initialisation: weights from N(0, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        nn.init.zeros_(module.bias)


def _init_variance(module: nn.Module) -> None:
    """Without a norm: layers keep the variance of what comes in (He et al. 2015), and residual blocks begin at next to nothing
    (Zhang, Dauphin and Ma 2019, arXiv:1901.09321)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)
    if isinstance(module, Residual):
        nn.init.normal_(module.layers[5].weight, 0.0, 0.002)


NORMS: dict[str, Callable[[], nn.Module]] = {"instance": InstanceNorm, "none": nn.Identity}

BLOCK_NAMES = {"resize": "block", "transposed": "conv_block"}  # what the residual convolutions are called in each layout
