// Says the progress of imports to screen readers when its words change, not with every poll.
let last = "";

export function announce() {
  const place = document.querySelector("[data-announce]");
  if (!place) return;
  const words = [...document.querySelectorAll("[data-spoken]")].map((one) => one.textContent).join(". ");
  if (words && words !== last) place.textContent = words;
  last = words;
}
