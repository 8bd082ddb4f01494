/** Adds the reader's own time to times that stand in UTC. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});

export function complete(root) {
  for (const element of root.querySelectorAll(".timeline time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (moment.getTimezoneOffset() === 0 || "local" in element.dataset) continue;
    const sameDay = moment.getDate() === moment.getUTCDate();
    element.dataset.local = "";
    element.append(` (${(sameDay ? clock : dayAndClock).format(moment)} your time)`);
  }
}

complete(document);
