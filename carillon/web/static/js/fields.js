// Hides what does not apply: name and type of a new contact field when an existing one is chosen, the path of a
// Salesforce field when it is among the choices, and notes that hold only while a field is blank.
export function wireFields(root) {
  for (const row of root.querySelectorAll("[data-row]:not([data-wired])")) {
    row.dataset.wired = "";
    const chosen = row.querySelector("[data-contact-field]");
    const forNew = [...row.querySelectorAll("[data-for-new]")].map((control) => control.closest(".field"));
    const update = () => {
      for (const field of forNew) field.hidden = chosen.value !== "" && !field.classList.contains("has-error");
    };
    chosen.addEventListener("change", update);
    update();
  }
  for (const path of root.querySelectorAll("[data-for-path]:not([data-wired])")) {
    path.dataset.wired = "";
    const field = path.closest(".field");
    const chosen = path.closest("[data-row]").querySelector("[data-salesforce]");
    const update = () => {
      field.hidden = chosen.value !== path.dataset.forPath && !field.classList.contains("has-error");
    };
    chosen.addEventListener("change", update);
    update();
  }
  for (const note of root.querySelectorAll("[data-when-blank]:not([data-wired])")) {
    note.dataset.wired = "";
    const control = document.getElementById(note.dataset.whenBlank);
    const update = () => {
      note.hidden = control.value !== "";
    };
    control.addEventListener("change", update);
    update();
  }
}
