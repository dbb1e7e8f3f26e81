// Ten tabs at once, the back button, a reload, a second submit, a login that the browser has forgotten: whoever does nothing
// wrong ends on the right page, and never sees a 400. Headless Chromium, HTTPS on two sites, a certified provider, both
// response modes.
//
//   node tabs.mjs path/to/quickstart

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { claim, freePorts, newProfile, note, run, scratchDirectory, startChromium, startProgram } from './harness.mjs';
import { application, certifiedProvider, heldThePolicy } from './pages.mjs';
import { client, startProvider, userClaims } from './provider.mjs';
import { makeAuthority, terminateTls } from './tls.mjs';

const quickstart = path.resolve(process.argv[2] ?? process.env.QUICKSTART ?? 'target/debug/quickstart');
const user = userClaims('dagny');
const TABS = 10;

await run('many tabs', async () => {
  const authority = await makeAuthority(await scratchDirectory());
  const browser = await startChromium(authority.home);
  for (const responseMode of ['query', 'form_post']) await tabs(authority, browser, responseMode);
});

async function tabs(authority, browser, responseMode) {
  const [publicPort, plainPort, unusedPort, providerPort] = await freePorts(4);
  const site = `https://localhost:${publicPort}`;
  const callback = `${site}/oauth2/callback`;
  const asked = [];
  const issuer = await startProvider({ tls: authority.server, port: providerPort, redirectUri: callback, requests: asked });
  const program = await startProgram(quickstart, {
    port: plainPort,
    environment: {
      OIDC_GATE_ISSUER_URL: issuer,
      OIDC_GATE_CLIENT_ID: client.id,
      OIDC_GATE_CLIENT_SECRET: client.secret,
      OIDC_GATE_BASE_URL: site,
      // Signing out at the provider is what logout.mjs is about.
      OIDC_GATE_SIGN_OUT: 'here',
      OIDC_GATE_COOKIE_SECRET: randomBytes(32).toString('base64'),
      OIDC_GATE_CA_FILE: authority.caFile,
      OIDC_GATE_RESPONSE_MODE: responseMode,
      PORT: String(plainPort),
      PROVIDER_PORT: String(unusedPort),
    },
  });
  await terminateTls(authority.server, publicPort, plainPort);
  const states = `${responseMode}: `;
  const tokens = () => asked.filter((request) => request === 'POST /token').length;

  const profile = async () => {
    const { context, watched } = await newProfile(browser, [site]);
    const refused = [];
    context.on('response', (response) => {
      if (response.url().startsWith(`${site}/`) && response.status() >= 400) refused.push(`${response.status()} ${response.url().split('?')[0]}`);
    });
    const finished = async (what) => {
      const logins = (await context.cookies(site)).filter(({ name }) => name.includes('-login-'));
      claim(`${states}${what}: at most five logins are kept`, logins.length <= 5, logins.length);
      claim(`${states}${what}: nothing was refused`, refused.length === 0, refused);
      heldThePolicy(`${states}${what}`, watched);
      await context.close();
    };
    return { context, finished };
  };
  const open = async (context, tab) => {
    const page = await context.newPage();
    await page.goto(`${site}/me?tab=${tab}`);
    await certifiedProvider.login(page).waitFor();
    return page;
  };
  // Signs in for as long as the provider asks.
  const signIn = async (page) => {
    for (let step = 0; step < 6; step += 1) {
      const here = application.signOut(page);
      const login = certifiedProvider.login(page);
      const consent = certifiedProvider.consent(page);
      await here.or(login).or(consent).first().waitFor();
      if (await here.isVisible()) return;
      const before = page.url();
      if (await login.isVisible()) {
        await login.fill(user.sub);
        await certifiedProvider.password(page).fill('anything');
        await certifiedProvider.signIn(page).click();
      } else {
        await consent.click();
      }
      await page.waitForURL((url) => url.href !== before);
    }
  };
  const isHome = async (page, tab, what) => {
    claim(`${states}${what}`, page.url() === `${site}/me?tab=${tab}` && (await application.signOut(page).isVisible()), page.url().split('?')[0]);
  };
  // What the provider sends to the callback. The browser gets as far as the question whether to agree; the rest is asked with
  // its cookies and beside it, because what a redirect leads to cannot be held up.
  const intercepted = async (page) => {
    await certifiedProvider.login(page).fill(user.sub);
    await certifiedProvider.password(page).fill('anything');
    await certifiedProvider.signIn(page).click();
    await certifiedProvider.consent(page).waitFor();
    const options = { maxRedirects: 0, ignoreHTTPSErrors: true };
    const action = await page.locator('form').first().evaluate((form) => form.action);
    const agreed = await page.request.post(action, { ...options, form: { prompt: 'consent' } });
    const answered = await page.request.get(new URL(agreed.headers().location, issuer).href, options);
    const location = answered.headers().location;
    if (location !== undefined) return { url: location, form: null };
    const form = new URLSearchParams();
    for (const [, name, value] of (await answered.text()).matchAll(/name="([^"]*)" value="([^"]*)"/g)) form.append(name, value);
    return { url: callback, form: form.toString() };
  };
  // The same once more, from the provider's site.
  const submit = async (page, { url, form }) => {
    await page.goto(`${issuer}/nothing-here`);
    await page.evaluate(({ url, form }) => {
      if (form === null) {
        location.href = url;
        return;
      }
      const element = document.createElement('form');
      element.method = 'post';
      element.action = url;
      for (const [name, value] of new URLSearchParams(form)) {
        const field = document.createElement('input');
        Object.assign(field, { type: 'hidden', name, value });
        element.append(field);
      }
      document.body.append(element);
      element.submit();
    }, { url, form });
    await page.waitForURL((at) => at.pathname === '/me' || at.pathname.startsWith('/interaction'));
  };

  // Ten tabs, of which the browser keeps five logins. The first are the forgotten ones.
  {
    const { context, finished } = await profile();
    const pages = [];
    for (let tab = 0; tab < TABS; tab += 1) pages.push(await open(context, tab));
    for (const [tab, page] of pages.entries()) {
      await signIn(page);
      await isHome(page, tab, `tab ${tab} of ${TABS} ends on its own page`);
    }
    // Back to the provider, which may say that this is over, and forward again.
    const [page] = pages;
    await page.goBack();
    await page.goForward();
    await page.waitForURL(`${site}/me?tab=0`);
    await isHome(page, 0, 'back and forward through a login end on its page');
    await page.goBack();
    note(`${states}back once more leads to ${page.url().split('?')[0].replace(/[\w-]{21}$/, '…')}`);
    await page.goto(`${site}/me?tab=0`);
    await isHome(page, 0, 'the session is as it was');
    await finished('ten tabs');
  }

  // A second submit while the first is under way, and a reload of the callback afterwards.
  {
    const { context, finished } = await profile();
    const answer = await intercepted(await open(context, 'twice'));
    const before = tokens();
    const [one, two] = [await context.newPage(), await context.newPage()];
    await Promise.all([submit(one, answer), submit(two, answer)]);
    await isHome(one, 'twice', 'the first submit ends on the page');
    await isHome(two, 'twice', 'the second submit ends on the page');
    await submit(one, answer);
    await isHome(one, 'twice', 'the callback again ends on the page');
    claim(`${states}… and the code was redeemed once`, tokens() === before + 1, tokens() - before);
    await finished('second submit');
  }

  // A login that the browser has forgotten: with a winner in another tab, and without.
  {
    const { context, finished } = await profile();
    const [loser, winner] = [await open(context, 'loser'), await open(context, 'winner')];
    const forget = () => context.clearCookies({ name: /-login-/ });
    const answer = await intercepted(loser);
    await forget();
    await submit(loser, answer);
    await signIn(loser);
    await isHome(loser, 'loser', 'a login that was forgotten goes on by itself and ends on its page');
    await signIn(winner);
    await isHome(winner, 'winner', 'so does one beside it, whose tab is brought home');
    const before = tokens();
    await context.clearCookies({ name: /-login-/ });
    await submit(loser, answer);
    await isHome(loser, 'loser', 'a bookmarked callback leads whoever is signed in to its page');
    claim(`${states}… and redeems nothing`, tokens() === before, tokens() - before);
    await finished('forgotten logins');
  }
  await program.stop();
}
