// One way of keeping sessions for two processes, with all that goes wrong: what is promised for every answer, and in the end.

import { claim, note } from '../harness.mjs';
import { Person } from './person.mjs';
import { LIFE, sleep } from './provider.mjs';
import { balance, Replica } from './replicas.mjs';

const PEOPLE = 20;
export const REQUESTS = 300;
/// How long after the death of a process what it was doing may not have been taken over: its lease, and what clocks may be apart.
const LEASE = 57_000;

/// One way of keeping sessions, with all that goes wrong.
export class Trial {
  constructor(name, { program, provider, redis, environment, ports }) {
    Object.assign(this, { name, provider, redis, ports });
    this.site = environment.OIDC_GATE_BASE_URL;
    this.replicas = ports.map((port) => new Replica(program, { ...environment, LISTEN: `127.0.0.1:${port}` }, port));
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
    return trouble;
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
    const people = new Set(calm.redemptions.map(({ who }) => who)).size;
    const tokens = group(calm.redemptions).size;
    this.claim('… everybody’s tokens are renewed, by one redemption of each', people === PEOPLE && tokens === calm.redemptions.length, `${people} people, ${tokens} tokens, ${calm.redemptions.length} redemptions`);

    const rolling = await this.burst('both are stopped and started, one after the other', async () => {
      const slow = Promise.all(this.people.slice(0, 2).map((person) => person.ask('/slow'))); // one goes to each
      await sleep(300);
      for (const replica of this.replicas) {
        this.ports.splice(this.ports.indexOf(replica.port), 1);
        await replica.stop();
        await replica.start();
        this.ports.push(replica.port);
      }
      this.claim('a request that takes long is answered before its process ends', (await slow).every(({ status }) => status === 200));
    });
    this.claim('while the processes are replaced one after the other, all are answered', rolling.answers.every(({ status }) => status === 200), count(rolling.answers.map(({ status }) => status)));
    await this.burst('Redis is killed', async () => {
      await sleep(300);
      this.failover = await this.trouble('Redis was down', () => this.redis.fail(), 8000);
    });
    for (const replica of this.replicas) {
      await this.burst('a process is killed', async () => {
        await this.isAsking(replica);
        await this.trouble('a process was killed', async () => {
          await replica.kill();
          await replica.start();
        }, LEASE);
      });
    }
    const killed = Math.max(...this.troubles.map(({ until }) => until));
    await sleep(Math.max(0, killed - Date.now() - LIFE * 1000));
    const last = await this.burst('in the end');
    return this.conclude(last);
  }

  /// Waits until the process has most of its answers from the provider, and waits for one.
  async isAsking(replica) {
    const begun = Date.now();
    const open = () => this.provider.redemptions.filter(({ process, answered }) => process === replica.program.pid && answered === undefined);
    while (!open().some(({ arrived }) => Date.now() - arrived > 700) && Date.now() - begun < 5000) await sleep(20);
  }

  conclude(last) {
    const { provider, name } = this;
    const mine = provider.redemptions.filter(({ who }) => this.isMine(who));
    // Nobody has seen what came of it, and the process that was to write it down was killed shortly afterwards.
    // What arrives when its process is dead already is of no process that there is.
    const before = (arrived) => [...Replica.killed.values()].find((at) => at < arrived && arrived < at + 5000);
    const inFlight = mine.filter(({ process, issued, arrived, answered = Infinity, error }) => {
      const at = process === undefined ? before(arrived) : Replica.killed.get(process);
      return error === undefined && at !== undefined && (process === undefined || answered > at - 2000) && !provider.tokens.get(issued)?.seen;
    });
    const times = group(mine);
    const twice = [...times.values()].filter((all) => all.length > 1);
    // What a replica that takes over has not been told of, Redis has forgotten: that is said of `Store::redis`.
    const forgotten = this.redis.isAsynchronous ? mine.filter(({ arrived, answered = Infinity }) => answered > this.failover.from - 2000 && arrived < this.failover.until) : [];
    const unexplained = twice.filter((all) => !all.slice(0, -1).every((one) => inFlight.includes(one) || forgotten.includes(one)));
    const out = [...new Set(this.answers.filter(({ status }) => [303, 401].includes(status)).map(({ who }) => who))];
    const inKilled = out.filter((who) => inFlight.some((one) => one.who === who));
    const byFailover = out.filter((who) => !inKilled.includes(who) && forgotten.some((one) => one.who === who));
    const lost = out.filter((who) => !inKilled.includes(who) && !byFailover.includes(who));

    for (const { who, token, process, arrived, answered } of inFlight) {
      note(`${name}: in flight in ${process === undefined ? 'a process that had ended' : `process ${process}`} when it was killed: ${who}, ${token.slice(0, 8)}…, asked at ${time(arrived)}, answered at ${time(answered)}${out.includes(who) ? ': signs in again' : ''} (killed at ${time(Replica.killed.get(process) ?? arrived)})`);
    }
    for (const who of byFailover) note(`${name}: lost by the failover: ${who}`);
    this.claim(`a refresh token is redeemed once, but for those${this.redis.isAsynchronous ? ', and what a failover forgets' : ' in flight in a killed process'}`, unexplained.length === 0, JSON.stringify(unexplained));
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

function group(redemptions) {
  const groups = new Map();
  for (const one of redemptions) groups.set(one.token, [...(groups.get(one.token) ?? []), one]);
  return groups;
}

export function count(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return Object.entries(counts).map(([value, times]) => `${times} × ${value}`).join(', ');
}

function time(at) {
  return at === undefined ? 'never' : new Date(at).toISOString().slice(11, 23);
}
