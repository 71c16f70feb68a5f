"""Papers and data that the models of the catalogue rest on, in the words in which the page names them."""

from __future__ import annotations

DCGAN = "Radford, Metz and Chintala 2015, https://arxiv.org/abs/1511.06434"
CGAN = "Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784"
STYLEGAN = "Karras et al. 2020, https://arxiv.org/abs/1912.04958"
FASTGAN = "Liu et al. 2021, https://arxiv.org/abs/2101.04775"
GAN = "Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661"
VAE = "Kingma and Welling 2013, https://arxiv.org/abs/1312.6114"
TAESD = "Ollin Boer Bohan 2023, https://github.com/madebyollin/taesd"

VGG = "Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556"
DARKNET = "Redmon 2016, https://pjreddie.com/darknet/tiny-darknet/"
GABOR = "Jain and Farrokhnia 1991, https://doi.org/10.1016/0031-3203(91)90143-S"
DINO = "Oquab et al. 2023, https://arxiv.org/abs/2304.07193"
GATYS = "Gatys, Ecker and Bethge 2016, https://doi.org/10.1109/CVPR.2016.265"
WCT = "Li et al. 2017, https://arxiv.org/abs/1705.08086"
JOHNSON = "Johnson, Alahi and Fei-Fei 2016, https://arxiv.org/abs/1603.08155"
GHIASI = "Ghiasi et al. 2017, https://arxiv.org/abs/1705.06830"
ADAIN = "Huang and Belongie 2017, https://arxiv.org/abs/1703.06868"
UNET = "Ronneberger, Fischer and Brox 2015, https://arxiv.org/abs/1505.04597"
RENET = "Visin et al. 2015, https://arxiv.org/abs/1505.00393"
VIT = "Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929"
CYCLEGAN = "Zhu et al. 2017, https://arxiv.org/abs/1703.10593"

FRUITS = "Photographs of fruits: Fruits-360 by Mihai Oltean (CC BY-SA 4.0)"
TEXTURES = "1,134 textures by ambientCG, Poly Haven, Nobiax and OpenStreetMap contributors (CC0)"
HANDS = "Photographs of hands showing digits: Mavi, https://arxiv.org/abs/2011.08927 (Apache-2.0)"
AVATARS = 'Drawn heads: "Adventurer" by Lisa Wischofsky, remixed by DiceBear (CC BY 4.0), colours and size changed'

SEEN = (
    "Caltech-101 (Li, Andreetto, Ranzato and Perona, CC BY 4.0), clothing dataset (Alexey Grigorev, CC0), flower_photos "
    "(TensorFlow, CC BY 2.0), Fruits-360 (Mihai Oltean, CC BY-SA 4.0), textures of ambientCG, Poly Haven, Nobiax and "
    "OpenStreetMap contributors (CC0), paintings in the public domain, photographs under CC0, CC BY and CC BY-SA; "
    "taught by Tiny Darknet (Joseph Redmon, MIT)"
)
PHOTOGRAPHS = "photographs under CC0, CC BY and CC BY-SA and flower_photos (TensorFlow, CC BY 2.0), judged by features/vgg-small"
FLOWERS = "Photographs of daisies and sunflowers: flower_photos (TensorFlow, photographers on Flickr, CC BY 2.0)"
CANVAS = f"Paintings by van Gogh, Monet and Renoir, in the public domain; {PHOTOGRAPHS}"
