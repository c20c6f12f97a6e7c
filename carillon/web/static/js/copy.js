// A Copy button beside a read-only text, where the browser allows it.
export function wireCopy(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy);
      await navigator.clipboard.writeText(text.value);
      const said = document.querySelector("[data-copied]");
      if (said) said.textContent = "Copied.";
    });
  }
}
