"""The layouts of others that are known here, one module a family: how a file is recognised, and the map from its keys to ours.

Each module has `recognise(state, task)`, which returns a `Recognised`, or None for what is of another family, and raises
Mismatch for what is clearly of this one but lacks something or has too much. Those whose keys differ from ours also have
`own_keys(state)`. Another layout is one more module, and its name in _MODULES.
"""

from __future__ import annotations

from . import cyclegan, dcgan, dense_gan, dense_vae, fast_style, fastgan, taesd, tiny_darknet, vgg

# In the order in which they are tried: the first that recognises a file takes it.
_MODULES = (fastgan, dcgan, dense_gan, taesd, dense_vae, fast_style, cyclegan, vgg, tiny_darknet)
FAMILIES = tuple(module.recognise for module in _MODULES)
