// A sign-in that has to be recent, at a certified provider: another tab works meanwhile, the user cancels, somebody else
// comes back, and whoever signs in again is where they wanted to be. Headless Chromium, HTTPS, two sites.
//
//   node step_up.mjs path/to/quickstart

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { claim, freePorts, newProfile, run, scratchDirectory, screenshot, startChromium, startProgram } from './harness.mjs';
import { application, certifiedProvider, clickThrough, fetchAsScript, hasNoScript, heldThePolicy, isAccessible } from './pages.mjs';
import { client, startProvider, userClaims } from './provider.mjs';
import { makeAuthority, terminateTls } from './tls.mjs';

const quickstart = path.resolve(process.argv[2] ?? process.env.QUICKSTART ?? 'target/debug/quickstart');
const user = userClaims('dagny');
const other = userClaims('other');
const RECENT = 1; // seconds

await run('step-up', async () => {
  const authority = await makeAuthority(await scratchDirectory());
  const browser = await startChromium(authority.home);
  await Promise.all(['query', 'form_post'].map((responseMode) => stepUp(authority, browser, responseMode)));
});

async function stepUp(authority, browser, responseMode) {
  const told = (text) => `${responseMode}: ${text}`;
  const [publicPort, plainPort, unusedPort, providerPort] = await freePorts(4);
  const site = `https://localhost:${publicPort}`;
  const issuer = await startProvider({ tls: authority.server, port: providerPort, redirectUri: `${site}/oauth2/callback` });
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
  const { context, watched } = await newProfile(browser, [site]);
  const statuses = [];
  context.on('response', (response) => {
    if (new URL(response.url()).origin === site && response.request().isNavigationRequest()) statuses.push(response.status());
  });
  const page = await context.newPage();
  // As a script goes on from its challenge.
  const again = (tab) => page.goto(`${site}/oauth2/start?rd=${encodeURIComponent(`/me?tab=${tab}`)}&max_age=${RECENT}`);
  const session = async () => JSON.stringify((await context.cookies(site)).filter(({ name }) => !name.includes('-landed') && !name.includes('-login-')).map(({ name, value }) => [name, value]));
  const works = async () => (await fetchAsScript(context, `${site}/api/me`)).body.includes(user.sub);

  // Signed in a moment ago, and then no more.
  await page.goto(`${site}/me?tab=1`);
  await signIn(page, user);
  await certifiedProvider.consent(page).click();
  await page.waitForURL(`${site}/me?tab=1`);
  const first = await session();
  await new Promise((resolve) => setTimeout(resolve, (RECENT + 1) * 1000));

  // One tab is sent to sign in again while another works.
  await again(2);
  await certifiedProvider.login(page).waitFor();
  claim(told('a recent sign-in is asked for at the provider'), new URL(page.url()).origin === issuer, page.url());
  const tab = await context.newPage();
  await tab.goto(`${site}/`);
  claim(told('another tab works meanwhile'), (await tab.locator('body').innerText()).includes(user.name) && (await works()));
  const state = await fetchAsScript(context, `${site}/oauth2/session`);
  claim(told('… and is told when its session ends'), state.status === 200 && JSON.parse(state.body).idle_expires_in > 3600, state.body);

  // The user thinks better of it.
  await clickThrough(page, page.getByRole('link', { name: /cancel|abort/i }));
  await page.getByRole('heading', { level: 1, name: 'Nothing has changed' }).waitFor();
  claim(told('a cancelled sign-in says that nothing has changed'), new URL(page.url()).origin === site, page.url());
  claim(told('… and it is so'), (await session()) === first && (await works()));
  await isAccessible(page, told('the page'));
  await hasNoScript(page, told('the page'));
  await screenshot(page, `step-up-cancelled-${responseMode}`);
  await clickThrough(page, page.getByRole('link', { name: 'Go to the application' }));
  claim(told('… and leads to where no more is asked'), page.url() === `${site}/`, page.url());

  // Somebody else comes back.
  await again(3);
  await signIn(page, other);
  await certifiedProvider.consent(page).click();
  await page.getByRole('heading', { level: 1, name: 'You signed in as someone else' }).waitFor();
  claim(told('another user who comes back takes nothing over'), (await session()) === first && (await works()));
  await screenshot(page, `step-up-someone-else-${responseMode}`);
  await new Promise((resolve) => setTimeout(resolve, (RECENT + 1) * 1000));

  // And the right one.
  await again(4);
  await signIn(page, user);
  if (await certifiedProvider.consent(page).isVisible().catch(() => false)) await certifiedProvider.consent(page).click();
  await page.waitForURL(`${site}/me?tab=4`);
  claim(told('whoever signs in again is on the page that was asked for'), await application.signOut(page).isVisible());
  claim(told('… with another session'), (await session()) !== first);
  claim(told('the other tab works on'), (await tab.reload()).status() === 200 && (await works()));
  const wrong = statuses.filter((status) => status >= 400 && status !== 403);
  claim(told('nobody was told of an error who did nothing wrong'), wrong.length === 0 && statuses.filter((status) => status === 403).length === 2, statuses);
  heldThePolicy(told('the pages'), watched);
  await context.close();
  await program.stop();
}

/// On the provider's form. It asks for a name whoever is signed in there.
async function signIn(page, who) {
  await certifiedProvider.login(page).fill(who.sub);
  await certifiedProvider.password(page).fill('anything');
  await clickThrough(page, certifiedProvider.signIn(page));
}
