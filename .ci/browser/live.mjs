// Connections that end with their session: two processes of examples/live, a real Redis, and a certified provider that logs its
// users out by the back channel. A hundred WebSockets and streams of events of one user are open in both processes.
//
//   node live.mjs path/to/target/debug

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { connect, eventStream, Refused, webSocket } from './live/connections.mjs';
import { claim, freePorts, newProfile, note, run, scratchDirectory, screenshot, startChromium } from './harness.mjs';
import { Person } from './sessions/person.mjs';
import { client, sleep, startProvider } from './sessions/provider.mjs';
import { standalone } from './sessions/redis.mjs';
import { balance, Replica } from './sessions/replicas.mjs';

const program = path.join(path.resolve(process.argv[2] ?? 'target/debug'), 'live');

/// How many of each kind are open in each process, of the user who is to be logged out.
const MANY = 25;
const KINDS = [webSocket, eventStream];

await run('live', async () => {
  const directory = await scratchDirectory();
  const redis = await standalone(directory);
  const [providerPort, sitePort, ...ports] = await freePorts(4);
  const [a, b] = ports;
  const site = new URL(`http://localhost:${sitePort}`);
  const provider = await startProvider({
    port: providerPort,
    redirectUris: [new URL('/oauth2/callback', site).href],
    // It reaches one process and no other.
    registered: { backchannel_logout_uri: `http://127.0.0.1:${a}/oauth2/backchannel_logout`, backchannel_logout_session_required: true },
    features: { backchannelLogout: { enabled: true } },
  });
  const environment = {
    OIDC_GATE_ISSUER_URL: provider.issuer,
    OIDC_GATE_CLIENT_ID: client.id,
    OIDC_GATE_CLIENT_SECRET: client.secret,
    OIDC_GATE_BASE_URL: site.origin,
    OIDC_GATE_COOKIE_SECRET: randomBytes(32).toString('base64'),
    REDIS: redis.address,
    RUST_LOG: process.env.RUST_LOG ?? 'warn',
  };
  await Promise.all(ports.map((port) => new Replica(program, { ...environment, PORT: String(port) }, port).start()));
  await balance(sitePort, [b, a]);

  const people = {};
  for (const name of ['anna', 'bert', 'carl', 'dora']) {
    people[name] = new Person(name, site);
    await people[name].signIn();
  }
  const { anna, bert, carl, dora } = people;
  const open = (person, many, at = ports) => Promise.all(
    KINDS.flatMap((kind) => at.flatMap((port) => Array.from({ length: many }, () => connect(kind, port, site, person.cookie(site))))),
  );
  const others = await open(bert, 2);
  const rows = {};

  /// Waits until all are over; how long that took, by kind and process.
  const allEnd = async (what, connections, since, limit) => {
    const late = sleep(limit + 5000).then(() => []);
    await Promise.race([Promise.all(connections.map(({ ended }) => ended)), late]);
    const open = connections.filter(({ isOpen }) => isOpen);
    claim(`${what}: all ${connections.length} connections end`, open.length === 0, open.map(({ kind, port }) => `${kind.name} at ${port}`));
    for (const kind of KINDS) {
      for (const [index, port] of ports.entries()) {
        const times = connections.filter((one) => one.kind === kind && one.port === port).map(({ at }) => at - since).sort((x, y) => x - y);
        if (times.length === 0) continue;
        const [median, max] = [times[times.length >> 1], times.at(-1)].map(Math.round);
        rows[`${what}: ${kind.name} at ${'AB'[index]}`] = { connections: times.length, 'median ms': median, 'max ms': max };
      }
    }
    const slowest = Math.max(...connections.map(({ at }) => at - since));
    claim(`… within ${limit} ms`, slowest < limit, `${slowest} ms`);
    const sockets = connections.filter(({ kind }) => kind === webSocket);
    claim('… the WebSockets with 1008, signed out', sockets.every(({ code, reason }) => code === 1008 && reason === 'signed out'), sockets.map(({ code, reason }) => `${code} ${reason}`));
    const streams = connections.filter(({ kind }) => kind === eventStream);
    claim('… the streams with a last event that says so', streams.every(({ last }) => last === 'event: signed-out\ndata: signed out'), streams.map(({ last }) => last));
  };

  let hers = await open(anna, MANY);
  await sleep(1500);
  claim(`${hers.length} connections of a user are open, and all have heard something`, hers.every(({ isOpen, heard }) => isOpen && heard.length >= 2));
  const logout = await provider.logOut(anna);
  claim('the provider logs the user out, and is told by A that it is done', logout.outcome === 'done', logout.outcome);
  await allEnd('logout by the back channel at A', hers, logout.sent, 1000);
  for (const kind of KINDS) {
    const again = await connect(kind, b, site, anna.cookie(site)).catch((error) => error);
    claim(`whoever comes again with the old cookie is refused (${kind.name})`, again instanceof Refused && again.status === 401, again);
  }
  await anna.signIn();
  hers = await open(anna, 1);
  await sleep(1200);
  claim('whoever signs in again is connected again', hers.every(({ isOpen, heard }) => isOpen && heard.length > 0));

  // One at a time, as long as they have been open.
  const his = await open(carl, 4);
  await sleep(700);
  const begun = performance.now();
  const out = await carl.submit(new URL(`http://127.0.0.1:${a}/oauth2/sign_out`), {}, site);
  claim('somebody signs out at A', [200, 303].includes(out.status), `${out.status} ${out.text}`);
  await allEnd('sign-out at A', his, begun, 1000);

  const down = await open(dora, 4);
  await sleep(300);
  await redis.fail(); // killed, and started again
  const back = performance.now();
  const late = await provider.logOut(dora);
  note(`Redis was killed, and ${Math.round(late.sent - back)} ms after it was back the provider has logged out a user: ${late.outcome}`);
  await allEnd('logout after Redis was killed and started', down, late.sent, 2500);

  await inChromium(provider, site, directory);

  const before = others.map(({ heard }) => heard.length);
  await sleep(1500);
  claim('the connections of another user are open all the while', others.every(({ isOpen, heard }, index) => isOpen && heard.length > before[index]));
  console.table(rows);
}, { deadlineSeconds: 120 });

/// A page in a browser, whose connections are in different processes.
async function inChromium(provider, site, directory) {
  const browser = await startChromium(directory);
  const { context, watched } = await newProfile(browser, [site.origin], { extraHTTPHeaders: { 'x-login': 'emma' } });
  const page = await context.newPage();
  await page.goto(site.href);
  const [socket, events] = [page.locator('#ws'), page.locator('#events')];
  for (const output of [socket, events]) await output.and(page.locator('[data-state=open]')).waitFor();
  await screenshot(page, 'live-open');
  let asked = 0;
  page.on('request', () => (asked += 1));
  page.on('websocket', () => (asked += 1));
  const cookies = await context.cookies(provider.issuer);
  const { sent } = await provider.logOut({ cookie: () => cookies.map(({ name, value }) => `${name}=${value}`).join('; ') });
  for (const output of [socket, events]) await output.and(page.locator('[data-state=closed]')).waitFor();
  note(`in Chromium both are closed ${Math.round(performance.now() - sent)} ms after the logout`);
  claim('in Chromium a page knows why: the WebSocket', (await socket.innerText()).includes('1008 signed out'), await socket.innerText());
  claim('… and the stream', (await events.innerText()).includes('signed out'), await events.innerText());
  await screenshot(page, 'live-closed');
  await sleep(4000);
  claim('… and it does not come again', asked === 0, asked);
  await page.reload();
  claim('whoever loads it anew is sent to the login, and is somebody again', (await page.title()) === 'Live connections', page.url());
  claim('nothing complains', watched.complaints.length === 0, watched.complaints);
}
