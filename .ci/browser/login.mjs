// A user logs in to the quickstart at a certified provider: headless Chromium, HTTPS on both sites, production cookies,
// a certificate authority that was made a moment ago and that browser and gate were told to trust.
//
//   node login.mjs path/to/quickstart

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { claim, freePorts, newProfile, note, run, scratchDirectory, screenshot, startChromium, startProgram } from './harness.mjs';
import { application, certifiedProvider, clickThrough, fetchAsScript, heldThePolicy, shows } from './pages.mjs';
import { client, startProvider, userClaims } from './provider.mjs';
import { makeAuthority, terminateTls } from './tls.mjs';

const quickstart = path.resolve(process.argv[2] ?? process.env.QUICKSTART ?? 'target/debug/quickstart');
const user = userClaims('dagny');

await run('login at a certified provider', async () => {
  const authority = await makeAuthority(await scratchDirectory());
  const [publicPort, plainPort, unusedPort, providerPort] = await freePorts(4);
  const site = `https://localhost:${publicPort}`;
  const asked = []; // of the provider, by the browser and by the gate
  const issuer = await startProvider({
    tls: authority.server,
    port: providerPort,
    redirectUri: `${site}/oauth2/callback`,
    requests: asked,
  });
  const logins = () => asked.filter((request) => request === 'GET /auth').length;
  await startProgram(quickstart, {
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
      PORT: String(plainPort),
      PROVIDER_PORT: String(unusedPort),
    },
  });
  await terminateTls(authority.server, publicPort, plainPort);
  const browser = await startChromium(authority.home);

  const { context, watched } = await newProfile(browser, [site]);
  const page = await context.newPage();
  const navigations = [];
  page.on('request', (request) => request.isNavigationRequest() && navigations.push(new URL(request.url())));

  // Signed out.
  const refused = await fetchAsScript(context, `${site}/api/me`);
  claim('a script that is not signed in gets 401', refused.status === 401, refused.status);
  claim('… as JSON', refused.type.startsWith('application/json') && isObject(refused.body), `${refused.type} ${refused.body}`);
  claim('… and the provider was not troubled', logins() === 0);

  // To the provider.
  await page.goto(`${site}/me?tab=2`);
  await certifiedProvider.login(page).waitFor();
  claim('a protected page leads to the provider', new URL(page.url()).origin === issuer, page.url());
  const request = navigations.find((url) => url.origin === issuer && url.pathname === '/auth').searchParams;
  claim('… with PKCE S256, state and nonce', request.get('code_challenge_method') === 'S256' && ['code_challenge', 'state', 'nonce'].every((name) => request.get(name)?.length >= 22), request);
  const underway = await context.cookies(site);
  claim('the login under way is kept in a cookie', underway.length > 0);
  areProductionCookies('the cookies of a login under way', underway);

  // And back.
  await certifiedProvider.login(page).fill(user.sub);
  await certifiedProvider.password(page).fill('anything');
  await certifiedProvider.signIn(page).click();
  await certifiedProvider.consent(page).click();
  await page.waitForURL(`${site}/**`);
  claim('the login ends on the page that was asked for', page.url() === `${site}/me?tab=2`, page.url());
  await shows(page, 'the page', [user.name, user.email, ...user.groups]);
  const userinfo = asked.filter((request) => request.endsWith(' /me')).length;
  claim('… which the provider says at its userinfo endpoint alone', userinfo === 1, asked);
  await screenshot(page, 'certified-provider-me');
  const session = await context.cookies(site);
  const left = session.filter(({ name }) => underway.some((cookie) => cookie.name === name)).map(({ name }) => name);
  claim('nothing is left of the login under way', left.length === 0, left);
  claim('the session is kept in a cookie', session.length > 0);
  areProductionCookies('the cookies of a session', session);

  // Signed in.
  const before = asked.length;
  const reloaded = await page.reload();
  claim('a reload stays signed in', reloaded.status() === 200 && page.url() === `${site}/me?tab=2`, `${reloaded.status()} ${page.url()}`);
  claim('… without asking the provider anything', asked.length === before, asked.slice(before));
  const allowed = await fetchAsScript(context, `${site}/api/me`);
  claim('a script that is signed in gets 200 and JSON', allowed.status === 200 && isObject(allowed.body), `${allowed.status} ${allowed.body}`);
  claim('… with the user', allowed.body.includes(user.email), allowed.body);

  // Ways to go wrong.
  const back = await page.goBack();
  note(`the back button after a login leads to ${back?.status()} “${await page.title()}” at ${withoutQuery(page.url())}`);
  const callback = navigations.find((url) => url.origin === site && url.pathname === '/oauth2/callback');
  const replayed = await page.goto(callback.href);
  note(`the callback opened a second time leads to ${replayed.status()} “${await page.title()}” at ${withoutQuery(page.url())}`);
  claim('the callback opened a second time is no server error', replayed.status() < 500, replayed.status());
  await page.goto(`${site}/me`);
  claim('… and leaves the session as it was', page.url() === `${site}/me` && (await application.signOut(page).isVisible()), page.url());

  // Signed out again.
  const copied = await context.cookies(site);
  await clickThrough(page, application.signOut(page));
  claim('signing out ends on a page of the site', new URL(page.url()).origin === site, page.url());
  const kept = (await context.cookies(site)).map(({ name }) => name);
  claim('signing out takes the cookies away', kept.length === 0, kept);
  const after = await fetchAsScript(context, `${site}/api/me`);
  claim('a script gets 401 after signing out', after.status === 401, after.status);
  const count = logins();
  await page.goto(`${site}/me`);
  claim('a protected page asks the provider again after signing out', logins() === count + 1, page.url());
  note(`… whose own session then leads to ${withoutQuery(page.url())}`);

  // Somebody copied the cookie.
  const thief = await newProfile(browser, [site]);
  await thief.context.addCookies(copied);
  const stolen = await fetchAsScript(thief.context, `${site}/api/me`);
  claim('a copy of the cookie of an ended session gets 401', stolen.status === 401, stolen.status);
  const thiefPage = await thief.context.newPage();
  await thiefPage.goto(`${site}/me`);
  await certifiedProvider.login(thiefPage).waitFor();
  claim('… and is sent to the provider', new URL(thiefPage.url()).origin === issuer, thiefPage.url());

  heldThePolicy('the application’s pages', watched);
});

function areProductionCookies(what, cookies) {
  const wrong = cookies.filter(
    ({ name, secure, httpOnly, sameSite, path, domain }) =>
      !(name.startsWith('__Host-') && secure && httpOnly && sameSite === 'Lax' && path === '/' && domain === 'localhost'),
  );
  claim(`${what} are __Host-, Secure, HttpOnly and SameSite=Lax`, wrong.length === 0, wrong.map(({ value, ...cookie }) => JSON.stringify(cookie)));
}

function isObject(text) {
  try {
    return JSON.parse(text)?.constructor === Object;
  } catch {
    return false;
  }
}

/// Addresses of a login carry codes; they do not belong in a log.
function withoutQuery(address) {
  return address.split('?')[0];
}
