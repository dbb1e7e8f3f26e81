// A certified OpenID provider (npm `oidc-provider`) that knows one confidential client and any user.

import { X509Certificate } from 'node:crypto';
import https from 'node:https';
import Provider from 'oidc-provider';
import { makeKey } from './keys.mjs';
import { serve } from './tls.mjs';

/// The client's credentials. The secret holds what HTTP Basic authentication must form-encode first
/// (RFC 6749 § 2.3.1): sent as it is, this provider refuses it.
export const client = { id: 'browser-test', secret: 'p@ss:word/with+plus %41&=and space-padding' };

const CLIENT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'];

/// What the provider says about whoever signs in as `login`.
export function userClaims(login) {
  return {
    sub: login,
    name: `${login[0].toUpperCase()}${login.slice(1)} Example`,
    preferred_username: login,
    email: `${login}@example.com`,
    email_verified: true,
    groups: ['staff', 'testers'],
  };
}

/// Starts the provider at `https://127.0.0.1:port`, with keys of its own, and answers its issuer.
/// `requests` collects what was asked of it, as `METHOD path`; `registered` is what the client's registration says beside
/// the ordinary, `configuration` what the provider's own says. With `shown`, clients are asked for certificates, and the
/// names on them end up there. It listens `at` another port where something stands before it. `watch` sees the provider before
/// anybody asks it anything.
export async function startProvider({ tls, port, at = port, redirectUri, requests = [], registered = {}, configuration = {}, shown, watch = () => {} }) {
  const issuer = `https://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
      ...registered,
    }],
    // The key that signs is neither alone nor the first of its set.
    jwks: { keys: [signingKey('ec', { namedCurve: 'P-256' }, 'ES256'), signingKey('rsa', { modulusLength: 2048 }, 'RS256')] },
    cookies: { keys: ['a key for the provider’s own cookies'] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 }, // seconds
    pkce: { required: () => true },
    clientAuthMethods: CLIENT_AUTH_METHODS,
    ...configuration,
    features: {
      ...configuration.features,
      devInteractions: { enabled: true },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: (context) => {
          const peer = context.socket.getPeerCertificate();
          if (peer?.raw === undefined) return undefined;
          shown.push(peer.subject.CN);
          return new X509Certificate(peer.raw);
        },
        certificateAuthorized: (context) => context.socket.authorized,
        certificateSubjectMatches: (context, property, expected) =>
          property === 'tls_client_auth_subject_dn' && `CN=${context.socket.getPeerCertificate().subject.CN}` === expected,
      },
    },
    enabledJWA: { clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] },
    // As the specification has it (Core § 5.4), the scopes' claims are at the userinfo endpoint and not in the ID token.
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email', 'email_verified'] },
    findAccount: (_, login) => ({ accountId: login, claims: () => userClaims(login) }),
    renderError: (context, out) => {
      context.type = 'text/plain';
      context.body = `the provider refused: ${out.error}: ${out.error_description ?? ''}`;
    },
  });
  provider.use(async (context, next) => {
    requests.push(`${context.method} ${context.path}`);
    await next();
  });
  watch(provider);
  provider.on('server_error', (_, error) => console.error('the provider failed:', error));
  // Whoever shows a certificate is looked at; the client's registration says whether one is needed.
  const options = { ...tls, requestCert: shown !== undefined, rejectUnauthorized: false };
  await serve(https.createServer(options, provider.callback()), at);
  return issuer;
}

function signingKey(type, options, alg) {
  const key = makeKey(type, options).privateKey.export({ format: 'jwk' });
  return { ...key, alg, use: 'sig', kid: `test-${alg}` };
}
