// The other ways back from a provider and the other kind of session cookie: `form_post` over two sites, sessions that are
// kept from other sites, and both. Headless Chromium, HTTPS on both sites, a certified provider.
//
//   node modes.mjs path/to/quickstart

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { claim, freePorts, newProfile, run, scratchDirectory, startChromium, startProgram } from './harness.mjs';
import { application, certifiedProvider, clickThrough, heldThePolicy } from './pages.mjs';
import { client, startProvider, userClaims } from './provider.mjs';
import { makeAuthority, terminateTls } from './tls.mjs';

const quickstart = path.resolve(process.argv[2] ?? process.env.QUICKSTART ?? 'target/debug/quickstart');
const user = userClaims('dagny');

await run('response modes and kept sessions', async () => {
  const authority = await makeAuthority(await scratchDirectory());
  const browser = await startChromium(authority.home);
  for (const responseMode of ['query', 'form_post']) {
    for (const sameSite of ['lax', 'strict']) await login(authority, browser, responseMode, sameSite);
  }
});

async function login(authority, browser, responseMode, sameSite) {
  const what = `${responseMode}, ${sameSite}`;
  const [publicPort, plainPort, unusedPort, providerPort] = await freePorts(4);
  const site = `https://localhost:${publicPort}`;
  const asked = [];
  const issuer = await startProvider({
    tls: authority.server,
    port: providerPort,
    redirectUri: `${site}/oauth2/callback`,
    requests: asked,
  });
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
      OIDC_GATE_SAME_SITE: sameSite,
      PORT: String(plainPort),
      PROVIDER_PORT: String(unusedPort),
    },
  });
  await terminateTls(authority.server, publicPort, plainPort);
  const { context, watched } = await newProfile(browser, [site]);
  const page = await context.newPage();
  const callbacks = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (request.isNavigationRequest() && url.origin === site && url.pathname === '/oauth2/callback') {
      callbacks.push({ method: request.method(), query: url.searchParams });
    }
  });

  // There and back.
  await page.goto(`${site}/me?tab=2`);
  await certifiedProvider.login(page).waitFor();
  const underway = await context.cookies(site);
  const wanted = responseMode === 'form_post' ? 'None' : 'Lax';
  claim(`${what}: the login under way is kept in a cookie that comes back from there`,
    underway.length === 1 && underway.every((cookie) => cookie.sameSite === wanted && cookie.secure && cookie.httpOnly), underway);
  await certifiedProvider.login(page).fill(user.sub);
  await certifiedProvider.password(page).fill('anything');
  await certifiedProvider.signIn(page).click();
  await certifiedProvider.consent(page).click();
  await page.waitForURL(`${site}/me?tab=2`);
  claim(`${what}: the login ends on the page that was asked for`, await application.signOut(page).isVisible());
  const method = responseMode === 'form_post' ? 'POST' : 'GET';
  claim(`${what}: the provider answered once, by ${method}`, callbacks.length === 1 && callbacks[0].method === method, callbacks);
  claim(`${what}: a code stands in the address where it was asked for and nowhere else`,
    callbacks.every(({ query }) => query.has('code') === (responseMode === 'query')));
  const session = (await context.cookies(site)).find(({ name }) => !name.includes('-landed') && !name.includes('-login-'));
  claim(`${what}: the session's cookie is SameSite=${sameSite}`, session?.sameSite.toLowerCase() === sameSite, session?.sameSite);

  // A link on another site.
  const logins = () => asked.filter((request) => request === 'GET /auth').length;
  const before = logins();
  await page.goto(`${issuer}/nothing-here`);
  await page.evaluate((address) => { location.href = address; }, `${site}/me?from=elsewhere`);
  await page.waitForURL(`${site}/me?from=elsewhere`);
  await application.signOut(page).waitFor();
  claim(`${what}: a link on another site leads in, signed in, without a login`, logins() === before, asked.slice(-3));

  // Another tab, a second submit.
  const replay = await context.newPage();
  await replay.goto(`${issuer}/nothing-here`);
  await replay.evaluate(({ address, form }) => {
    const element = document.createElement('form');
    element.method = form ? 'post' : 'get';
    element.action = address;
    for (const name of ['code', 'state', 'iss']) {
      const field = document.createElement('input');
      Object.assign(field, { type: 'hidden', name, value: 'an old one' });
      element.append(field);
    }
    document.body.append(element);
    element.submit();
  }, { address: `${site}/oauth2/callback`, form: responseMode === 'form_post' });
  await replay.waitForURL(`${site}/`);
  claim(`${what}: an answer that is over leads a signed-in browser to the application`, replay.url() === `${site}/`, replay.url());
  await replay.close();
  await page.reload();
  claim(`${what}: … and leaves the session as it was`, await application.signOut(page).isVisible());

  // Out again.
  await clickThrough(page, application.signOut(page));
  const kept = (await context.cookies(site)).map(({ name }) => name);
  claim(`${what}: signing out takes the cookies away`, kept.length === 0, kept);
  heldThePolicy(what, watched);
  await context.close();
  await program.stop();
}
