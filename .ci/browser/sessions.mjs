// Sessions that nothing loses: two processes of examples/sessions behind one address, a real Redis, and a certified provider
// whose refresh tokens are good once. Hundreds of requests come at the moment of expiry, while processes are killed and Redis is
// restarted. No browser takes part.
//
//   node sessions.mjs path/to/target/debug

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { claim, freePorts, note, run, scratchDirectory } from './harness.mjs';
import { followsProgram12, runsProgram7 } from './sessions/programs.mjs';
import { Person } from './sessions/person.mjs';
import { client, LIFE, sleep, startProvider } from './sessions/provider.mjs';
import { cluster, sentinel, standalone } from './sessions/redis.mjs';
import { balance, Replica } from './sessions/replicas.mjs';

const programs = path.resolve(process.argv[2] ?? 'target/debug');
const PEOPLE = 20;
const REQUESTS = 300;
/// How long after the death of a process what it was doing may not have been taken over: its lease, and what clocks may be apart.
const LEASE = 57_000;

await run('sessions', async () => {
  const directory = await scratchDirectory();
  const ways = [
    ['standalone', await standalone(directory), ''],
    ['cluster', await cluster(directory), ''],
    ['sentinel', await sentinel(directory), ''],
    ['cookies and Redis', await standalone(directory), 'cookies+'],
  ];
  const [providerPort, ...ports] = await freePorts(1 + 3 * ways.length + 7);
  const take = () => ports.pop();
  const sites = [...ways, ['cookies'], ['replicas'], ['downstream']].map(() => `http://localhost:${take()}`);
  const provider = await startProvider({ port: providerPort, redirectUris: sites.map((site) => `${site}/oauth2/callback`) });
  const settings = (site, more) => ({
    OIDC_GATE_ISSUER_URL: provider.issuer,
    OIDC_GATE_CLIENT_ID: client.id,
    OIDC_GATE_CLIENT_SECRET: client.secret,
    OIDC_GATE_BASE_URL: site,
    OIDC_GATE_COOKIE_SECRET: randomBytes(32).toString('base64'),
    RUST_LOG: process.env.RUST_LOG ?? 'info',
    ...more,
  });

  const [atCookies, atReplicas, atDownstream] = sites.slice(ways.length);
  const results = await Promise.all([
    ...ways.map(([name, redis, prefix], index) => {
      const environment = settings(sites[index], { STORE: `${prefix}${redis.address}` });
      return new Trial(name, provider, redis, environment, [take(), take()]).run();
    }),
    inCookies(provider, settings(atCookies, { STORE: 'cookies' }), take()),
  ]);
  await runsProgram7(programs, provider, settings(atReplicas, { REDIS: ways[0][1].address }), [take(), take(), take(), take()]);
  await followsProgram12(programs, provider, settings(atDownstream), [take(), take()]);

  console.table(Object.fromEntries(results.map(({ name, ...row }) => [name, row])));
});

/// One way of keeping sessions, with all that goes wrong.
class Trial {
  constructor(name, provider, redis, environment, ports) {
    Object.assign(this, { name, provider, redis, environment, ports });
    this.site = environment.OIDC_GATE_BASE_URL;
    this.replicas = ports.map((port) => new Replica(path.join(programs, 'sessions'), { ...environment, LISTEN: `127.0.0.1:${port}` }, port));
    this.people = Array.from({ length: PEOPLE }, (_, n) => new Person(`${name} ${n}`.replaceAll(' ', '-'), this.site));
    /// When something was down, for which reason: from, until.
    this.troubles = [];
    this.answers = [];
  }

  claim(text, holds, seen) {
    claim(`${this.name}: ${text}`, holds, seen);
  }

  /// Requests of everybody at the same time, each person's as soon as nobody has a token that is good.
  async burst(what, meanwhile = async () => {}) {
    await sleep(LIFE * 1000);
    const before = this.provider.redemptions.length;
    const begun = Date.now();
    const asking = Array.from({ length: REQUESTS }, (_, n) => {
      const person = this.people[n % PEOPLE];
      return person.ask(n % 3 === 0 ? '/' : '/token').catch((error) => ({ who: person.name, asked: begun, answered: Date.now(), status: 0, text: `${error}: ${error.cause}` }));
    });
    const [answers] = await Promise.all([Promise.all(asking), meanwhile()]);
    for (const answer of answers) this.judge({ ...answer, what });
    this.answers.push(...answers);
    const mine = this.provider.redemptions.slice(before).filter(({ who }) => this.isMine(who));
    note(`${this.name}: ${what}: ${count(answers.map(({ status }) => status))} in ${Date.now() - begun} ms, ${mine.length} redemptions`);
    return { answers, redemptions: mine };
  }

  isMine(who) {
    return this.people.some(({ name }) => name === who);
  }

  async trouble(why, work, after = 0) {
    const trouble = { why, from: Date.now(), until: Infinity };
    this.troubles.push(trouble);
    await work();
    trouble.until = Date.now() + after;
  }

  inTrouble({ asked, answered }) {
    return this.troubles.some(({ from, until }) => answered >= from && asked <= until);
  }

  /// Every answer, whatever happens meanwhile.
  judge(answer) {
    const { who, status, json, text, asked, answered } = answer;
    const shown = JSON.stringify({ ...answer, text: text.slice(0, 300), at: new Date(asked).toISOString() });
    if (status === 200) {
      if (json.sub !== who) throw new Error(`${this.name}: somebody sees another’s name: ${shown}`);
      if (json.token === undefined) return;
      const token = this.provider.tokens.get(json.token);
      if (token?.who !== who) throw new Error(`${this.name}: somebody has another’s token: ${shown}, ${token?.who}`);
      token.seen = true;
      answer.isLate = answered >= token.until;
      if (asked >= token.until) throw new Error(`${this.name}: a token that had ended ${asked - token.until} ms ago: ${shown}`);
      return;
    }
    if (status === 503) {
      if (!(Number(answer.retryAfter) > 0)) throw new Error(`${this.name}: 503 without Retry-After: ${shown}`);
      if (!this.inTrouble(answer)) throw new Error(`${this.name}: 503 while nothing was down: ${shown}`);
      return;
    }
    // Sent to the login: looked at in the end.
    if ([303, 401].includes(status)) return;
    throw new Error(`${this.name}: ${shown}`);
  }

  async run() {
    await Promise.all(this.replicas.map((replica) => replica.start()));
    await balance(Number(new URL(this.site).port), this.ports);
    for (const person of this.people) {
      const { sub } = JSON.parse(await person.signIn());
      if (sub !== person.name) throw new Error(`${sub} is not ${person.name}`);
    }
    const calm = await this.burst('at expiry');
    this.claim(`${REQUESTS} requests at expiry, and all are answered`, calm.answers.every(({ status }) => status === 200), count(calm.answers.map(({ status }) => status)));
    this.claim('… by one redemption for each of them', calm.redemptions.length === PEOPLE, calm.redemptions.length);

    const kill = (replica) => async () => {
      await sleep(250);
      await this.trouble('a process was killed', async () => {
        await replica.kill();
        await replica.start();
      }, LEASE);
    };
    await this.burst('a process is killed', kill(this.replicas[0]));
    await this.burst('Redis is killed', async () => {
      await sleep(150);
      await this.trouble('Redis was down', () => this.redis.fail(), 8000);
    });
    await this.burst('the other process is killed', kill(this.replicas[1]));
    await this.burst('both are stopped and started, one after the other', async () => {
      for (const replica of this.replicas) {
        await replica.stop();
        await replica.start();
      }
    });
    const killed = Math.max(...this.troubles.map(({ until }) => until));
    await sleep(Math.max(0, killed - Date.now() - LIFE * 1000));
    const last = await this.burst('in the end');
    return this.conclude(last);
  }

  conclude(last) {
    const { provider, name } = this;
    const mine = provider.redemptions.filter(({ who }) => this.isMine(who));
    // Nobody has seen what came of it, and the process that was to write it down was killed shortly afterwards.
    const inFlight = mine.filter(({ process, issued, answered = Infinity, error }) => {
      const at = Replica.killed.get(process);
      return error === undefined && at !== undefined && answered > at - 2000 && !provider.tokens.get(issued)?.seen;
    });
    const times = Map.groupBy === undefined ? group(mine) : Map.groupBy(mine, ({ token }) => token);
    const twice = [...times.values()].filter((all) => all.length > 1);
    const unexplained = twice.filter((all) => !all.slice(0, -1).every((one) => inFlight.includes(one)));
    const out = [...new Set(this.answers.filter(({ status }) => [303, 401].includes(status)).map(({ who }) => who))];
    const inKilled = out.filter((who) => inFlight.some((one) => one.who === who));
    const byFailover = this.redis.isAsynchronous ? out.filter((who) => !inKilled.includes(who)) : [];
    const lost = out.filter((who) => !inKilled.includes(who) && !byFailover.includes(who));

    for (const { who, token, process, arrived, answered } of inFlight) {
      note(`${name}: in flight in process ${process} when it was killed: ${who}, ${token.slice(0, 8)}…, asked at ${time(arrived)}, answered at ${time(answered)}${out.includes(who) ? ': signs in again' : ''}`);
    }
    for (const who of byFailover) note(`${name}: lost by the failover: ${who}`);
    this.claim('a refresh token is redeemed once, but for those in flight in a killed process', this.redis.isAsynchronous || unexplained.length === 0, JSON.stringify(unexplained));
    this.claim('no session is lost, but for those', lost.length === 0, lost);
    const fine = last.answers.filter(({ status, who }) => status === 200 || out.includes(who)).length;
    this.claim('in the end everybody else has a token', fine === REQUESTS, count(last.answers.map(({ status }) => status)));
    const late = this.answers.filter(({ isLate }) => isLate).length;
    return {
      name,
      people: PEOPLE,
      requests: this.answers.length,
      'answered 503': this.answers.filter(({ status }) => status === 503).length,
      redemptions: mine.length,
      'redeemed twice': twice.length,
      'ended on the way': late,
      'in flight when killed': inFlight.length,
      'lost so': inKilled.length,
      'lost by failover': byFailover.length,
      'lost otherwise': lost.length,
    };
  }
}

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
    const before = mine().length;
    const answers = await Promise.all(Array.from({ length: REQUESTS }, () => person.ask('/token')));
    requests += answers.length;
    claim(`cookies: ${REQUESTS} requests of one browser at the ${round} expiry, and nobody is sent to the login`, answers.every(isToken), count(answers.map(({ status }) => status)));
    claim('cookies: … by one redemption', mine().length === before + 1, mine().length - before);
  }

  await sleep(LIFE * 1000);
  const before = mine().length;
  const gone = new AbortController();
  const asking = person.ask('/token', { signal: gone.signal }).then(() => 'answered', ({ name }) => name);
  await sleep(40);
  gone.abort();
  claim('cookies: a browser goes away while its session is refreshed', (await asking) === 'AbortError', await asking);
  const next = await person.ask('/token');
  claim('cookies: … and has its token when it comes again', isToken(next), `${next.status} ${next.text}`);
  claim('cookies: … by one redemption', mine().length === before + 1, mine().length - before);
  const times = mine().map(({ token }) => token);
  claim('cookies: no refresh token is redeemed twice', new Set(times).size === times.length);
  return { name: 'cookies', people: 1, requests: requests + 2, 'answered 503': 0, redemptions: mine().length, 'redeemed twice': 0 };
}

function group(redemptions) {
  const groups = new Map();
  for (const one of redemptions) groups.set(one.token, [...(groups.get(one.token) ?? []), one]);
  return groups;
}

function count(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return Object.entries(counts).map(([value, times]) => `${times} × ${value}`).join(', ');
}

function time(at) {
  return at === undefined ? 'never' : new Date(at).toISOString().slice(11, 23);
}
