// Has a browser go through single sign-on between web sites, and tells what it met at each step.
//
// The argument is a JSON file: where the web sites and the server are, and with what to begin. Every host name is one of its own,
// over TLS, at a front that passes requests on; the browser finds all of them on this machine. Prints JSON.

import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { request } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const SHOP = "https://shop.example";
const BLOG = "https://blog.example";
const SSO = "https://sso.example";
const EVIL = "https://evil.example";

// --- the front

const seen = [];
// What a page of somebody else says.
let foreignPage = "";

function passOn(port, incoming, outgoing) {
  const { method, url, headers } = incoming;
  const upstream = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  });
  upstream.on("error", (error) => outgoing.destroy(error));
  incoming.pipe(upstream);
}

function answerAsForeigner(incoming, outgoing) {
  if (incoming.url === "/cookie") {
    // As a third party that wants to know the browser again.
    outgoing.writeHead(200, {
      "Content-Type": "text/plain",
      "Access-Control-Allow-Origin": SHOP,
      "Access-Control-Allow-Credentials": "true",
      "Set-Cookie": "third=1; Path=/; Secure; SameSite=None",
    });
    outgoing.end(incoming.headers.cookie ?? "");
    return;
  }
  outgoing.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
  outgoing.end(foreignPage);
}

const tls = { key: readFileSync(config.key), cert: readFileSync(config.certificate) };
const front = createServer(tls, (incoming, outgoing) => {
  seen.push({ host: incoming.headers.host, method: incoming.method, url: incoming.url });
  const port = config.ports[incoming.headers.host];
  if (port === undefined) {
    answerAsForeigner(incoming, outgoing);
  } else {
    passOn(port, incoming, outgoing);
  }
});
await new Promise((resolve) => front.listen(0, "127.0.0.1", resolve));

// --- the browser

mkdirSync(join(config.profile, "Default"), { recursive: true });
const preferences = config.blockThirdPartyCookies
  ? { profile: { block_third_party_cookies: true, cookie_controls_mode: 1 } }
  : { profile: { block_third_party_cookies: false, cookie_controls_mode: 0 } };
writeFileSync(join(config.profile, "Default", "Preferences"), JSON.stringify(preferences));
const context = await chromium.launchPersistentContext(config.profile, {
  executablePath: config.chromium,
  headless: true,
  ignoreHTTPSErrors: true,
  viewport: { width: 800, height: 400 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--host-resolver-rules=MAP * 127.0.0.1:${front.address().port}`,
  ],
});
context.setDefaultTimeout(20000);

const steps = {};
const messages = [];

/** Waits until the browser has come to rest, and keeps what it shows. */
async function step(name, page, more = {}) {
  await page.waitForLoadState("networkidle");
  const shot = `${String(Object.keys(steps).length + 1).padStart(2, "0")}-${name}.png`;
  // For people alone; Chromium draws none on a machine that is too busy.
  await page.screenshot({ path: join(config.artifacts, shot) }).catch(() => {});
  const who = page.locator("#who");
  steps[name] = {
    url: page.url(),
    text: (await who.count()) ? await who.innerText() : await page.locator("body").innerText(),
    requests: seen.splice(0).map(({ host, method, url }) => `${method} ${host}${url.split("?")[0]}`),
    ...more,
  };
}

async function open(url, page) {
  page ??= await context.newPage();
  page.on("console", (message) => messages.push(message.text()));
  seen.splice(0);
  const answer = await page.goto(url, { waitUntil: "networkidle" }).catch((error) => {
    // A page that goes on at once is no failure of having gone there.
    if (!/interrupted|ERR_ABORTED/.test(error.message)) throw error;
    return null;
  });
  return { page, status: answer?.status() };
}

const cookies = async (url) =>
  (await context.cookies(url)).map(({ name, value, domain, path, secure, httpOnly, sameSite }) => ({
    name, value, domain, path, secure, httpOnly, sameSite,
  }));

async function logIn(page) {
  await page.fill("[name=login]", config.login);
  await page.fill("[name=password]", config.password);
  await page.click("button");
  await page.waitForFunction(() => document.querySelector("#who")?.innerText.startsWith("Hello"));
}

try {
  // Nobody has logged in yet: the blog asks, and the page comes back as it was.
  const { page: blog } = await open(`${BLOG}/?x=1#there`);
  await step("blog-before", blog);

  const { page: shop } = await open(`${SHOP}/`);
  await logIn(shop);
  // The browser may store the cookie a moment after the page has loaded.
  for (let tries = 0; tries < 50 && (await cookies(SSO)).length === 0; tries += 1) {
    await shop.waitForTimeout(100);
  }
  await step("shop-logged-in", shop, { cookies: await cookies(SSO) });
  await shop.reload({ waitUntil: "networkidle" });
  await step("shop-again", shop, {
    thirdPartyCookie: await shop.evaluate(async (url) => {
      const ask = async () => (await fetch(url, { credentials: "include" })).text();
      await ask();
      return ask();
    }, `${EVIL}/cookie`),
  });

  const { page: second } = await open(`${BLOG}/?x=2#here`);
  await second.waitForFunction(() => document.querySelector("#who")?.innerText.startsWith("Hello"));
  await step("blog-recognised", second, { state: await cookies(`${BLOG}/`) });

  // A foreign page wants the browser to have a session of its own, a visitor in a frame, or a way out.
  const before = (await cookies(SSO)).map(({ value }) => value);
  foreignPage = `<!doctype html><form method="post" action="${SSO}/sso/register">
    <input name="sso_session_token" value="${config.foreignToken}"><input name="return_uri" value="${SHOP}/">
    </form><script>document.forms[0].submit()</script>`;
  const { page: planted } = await open(`${EVIL}/`);
  await planted.waitForURL(`${SSO}/sso/register`);
  const after = (await cookies(SSO)).map(({ value }) => value);
  await step("foreign-session", planted, { isUnchanged: String(before) === String(after) });

  const callback = encodeURIComponent(`${BLOG}/callback`);
  foreignPage = `<!doctype html><p>A frame:</p><iframe src="${SSO}/sso/check?callback_uri=${callback}"></iframe>`;
  const { page: framing } = await open(`${EVIL}/framing`);
  await step("foreign-frame", framing);

  const elsewhere = encodeURIComponent(`${EVIL}/callback`);
  const { page: lost, status } = await open(`${SSO}/sso/check?callback_uri=${elsewhere}`);
  await step("foreign-callback", lost, { status });

  // A code of somebody else's is not taken from a page that was not sent for it.
  foreignPage = `<!doctype html><form method="post" action="${BLOG}/callback">
    <input name="connection_token" value="00000000-0000-4000-8000-000000000000"><input name="state" value="x">
    </form><script>document.forms[0].submit()</script>`;
  const { page: foisted } = await open(`${EVIL}/code`);
  await foisted.waitForURL(`${BLOG}/**`);
  await step("foreign-code", foisted);

  await shop.click("button");
  await shop.waitForFunction(() => document.querySelector("#who")?.innerText === "Nobody");
  await step("shop-logged-out", shop);

  if (!config.oneKeyPair) {
    // The blog's own login is the blog's own.
    await second.reload({ waitUntil: "networkidle" });
    await step("blog-still", second);
    await second.click("button");
  } else {
    await second.reload({ waitUntil: "networkidle" });
  }
  await second.waitForFunction(() => document.querySelector("#who")?.innerText === "Nobody");
  await step("blog-forgotten", second);
  const { page: third } = await open(`${BLOG}/`);
  await step("blog-forgotten-anew", third);

  await logIn(shop);
  await step("shop-logged-in-again", shop);
  const { page: fourth } = await open(`${BLOG}/`);
  await fourth.waitForFunction(() => document.querySelector("#who")?.innerText.startsWith("Hello"));
  await step("blog-recognised-again", fourth);
} catch (error) {
  steps.error = String(error.stack);
  for (const [index, page] of context.pages().entries()) {
    await page.screenshot({ path: join(config.artifacts, `error-${index}.png`) }).catch(() => {});
  }
} finally {
  await context.close();
  front.close();
}
console.log(JSON.stringify({ steps, messages }));
