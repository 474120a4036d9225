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
  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  const withBytes = (options) => {
    const known = (list) => list?.map((one) => ({ ...one, id: toBytes(one.id) }));
    const user = options.user && { ...options.user, id: toBytes(options.user.id) };
    return {
      ...options,
      challenge: toBytes(options.challenge),
      ...(user && { user }),
      allowCredentials: known(options.allowCredentials),
      excludeCredentials: known(options.excludeCredentials),
    };
  };
  const written = ({ id, type, response }) => {
    const answer = { transports: response.getTransports?.() };
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (response[name]) answer[name] = toText(response[name]);
    return JSON.stringify({ id, type, response: answer });
  };
  // A challenge is good for 5 minutes.
  const age = 240000;
  for (const form of all("form[data-passkey]")) {
    const { passkey: kind, rp, options: address } = form.dataset;
    const isHere = location.hostname === rp || location.hostname.endsWith(`.${rp}`);
    if (!isHere || !window.PublicKeyCredential || !navigator.credentials) continue;
    form.hidden = false;
    for (const element of all("[data-without-passkeys]")) element.hidden = true;
    const failed = form.querySelector("[data-failed]");
    let listening;
    const ask = async (more) => {
      const reply = await fetch(address, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!reply.ok || reply.redirected) throw new Error(String(reply.status));
      const publicKey = withBytes(await reply.json());
      form.elements.response.value = written(await navigator.credentials[kind]({ publicKey, ...more }));
      const keep = document.getElementById("keep");
      if (keep && form.elements.keep) form.elements.keep.value = keep.checked ? "1" : "";
      form.submit();
    };
    const listen = async () => {
      listening = new AbortController();
      const { signal } = listening;
      const timer = setTimeout(() => listening.abort("old"), age);
      try {
        await ask({ mediation: "conditional", signal });
      } catch {
        if (signal.reason !== "old") return;
        if (document.hidden) document.addEventListener("visibilitychange", listen, { once: true });
        else listen();
      } finally {
        clearTimeout(timer);
      }
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      listening?.abort("button");
      failed.textContent = "";
      try {
        await ask({});
      } catch {
        failed.textContent = failed.dataset.failed;
      }
    });
    if ("listens" in form.dataset)
      PublicKeyCredential.isConditionalMediationAvailable?.().then((isPossible) => isPossible && listen());
  }
  document.getElementById("problem")?.focus();
})();
