"""How results were made: a record that every picture of an operation carries, written in one place, `recorded`.

A record is a dict of plain values, ready for JSON:

    record      1, the number of this layout
    task        the room of the operation: "sampling", "interpolation", "translation", "style" or "texture"
    operation   name of the function, such as "stylize"
    settings    every argument but pictures, by name, defaults too
    inputs      name, size and SHA-256 (of the pixels, as RGB) of every picture that went in; its own record, where it has one
    models      every net by name, with the SHA-256 of its weights, or the commit of its repository
    step, part  which of the call's pictures this one is, where there are several
    enlarge, sheet, film: what was done with them since
    picture     size and SHA-256 of the pixels
    versions, device, time

It names no file and no address. `recorded` is used by the modules of the operations; what reads, writes and replays records lies
beside it and knows them.
"""

from __future__ import annotations

from .making import record_of, recorded

__all__ = ["record_of", "recorded"]
