// What Gradio's components say to screen readers, where they say it twice or not as it is written: the button of a picture in a
// gallery is named by its caption, and a picture beside its own name has no other text.
(() => {
  const set = (element, name, value) => element.getAttribute(name) !== value && element.setAttribute(name, value);
  const tidy = () => {
    for (const item of document.querySelectorAll(".thumbnail-item")) {
      const caption = item.querySelector(".caption-label")?.textContent.trim();
      const picture = item.querySelector("img");
      if (!caption || !picture) continue;
      set(item, "aria-label", caption);
      set(picture, "alt", "");
    }
    for (const picture of document.querySelectorAll("footer img")) set(picture, "alt", "");
  };
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      tidy();
    });
  }).observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ["alt", "aria-label"] });
})();
