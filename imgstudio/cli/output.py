"""What the verbs of the command line do with results: print what there is to say and write a file."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from PIL import Image

    from ..studio.steps import Step


def settings(options: Namespace) -> dict[str, Any]:
    """What a PNG carries so that it can be made again. A single seed is kept in the way the page keeps it."""
    left_out = ("verb", "out", "side", "fps")
    kept = {name: value for name, value in vars(options).items() if name not in left_out and value is not None}
    if len(kept.get("seeds", ())) == 1:
        (kept["seed"],) = kept.pop("seeds")
    return {"task": options.verb, **kept}


def enlarged(pictures: Iterable[Image.Image], options: Namespace) -> Iterable[Image.Image]:
    from ..studio.pictures import enlarge

    return pictures if options.side is None else (enlarge(picture, options.side) for picture in pictures)


def save_grid(pictures: Iterable[Image.Image], options: Namespace, columns: int | None = None) -> None:
    from ..studio import pictures as drawing

    columns = getattr(options, "columns", None) if columns is None else columns
    sheet = drawing.grid(list(pictures), columns, side=options.side)
    print(drawing.save_png(sheet, options.out, settings(options)))


Kind = TypeVar("Kind", bound="Step")


def with_progress(steps: Iterable[Kind]) -> Iterator[Kind]:
    """The same steps, with a bar on the terminal while they are made, where there is one."""
    from tqdm import tqdm

    with tqdm(disable=None, leave=False, file=sys.stderr) as bar:  # None: only on a terminal
        for step in steps:
            bar.total = step.total
            bar.set_postfix({name: f"{value:.3g}" for name, value in step.losses.items()}, refresh=False)
            bar.update(step.done - bar.n)
            yield step


def save_film(frames: Iterable[Image.Image], options: Namespace) -> None:
    from tqdm import tqdm

    from ..studio import animation

    drawn = tqdm(frames, unit=" frames", disable=None, leave=False, file=sys.stderr)
    print(animation.save(enlarged(drawn, options), options.out, fps=options.fps))


def save_strip(pictures: list[Image.Image], options: Namespace) -> None:
    """One row, or a film if the file's ending says so."""
    from ..studio import animation

    if options.out.suffix.lower() in animation.ENDINGS:
        save_film(pictures, options)
    else:
        save_grid(pictures, options, len(pictures))


def save_reconstruction(made: Any, options: Namespace) -> None:
    kl = "" if made.kl is None else f"KL {made.kl:.0f} nats, "
    print(f"PSNR {made.psnr:.1f} dB, {kl}length of the code {made.latent_norm:.1f}")
    save_grid([made.image], options)


def save_denoised(made: Any, options: Namespace) -> None:
    print(f"PSNR {made.psnr_noisy:.1f} dB with noise, {made.psnr:.1f} dB after reconstruction")
    save_grid([made.noisy, made.image], options, 2)


def keep_last(steps: Iterable[Any], write: Callable[[Any], None]) -> None:
    """Writes the last of the steps, also when the work was stopped with Ctrl-C or broke down on the way."""
    step = None
    try:
        for made in with_progress(steps):
            step = made
    except KeyboardInterrupt:
        if step is None:
            raise
    finally:
        if step is not None:
            write(step)


def save_last_step(steps: Iterable[Any], options: Namespace) -> None:
    """The last picture, and how far it came."""

    def write(step: Any) -> None:
        losses = "".join(f", {name} {value:.3g}" for name, value in step.losses.items())
        print(f"{step.done} of {step.total}, {step.seconds:.1f} s{losses}")
        save_grid([step.image], options)

    keep_last(steps, write)
