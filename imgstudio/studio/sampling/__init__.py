"""Pictures out of nothing but a seed: `sample` and `walk`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PIL import Image

from ...checks import check_count, check_flag, check_range, check_seed
from ...errors import StudioError
from ...image import to_image, to_images
from ...ops import latent
from ...ops.latent import sampling as ops
from ..notebook import Pictures
from ..records import recorded
from ..validation import open_model
from ..work import count_of, estimated_seconds, gpu_task
from .latents import MOST_TRUNCATION, TRUNCATION, Point, check_noise, check_sampling, classes, latent_vectors

LARGE = 512  # side in pixels from which on pictures are made one at a time


@recorded()
@gpu_task(lambda model, seeds: estimated_seconds(model, count_of(seeds)))
def sample(
    model: str,
    seeds: Point | Iterable[Point],
    *,
    truncation: float = TRUNCATION,
    label: str | int | None = None,
    noise: int | None = 0,
) -> Pictures:
    """One picture a seed. Places in latent space, of `invert`, go for seeds.

    truncation: 0 gives the same typical picture for every seed, 1 the variety of the training set; up to 1.5.
    label:      class of a conditional model, by name or number; None lets each seed choose its own.
    noise:      seed of the fine noise that a StyleGAN2 adds, None for none; other models have none.

    Raises StudioError for an unknown model or class and for values out of range.
    """
    points, noise = check_sampling(model, seeds, truncation, label), check_noise(noise)
    spec, net = open_model(model, "sample")
    vectors, numbers = latent_vectors(spec, net, points, truncation, label)
    if net.size < LARGE:
        return Pictures(to_images(ops.generate(net, vectors, numbers, noise)))
    parts = zip(vectors.split(1), numbers.split(1))  # one at a time: as numbers, many of these would fill the memory
    return Pictures(to_image(ops.generate(net, *part, noise)) for part in parts)


@recorded()
@gpu_task(lambda model, seeds, frames: estimated_seconds(model, count_of(seeds) * frames), steps=True)
def walk(
    model: str,
    seeds: Iterable[Point],
    *,
    frames: int = 24,
    truncation: float = TRUNCATION,
    loop: bool = True,
    label: str | int | None = None,
    noise: int | None = 0,
) -> Iterator[Image.Image]:
    """Pictures from seed to seed, `frames` a leg, one at a time: along great arcs of z (or codes), or along lines between styles.

    loop:  True returns to the first seed, so that the animation can repeat; False ends on the last seed.
    label: as in `sample`; None keeps the class of the first seed.
    """
    points, noise = check_sampling(model, seeds, truncation, label), check_noise(noise)
    if len(points) < 2:
        raise StudioError("A walk needs at least two seeds: add another one.")
    frames, loop = check_count("Frames", frames, 1, 240), check_flag("The loop", loop)
    psi = check_range("Truncation", truncation, 0, MOST_TRUNCATION)
    spec, net = open_model(model, "sample")
    kept = classes(spec, points[:1], label)
    if ops.has_styles(net):
        chosen = int(kept) if spec.labels else None
        steps = latent.path(latent_vectors(spec, net, points, psi, chosen)[0], frames, loop=loop, curve=latent.lerp)
        return (to_image(ops.generate(net, w[None], kept, noise)) for w in steps)
    plain = [check_seed(point) for point in points]  # a place in latent space is of a StyleGAN2 alone
    steps = latent.path(ops.latents(net, plain, kept.expand(len(plain)), psi), frames, loop=loop)
    return (to_image(ops.generate(net, ops.truncate(net, z[None], psi, kept), kept)) for z in steps)
