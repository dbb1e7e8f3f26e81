// How the pages are found and what every page of ours must be. The selectors of both tests stand here and nowhere else:
// roles and accessible names, so that a test that passes is also a page that a screen reader can use.

import { claim, EMPTY_PAGE } from './harness.mjs';

/// The quickstart's own pages.
export const application = {
  account: (page) => page.getByRole('link', { name: /your account|sign in/i }).first(),
  signOut: (page) => page.getByRole('button', { name: /^sign out$/i }),
};

/// The development provider's sign-in page.
export const developmentProvider = {
  heading: (page) => page.getByRole('heading', { level: 1, name: /sign in/i }),
  user: (page, fullName) => page.getByRole('button', { name: new RegExp(`^${fullName}`) }),
  anotherUser: (page) => page.getByRole('textbox', { name: 'Name or address' }),
  demoUsers: ['Alice Adams', 'Bob Brown', 'Carol Clark'],
};

/// The two forms of npm `oidc-provider`.
export const certifiedProvider = {
  login: (page) => page.getByPlaceholder('Enter any login'),
  password: (page) => page.getByPlaceholder('and password'),
  signIn: (page) => page.getByRole('button', { name: 'Sign-in' }),
  consent: (page) => page.getByRole('button', { name: 'Continue' }),
};

/// Clicks what submits a form or follows a link, and waits for the page that this leads to.
export async function clickThrough(page, control) {
  const arrived = page.waitForEvent('framenavigated', { predicate: (frame) => frame === page.mainFrame() });
  await control.click();
  await arrived;
  await page.waitForLoadState();
}

/// Signs out by this control, at the provider too, and is back at the site: on the way is a page that leads to the provider.
export async function signOutThrough(page, control, site) {
  await clickThrough(page, control);
  await page.waitForURL((url) => url.origin === new URL(site).origin && url.pathname !== '/oauth2/sign_out');
  await page.waitForLoadState();
}

/// The page's text contains all of `texts`.
export async function shows(page, what, texts) {
  const body = await page.locator('body').innerText();
  for (const text of texts) claim(`${what} shows ${text}`, body.includes(text), body.slice(0, 500));
}

/// What a machine can tell of a page's accessibility: enough to notice that it was forgotten, no proof that it is there.
export async function isAccessible(page, what) {
  const faults = await page.evaluate(() => {
    const found = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    const nameOf = (element) =>
      element.getAttribute('aria-label') ?? [...(element.labels ?? [])].map((label) => label.textContent).join(' ');
    if (!document.documentElement.lang) found.push('no language');
    if (!document.title.trim()) found.push('no title');
    if (!document.querySelector('meta[name=viewport]')) found.push('no viewport for small screens');
    if (all('h1').length !== 1) found.push(`${all('h1').length} first-level headings`);
    if (all('main').length !== 1) found.push(`${all('main').length} main landmarks`);
    for (const part of document.body.children) {
      if (!part.matches('main, header, footer, nav, aside, script')) found.push(`<${part.localName}> outside every landmark`);
    }
    let level = 0;
    for (const heading of all('h1, h2, h3, h4, h5, h6')) {
      const next = Number(heading.localName[1]);
      if (next > level + 1) found.push(`heading level ${next} after ${level}`);
      level = next;
    }
    for (const field of all('input:not([type=hidden]), select, textarea')) {
      if (!nameOf(field).trim()) found.push(`a field without a label: ${field.name}`);
    }
    for (const control of all('a[href], button')) {
      if (!(nameOf(control) || control.textContent).trim()) found.push(`a <${control.localName}> without a name`);
    }
    for (const image of all('img:not([alt])')) found.push(`an image without alternative text: ${image.src}`);
    if (all('[tabindex]').some((element) => element.tabIndex > 0)) found.push('a tab order of its own');
    const ids = all('[id]').map((element) => element.id);
    if (new Set(ids).size !== ids.length) found.push('an id twice');
    return found;
  });
  claim(`${what} has a language, landmarks, ordered headings and names for all controls`, faults.length === 0, faults.join('; '));
}

/// The page holds no script: no element, no handler attribute, no `javascript:` address.
export async function hasNoScript(page, what) {
  const found = await page.evaluate(() =>
    [...document.querySelectorAll('*')].filter(
      (element) =>
        element.localName === 'script' ||
        [...element.attributes].some(({ name, value }) => /^on/i.test(name) || /^\s*javascript:/i.test(value)),
    ).map((element) => element.outerHTML.slice(0, 100)),
  );
  claim(`${what} holds no script`, found.length === 0, found.join(' '));
}

/// At 320 CSS pixels (WCAG 1.4.10) nothing is cut off and nothing scrolls sideways.
export async function fitsANarrowScreen(page, what) {
  const { wide, room } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, room: innerWidth }));
  claim(`${what} fits a screen of ${room} pixels`, wide <= room, `${wide} pixels wide`);
}

/// Every text stands out from its ground by the ratio of WCAG 2.2 § 1.4.3 at least, as computed from what the browser shows.
export async function canBeRead(page, what) {
  const faults = await page.evaluate(() => {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], ground) => [r, g, b].map((channel, index) => channel * a + ground[index] * (1 - a));
    const luminance = (colour) => {
      const [r, g, b] = colour.map((channel) => {
        const part = channel / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const groundOf = (element) => {
      const own = channels(getComputedStyle(element).backgroundColor);
      if ((own[3] ?? 1) === 1) return own.slice(0, 3);
      return over(own, element.parentElement ? groundOf(element.parentElement) : [255, 255, 255]);
    };
    const found = [];
    for (const element of document.body.querySelectorAll('*')) {
      const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
      if (!text) continue;
      const ground = groundOf(element);
      const [one, other] = [luminance(over(channels(getComputedStyle(element).color), ground)), luminance(ground)];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 100)}`);
    }
    return found;
  });
  claim(`${what}: every text has a contrast of 4.5 at least`, faults.length === 0, faults.join('; '));
}

/// Moves the focus with Tab until it is on the control called `name`, and claims that the focus can be seen there.
export async function tabTo(page, name, what) {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      return {
        name: element.getAttribute('aria-label') ?? (element.labels?.[0] ?? element).textContent.trim().replace(/\s+/g, ' '),
        visible: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none',
      };
    });
    if (!(name instanceof RegExp ? name.test(focus.name) : focus.name.includes(name))) continue;
    claim(`${what}: Tab reaches ${name}, and the focus shows`, focus.visible);
    return;
  }
  throw new Error(`${what}: Tab never reaches ${name}`);
}

/// Every HTML document came with a strict content security policy, and the browser had nothing to complain of.
export function heldThePolicy(what, { documents, complaints }) {
  claim(`${what}: at least one HTML document of ours was seen`, documents.length > 0);
  const faults = documents.flatMap(({ url, headers }) => policyFaults(headers).map((fault) => `${url}: ${fault}`));
  claim(`${what}: every HTML document (${documents.length}) forbids scripts, frames, sniffing and foreign content`, faults.length === 0, faults.join('\n'));
  claim(`${what}: no console error, policy violation or uncaught exception`, complaints.length === 0, complaints.join('\n'));
}

function policyFaults(headers) {
  const policy = headers['content-security-policy'];
  if (policy === undefined) return ['no content security policy'];
  const faults = [];
  const directives = new Map(policy.split(';').map((part) => part.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));
  // `default-src` does not cover the other three.
  for (const name of ['default-src', 'frame-ancestors', 'base-uri']) {
    if (directives.get(name)?.join() !== "'none'") faults.push(`${name} is not 'none'`);
  }
  if (!directives.has('form-action')) faults.push('form-action is not restricted');
  const pictures = directives.get('img-src')?.join();
  if (pictures !== undefined && pictures !== 'data:') faults.push(`pictures from ${pictures} are allowed`);
  if (directives.has('script-src')) faults.push('scripts are allowed');
  if (/unsafe-|\*/.test(policy)) faults.push(`the policy has a hole: ${policy}`);
  if (headers['x-content-type-options'] !== 'nosniff') faults.push('sniffing is not forbidden');
  return faults;
}

/// Calls `address` with `fetch` as a script of the same origin would, and answers status, content type and body.
export async function fetchAsScript(context, address) {
  const page = await context.newPage();
  // Our pages forbid `fetch` with everything else, so the script lives on an empty page that the test itself answers.
  const empty = new URL(EMPTY_PAGE, address).href;
  await page.route(empty, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>empty</title>' }));
  await page.goto(empty);
  const answer = await page.evaluate(async (url) => {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    return { status: response.status, type: response.headers.get('content-type') ?? '', body: await response.text() };
  }, address);
  await page.close();
  return answer;
}
