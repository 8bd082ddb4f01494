/**
 * Keeps parts of a page up to date: <div data-live="/work/queue"> is fetched again every 1.5 seconds while the
 * page is seen, and every 4 while nothing on it is under way. Where the focus is, or something has been filled in, it is
 * left alone.
 * What came new says so with the event "live". What bears data-settled stays as it is and is not asked for again.
 */

const BUSY_MS = 1500;
const CALM_MS = 4000;

for (const part of document.querySelectorAll("[data-live]")) follow(part);

function follow(part) {
  let shown = null;
  const again = () => setTimeout(look, document.querySelector("[data-under-way]") ? BUSY_MS : CALM_MS);
  async function look() {
    if (part.querySelector("[data-settled]")) return;
    if (document.hidden || isInUse(part)) return again();
    try {
      const response = await fetch(part.dataset.live, { headers: { accept: "text/html" } });
      const text = response.ok ? await response.text() : shown;
      if (isInUse(part)) return again();
      if (text !== shown) {
        part.innerHTML = text;
        part.dispatchEvent(new Event("live", { bubbles: true }));
      }
      shown = text;
      part.classList.toggle("stale", !response.ok);
    } catch {
      part.classList.add("stale");
    }
    again();
  }
  again();
}

/** The focus is in it, or something in it is otherwise than it came. */
function isInUse(part) {
  if (part.contains(document.activeElement)) return true;
  const isFilledIn = (one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked;
  const came = (list) => Math.max(0, [...list.options].findIndex((option) => option.defaultSelected));
  return (
    [...part.querySelectorAll("input, textarea")].some(isFilledIn) ||
    [...part.querySelectorAll("select")].some((list) => list.selectedIndex !== came(list))
  );
}
