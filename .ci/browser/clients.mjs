// The ways in which a client can prove who it is at a certified provider: one login each in headless Chromium.
//
//   node clients.mjs path/to/quickstart

import { randomBytes } from 'node:crypto';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { claim, freePorts, newProfile, run, scratchDirectory, startChromium, startProgram } from './harness.mjs';
import { makeKey } from './keys.mjs';
import { application, certifiedProvider } from './pages.mjs';
import { client, startProvider, userClaims } from './provider.mjs';
import { makeAuthority, makeClientCertificate, publicKeyOf, terminateTls } from './tls.mjs';

const quickstart = path.resolve(process.argv[2] ?? process.env.QUICKSTART ?? 'target/debug/quickstart');
const user = userClaims('dagny');
const secret = { OIDC_GATE_CLIENT_SECRET: client.secret };

await run('client authentication', async () => {
  const directory = await scratchDirectory();
  const authority = await makeAuthority(directory);
  const browser = await startChromium(authority.home);
  const keys = {
    RS256: makeKey('rsa', { modulusLength: 2048 }),
    PS256: makeKey('rsa', { modulusLength: 2048 }),
    ES256: makeKey('ec', { namedCurve: 'P-256' }),
    EdDSA: makeKey('ed25519'),
  };
  const ways = [
    ['none', { registered: { token_endpoint_auth_method: 'none' }, environment: {} }],
    ['client_secret_post', { registered: { token_endpoint_auth_method: 'client_secret_post' }, environment: secret }],
    ['client_secret_jwt', {
      registered: { token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: 'HS256' },
      environment: secret,
    }],
  ];
  for (const [alg, { privateKey, publicKey }] of Object.entries(keys)) {
    const file = path.join(directory, `${alg}.pem`);
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const kid = `the-${alg}-key`;
    ways.push(['private_key_jwt', {
      what: alg,
      registered: {
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }] },
      },
      environment: { OIDC_GATE_CLIENT_KEY_FILE: file, OIDC_GATE_CLIENT_KEY_ID: kid, OIDC_GATE_CLIENT_KEY_ALG: alg },
    }]);
  }

  const issued = await makeClientCertificate(directory, 'issued', { selfSigned: false });
  ways.push(['tls_client_auth', {
    registered: { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=issued' },
    environment: { OIDC_GATE_CLIENT_CERT_FILE: issued.cert, OIDC_GATE_CLIENT_KEY_FILE: issued.key },
    shown: [],
  }]);
  const own = await makeClientCertificate(directory, 'own', { selfSigned: true });
  const next = await makeClientCertificate(directory, 'next', { selfSigned: true });
  ways.push(['self_signed_tls_client_auth', {
    registered: { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [own, next].map(publicKeyOf) } },
    environment: { OIDC_GATE_CLIENT_CERT_FILE: own.cert, OIDC_GATE_CLIENT_KEY_FILE: own.key },
    shown: [],
    // While the program runs, as a certificate manager does it.
    replace: async () => {
      await copyFile(next.key, own.key);
      await copyFile(next.cert, own.cert);
    },
  }]);
  for (const [method, way] of ways) await login(authority, browser, method, way);

  // A key that the provider does not know.
  const [, known] = ways.findLast(([method]) => method === 'private_key_jwt');
  const file = path.join(directory, 'another.pem');
  await writeFile(file, makeKey('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const environment = { ...known.environment, OIDC_GATE_CLIENT_KEY_FILE: file };
  await login(authority, browser, 'private_key_jwt', { ...known, what: 'a wrong key', environment, refused: 'token.invalid_client' });
});

async function login(authority, browser, method, { what = '', registered, environment, refused, shown, replace }) {
  const name = `${method} ${what}`.trim();
  const [publicPort, plainPort, unusedPort, providerPort] = await freePorts(4);
  const site = `https://localhost:${publicPort}`;
  const issuer = await startProvider({
    tls: authority.server,
    port: providerPort,
    redirectUri: `${site}/oauth2/callback`,
    registered,
    shown,
  });
  const program = await startProgram(quickstart, {
    port: plainPort,
    environment: {
      OIDC_GATE_ISSUER_URL: issuer,
      OIDC_GATE_CLIENT_ID: client.id,
      OIDC_GATE_CLIENT_AUTH: method,
      OIDC_GATE_BASE_URL: site,
      OIDC_GATE_COOKIE_SECRET: randomBytes(32).toString('base64'),
      OIDC_GATE_CA_FILE: authority.caFile,
      PORT: String(plainPort),
      PROVIDER_PORT: String(unusedPort),
      ...environment,
    },
  });
  await terminateTls(authority.server, publicPort, plainPort);
  await once(browser, site, name, program, refused);
  if (replace !== undefined) {
    claim(`${name}: the certificate of the files is shown`, shown.length > 0 && shown.every((cn) => cn === 'own'), shown);
    await replace();
    await once(browser, site, `${name}, replaced`, program);
    claim(`${name}: the new certificate is shown without a restart`, shown.at(-1) === 'next', shown);
  }
  await program.stop();
}

async function once(browser, site, name, program, refused) {
  const { context } = await newProfile(browser, [site]);
  const page = await context.newPage();
  await page.goto(`${site}/me`);
  await certifiedProvider.login(page).fill(user.sub);
  await certifiedProvider.password(page).fill('anything');
  await certifiedProvider.signIn(page).click();
  await certifiedProvider.consent(page).click();
  await page.waitForURL(`${site}/**`);
  if (refused === undefined) {
    claim(`${name}: the provider takes it, and the user is signed in`, page.url() === `${site}/me` && (await application.signOut(page).isVisible()), page.url());
  } else {
    claim(`${name}: the provider refuses it, and nobody is signed in`, new URL(page.url()).pathname === '/oauth2/callback', page.url());
    claim(`${name}: the log says so`, program.output.includes(refused), program.output.slice(-500));
  }
  await context.close();
}
