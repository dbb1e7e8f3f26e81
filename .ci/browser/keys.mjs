// Keys that a test makes.

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/// A key of its own, read anew from its text.
///
/// What `generateKeyPairSync` hands out shares a lock with the job that made it. Where the export of such a key needs memory and the
/// job is collected just then, Node 20 waits for itself for ever, and no deadline within the process ever comes.
export function makeKey(type, options = {}) {
  const { privateKey } = generateKeyPairSync(type, {
    ...options,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const key = createPrivateKey(privateKey);
  return { privateKey: key, publicKey: createPublicKey(key) };
}
