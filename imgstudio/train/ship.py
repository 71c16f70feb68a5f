"""From a run's checkpoint to a file in `weights/`: finish the net, score it on held-out pictures, write it.

python -m imgstudio ship dcgan/avatars --data DATA_FOLDER
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from .. import weights
from ..errors import StudioError
from . import interpolation, sampling
from .data import Pictures
from .run import Run
from .score import score_generator, score_vae

ROOMS = {name: room for room in (sampling, interpolation) for name in room.RECIPES}


def default_folder(name: str) -> Path:
    """Where a run lives unless told otherwise."""
    return Path("runs") / name.replace("/", "-")


def find(name: str):
    """The training room of a model: the module whose RECIPES hold it."""
    if name not in ROOMS:
        raise StudioError(f"There is no recipe for {name!r}: choose one of {', '.join(ROOMS)}.")
    return ROOMS[name]


def train(name: str, *, data: Path, folder: Path | None = None, images: int, judge: Path | None = None) -> None:
    """Runs or resumes the recipe of that name until `images` pictures were seen."""
    room, folder = find(name), folder or default_folder(name)
    if room is sampling:
        room.train(room.RECIPES[name], data, folder, images=images)
    elif judge is None:
        raise StudioError("A VAE is trained with a perceptual judge: give the Tiny Darknet weights with --judge.")
    else:
        room.train(room.RECIPES[name], data, judge, folder, images=images)


def ship(name: str, *, data: Path, folder: Path | None = None, out: Path = Path("weights")) -> dict:
    """Writes `out`/NAME.safetensors from the run's checkpoint. Returns its sha256, size, minutes, pictures seen and scores."""
    room, recipe = find(name), find(name).RECIPES[name]
    run = Run(folder or default_folder(name))
    state = run.load()
    if state is None:
        raise StudioError(f"There is no checkpoint in {run.folder}: train {name} first.")
    minutes = round(run.minutes)  # before the clock counts what follows
    train_set, held = room.load_data(recipe, data)
    if room is sampling:
        net, config = finished_generator(recipe, state), recipe.generator
        scores = score_generator(net, train_set, held)
    else:
        net, config = finished_vae(recipe, state, train_set), recipe.net
        scores = score_vae(net, train_set, held, recipe.held_out_groups)
    path = out / f"{name.replace('/', '-')}.safetensors"
    digest = weights.write(path, net.state_dict(), config)
    return {
        "file": path.name,
        "sha256": digest,
        "size": path.stat().st_size,
        "minutes": minutes,
        "images": state["images"],
        "scores": scores,
    }


def finished_generator(recipe: sampling.Recipe, state: dict) -> nn.Module:
    """The averaged generator of a checkpoint, batch statistics measured anew and centres found."""
    training = sampling.Training(recipe, torch.device("cpu"))
    training.restore(state)
    net = training.finished()
    sampling.find_centres(net)
    return net


def finished_vae(recipe: interpolation.Recipe, state: dict, pictures: Pictures) -> nn.Module:
    """The averaged net of a checkpoint with what is measured on the training pictures."""
    net = interpolation.VAE(**recipe.net).eval().requires_grad_(False)
    net.load_state_dict(state["average"]["net"])
    return interpolation.finish(net, recipe, pictures)
