"""StyleGAN2 (Karras et al. 2019, arXiv:1812.04948; 2020, arXiv:1912.04958), made lean enough to train and to run live on a CPU.

What differs from the paper: both nets work at half the picture's resolution, where a pixel is a block of 2 x 2 (as the wavelets
of MobileStyleGAN, Belousov 2021, arXiv:2104.04767); a convolution that changes the width comes before the upsampling, not after
it; weights are stored as they are used, and the equalised learning rate is left to the optimiser.

Axis letters: N pictures, Z latent size, W size of an intermediate vector, L layers, C channels, H = W = 4, 8, ..., size / 2.
"""

from __future__ import annotations

import functools
import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dcgan import binomial_blur, minibatch_std
from .flow import Flow

PIXEL_SHUFFLE = 2  # upscaling factor of the last layer: one position of its features draws a block of 2 x 2 pixels


def _stages(size: int, widths: tuple[int, ...]) -> int:
    """Number of resolutions, 4, 8, ... up to half of `size`."""
    stages = len(widths)
    if size != 4 * PIXEL_SHUFFLE * 2 ** (stages - 1):
        raise ValueError(f"{stages} widths make pictures of {4 * PIXEL_SHUFFLE * 2 ** (stages - 1)} px, not {size}")
    return stages


def _normal(*shape: int) -> nn.Parameter:
    """Weights that keep the variance of what they are applied to: N(0, 1 / fan-in)."""
    return nn.Parameter(torch.randn(shape) / math.sqrt(math.prod(shape[1:])))


class Mapping(nn.Module):
    """z [N, Z] and a class -> w [N, W]: a perceptron that bends the sphere of z into a space whose axes mean something."""

    def __init__(self, latent: int, style: int, layers: int, classes: int):
        super().__init__()
        self.embed = nn.Embedding(classes, latent) if classes else None
        widths = [latent * (2 if classes else 1)] + [style] * layers
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        for layer in self.layers:
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / layer.in_features))
            nn.init.zeros_(layer.bias)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        h = _unit(z)
        if self.embed is not None:
            if label is None:
                raise ValueError("a conditional generator needs a label for each latent vector")
            h = torch.cat([h, _unit(self.embed(label))], dim=1)  # N,2Z
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.2)
        return h


def _unit(x: Tensor) -> Tensor:
    """Rows at a mean square of 1."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class Layer(nn.Module):
    """A 3 x 3 convolution whose input channels are scaled by a style, and whose output is scaled back to unit variance.

    Scaling the activations instead of the weights gives the same numbers, and one ordinary convolution for the whole batch.
    """

    def __init__(self, narrow: int, wide: int, style: int):
        super().__init__()
        self.affine = nn.Linear(style, narrow)
        self.weight = _normal(wide, narrow, 3, 3)
        self.bias = nn.Parameter(torch.zeros(wide, 1, 1))
        self.strength = nn.Parameter(torch.zeros(()))  # of the noise
        _start_affine(self.affine)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """x [N, C, H, W], w [N, W], noise [N or 1, 1, H, W] or None -> [N, C', H, W]."""
        style = self.affine(w).float()  # N,C
        gain = torch.rsqrt(style.square() @ self.weight.square().sum(dim=(2, 3)).T + 1e-8) * math.sqrt(2)  # N,C'
        x = F.conv2d(x * _spatial(style, x), self.weight, padding=1)
        x = torch.addcmul(self.bias.to(x.dtype), x, _spatial(gain, x))
        if noise is not None:
            x = x + (self.strength * noise).to(x.dtype)
        return F.leaky_relu(x, 0.2, inplace=True)


class ToRGB(nn.Module):
    """Features to colours: a modulated 1 x 1 convolution. It is narrow enough to scale its weights instead."""

    def __init__(self, channels: int, style: int, colours: int):
        super().__init__()
        self.affine = nn.Linear(style, channels)
        # At first the pixels of a block are alike: as different ones they would be speckle to be unlearned (Aitken et al. 2017,
        # arXiv:1707.02937).
        self.weight = nn.Parameter(_normal(3, channels).data.repeat_interleave(colours // 3, dim=0))
        self.bias = nn.Parameter(torch.zeros(colours))
        _start_affine(self.affine)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, C, H, W], w [N, W] -> colours [N, 3 or 12, H, W], float32."""
        n, c, height, width = x.shape
        weight = self.weight * self.affine(w)[:, None]  # N,3,C
        colours = torch.baddbmm(self.bias, x.permute(0, 2, 3, 1).reshape(n, -1, c), weight.transpose(1, 2).to(x.dtype))
        return colours.float().transpose(1, 2).reshape(n, -1, height, width)


def _start_affine(affine: nn.Linear) -> None:
    """At first every style is about 1: nothing is scaled."""
    nn.init.normal_(affine.weight, 0.0, 1 / math.sqrt(affine.in_features))
    nn.init.ones_(affine.bias)


def _const_offset(style: int, rank: int, values: int) -> nn.Sequential:
    """At first small beside the constant, whose values are about 1."""
    offset = nn.Sequential(nn.Linear(style, rank, bias=False), nn.Linear(rank, values, bias=False))
    nn.init.normal_(offset[0].weight, 0.0, 1 / math.sqrt(style))
    nn.init.normal_(offset[1].weight, 0.0, 0.1 / math.sqrt(rank))
    return offset


def _spatial(scale: Tensor, like: Tensor) -> Tensor:
    return scale.to(like.dtype)[:, :, None, None]


def _double(x: Tensor) -> Tensor:
    """Twice the side; bilinear is the paper's upsampling with its filter [1, 3, 3, 1]."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Generator(nn.Module):
    """Latent vectors to pictures, by way of one style a layer.

    latent:     Z, length of z ~ N(0, I).
    style:      W, length of w.
    mapping:    layers of the mapping network.
    widths:     C at 4, 8, ..., size / 2 px; two layers each.
    size:       side of the square picture in pixels.
    classes:    0 for an unconditional net; otherwise a learned embedding of the class is appended to z.
    const_offset_rank: rank of the learned offset, linear in w, of the constant input; 0 for none, as in the paper, which trained
                a hundred times longer: a constant has to be bent layer by layer into every shape.
    flow:       width and depth of the `models.flow.Flow` by which z is first carried to where the codes of real pictures lie.
    components: number of directions kept, see `directions`.
    """

    pixel = 1  # side in pixels of one drawn pixel, as for models.dcgan.Generator

    def __init__(
        self,
        *,
        latent: int = 128,
        style: int = 256,
        mapping: int = 4,
        widths: tuple[int, ...] = (256, 256, 192, 128, 48),
        size: int = 128,
        classes: int = 0,
        const_offset_rank: int = 0,
        flow: dict[str, int] | None = None,
        components: int = 24,
    ):
        super().__init__()
        _stages(size, widths)
        self.latent, self.style, self.size, self.classes = latent, style, size, classes
        self.flow = Flow(latent, classes, **flow).requires_grad_(False) if flow else None
        self.mapping = Mapping(latent, style, mapping, classes)
        self.start = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.offset = _const_offset(style, const_offset_rank, 16 * widths[0]) if const_offset_rank else None
        pairs = [pair for a, b in zip(widths, (*widths[1:], widths[-1])) for pair in ((a, a), (a, b))]
        self.layers = nn.ModuleList(Layer(a, b, style) for a, b in pairs)
        self.colours = nn.ModuleList(
            ToRGB(b, style, 3 if i < len(widths) - 1 else 3 * PIXEL_SHUFFLE**2) for i, (_, b) in enumerate(pairs[1::2])
        )
        # w_avg, one a class: where truncation leads. Files in `weights/` have this name, as they have `offset` and `start`.
        self.register_buffer("centre", torch.zeros(max(classes, 1), style))
        # Principal directions of w around it (GANSpace, Harkonen et al. 2020, arXiv:2004.02546), each as long as one deviation.
        self.register_buffer("directions", torch.zeros(min(components, style), style))

    @property
    def sides(self) -> tuple[int, ...]:
        """Side of each layer's feature map in pixels; its length is L."""
        return tuple(4 * 2 ** (i // 2) for i in range(len(self.layers)))

    def map(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """z [N, Z] (and label int [N] for a conditional net) -> w [N, W]."""
        return self.mapping(self.codes(z, label), label)

    def codes(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """z [N, Z] -> [N, Z], what the mapping network expects: z itself where there is no flow."""
        return z if self.flow is None else self.flow(z, label)

    def synthesis(self, w: Tensor, noise: list[Tensor] | None = None) -> Tensor:
        """w [N, W] for all layers or [N, L, W], one each; noise as of `noise`, None for none -> pictures [N, 3, size, size].

        Values leave [-1, 1] a little: a bound would hold back gradients.
        """
        return self.features(w, noise)[1]

    def features(self, w: Tensor, noise: list[Tensor] | None = None) -> tuple[list[Tensor], Tensor]:
        """Feature maps of each layer [N, C, H, W], and the pictures."""
        w = w if w.ndim == 3 else w[:, None].expand(-1, len(self.layers), -1)
        x, picture, maps = self.start.expand(len(w), -1, -1, -1), None, []
        if self.offset is not None:
            x = x + self.offset(w[:, 0]).view_as(x)
        for i, layer in enumerate(self.layers):
            x = layer(x, w[:, i], None if noise is None else noise[i])
            maps.append(x)
            if i % 2:
                colours = self.colours[i // 2](x, w[:, i])
                last = i == len(self.layers) - 1
                colours = binomial_blur(F.pixel_shuffle(colours, PIXEL_SHUFFLE)) if last else colours
                picture = colours if picture is None else colours + (_double(picture) if last else picture)
                x, picture = (x, picture) if last else (_double(x), _double(picture))
        return maps, picture

    def noise(self, seed: int) -> list[Tensor]:
        """One plane of noise a layer, [1, 1, H, W], the same for every picture; on the net's device."""
        return [plane.to(self.start.device) for plane in _planes(seed, self.sides)]

    def random_noise(self, count: int) -> list[Tensor]:
        """Fresh noise for each of `count` pictures, as training wants it."""
        return [torch.randn(count, 1, side, side, device=self.start.device) for side in self.sides]

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """z [N, Z] (and label int [N] for a conditional net) -> pictures [N, 3, size, size] in [-1, 1], with noise of seed 0."""
        return self.synthesis(self.map(z, label), self.noise(0)).clamp(-1, 1)

    without_upsampling = forward  # nothing is upsampled afterwards, see models.dcgan.Generator


@functools.lru_cache(maxsize=64)
def _planes(seed: int, sides: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(1, 1, side, side, generator=generator) for side in sides]


class Residual(nn.Module):
    """Two convolutions, the second to half the side, and a shortcut around them."""

    def __init__(self, narrow: int, wide: int):
        super().__init__()
        self.first = _convolution(narrow, narrow)
        self.second = _convolution(narrow, wide, stride=2)
        self.shortcut = nn.Conv2d(narrow, wide, 1, bias=False)
        nn.init.normal_(self.shortcut.weight, 0.0, math.sqrt(1 / narrow))

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.first(x), 0.2, inplace=True)
        h = F.leaky_relu(self.second(h), 0.2, inplace=True)
        return (h + self.shortcut(F.avg_pool2d(x, 2))) * math.sqrt(0.5)


def _convolution(narrow: int, wide: int, *, stride: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(narrow, wide, 3, stride=stride, padding=1)
    nn.init.normal_(convolution.weight, 0.0, math.sqrt(2 / (9 * narrow)))
    nn.init.zeros_(convolution.bias)
    return convolution


class Discriminator(nn.Module):
    """Pictures to realness scores: residual blocks, the minibatch standard deviation of their features, projection on the
    class.

    widths are those at size / 2, size / 4, ..., 4 px. Sort a batch by class, as for models.dcgan.Discriminator.
    """

    def __init__(self, *, widths: tuple[int, ...] = (32, 64, 128, 256, 256), size: int = 128, classes: int = 0):
        super().__init__()
        _stages(size, widths)
        self.entrance = _convolution(3 * PIXEL_SHUFFLE**2, widths[0])
        self.blocks = nn.Sequential(*(Residual(a, b) for a, b in itertools.pairwise(widths)))
        self.last = _convolution(widths[-1] + 1, widths[-1])
        self.hidden = nn.Linear(16 * widths[-1], widths[-1])
        self.score = nn.Linear(widths[-1], 1)
        self.embed = nn.Embedding(classes, widths[-1]) if classes else None
        # The minibatch standard deviation also counts by itself, from the first step on: a generator that draws one head for
        # all is told so before it has learned to draw that one well.
        self.minibatch_std_weight = nn.Parameter(torch.tensor(10.0))

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        """x [N, 3, size, size] in [-1, 1] -> scores [N], float32, higher for pictures taken to be real."""
        x = F.pixel_unshuffle(x, PIXEL_SHUFFLE).contiguous(memory_format=torch.channels_last)
        h = self.blocks(F.leaky_relu(self.entrance(x), 0.2, inplace=True))  # N,C,4,4
        std = minibatch_std(h)  # N
        plane = std.to(h.dtype)[:, None, None, None].expand(-1, 1, *h.shape[2:])
        h = F.leaky_relu(self.last(torch.cat([h, plane], dim=1)), 0.2)
        h = F.leaky_relu(self.hidden(h.flatten(1)), 0.2).float()
        score = self.score(h).float().squeeze(1) + self.minibatch_std_weight * std
        if self.embed is not None:
            score = score + (self.embed(label) * h).sum(dim=1) / math.sqrt(h.shape[1])
        return score
