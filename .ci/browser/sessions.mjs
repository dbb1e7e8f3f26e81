// Sessions that nothing loses: two processes of examples/sessions behind one address, a real Redis, and a certified provider
// whose refresh tokens are good once. Hundreds of requests come at the moment of expiry, while processes are killed and Redis is
// restarted. No browser takes part.
//
//   node sessions.mjs path/to/target/debug

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { claim, freePorts, run, scratchDirectory } from './harness.mjs';
import { downstream, replicas } from './sessions/programs.mjs';
import { Person } from './sessions/person.mjs';
import { client, LIFE, sleep, startProvider } from './sessions/provider.mjs';
import { cluster, sentinel, standalone } from './sessions/redis.mjs';
import { balance, Replica } from './sessions/replicas.mjs';
import { count, REQUESTS, Trial } from './sessions/trial.mjs';

const programs = path.resolve(process.argv[2] ?? 'target/debug');

await run('sessions', async () => {
  const directory = await scratchDirectory();
  const ways = [
    ['standalone', await standalone(directory), ''],
    ['cluster', await cluster(directory), ''],
    ['sentinel', await sentinel(directory), ''],
    ['cookies and Redis', await standalone(directory), 'cookies+'],
  ];
  const [providerPort, ...ports] = await freePorts(1 + 3 * ways.length + 10);
  const take = () => ports.pop();
  const sites = [...ways, ['cookies'], ['replicas'], ['downstream']].map(() => `http://localhost:${take()}`);
  const provider = await startProvider({ port: providerPort, redirectUris: sites.map((site) => `${site}/oauth2/callback`) });
  const settings = (site, more) => ({
    OIDC_GATE_ISSUER_URL: provider.issuer,
    OIDC_GATE_CLIENT_ID: client.id,
    OIDC_GATE_CLIENT_SECRET: client.secret,
    OIDC_GATE_BASE_URL: site,
    OIDC_GATE_COOKIE_SECRET: randomBytes(32).toString('base64'),
    RUST_LOG: process.env.RUST_LOG ?? 'warn',
    ...more,
  });

  const [atCookies, atReplicas, atDownstream] = sites.slice(ways.length);
  const results = await Promise.all([
    ...ways.map(([name, redis, prefix], index) => {
      const environment = settings(sites[index], { STORE: `${prefix}${redis.address}` });
      return new Trial(name, { program: path.join(programs, 'sessions'), provider, redis, environment, ports: [take(), take()] }).run();
    }),
    inCookies(provider, settings(atCookies, { STORE: 'cookies' }), take()),
    replicas(programs, settings(atReplicas, { REDIS: (await standalone(directory)).address }), [take(), take(), take(), take()]),
    downstream(programs, provider, settings(atDownstream), [take(), take()]),
  ]);
  console.table(Object.fromEntries(results.filter((row) => row !== undefined).map(({ name, ...row }) => [name, row])));
}, { deadlineSeconds: 240 });

/// Sessions in cookies alone, one process.
async function inCookies(provider, environment, port) {
  const site = environment.OIDC_GATE_BASE_URL;
  const replica = new Replica(path.join(programs, 'sessions'), { ...environment, LISTEN: `127.0.0.1:${port}` }, port);
  await replica.start();
  await balance(Number(new URL(site).port), [port]);
  const person = new Person('dagny', site);
  await person.signIn();
  const mine = () => provider.redemptions.filter(({ who }) => who === person.name);
  const isToken = ({ status, json }) => status === 200 && provider.tokens.get(json.token)?.who === person.name;

  let requests = 0;
  for (const round of ['first', 'second', 'third']) {
    await sleep(LIFE * 1000);
    const [before, begun] = [mine().length, Date.now()];
    const answers = await Promise.all(Array.from({ length: REQUESTS }, () => person.ask('/token')));
    requests += answers.length;
    // A machine with much to do is at it until the next token is about to end.
    const most = 1 + Math.floor((Date.now() - begun) / (LIFE * 250));
    claim(`cookies: ${REQUESTS} requests of one browser at the ${round} expiry, and nobody is sent to the login`, answers.every(isToken), count(answers.map(({ status }) => status)));
    const times = mine().length - before;
    claim(`cookies: … by ${most === 1 ? 'one redemption' : 'one redemption of each refresh token'}`, times >= 1 && times <= most, times);
  }

  await sleep(LIFE * 1000);
  const before = mine().length;
  const gone = new AbortController();
  const asking = person.ask('/token', { signal: gone.signal }).then(() => 'answered', ({ name }) => name);
  let release;
  provider.held = new Promise((resolve) => (release = resolve));
  const patience = Date.now() + 10_000;
  while (mine().length === before && Date.now() < patience) await sleep(5);
  gone.abort();
  claim('cookies: a browser goes away while its session is refreshed', (await asking) === 'AbortError', await asking);
  provider.held = undefined;
  release();
  const next = await person.ask('/token');
  claim('cookies: … and has its token when it comes again', isToken(next), `${next.status} ${next.text}`);
  claim('cookies: … by one redemption', mine().length === before + 1, mine().length - before);
  const times = mine().map(({ token }) => token);
  claim('cookies: no refresh token is redeemed twice', new Set(times).size === times.length);
  return { name: 'cookies', people: 1, requests: requests + 2, 'answered 503': 0, redemptions: mine().length, 'redeemed twice': 0 };
}
