/**
 * Keeps parts of a page up to date: <div data-live="/work/queue"> is fetched again every 1.5 seconds while the
 * page is seen, and every 4 while nothing in it is under way. Focus inside is left alone.
 */

const BUSY_MS = 1500;
const CALM_MS = 4000;

for (const part of document.querySelectorAll("[data-live]")) follow(part);

function follow(part) {
  let shown = null;
  const again = () => setTimeout(look, part.querySelector("[data-under-way]") ? BUSY_MS : CALM_MS);
  async function look() {
    if (document.hidden || part.contains(document.activeElement)) return again();
    try {
      const response = await fetch(part.dataset.live, { headers: { accept: "text/html" } });
      const text = response.ok ? await response.text() : shown;
      if (text !== shown) part.innerHTML = text;
      shown = text;
      part.classList.toggle("stale", !response.ok);
    } catch {
      part.classList.add("stale");
    }
    again();
  }
  again();
}
