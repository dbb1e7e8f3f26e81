// The ends of sessions, in headless Chromium over HTTPS: a user signs out at the application or at a certified provider, the
// provider tells the application itself or by a frame, in the middle of a login and twice. Two processes of examples/sessions share
// one Redis; the provider and the application are two sites, and the browser blocks the cookies of third parties.
//
//   node logout.mjs path/to/sessions

import https from 'node:https';
import path from 'node:path';
import { claim, freePorts, newProfile, note, run, scratchDirectory, screenshot, startChromium } from './harness.mjs';
import { certifiedProvider, clickThrough, heldThePolicy, shows } from './pages.mjs';
import { fillIn, post, question, signIn, startFront, startLogoutProvider, startReplicas, whoIn } from './logout/world.mjs';
import { standalone } from './sessions/redis.mjs';
import { makeAuthority, serve } from './tls.mjs';

const program = path.resolve(process.argv[2] ?? 'target/debug/sessions');
const signOut = (page) => page.getByRole('button', { name: /^sign out$/i });
const signedOut = (page) => page.getByRole('heading', { level: 1, name: /^you are signed out$/i });

await run('logout', async () => {
  const directory = await scratchDirectory();
  const authority = await makeAuthority(directory);
  const [publicPort, providerPort, here, there, framingPort] = await freePorts(5);
  const site = `https://localhost:${publicPort}`;
  const provider = await startLogoutProvider({ tls: authority.server, port: providerPort, site });
  const front = await startFront(authority.server, publicPort, here);
  const replicas = await startReplicas(program, {
    site,
    issuer: provider.issuer,
    caFile: authority.caFile,
    store: (await standalone(directory)).address,
    ports: [here, there],
    more: { OIDC_GATE_BACKCHANNEL_LOGOUT: 'true', OIDC_GATE_FRONTCHANNEL_LOGOUT: 'true' },
  });
  // The provider's letters go to the process that the browser does not talk to.
  front.letters = there;
  const browser = await startChromium(authority.home, ['--test-third-party-cookie-phaseout']);
  const world = { site, provider, front, browser, replicas, ports: [here, there], agent: new https.Agent({ ca: authority.server.ca }) };

  await byTheApplication(world);
  await byTheProvider(world);
  await meanwhile(world);
  await byAFrame(world, authority.server, framingPort);
  await withoutAnEndpoint(authority, browser, await freePorts(3));
}, { deadlineSeconds: 150 });

/// The user signs out at the application, and with it at the provider.
async function byTheApplication({ site, provider, front, browser, ports }) {
  const { context, watched } = await newProfile(browser, [site]);
  const page = await context.newPage();
  const navigations = [];
  page.on('request', (request) => request.isNavigationRequest() && navigations.push(new URL(request.url())));
  const atProvider = () => navigations.findLast(({ origin, pathname }) => origin === provider.issuer && pathname === '/session/end')?.searchParams;
  await signIn(page, site, 'alice');

  await page.goto(`${site}/oauth2/sign_out`);
  await signOut(page).click();
  await question.yes(page).waitFor();
  claim('signing out at the application leads to the provider', new URL(page.url()).origin === provider.issuer, page.url());
  const asked = atProvider();
  claim('… with an ID token as a hint, a state, and the way back', asked.get('id_token_hint')?.split('.').length === 3 && asked.get('state')?.length >= 22 && asked.get('post_logout_redirect_uri') === `${site}/oauth2/signed_out`, [...asked.keys()]);
  claim('… after the session here has ended, in every process', (await whoIn(context, site, front, ports)) === '401,401');
  await until('… and the provider is told to revoke the tokens', () => provider.asked.includes('POST /token/revocation'), () => provider.asked.slice(-5));
  await clickThrough(page, question.yes(page));
  await signedOut(page).waitFor();
  claim('the provider leads back to a page of the application', page.url() === `${site}/oauth2/signed_out`, page.url());
  await shows(page, 'it', ['You are signed out']);
  await screenshot(page, 'signed-out-at-the-provider');
  const left = (await context.cookies(site)).map(({ name }) => name);
  claim('… and no cookie is left of it', left.length === 0, left);
  claim('the provider’s own letter about that session is taken, although it is over', provider.letters.length === 1 && provider.letters[0].status === 200, provider.letters.map(({ status, text }) => `${status} ${text}`));
  await page.goto(`${site}/`);
  await certifiedProvider.login(page).waitFor();
  claim('whoever comes next is asked for a name and a password', new URL(page.url()).origin === provider.issuer, page.url());

  // To a place of the application's own, and by nobody else's word.
  await fillIn(page, 'alice');
  await page.waitForURL(`${site}/`);
  await page.goto(`${site}/oauth2/sign_out?rd=/token`);
  await signOut(page).click();
  await question.yes(page).waitFor();
  const other = await context.newPage();
  for (const address of [`${site}/oauth2/signed_out?state=${'x'.repeat(43)}`, `${site}/oauth2/signed_out`]) {
    const answer = await other.goto(address);
    claim('who comes back with a wrong state, or none, sees a page and is led nowhere', answer.status() === 200 && other.url() === address && (await signedOut(other).isVisible()), other.url());
  }
  await other.close();
  await clickThrough(page, question.yes(page));
  await certifiedProvider.login(page).waitFor();
  const led = navigations.some(({ origin, pathname }) => origin === site && pathname === '/token');
  claim('the right state leads to where the sign-out was to end, which asks for a login', led && new URL(page.url()).origin === provider.issuer, page.url());
  heldThePolicy('the pages of signing out', watched);
  await context.close();
}

/// The user signs out at the provider, in one of two browsers.
async function byTheProvider({ site, provider, front, browser, ports, agent }) {
  const people = [];
  for (const who of ['dagny', 'dagny', 'ragna']) {
    const { context } = await newProfile(browser, [site]);
    const page = await context.newPage();
    await signIn(page, site, who);
    people.push({ who, context, page, ...provider.logins.at(-1) });
  }
  const [first] = people;
  claim('each browser has a session of its own at the provider', new Set(people.map(({ sid }) => sid)).size === 3);
  const everybody = async () => {
    const found = [];
    for (const { context } of people) found.push(await whoIn(context, site, front, ports));
    return found.join(' ');
  };
  const all = await everybody();
  claim('both processes know all of them', all === 'dagny,dagny dagny,dagny ragna,ragna', all);

  provider.letters.length = 0;
  await first.page.goto(`${provider.issuer}/session/end`);
  await clickThrough(first.page, question.yes(first.page));
  claim('the user signs out at the provider, which sends one letter', provider.letters.length === 1, provider.letters.length);
  const [letter] = provider.letters;
  const said = JSON.parse(Buffer.from(letter.token.split('.')[1], 'base64url'));
  claim('… about that session', said.sid === first.sid && said.sub === first.who, JSON.stringify(said));
  claim('… to one of the processes, which answers 200', letter.status === 200 && letter.text === '', `${letter.status} ${letter.text}`);
  claim('… and forbids storing the answer', /no-store/.test(letter.headers['cache-control']), letter.headers['cache-control']);
  const after = await everybody();
  claim('that session is over in both processes, the user’s other one and the other user’s are not', after === '401,401 dagny,dagny ragna,ragna', after);
  await first.page.goto(`${site}/`);
  await certifiedProvider.login(first.page).waitFor();
  claim('that browser is asked for a password', new URL(first.page.url()).origin === provider.issuer, first.page.url());

  for (const port of ports) {
    front.letters = port;
    const again = await post(`${site}/oauth2/backchannel_logout`, letter.token, agent);
    claim('the same letter is refused the second time, by whichever process gets it', again.status === 400 && JSON.parse(again.text).error === 'invalid_request', `${again.status} ${again.text}`);
  }
  const forged = `${letter.token.slice(0, -4)}AAAA`;
  const refused = await post(`${site}/oauth2/backchannel_logout`, forged, agent);
  claim('… and so is one that the provider has not signed', refused.status === 400, `${refused.status} ${refused.text}`);
  note(`the provider’s letters carry ${Object.keys(said).sort().join(', ')}; the gate says “${JSON.parse(refused.text).error_description}”`);

  await fillIn(first.page, 'dagny');
  await first.page.waitForURL(`${site}/`);
  const anew = await everybody();
  claim('who signs in again afterwards is signed in, in both processes', anew === 'dagny,dagny dagny,dagny ragna,ragna', anew);
  for (const { context } of people) await context.close();
}

/// The provider ends a session whose login is not done yet.
async function meanwhile({ site, provider, front, browser, ports, replicas }) {
  const seen = () => replicas.map(({ program }) => program.output).join('').split('login.signed_out_meanwhile').length - 1;
  const nobody = async (context, page, what, before) => {
    await page.waitForLoadState();
    const found = await whoIn(context, site, front, ports);
    claim(`${what}: nobody is signed in`, found === '401,401', `${found} at ${page.url()}`);
    claim(`${what}: … and the log says why`, seen() > before, `${page.url()} ${seen() - before}`);
  };

  // Each waits at a door: before the application sees the code, and after the provider has given tokens for it.
  const doors = [
    ['before the callback', 'early', front, () => front.log.some(({ path }) => path.startsWith('/oauth2/callback'))],
    ['while the callback waits for tokens', 'late', provider, () => provider.asked.includes('POST /token')],
  ];
  let context;
  let page;
  for (const [what, who, door, isThere] of doors) {
    await context?.close();
    ({ context } = await newProfile(browser, [site]));
    page = await context.newPage();
    let open;
    door.held = new Promise((resolve) => (open = resolve));
    await page.goto(`${site}/`);
    front.log.length = provider.asked.length = 0;
    await fillIn(page, who, { andLeave: true });
    await until(`a login is held ${what}`, isThere, () => page.url());
    const before = seen();
    const letter = await provider.logOut(provider.logins.at(-1));
    claim(`a letter that comes ${what} is taken`, letter.status === 200, `${letter.status} ${letter.text}`);
    const outcome = page.waitForResponse((response) => response.url().startsWith(`${site}/oauth2/callback`));
    door.held = undefined;
    open();
    const { cookie = '' } = await (await outcome).allHeaders().then((headers) => ({ cookie: headers['set-cookie'] }));
    claim(`${what}: the login makes no session, and begins anew`, (await outcome).status() === 303 && !/-s=[^;]/.test(cookie), `${(await outcome).status()} ${cookie}`);
    await nobody(context, page, what, before);
  }

  // With a session of its own at the provider.
  await context.clearCookies();
  await signIn(page, site, 'late');
  const again = await whoIn(context, site, front, ports);
  claim('a login that begins afterwards is one like any other, in both processes', again === 'late,late', again);
  await context.close();
}

/// The provider's page shows the application in a frame. Since this provider has none, the page is one of another site.
async function byAFrame({ site, provider, front, browser, ports }, { key, cert }, port) {
  const elsewhere = `https://127.0.0.1:${port}`;
  let frame;
  await serve(https.createServer({ key, cert }, (_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>Signing out</title><iframe src="${frame.replaceAll('&', '&amp;')}"></iframe>`);
  }), port);
  const { context } = await newProfile(browser, [site]);
  const page = await context.newPage();
  await signIn(page, site, 'frida');
  const { sid } = provider.logins.at(-1);
  // One that would come along where browsers let it.
  await context.addCookies([{ name: 'third-party', value: '1', url: site, secure: true, sameSite: 'None' }]);
  const shown = async (query) => {
    frame = `${site}/oauth2/frontchannel_logout?${new URLSearchParams(query)}`;
    front.log.length = 0;
    const answer = page.waitForResponse((response) => response.url() === frame);
    await page.goto(`${elsewhere}/`);
    const response = await answer;
    const [request] = front.log.filter(({ path }) => path.startsWith('/oauth2/frontchannel_logout'));
    return { status: response.status(), headers: response.headers(), request };
  };
  for (const [what, query] of [['another issuer', { iss: elsewhere, sid }], ['another session', { iss: provider.issuer, sid: 'of-nobody' }], ['no session', {}]]) {
    const { status } = await shown(query);
    const found = await whoIn(context, site, front, ports);
    claim(`a frame that names ${what} ends nothing (${status})`, found === 'frida,frida' && status < 500, `${status} ${found}`);
  }
  const { status, headers, request } = await shown({ iss: provider.issuer, sid });
  claim('a frame on another site is loaded', status === 200 && request.headers['sec-fetch-dest'] === 'iframe' && request.headers['sec-fetch-site'] === 'cross-site', `${status} ${JSON.stringify(request.headers)}`);
  claim('… without any cookie: the browser blocks those of third parties', request.headers.cookie === undefined, request.headers.cookie);
  const found = await whoIn(context, site, front, ports);
  claim('… and the session that it names is over in both processes', found === '401,401', found);
  claim('… whose answer nobody stores', /no-store/.test(headers['cache-control']), headers['cache-control']);
  claim('… and which the provider alone may frame', new RegExp(`frame-ancestors ${provider.issuer}(;|$)`).test(headers['content-security-policy']) && headers['x-frame-options'] === undefined, headers['content-security-policy']);
  await context.close();
}

/// A provider that knows no logout.
async function withoutAnEndpoint(authority, browser, [publicPort, providerPort, port]) {
  const site = `https://localhost:${publicPort}`;
  const provider = await startLogoutProvider({ tls: authority.server, port: providerPort, site, endSession: false });
  const front = await startFront(authority.server, publicPort, port);
  await startReplicas(program, { site, issuer: provider.issuer, caFile: authority.caFile, store: 'memory', ports: [port] });
  const { context, watched } = await newProfile(browser, [site]);
  const page = await context.newPage();
  await signIn(page, site, 'solveig');
  await page.goto(`${site}/oauth2/sign_out`);
  const before = provider.asked.length;
  await clickThrough(page, signOut(page));
  await signedOut(page).waitFor();
  claim('without an end_session_endpoint, signing out ends on a page of the application', new URL(page.url()).origin === site, page.url());
  const visits = provider.asked.slice(before).filter((request) => request !== 'POST /token/revocation');
  claim('… without a visit to the provider', visits.length === 0, visits);
  const found = await whoIn(context, site, front, [port]);
  claim('… and nobody is signed in', found === '401', found);
  heldThePolicy('the pages of signing out here', watched);
  await context.close();
}

async function until(what, holds, seen) {
  for (let tries = 0; tries < 100 && !holds(); tries += 1) await sleep(50);
  claim(what, holds(), seen());
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
