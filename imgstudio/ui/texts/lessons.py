"""The wall texts: what happens in each tab, for somebody who has never heard of the net behind it."""

from __future__ import annotations

from ..kit.layout import lesson


def sampling() -> None:
    lesson(
        r"""
**Adversarial training.** The *generator* receives a list of random numbers, the latent vector $z$, and unfolds it into a
picture, layer by layer, from 4 × 4 pixels to 64 × 64 or more. In training there was a second net, the *discriminator*,
which was
shown real pictures and generated ones in turn and had to tell them apart. Each learned from the other's successes,
until generated pictures looked like real ones. The generator of a DCGAN never sees a real picture: all it learns from are
the discriminator's answers. The seed is what picks the random numbers, which is why a seed is a picture.
""",
        r"""
**The loss function.** The discriminator $D$ wants this number to be large, the generator $G$ wants it to be small:
$$\min_G \max_D \; \mathbb{E}_x[\log D(x)] + \mathbb{E}_z[\log(1 - D(G(z)))]$$
Truncation $\psi$ moves every vector along an arc towards that of a typical picture, $z \mapsto \mathrm{slerp}(c, z; \psi)$:
less variety, fewer accidents. A walk follows such arcs from one vector to another; that each stop on the way is a whole
picture, and no double exposure, shows that the net did not learn its examples by heart.

**Fruits by reconstruction.** Beside the adversarial loss, the generator of the fruits was shown which picture belongs to
which vector: an
encoder had given every photograph a code, and $G$ had to draw it from there. Codes lie in clumps rather than in a round
cloud, so that a *flow* first carries each $z$ to where they lie; truncation shrinks $z$ there, $z \mapsto \sqrt[3]{\psi}
\, z$,
a little only, as a flow knows nothing of vectors much shorter than those it learned from.
""",
        r"""
**How StyleGAN2 can be steered.** A *mapping network* first turns $z$ into $w = f(z)$, whose cloud need not be round, so
that what belongs together can lie on one line. The picture itself grows from a constant (that of the heads leans a little
as $w$ says), and each layer is told its *style* by $w$: how strong each of its features is to be. Coarse layers decide pose
and shape, fine ones colours and strokes, which is why styles can be mixed layer by layer. Truncation is a straight line
here, $w \mapsto \bar w + \psi (w - \bar w)$. The drawn heads learned from copying real ones too, as the fruits did above
(at last from that alone), and are truncated like them. Directions are the lines along which all $w$ vary most; the pad is
the plane of the first two. What is left to chance, such as where each speckle lies, comes as *noise* to every layer, so
that no style has to be spent on it. An own picture is found by going downhill: $w$ is changed a little, again and again,
until its picture is alike.
""",
        r"""
**Where it comes from.** Adversarial training: Goodfellow et al. 2014,
[arXiv:1406.2661](https://arxiv.org/abs/1406.2661). The small
generators: Radford, Metz and Chintala 2015, [arXiv:1511.06434](https://arxiv.org/abs/1511.06434). With a class to
choose: Mirza and Osindero 2014, [arXiv:1411.1784](https://arxiv.org/abs/1411.1784). Styles: Karras et al. 2018,
[arXiv:1812.04948](https://arxiv.org/abs/1812.04948), and 2019, [arXiv:1912.04958](https://arxiv.org/abs/1912.04958).
Directions: Härkönen et al. 2020, [arXiv:2004.02546](https://arxiv.org/abs/2004.02546). *Try this:* pull Truncation
slowly down to 0: all samples become the same, most typical one. Then raise it beyond 1: samples become more varied and
less realistic.
""",
    )


def interpolation() -> None:
    lesson(
        r"""
**A picture as a code.** A variational autoencoder is two nets back to back. The *encoder* squeezes a picture into
a short list of numbers, its code in the latent space; the *decoder* draws a picture from a code. Trained only
to give back what it was given, through this bottleneck, the pair has to find out what pictures of its kind have in
common. A little noise is added to each code in training, so that neighbouring codes must look alike, and the
places between two pictures decode to pictures too. That is what the slider walks through.
""",
        r"""
**The loss function.** Training balances reconstruction against a regular latent space:
$$\mathcal{L} = \mathbb{E}_{q(z|x)}[-\log p(x|z)] + \beta \, D_{\mathrm{KL}}\big(q(z|x) \,\|\, \mathcal{N}(0, I)\big)$$
The first term asks for a decoder that gives the picture $x$ back. The second keeps all codes in one round cloud;
it is counted in nats, how much the net has to say about a picture. A straight line between two codes cuts through
the thin middle of that cloud (*lerp*); an arc keeps its distance from it (*slerp*). PSNR measures the copy in
decibels: 20 is rough, 30 is hard to tell apart.
""",
        r"""
**Where it comes from.** Kingma and Welling 2013, [arXiv:1312.6114](https://arxiv.org/abs/1312.6114); the weight
$\beta$: Higgins et al. 2017. *Try this:* put a photograph of your own in place of A, something the net has never
seen, and look at *Reconstruction*. It can only give back what it was trained on, so the result is the nearest of
that.
""",
    )


def translation() -> None:
    lesson(
        r"""
**Unpaired training data.** Nobody has photographs of daisies that stand where sunflowers stand in other
photographs. So these nets had no examples of a translation, only a set of each kind. One generator learned to translate
from the first set to the second, another one to translate back. A *discriminator* of each set tells real pictures from
translated ones, patch by patch, and both generators try to get past it. That alone would allow any picture of the
other set as an answer. What ties a translation to its original is the way back: it has to arrive where it set out.
""",
        r"""
**The loss function.** With the generators $G$ there and $F$ back, the discriminator $D$, whose answer to a real picture
is 1,
and a weight $\lambda$; this for one way, and the same for the other:
$$\mathcal{L} = (D(G(a)) - 1)^2 + \lambda \, \|F(G(a)) - a\|_1$$
The last part is the cycle error, and the heat map shows it for your own picture: dark where the way back has found it
again, light where it is lost.
A smaller term, the identity loss, leaves alone what is of the other set already, $\|G(b) - b\|_1$, or the colours would
wander off.
""",
        r"""
**What it can't do.** Colours and surfaces change; outlines stay where they are, since the way back needs them: an apple
becomes a tomato of the same outline, and a cat no dog. A picture that is of neither kind is changed all the same,
somehow. And a net that wants to find its way back may hide a hint, too faint to see, in the translation. From: Zhu,
Park, Isola and Efros 2017, [arXiv:1703.10593](https://arxiv.org/abs/1703.10593); hidden hints: Chu et al. 2017,
[arXiv:1712.02950](https://arxiv.org/abs/1712.02950). The pair of photographs and paintings was pretrained: before the
adversarial training a stroke-based renderer supervised it, which lays strokes along the lines of a picture and brightens
its
shadows; the one net learned to paint like that, the other to see through it. The one that paints is also given every
photograph with a fine grain that is combed along those lines: from it come its strokes, and from the same grain the same
strokes each time. The nets of flowers and fruits look at every picture shrunk to a thumbnail, where a whole flower fits
into
their view, and what they change is brought to the picture's own size along its edges. Grounds change a little with the
flowers, and red petals have no daisy to become. *Try this:* translate a picture, then swap the direction and give it the
result in place of the original; and then give it a picture that never made the journey.
""",
    )


def style() -> None:
    lesson(
        r"""
**Content and style in the features of a net.** A net that was trained to classify photographs describes them in
layers. The deep ones know *what* stands *where*; that is the content. How strongly the features of a layer occur
together, anywhere in the picture, says nothing about where things stand, but everything about strokes, colours and
textures; that is the style. So a picture can be wanted that agrees with one in the first respect and with another in
the second. *Optimisation* starts from the photograph and corrects its pixels, step by step, until it does.
""",
        r"""
**The loss function.** With features $F$ of a layer, $N$ positions wide, and their Gram matrix $G = FF^\top / N$:
$$\mathcal{L} = \alpha \, \frac{\|F - F_c\|^2}{\|F_c\|^2} + \beta \sum_l w_l \frac{\|G^l - G_s^l\|^2}{\|G_s^l\|^2}$$
A Gram matrix is mean and covariance in one; here the two are compared apart, or the mean would drown the strokes. The two
weights on the left are $\alpha$ and $\beta$. A *net of one style* is trained to reach the same goal in one pass,
so that nothing is left to be optimised. The net *for any style* gives the features of the picture the mean $\mu$ and
the deviation $\sigma$ of those of the style, and decodes them:
$$\mathrm{AdaIN}(F_c, F_s) = \sigma(F_s) \, \frac{F_c - \mu(F_c)}{\sigma(F_c)} + \mu(F_s)$$
WCT takes over the whole covariance of the features in place of $\sigma$, and goes further from the photograph.
""",
        r"""
**Where it comes from.** By optimisation: Gatys, Ecker and Bethge 2016,
[arXiv:1508.06576](https://arxiv.org/abs/1508.06576);
keeping the colours: Gatys et al. 2016, [arXiv:1606.05897](https://arxiv.org/abs/1606.05897). In one pass: Johnson, Alahi
and Fei-Fei 2016, [arXiv:1603.08155](https://arxiv.org/abs/1603.08155). In any style: Huang and Belongie 2017,
[arXiv:1703.06868](https://arxiv.org/abs/1703.06868); with all covariances: Li et al. 2017,
[arXiv:1705.08086](https://arxiv.org/abs/1705.08086). *Try this:* optimise with the content weight at 0. Nothing is
left of the picture but the style: a texture that a net cannot tell from the style.
""",
    )


def texture() -> None:
    lesson(
        r"""
**What a texture is.** A wall of bricks looks the same here and a little further on, although no brick is like another:
a texture is what stays when you look elsewhere. There is no list of all textures, so no net can have learned their
names. The nets here learned something else: to give every pixel an embedding, such that pixels of one texture lie close
together and those of another far away. *Regions* are clusters of embeddings. So the net
looks at a picture once, and asking for more regions, or fewer, only clusters its embeddings anew. *Gabor filters* are the
classical answer without learning: stripes of every direction and width, and how strongly each is found around a pixel.

**Three architectures.** A *convolutional* net widens its view step by step, a *recurrent* one reads the picture
like a page, row by row and column by column, a *transformer* lets every patch ask every other. Trained here on the same
36,000 mosaics, with all else alike, they find regions of textures that none has seen with an overlap of 0.95, 0.95 and
0.92; without colour, with 0.85, 0.86 and 0.80. The recurrent net needs the fewest numbers, 1.5 million, and more time
than the convolutional one; the transformer has to learn even that neighbours belong together, and would want many more
pictures. The Gabor filters reach 0.89 and 0.54.
""",
        r"""
**Embeddings, sums and seams.** Pixel $i$ gets a vector $e_i$ of length 1. Training pulls it to the mean $m$ of its own
texture and away from those of the others:
$$\mathcal{L} = -\log \frac{\exp(s \, e_i \cdot m_{\text{own}})}{\sum_k \exp(s \, e_i \cdot m_k)}$$
*Structure and texture*: a picture $I$ is a sum $S + T$, where the structure has few changes that do not make an edge:
$$S = \arg\min_S \sum_p (S_p - I_p)^2 + \lambda \, \frac{\mathcal{D}(p)}{\mathcal{L}(p) + \varepsilon}$$
$\mathcal{D}$ adds up the changes in a window whatever their sign, $\mathcal{L}$ lets opposite ones cancel, as they do
in a texture and not at an edge. *New texture* copies the statistics of a net's features, or joins pieces of the sample
where they differ least. Filling a region does that, and then puts the region's light back on.
""",
        r"""
**Where it comes from.** Filters: Jain and Farrokhnia 1991. Nets: Ronneberger et al. 2015,
[arXiv:1505.04597](https://arxiv.org/abs/1505.04597); Visin et al. 2015,
[arXiv:1505.00393](https://arxiv.org/abs/1505.00393); Dosovitskiy et al. 2020,
[arXiv:2010.11929](https://arxiv.org/abs/2010.11929). Embeddings learned in this way: Snell et al. 2017,
[arXiv:1703.05175](https://arxiv.org/abs/1703.05175). Total variation: Rudin, Osher and Fatemi 1992; relative: Xu et al.
2012, [doi:10.1145/2366145.2366158](https://doi.org/10.1145/2366145.2366158). New texture: Efros and Freeman 2001,
[doi:10.1145/383259.383296](https://doi.org/10.1145/383259.383296); Gatys et al. 2015,
[arXiv:1505.07376](https://arxiv.org/abs/1505.07376). *Try this:* make a mosaic in grey, in which nothing but texture
tells the pieces apart, and find its regions with one model after another. The score tells you who looked for colours
only.
""",
    )
