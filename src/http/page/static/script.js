(() => {
  const all = (selector) => document.querySelectorAll(selector);
  const made = (text, kind) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.textContent = text;
    return button;
  };
  for (const input of all("input[data-show]")) {
    const button = made(input.dataset.show, "second show");
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => {
      const isShown = input.type === "text";
      input.type = isShown ? "password" : "text";
      button.textContent = isShown ? input.dataset.show : input.dataset.hide;
      button.setAttribute("aria-pressed", String(!isShown));
    });
    input.form.addEventListener("submit", () => { input.type = "password"; });
    input.after(button);
  }
  for (const element of all("[data-copy]")) {
    if (!navigator.clipboard) break;
    const button = made(element.dataset.copy, "second");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(element.innerText.trim());
      button.textContent = element.dataset.copied;
    });
    element.after(button);
  }
  for (const form of all("form[method=post]")) {
    let last = 0;
    form.addEventListener("submit", (event) => {
      if (Date.now() - last < 1000) event.preventDefault();
      else last = Date.now();
    });
  }
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  const field = document.querySelector("input[name=token]");
  if (token && field) {
    field.value = token;
    history.replaceState(null, "", location.pathname + location.search);
  }
  document.getElementById("problem")?.focus();
})();
