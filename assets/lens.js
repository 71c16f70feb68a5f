// The layer over a segmented picture: hovering brightens a region, a click picks it. Runs in a gr.HTML, which hands it
// `element`, `props`, `trigger` and `watch`. props.value: {labels: address of a grey PNG whose values are the regions from 1,
// copies: how often the picture is repeated from left to right, chosen: [region, ...], names: {region: text}} or null.
// Region 0 is none.
const canvas = element.querySelector("canvas");
const tip = element.querySelector("output");
let map = null; // {width, height, labels}
let hovered = 0;
let address = "";

function read(image) {
  const sheet = document.createElement("canvas");
  sheet.width = image.naturalWidth;
  sheet.height = image.naturalHeight;
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, sheet.width, sheet.height).data;
  const labels = new Uint8Array(sheet.width * sheet.height);
  for (let i = 0; i < labels.length; i++) labels[i] = pixels[4 * i];
  return { width: sheet.width, height: sheet.height, labels };
}

function isEdge(x, y, region, reach) {
  const { width, height, labels } = map;
  for (let dy = -reach; dy <= reach; dy += reach) {
    for (let dx = -reach; dx <= reach; dx += reach) {
      const column = x + dx, row = y + dy;
      if (column < 0 || row < 0 || column >= width || row >= height) return true;
      if (labels[row * width + column] !== region) return true;
    }
  }
  return false;
}

// Everything but the regions that are pointed at is dimmed; those that are chosen get an outline.
function paint() {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const chosen = (props.value && props.value.chosen) || [];
  if (!map || (hovered === 0 && chosen.length === 0)) return;
  const { width, height, labels } = map;
  const layer = pen.createImageData(width, height);
  const line = Math.max(1, Math.round(Math.max(width, height) / 340));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const region = labels[y * width + x], at = 4 * (y * width + x);
      const lit = region === hovered || (hovered === 0 && chosen.includes(region));
      if (!lit) layer.data[at + 3] = hovered === 0 ? 70 : 110;
      if (chosen.includes(region) && isEdge(x, y, region, 2 * line)) {
        const inner = isEdge(x, y, region, line) ? 255 : 0; // white, with black inside
        layer.data.set([inner, inner, inner, 255], at);
      }
    }
  }
  for (let copy = 0; copy < canvas.width / width; copy++) pen.putImageData(layer, copy * width, 0);
}

function fit(copies) {
  canvas.width = map.width * copies;
  canvas.height = map.height;
  canvas.dataset.ready = "true";
  element.closest(".stack").style.setProperty("--ratio", canvas.width / canvas.height); // see theme.css
  paint();
}

function load() {
  const value = props.value;
  if (value && value.labels === address && map) return fit(value.copies);
  address = value ? value.labels : "";
  map = null;
  hovered = 0;
  paint();
  if (!value) return;
  const image = new Image();
  image.onload = () => {
    if (image.src !== address) return; // another map has come in the meantime
    map = read(image);
    fit(props.value.copies);
  };
  image.src = value.labels;
}

function under(event) {
  if (!map) return 0;
  const box = canvas.getBoundingClientRect();
  const x = Math.floor(((event.clientX - box.left) / box.width) * canvas.width);
  const y = Math.floor(((event.clientY - box.top) / box.height) * canvas.height);
  if (x < 0 || y < 0 || x >= canvas.width || y >= map.height) return 0;
  return map.labels[y * map.width + (x % map.width)];
}

function point(region, event) {
  if (region !== hovered) {
    hovered = region;
    paint();
  }
  tip.hidden = region === 0 || !event;
  if (tip.hidden) return;
  const box = element.getBoundingClientRect();
  tip.textContent = props.value.names[region];
  const left = event.clientX - box.left, right = left > box.width * 0.7;
  tip.style.left = `${left}px`;
  tip.style.top = `${event.clientY - box.top}px`;
  tip.style.translate = right ? "calc(-100% - 14px) -50%" : "14px -50%";
}

function tell(region) {
  document.dispatchEvent(new CustomEvent("region-pointed", { detail: { region, from: element } }));
}

canvas.addEventListener("pointermove", (event) => {
  const region = under(event), before = hovered;
  point(region, event);
  if (region !== before) tell(region);
});
canvas.addEventListener("pointerleave", () => {
  point(0);
  tell(0);
});
canvas.addEventListener("click", (event) => {
  const region = under(event);
  if (region > 0) trigger("select", { index: region, value: region });
});
document.addEventListener("region-pointed", (event) => {
  if (event.detail.from !== element) point(event.detail.region);
});
watch("value", load);
load();
