// A program without a browser that gets tokens from a certified provider: by every grant that it has and every way of
// proving who the client is, over HTTPS.
//
//   node machines.mjs path/to/service-client

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import { Visitor } from './forms.mjs';
import { afterwards, claim, freePorts, run, scratchDirectory } from './harness.mjs';
import { makeKey } from './keys.mjs';
import { client, startProvider, userClaims } from './provider.mjs';
import { makeAuthority, makeClientCertificate, publicKeyOf, serve } from './tls.mjs';

const program = path.resolve(process.argv[2] ?? process.env.SERVICE_CLIENT ?? 'target/debug/service-client');
const user = userClaims('dagny');
const redirectUri = 'https://app.example/callback';
const machineGrants = { grant_types: ['authorization_code', 'client_credentials', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'] };
const secret = { OIDC_GATE_CLIENT_SECRET: client.secret };

await run('programs', async () => {
  const directory = await scratchDirectory();
  const authority = await makeAuthority(directory);

  const key = async (name, alg, { privateKey, publicKey }) => {
    const file = path.join(directory, `${name}.pem`);
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const kid = `the-${alg}-key`;
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
    return { jwk, environment: { OIDC_GATE_CLIENT_KEY_FILE: file, OIDC_GATE_CLIENT_KEY_ID: kid, OIDC_GATE_CLIENT_KEY_ALG: alg } };
  };
  const known = await key('known', 'ES256', makeKey('ec', { namedCurve: 'P-256' }));
  const stranger = await key('stranger', 'ES256', makeKey('ec', { namedCurve: 'P-256' }));
  const rsa = await key('rsa', 'PS256', makeKey('rsa', { modulusLength: 2048 }));
  const certificate = async (name, selfSigned) => {
    const made = await makeClientCertificate(directory, name, { selfSigned });
    return { ...made, environment: { OIDC_GATE_CLIENT_CERT_FILE: made.cert, OIDC_GATE_CLIENT_KEY_FILE: made.key } };
  };
  const issued = await certificate('issued', false);
  const other = await certificate('other', false);
  const own = await certificate('own', true);
  const otherOwn = await certificate('other-own', true);

  // How the client is registered, what it has been given, and the same with something that is wrong.
  const wrongSecret = { OIDC_GATE_CLIENT_SECRET: 'p@ss:word/with+plus %41&=and other-padding' };
  const ways = [
    ['client_secret_basic', {}, secret, wrongSecret],
    ['client_secret_post', {}, secret, wrongSecret],
    ['client_secret_jwt', { token_endpoint_auth_signing_alg: 'HS256' }, secret, wrongSecret],
    ['private_key_jwt', { token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [known.jwk] } }, known.environment, stranger.environment],
    ['private_key_jwt', { token_endpoint_auth_signing_alg: 'PS256', jwks: { keys: [rsa.jwk] } }, rsa.environment, known.environment],
    ['tls_client_auth', { tls_client_auth_subject_dn: 'CN=issued' }, issued.environment, other.environment],
    ['self_signed_tls_client_auth', { jwks: { keys: [publicKeyOf(own)] } }, own.environment, otherOwn.environment],
  ];
  for (const [method, registered, right, wrong] of ways) {
    const { issuer, requests } = await provider(authority, { token_endpoint_auth_method: method, ...registered });
    const named = (more) => ({ ...machine(issuer, authority), OIDC_GATE_CLIENT_AUTH: method, GRANT: 'client_credentials', SCOPE: 'api', ...more });

    const got = await finish(named({ ...right, THEN: 'introspect revoke' }));
    claim(`${method}: a token, introspected and revoked`, got.code === 0 && got.output.includes('got a Bearer token: lifetime Some(600s), scope Some("api")') && got.output.includes('active: true') && got.output.includes('revoked: Revoked'), got.output);
    const pushed = await finish(named({ ...right, GRANT: 'push', REDIRECT_URI: redirectUri, CODE_CHALLENGE: createHash('sha256').update('verifier').digest('base64url') }));
    claim(`${method}: an authorization request, pushed`, pushed.code === 0 && pushed.output.includes('pushed, good for'), pushed.output);

    requests.length = 0;
    const refused = await finish(named({ ...right, ...wrong }));
    claim(`${method}: what is wrong is refused, and the provider's word for it is told`, refused.code === 1 && refused.output.startsWith('token.invalid_client: ') && refused.output.trimEnd().endsWith('[invalid_client]'), refused.output);
    claim(`${method}: the provider is asked once`, requests.filter((request) => request === 'POST /token').length === 1, requests);
  }

  for (const [method, registered, right] of [...ways, ['none', {}, {}]]) await deviceOf(authority, method, registered, right);

  await chosen(authority, known, issued);
  await refusedBeforehand(authority);
  await withoutBrowser(authority);
  await inBetween(authority, known);
});

/// The method that the program chooses itself.
async function chosen(authority, known, issued) {
  const all = { ...machineGrants, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [known.jwk] } };
  const { issuer } = await provider(authority, all);
  const automatic = { ...machine(issuer, authority), OIDC_GATE_CLIENT_AUTH: 'automatic', GRANT: 'client_credentials' };
  const byKey = await finish({ ...automatic, ...secret, ...known.environment });
  claim('automatic: with a key and a secret, the key', byKey.code === 0, byKey.output);

  const few = await provider(authority, { token_endpoint_auth_method: 'client_secret_basic' }, { clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'] });
  const bySecret = await finish({ ...automatic, OIDC_GATE_ISSUER_URL: few.issuer, ...secret, ...known.environment });
  claim('automatic: where only secrets are taken, the secret in a header', bySecret.code === 0, bySecret.output);
  few.requests.length = 0;
  const neither = await finish({ ...automatic, OIDC_GATE_ISSUER_URL: few.issuer, ...known.environment });
  claim('automatic: with a key alone, nothing is sent there', neither.code === 1 && neither.output.startsWith('provider.client_auth_unsupported: the client has a key for ES256, the provider takes "client_secret_basic"') && !few.requests.includes('POST /token'), neither.output);

  const tls = await provider(authority, { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=issued' }, { clientAuthMethods: ['tls_client_auth', 'client_secret_basic'] });
  const aliased = { ...automatic, OIDC_GATE_ISSUER_URL: tls.issuer, ...issued.environment, ...secret };
  const byCertificate = await finish(aliased);
  claim('automatic: with a certificate and a secret, the certificate', byCertificate.code === 0 && tls.shown.includes('issued'), byCertificate.output);
}

/// What no provider has to be asked for.
async function refusedBeforehand(authority) {
  const { issuer, requests } = await provider(authority, {}, { clientAuthMethods: ['client_secret_basic', 'none'] });
  const base = machine(issuer, authority);
  const unlisted = await finish({ ...base, ...secret, OIDC_GATE_CLIENT_AUTH: 'client_secret_post' });
  claim('a method that the provider does not list is refused', unlisted.code === 1 && unlisted.output.includes('provider.client_auth_unsupported: configured client_secret_post, the provider takes "client_secret_basic", "none"'), unlisted.output);
  const nobody = await finish({ ...base, OIDC_GATE_CLIENT_AUTH: 'none' });
  claim('a public client asks for no token of its own', nobody.code === 1 && nobody.output.startsWith('client.public: '), nobody.output);
  claim('neither was sent', !requests.includes('POST /token'), requests);
}

/// What somebody could do between the program and the provider: send an assertion once more, have one made for another.
async function inBetween(authority, known) {
  const registered = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [known.jwk] } };
  const ask = (issuer) => finish({ ...machine(issuer, authority), ...known.environment, OIDC_GATE_CLIENT_AUTH: 'private_key_jwt', GRANT: 'client_credentials', SCOPE: 'api' });
  const refused = ({ code, output }) => code === 1 && output.startsWith('token.invalid_client: ') && output.trimEnd().endsWith('[invalid_client]');
  const isToken = (request) => request === 'POST /token';

  const [front, back] = await freePorts(2);
  const behind = await provider(authority, registered, {}, { port: front, at: back });
  let times = 1;
  await relay(authority, front, back, async (send, { url }) => {
    let answer = await send();
    for (let sent = 1; sent < (url === '/token' ? times : 1); sent += 1) answer = await send();
    return answer;
  });
  const once = await ask(behind.issuer);
  claim('an assertion that is sent once is taken', once.code === 0, once.output);
  times = 2;
  const twice = await ask(behind.issuer);
  claim('an assertion that comes again is refused, and the program says so', refused(twice) && behind.requests.filter(isToken).length === 3, twice.output);

  const honest = await provider(authority, registered);
  const [pretended] = await freePorts(1);
  const pretender = `https://127.0.0.1:${pretended}`;
  await relay(authority, pretended, Number(new URL(honest.issuer).port), async (send) => {
    const answer = await send({ host: new URL(honest.issuer).host });
    return { ...answer, body: answer.body.toString().replace(`"issuer":"${honest.issuer}"`, `"issuer":"${pretender}"`) };
  });
  const elsewhere = await ask(pretender);
  claim('an assertion for another server is refused, and the program says so', refused(elsewhere) && honest.requests.filter(isToken).length === 1, elsewhere.output);
}

/// Stands at one port before what is at another. `pass` is given what sends a request on, and the request.
async function relay(authority, port, target, pass) {
  const server = https.createServer(authority.server, async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const send = (headers = {}) => new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: target, method: request.method, path: request.url, headers: { ...request.headers, ...headers }, ca: authority.server.ca };
      const onward = https.request(options, async (answer) => {
        const parts = [];
        for await (const part of answer) parts.push(part);
        resolve({ status: answer.statusCode, type: answer.headers['content-type'], body: Buffer.concat(parts) });
      });
      onward.once('error', reject).end(Buffer.concat(chunks));
    });
    try {
      const { status, type, body } = await pass(send, request);
      response.writeHead(status, { 'content-type': type ?? 'text/plain' }).end(body);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
  await serve(server, port);
}

/// A device of every method that gets its token, and another for its refresh token.
async function deviceOf(authority, method, registered, right) {
  const { issuer } = await provider(authority, { ...registered, token_endpoint_auth_method: method, scope: 'openid offline_access email' });
  const base = { ...machine(issuer, authority), ...right, OIDC_GATE_CLIENT_AUTH: method };
  const waiting = start({ ...base, GRANT: 'device_code', SCOPE: 'openid offline_access', THEN: 'show' });
  await letIn(authority, await waiting.until(/^open (\S+) and enter (\S+)$/m));
  const got = await waiting.end;
  claim(`${method}: a device that was let in gets a token`, got.code === 0 && got.output.includes('refresh token true'), got.output);
  const [, token] = /^refresh_token=(\S+)$/m.exec(got.output) ?? [];
  const refreshed = await finish({ ...base, GRANT: 'refresh_token', REFRESH_TOKEN: token });
  claim(`${method}: and another for its refresh token`, refreshed.code === 0 && refreshed.output.includes('got a Bearer token'), refreshed.output);
}

/// Enters a device's code, signs in and agrees.
async function letIn(authority, [, uri, code]) {
  const visitor = new Visitor(authority.server.ca);
  const entered = await visitor.submit(await visitor.visit(uri), { user_code: code });
  const login = await visitor.submit(entered);
  const consent = await visitor.submit(login, { login: user.sub, password: 'anything' });
  return await visitor.submit(consent);
}

/// A device that somebody lets in elsewhere, and what it does with its refresh token.
async function withoutBrowser(authority) {
  const { issuer } = await provider(authority, { ...machineGrants, scope: 'openid offline_access email' });
  const base = { ...machine(issuer, authority), ...secret };
  const device = { ...base, GRANT: 'device_code', SCOPE: 'openid email offline_access', THEN: 'show' };

  const waiting = start(device);
  const done = await letIn(authority, await waiting.until(/^open (\S+) and enter (\S+)$/m));
  claim('device: the user enters the code, signs in and agrees', done.text.includes('Sign-in Success'), done.text.slice(0, 500));
  const got = await waiting.end;
  claim('device: the program gets a token', got.code === 0 && got.output.includes('refresh token true'), got.output);

  const [, token] = /^refresh_token=(\S+)$/m.exec(got.output);
  const refresh = { ...base, GRANT: 'refresh_token' };
  const refreshed = await finish({ ...refresh, REFRESH_TOKEN: token, SCOPE: 'openid' });
  claim('refresh: another token, for less', refreshed.code === 0 && refreshed.output.includes('scope Some("openid")'), refreshed.output);
  const unknown = await finish({ ...refresh, REFRESH_TOKEN: `${token}x` });
  claim('refresh: a token that nobody gave is refused', unknown.code === 1 && unknown.output.startsWith('token.invalid_grant: ') && unknown.output.includes('[invalid_grant]'), unknown.output);

  const unwanted = start(device);
  const [, again, otherCode] = await unwanted.until(/^open (\S+) and enter (\S+)$/m);
  const doubter = new Visitor(authority.server.ca);
  await doubter.submit(await doubter.submit(await doubter.visit(again), { user_code: otherCode }), { abort: 'yes' });
  const refused = await unwanted.end;
  claim('device: the user declines, and the program says so', refused.code === 1 && refused.output.includes('token.access_denied: ') && refused.output.includes('[access_denied]'), refused.output);
}

async function provider(authority, registered, configuration = {}, ports = undefined) {
  const { port, at } = ports ?? { port: (await freePorts(1))[0] };
  const [requests, shown] = [[], []];
  const issuer = await startProvider({
    tls: authority.server,
    port,
    at,
    redirectUri,
    requests,
    shown,
    registered: { ...machineGrants, ...registered },
    configuration: {
      scopes: ['openid', 'offline_access', 'api'],
      ttl: { ClientCredentials: 600, AccessToken: 600, RefreshToken: 600, DeviceCode: 600, Interaction: 600, Session: 600, Grant: 600, IdToken: 600 }, // seconds
      features: { clientCredentials: { enabled: true }, deviceFlow: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true } },
      ...configuration,
    },
  });
  return { issuer, requests, shown };
}

function machine(issuer, authority) {
  return { OIDC_GATE_ISSUER_URL: issuer, OIDC_GATE_CLIENT_ID: client.id, OIDC_GATE_CA_FILE: authority.caFile };
}

/// Runs the program to its end.
function finish(environment) {
  return start(environment).end;
}

function start(environment) {
  const child = spawn(program, [], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
  const end = new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, output }));
  });
  afterwards(() => child.kill('SIGKILL'));
  const until = async (pattern) => {
    for (;;) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      if (child.exitCode !== null) throw new Error(`the program ended before it said ${pattern}: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return { end, until };
}
