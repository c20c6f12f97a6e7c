// Filters a list as you type. The form around the input does the same on the server.
export function filterLists(root) {
  for (const input of root.querySelectorAll("input[data-filters]:not([data-wired])")) {
    input.dataset.wired = "";
    const list = document.getElementById(input.dataset.filters);
    if (!list) continue;
    const message = document.querySelector(`[data-none-of="${list.id}"]`);
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLocaleLowerCase();
      let shown = 0;
      for (const item of list.children) {
        item.hidden = !item.dataset.text.toLocaleLowerCase().includes(wanted);
        if (!item.hidden) shown += 1;
      }
      list.hidden = shown === 0;
      if (message) message.textContent = shown ? "" : "No list view matches.";
    });
    input.form?.querySelector("button")?.setAttribute("hidden", "");
    input.form?.addEventListener("submit", (event) => event.preventDefault());
  }
}
