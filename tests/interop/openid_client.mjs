// A server that signs users in by openid-client. The argument is JSON: issuer, client_id, client_secret and the addresses of the client.
//
// It prints one JSON line after another: the address that a browser is to open, then what came of it. A line on standard input is
// where the browser came back to.

import { createInterface } from "node:readline";
import * as client from "openid-client";

const given = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => console.log(JSON.stringify(value));

/** The browser goes to an address; where it comes back to. */
async function browse(url) {
  say({ url: url.href });
  return new URL((await lines.next()).value);
}

const options = { execute: [client.allowInsecureRequests] };
const authentication = { client_secret_basic: client.ClientSecretBasic, client_secret_post: client.ClientSecretPost };
const prove = authentication[given.auth_method](given.client_secret);
const config = await client.discovery(new URL(given.issuer), given.client_id, undefined, prove, options);

/** Signs a user in. */
async function signIn({ isPushed = false, altered = {}, DPoP } = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const parameters = {
    redirect_uri: given.redirect_uri,
    scope: "openid profile email offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  };
  const build = isPushed ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl;
  const back = await browse(await build(config, parameters));
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  return client.authorizationCodeGrant(config, back, { ...checks, ...altered }, undefined, { DPoP });
}

/** What the library says of an answer that is not the expected one. */
async function refusal(act) {
  try {
    await act();
  } catch (error) {
    return String(error.cause?.message ?? error.message);
  }
  return null;
}

const tokens = await signIn({ isPushed: given.is_pushed });
const claims = tokens.claims();
const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
const told = await client.tokenIntrospection(config, refreshed.access_token);
const refusals = {
  state: await refusal(() => signIn({ altered: { expectedState: "another" } })),
  nonce: await refusal(() => signIn({ altered: { expectedNonce: "another" } })),
  verifier: await refusal(() => signIn({ altered: { pkceCodeVerifier: client.randomPKCECodeVerifier() } })),
};
const goodbye = await browse(
  client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: given.post_logout_redirect_uri,
    id_token_hint: refreshed.id_token,
    state: "bye",
  }),
);
await client.tokenRevocation(config, refreshed.refresh_token);
const after = await refusal(() => client.refreshTokenGrant(config, refreshed.refresh_token));
say({ claims, info, told, refusals, goodbye: goodbye.href, after, metadata: config.serverMetadata() });
process.exit(0);
