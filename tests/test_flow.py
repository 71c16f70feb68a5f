"""Flows, which carry N(0, I) to where codes lie: on clumps in a plane, and within a StyleGAN2 and its training."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import one_hot

from imgstudio import device as devices
from imgstudio.models import dcgan, fastgan, tutorial_gan
from imgstudio.models.flow import Flow
from imgstudio.models.stylegan2 import Generator
from imgstudio.ops.latent import sampling
from imgstudio.train.flow import fit

PLACES = torch.tensor([[2.0, 0.0], [-1.0, 1.5], [-1.0, -1.5]])


def clumps(count: int, among: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.randint(0, among, (count,))
    return PLACES[labels] + 0.1 * torch.randn(count, 2), labels


@pytest.fixture(scope="module")
def flow() -> Flow:
    torch.manual_seed(0)
    flow = Flow(2, width=64, depth=2)
    fit(flow, clumps, 1200)
    return flow


def test_random_points_come_to_lie_in_the_clumps_evenly_and_stay_apart(flow):
    start = torch.randn(3000, 2)
    end = flow(start)
    distance, nearest = torch.cdist(end, PLACES).min(dim=1)
    assert (distance < 0.5).float().mean() > 0.9 > 0.3 > (torch.cdist(start, PLACES).amin(dim=1) < 0.5).float().mean()
    assert one_hot(nearest).float().mean(dim=0) == pytest.approx([1 / 3] * 3, abs=0.05)
    assert len(end.unique(dim=0)) == 3000


def test_more_steps_change_little_and_neighbours_do_not_matter(flow):
    start = torch.randn(200, 2)
    end = flow(start)
    assert (flow(start, steps=32) - end).abs().median() < 0.05
    assert torch.allclose(flow(start[7:8]), end[7:8], atol=1e-5)


def test_each_class_has_a_field_of_its_own():
    torch.manual_seed(0)
    flow = Flow(2, classes=3, width=64, depth=2)
    first = fit(Flow(2, classes=3, width=64, depth=2), clumps, 1)
    assert fit(flow, clumps, 800) < 0.5 * first
    labels = torch.arange(300) % 3
    assert (torch.cdist(flow(torch.randn(300, 2), labels), PLACES).argmin(dim=1) == labels).float().mean() > 0.95


def test_a_generator_carries_its_latent_vectors_there_first():
    small = {"size": 16, "widths": (8, 8), "latent": 6, "style": 8, "mapping": 2, "components": 2}
    net, plain = Generator(**small, flow={"width": 16, "depth": 1}).eval(), Generator(**small).eval()
    plain.load_state_dict({name: value for name, value in net.state_dict().items() if not name.startswith("flow.")})
    z = torch.randn(4, 6)
    assert torch.allclose(net(z), plain(z))  # a flow that has learned nothing leaves everything where it is
    torch.nn.init.normal_(net.flow.leave.weight)
    assert not torch.allclose(net(z), plain(z), atol=1e-3)
    assert torch.allclose(net(z), plain(net.flow(z)))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(net.codes(z), net.flow(z))


def test_truncation_shrinks_what_the_flow_begins_with():
    net = Generator(size=16, widths=(8, 8), latent=6, style=8, mapping=2, components=2, flow={"width": 16, "depth": 1}).eval()
    torch.nn.init.normal_(net.flow.leave.weight)
    torch.nn.init.normal_(net.flow.leave.bias)
    labels = torch.zeros(3, dtype=torch.long)
    full, half, none = (sampling.latents(net, [1, 2, 3], labels, psi) for psi in (1.0, 0.5, 0.0))
    assert torch.equal(none, net.map(torch.zeros(1, 6)).expand(3, -1))
    assert not torch.allclose(half, 0.5 * (full + none), atol=1e-3)  # a bent way, not the middle
    assert torch.equal(sampling.truncate(net, full, 0.5, labels), full)  # not a second time


@pytest.mark.parametrize(
    "net",
    [
        dcgan.Generator(latent=6, size=16, channels=8),
        tutorial_gan.TransposedGenerator(6, [(8, 4, 1, 0), (3, 4)]),
        tutorial_gan.DenseGenerator([6, 16, 64]),
        fastgan.FastGAN(latent=6, widths=(8,) * 9),
    ],
)
def test_generators_without_a_flow_are_truncated_towards_their_centre(net):
    net.centre.normal_()
    z, labels = torch.randn(3, 6), torch.zeros(3, dtype=torch.long)
    assert torch.allclose(sampling.truncate(net, z, 1.0, labels), z, atol=1e-5)
    assert torch.allclose(sampling.truncate(net, z, 0.0, labels), net.centre.expand(3, -1), atol=1e-5)
    near, far = ((sampling.truncate(net, z, psi, labels) - net.centre).norm(dim=1) for psi in (0.3, 0.7))
    assert (near < far).all()


def test_a_dcgan_with_a_flow_shrinks_z_and_is_drawn_from_codes():
    net = dcgan.Generator(latent=6, size=16, channels=8, flow={"width": 16, "depth": 1}).eval()
    labels = torch.zeros(3, dtype=torch.long)
    torch.nn.init.normal_(net.flow.leave.weight)
    z = torch.stack([devices.normal(seed, 6) for seed in (1, 2, 3)])
    full, half, none = (sampling.latents(net, [1, 2, 3], labels, psi) for psi in (1.0, 0.125, 0.0))
    assert torch.allclose(full, net.codes(z, labels), atol=1e-5)
    assert torch.allclose(half, net.codes(0.5 * z, labels), atol=1e-5)
    assert torch.allclose(none, net.codes(torch.zeros(3, 6), labels), atol=1e-5)
    assert torch.equal(sampling.truncate(net, half, 0.125, labels), half)  # not a second time
    assert torch.allclose(sampling.generate(net, full, labels), net(z, labels), atol=0.05)


def test_an_offset_lets_the_first_style_decide_where_a_picture_begins():
    small = {"size": 16, "widths": (8, 8), "latent": 6, "style": 8, "mapping": 2, "components": 2}
    net, plain = Generator(**small, const_offset_rank=3).eval(), Generator(**small).eval()
    plain.load_state_dict({name: value for name, value in net.state_dict().items() if not name.startswith("offset.")})
    assert sum(p.numel() for p in net.offset.parameters()) == 3 * (8 + 16 * 8)
    w = torch.randn(5, len(net.sides), 8)
    with torch.no_grad():
        begun = net.start + net.offset(w[:, 0]).view(5, 8, 4, 4)
        for picture, start, style in zip(net.synthesis(w), begun, w):
            plain.start.copy_(start[None])
            assert torch.allclose(picture, plain.synthesis(style[None])[0], atol=1e-5)
    assert not torch.allclose(begun[0], begun[1], atol=1e-2)
