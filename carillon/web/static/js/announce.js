// Says the progress of imports to screen readers when its words change, not with every poll.
let last = "";

export function announce() {
  const place = document.querySelector("[data-announce]");
  if (!place) return;
  // The first says most: the import under way, else the one that ended last.
  const words = document.querySelector("[data-spoken]")?.textContent ?? "";
  if (words && words !== last) place.textContent = words;
  last = words;
}
