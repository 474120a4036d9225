// A browser that does what it is told: one JSON command a line on standard input, one JSON answer a line on standard output.
//
// The argument is the path of Chromium.

import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import jsQR from "jsqr";
import { PNG } from "pngjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: process.argv[2],
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
// Where pictures go.
let artifacts;
let context;
let page;
let devtools;
// What the page's policy has kept from running, and what failed.
let complaints = [];

async function begin(options) {
  await context?.close();
  devtools = undefined;
  context = await browser.newContext({ viewport: { width: 900, height: 900 }, ...options });
  context.setDefaultTimeout(15000);
  page = await context.newPage();
  page.on("console", (message) => {
    // That a form was refused is said by the status, and is no fault.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
}

/** What the page is, after it has come to rest. */
async function seen(status) {
  await page.waitForLoadState("load");
  return { url: page.url(), title: await page.title(), status, text: await page.locator("body").innerText() };
}

async function leaving(act) {
  const answered = page.waitForEvent("response", (response) => response.request().isNavigationRequest());
  const loaded = page.waitForEvent("load");
  await act();
  await answered;
  await loaded;
  return seen();
}

const commands = {
  // For another test: nothing is left of the one before.
  renew: async (folder) => {
    artifacts = folder;
    mkdirSync(artifacts, { recursive: true });
    await begin({});
    complaints = [];
    return {};
  },
  // Before the server ends, which would wait for connections.
  leave: async () => (await context?.close(), (context = undefined), {}),
  begin: async (options) => (await begin(options), {}),
  open: async (url) => seen((await page.goto(url, { waitUntil: "load" }))?.status()),
  fill: async (fields) => {
    for (const [selector, value] of Object.entries(fields)) await page.fill(selector, value);
    return {};
  },
  check: async (selector) => (await page.check(selector), {}),
  click: (selector) => leaving(() => page.click(selector)),
  double: (selector) => leaving(() => page.dblclick(selector)),
  style: async ([selector, name]) => ({
    value: await page.locator(selector).evaluate((element, name) => getComputedStyle(element)[name], name),
  }),
  press: async (key) => (await page.keyboard.press(key), { focus: await focus() }),
  type: async (text) => (await page.keyboard.type(text), {}),
  enter: () => leaving(() => page.keyboard.press("Enter")),
  tap: async (selector) => (await page.click(selector), {}),
  back: async () => (await page.goBack({ waitUntil: "load" }).catch(() => null), { url: page.url() }),
  value: async (selector) => ({ value: await page.inputValue(selector) }),
  count: async (selector) => ({ count: await page.locator(selector).count() }),
  attribute: async ([selector, name]) => ({ value: await page.getAttribute(selector, name) }),
  texts: async (selector) => ({ texts: await page.locator(selector).allInnerTexts() }),
  download: async (selector) => {
    const [file] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
  },
  shot: async (name) => (await page.screenshot({ path: join(artifacts, name), fullPage: true }), {}),
  // The upper part of the page, in fewer shades: small enough for documentation.
  picture: async ([name, height]) => {
    const clip = { x: 0, y: 0, width: page.viewportSize().width, height };
    const drawn = PNG.sync.read(await page.screenshot({ clip }));
    drawn.data.forEach((value, index) => { drawn.data[index] = Math.round(value / 17) * 17; });
    writeFileSync(join(artifacts, name), PNG.sync.write(drawn, { colorType: 2, filterType: 0, deflateStrategy: 0 }));
    return {};
  },
  qr: async () => {
    const picture = PNG.sync.read(await page.locator("svg.qr").screenshot());
    return { text: jsQR(new Uint8ClampedArray(picture.data), picture.width, picture.height)?.data ?? null };
  },
  axe: async () => ({ violations: await violations("all") }),
  // The page that is open, in several looks: what axe-core finds, whether it has to be scrolled sideways (WCAG 2.2, 1.4.10), pictures.
  survey: async ([name, looks]) => {
    const problems = [];
    for (const { scheme, width, axe: what, shot } of looks) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 800 });
      if (what) problems.push(...await violations(what));
      const drawn = await page.evaluate(() => document.documentElement.scrollWidth);
      if (drawn > width) problems.push(`is ${drawn} wide in ${width}`);
      if (shot) await page.screenshot({ path: join(artifacts, `${name}-${scheme}-${width}.png`), fullPage: true });
    }
    return { problems };
  },
  // Whether the tabulator key reaches all that can be used, in its order on the page, and each shows that it has the focus.
  keyboard: async () => {
    await page.evaluate(() => {
      document.activeElement?.blur();
      globalThis.scrollTo(0, 0);
      const usable = "a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex='0']";
      globalThis.wanted = [...document.querySelectorAll(usable)].filter((element) => element.checkVisibility() && !element.disabled);
      globalThis.reached = [];
      document.addEventListener("focusin", ({ target }) => {
        if (target === document.body) return;
        globalThis.reached.push(target);
        if (getComputedStyle(target).outlineStyle === "none") globalThis.bare = target.outerHTML;
      });
    });
    const count = await page.evaluate(() => globalThis.wanted.length);
    // The parts of a date are places of their own.
    const dates = await page.locator("input[type=date]:visible").count();
    await page.locator("body").evaluate((body) => { body.tabIndex = -1; body.focus(); body.removeAttribute("tabindex"); });
    await Promise.all(Array.from({ length: count + 3 * dates + 3 }, () => page.keyboard.press("Tab")));
    return page.evaluate(() => {
      const { reached } = globalThis;
      const problems = globalThis.wanted.filter((element) => !reached.includes(element)).map((element) => `Tab does not reach ${element.outerHTML}`);
      const places = [...new Set(reached)].map((element) => globalThis.wanted.indexOf(element)).filter((place) => place >= 0);
      if (places.some((place, index) => index > 0 && place < places[index - 1])) problems.push("Tab does not go in the order of the page");
      if (globalThis.bare) problems.push(`shows no focus: ${globalThis.bare}`);
      return { problems };
    });
  },
  // The first paint, as the median of several, on a processor so many times as slow; what came over the network.
  paint: async ([url, slowdown, times]) => {
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    let bytes = 0;
    let requests = 0;
    // Chromium's own pictures, such as that of a calendar, do not come over the network.
    session.on("Network.responseReceived", ({ response }) => { if (response.url.startsWith("http")) requests += 1; });
    session.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
    await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
    const paints = [];
    for (let time = 0; time < times; time += 1) {
      [bytes, requests] = [0, 0];
      await page.goto(url, { waitUntil: "load" });
      paints.push(await page.evaluate(async () => {
        const painted = () => performance.getEntriesByName("first-contentful-paint")[0];
        while (!painted()) await new Promise(requestAnimationFrame);
        return painted().startTime - performance.getEntriesByType("navigation")[0].responseStart;
      }));
    }
    await session.detach();
    paints.sort((one, other) => one - other);
    return { paint: paints[Math.floor(times / 2)], least: paints[0], most: paints[times - 1], bytes, requests };
  },
  // What runs in each page before its own script.
  init: async (script) => (await context.addInitScript(script), {}),
  // An authenticator that is not there: https://w3c.github.io/webauthn/#sctn-automation
  authenticator: async (options) => {
    if (!devtools) {
      devtools = await context.newCDPSession(page);
      await devtools.send("WebAuthn.enable");
    }
    return devtools.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", automaticPresenceSimulation: true, ...options } });
  },
  webauthn: async ([name, given]) => (await devtools.send(`WebAuthn.${name}`, given)) ?? {},
  // Waits for a page that comes by itself.
  arrive: async (url) => (await page.waitForURL(url, { waitUntil: "load" }), seen()),
  appears: async (selector) => ({ text: await page.locator(selector).filter({ hasText: /./ }).innerText() }),
  cookies: async () => ({ cookies: await context.cookies() }),
  complaints: async () => ({ complaints: complaints.splice(0) }),
};

// The rules that depend on what texts say, and on how long they are.
const WORDS = [
  "aria-command-name", "aria-input-field-name", "aria-tooltip-name", "button-name", "document-title", "duplicate-id-aria",
  "empty-heading", "empty-table-header", "form-field-multiple-labels", "frame-title", "heading-order", "html-has-lang",
  "html-lang-valid", "label", "label-content-name-mismatch", "label-title-only", "landmark-unique", "link-name",
  "scrollable-region-focusable", "select-name", "summary-name", "target-size", "valid-lang",
];

/** What axe-core finds by "all" rules, by all but "contrast", which is "structure", or by those on "words". */
async function violations(what) {
  await page.evaluate(axe);
  const only = { contrast: ["color-contrast"], words: WORDS }[what];
  const found = await page.evaluate(([what, only]) => globalThis.axe.run(document, {
    runOnly: only
      ? { type: "rule", values: only }
      : ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    rules: what === "structure" ? { "color-contrast": { enabled: false } } : {},
    // What is right needs no report of each element.
    resultTypes: ["violations"],
    selectors: false,
  }), [what, only]);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
}

async function focus() {
  return page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent?.trim() || "");
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, given] = JSON.parse(line);
  try {
    console.log(JSON.stringify(await commands[name](given)));
  } catch (error) {
    await page?.screenshot({ path: join(artifacts, "error.png") }).catch(() => {});
    console.log(JSON.stringify({ error: String(error.stack), text: await page?.locator("body").innerText().catch(() => "") }));
  }
}
await browser.close();
