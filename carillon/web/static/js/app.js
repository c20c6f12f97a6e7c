// Live comfort only: every page works without it.
import { rewriteTimes, tick } from "./times.js";
import { filterLists } from "./filter-list.js";
import { wireFields } from "./fields.js";
import { wireCopy } from "./copy.js";
import { announce } from "./announce.js";

function refresh(root) {
  rewriteTimes(root);
  filterLists(root);
  wireFields(root);
  wireCopy(root);
  announce();
}

refresh(document);
// What was wrong with a choice is no longer there. (Not of what is typed: that changes when a button is pressed, which would
// move away from under the pointer.)
document.addEventListener("change", ({ target }) => {
  const field = target.closest(".has-error");
  if (!field || !target.matches("select, [type=radio], [type=checkbox]")) return;
  field.classList.remove("has-error");
  field.querySelector(".error")?.remove();
  target.removeAttribute("aria-invalid");
});
setInterval(() => tick(document), 1000);
// What was opened stays open when the page shows how things are now.
document.body.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if (detail.target.querySelector("details[open]")) detail.fragment.querySelector("details")?.setAttribute("open", "");
});
document.body.addEventListener("htmx:afterSwap", () => rewriteTimes(document));
document.body.addEventListener("htmx:afterSettle", () => refresh(document));
