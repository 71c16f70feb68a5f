// Draws heads of DiceBear's "adventurer" style as raw RGB on standard output: node avatars.mjs COUNT SIDE
// Needs @dicebear/core, @dicebear/adventurer and @resvg/resvg-js beside it.
import { writeSync } from "node:fs";
import { createAvatar } from "@dicebear/core";
import * as adventurer from "@dicebear/adventurer";
import { Resvg } from "@resvg/resvg-js";

const [count, side] = process.argv.slice(2).map(Number);
// The grounds that imgstudio/train/groups.py names.
const grounds = ["b6e3f4", "c0aede", "ffd5dc", "ffdfbf", "ffffff", "d1d4f9", "fff3b0", "c1f0c8"];

function writeAll(bytes) {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error; // the reader is slower than this
    }
  }
}

for (let i = 0; i < count; i++) {
  const svg = createAvatar(adventurer, { seed: `imgstudio-${i}`, backgroundColor: grounds }).toString();
  const rgba = new Resvg(svg, { fitTo: { mode: "width", value: side } }).render().pixels;
  const rgb = Buffer.alloc(side * side * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  writeAll(rgb);
}
