// A certified client, npm openid-client, at the token endpoint of examples/token-endpoint: every way of proving who a client
// is, and what comes of each when something is wrong. No browser takes part.
//
//   node token_endpoint.mjs path/to/token-endpoint

import { createHash, createPrivateKey, webcrypto } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import * as openid from 'openid-client';
import { claim, freePorts, run, scratchDirectory, startProgram } from './harness.mjs';
import { makeKey } from './keys.mjs';

const program = path.resolve(process.argv[2] ?? 'target/debug/token-endpoint');
const clients = new URL('../../examples/token-endpoint/clients.toml', import.meta.url);
const secrets = {
  basic: '7Fjfp0ZBr1+KtDRbnfVdm/w5hCq8sLgXoPyT2eUaIk4=',
  post: 'mB4zNn1tQpY7cVdXwR6sJ0uKfLhE3aGo9iTqZx5yDvA',
  hmac: 'kR5dYw0u3cC1mEo8zH7bTqS2vXnP4jLa',
};
const wrong = 'another secret of thirty-two bytes';

await run('openid-client at a token endpoint', async () => {
  const directory = await scratchDirectory();
  const [port] = await freePorts(1);
  const issuer = `https://localhost:${port}`;
  const file = path.join(directory, 'clients.toml');
  await writeFile(file, (await readFile(clients, 'utf8')).replace('https://localhost:8443', issuer));
  const server = await startProgram(program, { args: [file], port });
  const demo = (name) => readFile(path.join(directory, 'demo', name));
  const certificate = async (name) => ({ cert: await demo(`${name}.pem`), key: await demo(`${name}.key`) });
  const [ca, issued, another, own] = [await demo('ca.pem'), await certificate('issued'), await certificate('another'), await certificate('own')];
  const signer = await importKey(createPrivateKey(await demo('signer.key')));
  const stranger = await importKey(makeKey('ec', { namedCurve: 'P-256' }).privateKey);

  /// The client `id`, which has read the server's metadata. `seen` are the bodies it sends.
  const client = async (id, authentication, { shown, seen = [] } = {}) => {
    const fetch = fetchOver({ ca, ...shown }, seen);
    return openid.discovery(new URL(issuer), id, undefined, authentication, { algorithm: 'oauth2', [openid.customFetch]: fetch });
  };
  const elsewhere = { [openid.modifyAssertion]: (_, claims) => (claims.aud = 'https://other.example') };
  const aimed = (aud) => ({ [openid.modifyAssertion]: (_, claims) => (claims.aud = aud) });
  const basic = openid.ClientSecretBasic;
  const post = openid.ClientSecretPost;
  const hmac = openid.ClientSecretJwt;
  const signed = openid.PrivateKeyJwt;
  const tls = openid.TlsClientAuth;

  // Which client, how it comes, and how it comes wrongly: with what the log of the server says then.
  const ways = [
    ['client_secret_basic', 'basic', basic(secrets.basic), {}, [
      ['a wrong secret', basic(wrong), {}, 'client_auth.secret'],
      ['the secret in another place', post(secrets.basic), {}, 'client_auth.method_other'],
    ]],
    ['client_secret_post', 'post', post(secrets.post), {}, [['a wrong secret', post(wrong), {}, 'client_auth.secret']]],
    ['client_secret_jwt', 'hmac', hmac(secrets.hmac), {}, [
      ['a wrong secret', hmac(wrong), {}, 'assertion.signature'],
      ['an assertion for another server', hmac(secrets.hmac, elsewhere), {}, 'assertion.aud'],
    ]],
    ['private_key_jwt', 'signer', signed(signer), {}, [
      ['a wrong key', signed(stranger), {}, 'assertion.signature'],
      ['an assertion for another server', signed(signer, elsewhere), {}, 'assertion.aud'],
      ['an assertion for two servers', signed(signer, aimed([issuer, 'https://other.example'])), {}, 'assertion.aud'],
      ['an assertion for the endpoint', signed(signer, aimed(`${issuer}/token`)), {}, 'assertion.aud'],
    ]],
    ['tls_client_auth', 'issued', tls(), { shown: issued }, [
      ['the certificate of another client', tls(), { shown: another }, 'certificate.subject'],
      ['a certificate of no authority', tls(), { shown: own }, 'certificate.untrusted'],
      ['no certificate', tls(), {}, 'certificate.missing'],
    ]],
    ['self_signed_tls_client_auth', 'own', tls(), { shown: own }, [
      ['a certificate that is not registered', tls(), { shown: issued }, 'certificate.not_registered'],
      ['no certificate', tls(), {}, 'certificate.missing'],
    ]],
  ];
  for (const [method, id, authentication, options, mistakes] of ways) {
    const config = await client(id, authentication, options);
    claim(`${method}: the metadata lists it`, config.serverMetadata().token_endpoint_auth_methods_supported.includes(method));
    const tokens = await openid.clientCredentialsGrant(config, { scope: 'read' });
    claim(`${method}: a token`, tokens.token_type === 'bearer' && tokens.expires_in === 600, JSON.stringify(tokens));
    const told = await openid.tokenIntrospection(config, tokens.access_token);
    claim(`${method}: introspected by the same client, in the same way`, told.active === true && told.client_id === id && told.sub === id, JSON.stringify(told));
    const bound = options.shown === undefined ? undefined : thumbprint(options.shown.cert);
    claim(`${method}: the token is bound to ${bound ? 'the certificate' : 'nothing'}`, told.cnf?.['x5t#S256'] === bound, JSON.stringify(told.cnf));
    for (const [what, bad, more, check] of mistakes) {
      const refused = await client(id, bad, more);
      await isRefused(`${method}: ${what}`, () => openid.clientCredentialsGrant(refused), 401, 'invalid_client', server, check);
    }
  }

  // The very body once more, as somebody would send it who has read it.
  for (const [method, id, authentication] of ways.filter(([method]) => method.endsWith('_jwt'))) {
    const seen = [];
    const config = await client(id, authentication, { seen });
    await openid.clientCredentialsGrant(config);
    const [{ url, options }] = seen.filter(({ options }) => options.method === 'POST');
    const [, payload] = options.body.get('client_assertion').split('.');
    const { aud } = JSON.parse(Buffer.from(payload, 'base64url'));
    claim(`${method}: an assertion is made for the issuer, as text`, aud === issuer, JSON.stringify(aud));
    const again = await fetchOver({ ca }, [])(url, options);
    const told = await again.json();
    claim(`${method}: the same request once more is refused`, again.status === 401 && told.error === 'invalid_client', JSON.stringify(told));
    const logged = await refusalOf(server);
    claim(`${method}: … because the assertion was used`, logged.startsWith('assertion.replayed: '), logged);
  }

  await publicClient(client, server, ca);
});

/// `none`: a code, redeemed by PKCE, once.
async function publicClient(client, server, ca) {
  const config = await client('phone', openid.None());
  const verifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const arrive = async () => {
    const address = openid.buildAuthorizationUrl(config, {
      redirect_uri: 'https://phone.example/callback',
      scope: 'read',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    });
    const answer = await fetchOver({ ca }, [])(address.href, { method: 'GET', headers: {} });
    return new URL(answer.headers.get('location'));
  };
  const redeem = (arrived, pkceCodeVerifier) =>
    openid.authorizationCodeGrant(config, arrived, { pkceCodeVerifier, expectedState: state });

  const arrived = await arrive();
  await isRefused('none: a wrong verifier', () => redeem(arrived, openid.randomPKCECodeVerifier()), 400, 'invalid_grant', server, 'grant.verifier_wrong');
  const tokens = await redeem(arrived, verifier);
  claim('none: a token for a code, which the wrong verifier has not used up', tokens.scope === 'read' && tokens.refresh_token !== undefined, JSON.stringify(tokens));
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
  claim('none: refreshed, with another refresh token', ![undefined, tokens.refresh_token].includes(refreshed.refresh_token), JSON.stringify(refreshed));
  await isRefused('none: the same code once more', () => redeem(arrived, verifier), 400, 'invalid_grant', server, 'grant.used');
  await isRefused('none: … which ends what came of it', () => openid.refreshTokenGrant(config, refreshed.refresh_token), 400, 'invalid_grant', server, 'grant.ended');

  const pair = await arrive();
  const both = await Promise.allSettled(Array.from({ length: 8 }, () => redeem(pair, verifier)));
  claim('none: of eight at once, one gets a token', both.filter(({ status }) => status === 'fulfilled').length === 1);
  claim('none: … and the others `invalid_grant`', both.filter(({ reason }) => reason?.error === 'invalid_grant').length === 7);
  for (let other = 1; other < 8; other += 1) await refusalOf(server);

  await isRefused('none: no token of its own', () => openid.clientCredentialsGrant(config), 400, 'unauthorized_client', server, 'grant.not_allowed');
  await isRefused('none: introspection wants proof', () => openid.tokenIntrospection(config, tokens.access_token), 401, 'invalid_client', server, 'client_auth.method_disabled');
}

async function isRefused(what, ask, status, error, server, check) {
  const refusal = await ask().then(() => undefined, (refusal) => refusal);
  // A challenge is all that openid-client looks at in a 401; the body is there for whoever reads it.
  const told = refusal?.error ?? (await refusal?.response?.json())?.error;
  claim(`${what} is ${error}`, refusal?.status === status && told === error, `${refusal}: ${told}`);
  const logged = await refusalOf(server);
  claim(`${what}: the log says ${check}`, logged.startsWith(`${check}: `), logged);
}

/// The next refusal in the log, which may come a little after the answer.
async function refusalOf(server) {
  server.refusals ??= 0;
  for (;;) {
    const found = [...server.output.matchAll(/^refused: (.*)\n/gm)][server.refusals];
    if (found !== undefined) {
      server.refusals += 1;
      return found[1];
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/// `fetch` that trusts what `tls` names and shows its certificate, follows nothing, and writes down what it sends.
function fetchOver(tls, seen) {
  return (url, options) => {
    seen.push({ url, options });
    const { method, body, headers } = options;
    return new Promise((resolve, reject) => {
      const request = https.request(url, { ...tls, method, headers: Object.fromEntries(new Headers(headers)), agent: false }, async (answer) => {
        const chunks = await answer.toArray();
        resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode, headers: Object.entries(answer.headers) }));
      });
      request.once('error', reject).end(body?.toString());
    });
  };
}

function importKey(key) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return webcrypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), algorithm, false, ['sign']);
}

function thumbprint(pem) {
  const der = Buffer.from(pem.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return createHash('sha256').update(der).digest('base64url');
}
