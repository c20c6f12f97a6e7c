// Times come in UTC; show them in the reader's own time zone, and keep "so far" running between two polls.
// From 00:00 to 23:59, as windows, hours of texting and mails say them.
const parts = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const thisYear = new Intl.DateTimeFormat(undefined, parts);
const otherYear = new Intl.DateTimeFormat(undefined, { ...parts, year: "numeric" });

export function rewriteTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    const words = (at.getFullYear() === new Date().getFullYear() ? thisYear : otherYear).format(at);
    time.textContent = `${words} ${time.dataset.local}`.trim();
    time.removeAttribute("data-local");
  }
}

export function tick(root) {
  for (const place of root.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(place.dataset.since)) / 1000));
    place.textContent = inWords(seconds);
  }
}

function inWords(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
