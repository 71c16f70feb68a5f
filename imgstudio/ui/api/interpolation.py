"""The API of the tab "VAE interpolation"."""

from __future__ import annotations

from ...studio import interpolation, pictures
from ...studio import seeds as seed_texts
from .files import file, files


def reconstruct(model: str, image: str) -> tuple[str, dict[str, float]]:
    """A picture through a VAE's bottleneck and back.

    Args:
        model: Name of a VAE, such as vae/fruits.
        image: The picture; its middle square is used.

    Returns:
        reconstruction: What the net makes of the picture's code, as a PNG file.
        figures: Its PSNR in dB, the length of its code and the KL divergence in nats.
    """
    made = interpolation.reconstruct(model, image)
    figures = {"psnr": made.psnr, "latent_norm": made.latent_norm, "kl": made.kl}
    return file(model, made.image, {"task": "reconstruct", "model": model}), figures


def interpolate(model: str, a: str, b: str, steps: int = 8, curve: str = "slerp") -> list[tuple[str, str]]:
    """Pictures from A to B, both included.

    Args:
        model: Name of a VAE.
        a: The first picture.
        b: The last picture.
        steps: How many pictures.
        curve: slerp (arc) or lerp (straight line).

    Returns:
        pictures: PNG files, captioned with their place between 0 and 1.
    """
    made = interpolation.interpolate(model, a, b, steps=steps, curve=curve)
    places = [index / (len(made) - 1) for index in range(len(made))]
    settings = [{"task": "interpolate", "model": model, "t": t, "curve": curve} for t in places]
    return files(model, made, [f"{t:.3f}" for t in places], settings)


def blend(model: str, a: str, b: str, t: float = 0.5, curve: str = "slerp") -> str:
    """The picture at one place between A and B.

    Args:
        model: Name of a VAE.
        a: The picture at t = 0.
        b: The picture at t = 1.
        t: The place, from 0 to 1.
        curve: slerp (arc) or lerp (straight line).

    Returns:
        picture: A PNG file.
    """
    settings = {"task": "interpolate", "model": model, "t": t, "curve": curve}
    return file(model, interpolation.blend(model, a, b, t, curve=curve), settings)


def manifold(model: str, a: str, b: str, c: str, d: str, size: int = 7) -> str:
    """A sheet of mixtures of four pictures.

    Args:
        model: Name of a VAE.
        a: The picture in the upper left corner.
        b: The picture in the upper right corner.
        c: The picture in the lower left corner.
        d: The picture in the lower right corner.
        size: Pictures a side.

    Returns:
        sheet: One PNG file with size x size pictures.
    """
    rows = interpolation.manifold(model, [a, b, c, d], size=size)
    sheet = pictures.grid([picture for row in rows for picture in row], size)
    return file(model, sheet, {"task": "manifold", "model": model, "size": size})


def traverse(model: str, image: str, dimension: int = 0, span: float = 3.0, steps: int = 7) -> list[tuple[str, str]]:
    """A picture with one number of its latent code set to values from -span to span.

    Args:
        model: Name of a VAE.
        image: The picture.
        dimension: Which number of the code, from 0.
        span: How far, in standard deviations.
        steps: How many pictures.

    Returns:
        pictures: PNG files, captioned with the value.
    """
    made = interpolation.traverse(model, image, dimension=dimension, span=span, steps=steps)
    values = [span * (2 * index / (len(made) - 1) - 1) for index in range(len(made))]
    settings = [{"task": "traverse", "model": model, "dimension": dimension, "value": value} for value in values]
    return files(model, made, [f"{value:+.2f}" for value in values], settings)


def prior(model: str, seeds: str = "0") -> list[tuple[str, str]]:
    """New pictures that a VAE invents from seeds.

    Args:
        model: Name of a VAE.
        seeds: Whole numbers and ranges, such as "3, 17, 20-27".

    Returns:
        pictures: One PNG a seed, captioned with it.
    """
    numbers = seed_texts.parse(seeds)
    settings = [{"task": "prior", "model": model, "seed": seed} for seed in numbers]
    return files(model, interpolation.prior(model, numbers), [str(seed) for seed in numbers], settings)


def attribute(model: str, image: str, amounts: dict[str, float]) -> str:
    """A picture moved along named latent directions.

    Args:
        model: Name of a VAE that was trained with labels.
        image: The picture.
        amounts: How far along each direction, such as {"apple to tomato": 1.0}.

    Returns:
        picture: A PNG file.
    """
    made = interpolation.attribute(model, image, amounts or {})
    return file(model, made, {"task": "attribute", "model": model, "amounts": amounts})


def denoise(model: str, image: str, noise: float = 0.3, seed: int = 0) -> tuple[str, str, dict[str, float]]:
    """A picture with noise added, and with the noise taken out again by a VAE.

    Args:
        model: Name of a VAE.
        image: The clean picture.
        noise: Standard deviation of the noise, 1 is black to white.
        seed: Of the noise.

    Returns:
        noisy: The picture with noise, as a PNG file.
        cleaned: The picture without it, as a PNG file.
        figures: The PSNR of both against the original in dB.
    """
    made = interpolation.denoise(model, image, noise=noise, seed=seed)
    settings = {"task": "denoise", "model": model, "noise": noise, "seed": seed}
    figures = {"psnr_noisy": made.psnr_noisy, "psnr": made.psnr}
    return file(model, made.noisy, settings), file(model, made.image, settings), figures
