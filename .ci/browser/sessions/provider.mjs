// A certified provider (npm `oidc-provider`) whose refresh tokens are good once: whoever shows one again loses the whole
// grant. It writes down every redemption, and which process asked for it.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import Provider from 'oidc-provider';
import { makeKey } from '../keys.mjs';
import { serve } from '../tls.mjs';

export const client = { id: 'sessions-test', secret: 'a secret of thirty-two characters' };

/// How long an access token lives, in seconds.
export const LIFE = 8;

export const hash = (token) => createHash('sha256').update(token).digest('base64url');
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/// Starts it at `http://localhost:port`. Whoever comes with `x-login` is signed in by that name.
///
/// While `held` is a promise, its answers wait for that. `redemptions` are all that were asked for, in order: of which refresh token (its hash), by which process, for whom, when,
/// and what came of it. `tokens` are the access tokens there are, by their hash: whose, until when, and of which redemption.
/// `registered` is what the client's registration says beside the ordinary, `features` what the provider can do beside it.
/// `logOut` logs somebody out there. Every fifth answer to a process is on its way for long, so that there is always one that a process could die before.
export async function startProvider({ port, redirectUris, registered = {}, features = {} }) {
  const issuer = `http://localhost:${port}`;
  const told = { issuer, redemptions: [], tokens: new Map(), owners: new Map() };
  const asked = new Map();
  const provider = new Provider(issuer, {
    adapter: adapter(),
    clients: [{
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: redirectUris,
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
      ...registered,
    }],
    jwks: { keys: [{ ...makeKey('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'k' }] },
    cookies: { keys: ['a key for the provider’s own cookies'] },
    ttl: { AccessToken: LIFE, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 600, RefreshToken: 3600, Session: 3600 }, // seconds
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, ...features },
    // Of itself it calls nobody on its own machine, which is where these applications are.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['name'] },
    findAccount: (_, login) => ({ accountId: login, claims: () => ({ sub: login, name: `Name of ${login}` }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    // Everybody agrees to everything.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (context, next) => {
    if (context.path.startsWith('/interaction/')) {
      context.respond = false;
      return provider.interactionFinished(context.req, context.res, { login: { accountId: context.get('x-login') } });
    }
    if (context.path !== '/token') return next();
    const redemption = { process: pidOf(context.req.socket, port), arrived: Date.now() };
    asked.set(redemption.process, (asked.get(redemption.process) ?? -1) + 1);
    const onTheWay = asked.get(redemption.process) % 5 === 0 ? 1200 : Math.random() * 60;
    await sleep(Math.random() * 60);
    await next();
    const { params, entities } = context.oidc;
    if (params?.grant_type === 'refresh_token') {
      redemption.token = hash(params.refresh_token);
      redemption.who = told.owners.get(redemption.token);
      redemption.error = context.body.error && `${context.body.error}: ${context.body.error_description}`;
      told.redemptions.push(redemption);
    }
    if (context.body.access_token !== undefined) {
      const who = redemption.who ?? entities.Account.accountId;
      redemption.issued = hash(context.body.access_token);
      told.owners.set(hash(context.body.refresh_token), who);
      told.tokens.set(redemption.issued, { who, until: Date.now() + LIFE * 1000, redemption });
    }
    await sleep(onTheWay);
    await told.held;
    if (!context.req.socket.destroyed) redemption.answered = Date.now();
  });
  told.logOut = (person) => logOut(provider, issuer, person);
  provider.on('server_error', (_, error) => console.error('the provider failed:', error));
  const server = http.createServer(provider.callback());
  server.keepAliveTimeout = 60_000;
  await serve(server, port);
  return told;
}

/// Ends somebody's session there, as its own page does: when that was asked for, and whether the client was told of it.
async function logOut(provider, issuer, person) {
  let outcome = 'the client was not told';
  const [done, failed] = [() => (outcome = 'done'), (_, error) => (outcome = error.message)];
  provider.once('backchannel.success', done).once('backchannel.error', failed);
  const headers = { cookie: person.cookie(new URL(issuer)) };
  const page = await fetch(`${issuer}/session/end`, { headers });
  const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(await page.text()) ?? [];
  // What the page has the browser keep.
  const set = page.headers.getSetCookie().map((line) => line.split(';')[0]);
  headers.cookie = [...new Map([...headers.cookie.split('; '), ...set].map((pair) => [pair.split('=')[0], pair])).values()].join('; ');
  const sent = performance.now();
  const answer = await fetch(`${issuer}/session/end/confirm`, { method: 'POST', headers, body: new URLSearchParams({ xsrf, logout: 'yes' }), redirect: 'manual' });
  provider.off('backchannel.success', done).off('backchannel.error', failed);
  if (answer.status !== 303) throw new Error(`the provider did not log anybody out: ${answer.status} ${await answer.text()}`);
  return { sent, outcome };
}

/// What the provider remembers. Its own memory for tests forgets all but the last thousand things.
function adapter() {
  const all = new Map();
  const ofGrant = new Map();
  return class {
    constructor(model) {
      this.model = model;
    }
    #at = (id) => `${this.model}:${id}`;
    async upsert(id, payload) {
      all.set(this.#at(id), payload);
      if (payload.uid !== undefined) all.set(`uid:${this.model}:${payload.uid}`, payload);
      if (payload.grantId !== undefined) ofGrant.set(payload.grantId, [...(ofGrant.get(payload.grantId) ?? []), this.#at(id)]);
    }
    async find(id) {
      return all.get(this.#at(id));
    }
    async findByUid(uid) {
      return all.get(`uid:${this.model}:${uid}`);
    }
    async consume(id) {
      all.get(this.#at(id)).consumed = Math.floor(Date.now() / 1000);
    }
    async destroy(id) {
      all.delete(this.#at(id));
    }
    async revokeByGrantId(grantId) {
      for (const at of ofGrant.get(grantId) ?? []) all.delete(at);
    }
  };
}

/// The process at the other end of a connection on this machine, from what Linux tells of sockets.
const processes = new Set();
const known = new WeakMap();

export function watchProcess(pid) {
  processes.add(pid);
}

function pidOf(socket, port) {
  if (known.has(socket)) return known.get(socket);
  const inHex = (number) => number.toString(16).toUpperCase().padStart(4, '0');
  const [theirs, ours] = [`:${inHex(socket.remotePort)}`, `:${inHex(port)}`];
  const line = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((text) => text.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(theirs) && remote.endsWith(ours));
  const name = `socket:[${line?.[9]}]`;
  const found = [...processes].find((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`) === name;
        } catch {
          return false; // closed meanwhile
        }
      });
    } catch {
      return false; // ended
    }
  });
  known.set(socket, found);
  return found;
}
