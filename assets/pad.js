// The latent pad: a place in a plane, dragged with mouse or finger, or moved with the arrow keys. Runs in a gr.HTML, which
// hands it `element`, `props`, `trigger` and `watch`. props.value: [x, y], from -1 to 1, to the right and upwards;
// props.montage: address of the pictures of the plane, or nothing. Triggers `input` when a visitor moves the handle.
const field = element.querySelector(".pad-field");
const STEP = 0.05, LEAP = 0.25; // of an arrow key, without and with Shift
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
let awaited = false;

function where() {
  return props.value || [0, 0];
}

function spoken(amount, forward, backward) {
  return amount === 0 ? "" : `${Math.abs(amount).toFixed(2)} ${amount > 0 ? forward : backward}`;
}

function show() {
  const [x, y] = where();
  field.style.setProperty("--x", x);
  field.style.setProperty("--y", y);
  field.setAttribute("aria-valuenow", Math.round(100 * x));
  const parts = [spoken(x, "to the right", "to the left"), spoken(y, "up", "down")].filter(Boolean);
  field.setAttribute("aria-valuetext", parts.join(", ") || "in the middle");
}

function hang() {
  field.style.backgroundImage = props.montage ? `url("${props.montage}")` : "";
  field.classList.toggle("bare", !props.montage);
}

function clamp(amount) {
  return Math.round(1000 * Math.min(1, Math.max(-1, amount))) / 1000;
}

function move(x, y) {
  const [before, above] = where();
  x = clamp(x);
  y = clamp(y);
  if (x === before && y === above) return;
  props.value = [x, y];
  show();
  if (awaited) return;
  awaited = true; // at most one event a frame
  requestAnimationFrame(() => {
    awaited = false;
    trigger("input");
  });
}

function follow(event) {
  const box = field.getBoundingClientRect();
  move((2 * (event.clientX - box.left)) / box.width - 1, 1 - (2 * (event.clientY - box.top)) / box.height);
}

field.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  field.setPointerCapture(event.pointerId);
  field.focus({ preventScroll: true });
  follow(event);
  event.preventDefault();
});
field.addEventListener("pointermove", (event) => {
  if (field.hasPointerCapture(event.pointerId)) follow(event);
});
field.addEventListener("dblclick", () => move(0, 0));
field.addEventListener("keydown", (event) => {
  const way = KEYS[event.key], [x, y] = where(), step = event.shiftKey ? LEAP : STEP;
  if (event.key === "Home") move(0, 0);
  else if (way) move(x + step * way[0], y + step * way[1]);
  else return;
  event.preventDefault();
});
watch("value", show);
watch("montage", hang);
show();
hang();
