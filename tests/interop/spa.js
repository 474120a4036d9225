// A page that signs its user in by oidc-client-ts. /settings.js has the settings of the guide, and makes a manager of them.

const show = (where, what) => (document.getElementById(where).textContent = what);
const on = (id, act) =>
  document.getElementById(id).addEventListener("click", () => act().catch((error) => show("said", `failed: ${error.message}`)));

(async () => {
  Object.assign(settings, { automaticSilentRenew: false, userStore: new oidc.WebStorageStateStore({ store: localStorage }) });
  const manager = new oidc.UserManager(settings);
  const tell = async () => {
    const user = await manager.getUser();
    show("who", user ? `Hello ${user.profile.preferred_username}` : "Nobody");
    return user;
  };
  const renewed = async (more) => {
    const before = await manager.getUser();
    const after = await manager.signinSilent(more);
    const is_new = after.access_token !== before.access_token && after.profile.sub === before.profile.sub;
    show("said", `${is_new ? "renewed" : "the same"} for ${after.profile.given_name}`);
  };

  on("sign-in", () => manager.signinRedirect({ url_state: "kept", state: { place: location.pathname + location.hash } }));
  on("refresh", () => renewed());
  on("silent", async () => {
    // Without a refresh token the library opens a hidden frame, with prompt=none.
    const user = await manager.getUser();
    await manager.storeUser(new oidc.User({ ...user, refresh_token: undefined }));
    await renewed();
  });
  on("sign-out", () => manager.signoutRedirect({ state: "bye" }));

  if (location.pathname !== "/callback") {
    await tell();
    show("said", location.pathname === "/goodbye" ? "Goodbye" : "Ready");
  } else if (window.parent !== window) {
    await manager.signinSilentCallback();
  } else {
    const user = await manager.signinRedirectCallback();
    location.replace(user.state.place);
  }
})().catch((error) => show("said", `failed: ${error.message}`));
