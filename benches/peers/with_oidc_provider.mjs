// oidc-provider with the adapter that it comes with, which keeps everything in memory.
//
// PEER_PACKAGES is where it is installed, PEER_PORT where it listens, PEER_CLIENT the JSON of its only client, PEER_KEY its signing key as a
// JWK. POST /prepare?count=N makes so many codes.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { PEER_PACKAGES, PEER_PORT, PEER_CLIENT, PEER_KEY } = process.env;
const resolve = createRequire(`${PEER_PACKAGES}/package.json`).resolve;
const { default: Provider } = await import(pathToFileURL(resolve("oidc-provider")));

const given = JSON.parse(PEER_CLIENT);
const scope = "openid offline_access";
const provider = new Provider(`http://127.0.0.1:${PEER_PORT}`, {
  clients: [{ ...given, grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] }],
  jwks: { keys: [JSON.parse(PEER_KEY)] },
  cookies: { keys: ["only for benchmarks"] },
  features: { introspection: { enabled: true, allowedPolicy: () => true }, devInteractions: { enabled: false } },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  issueRefreshToken: () => true,
  pkce: { required: () => false },
  rotateRefreshToken: true,
});

const client = await provider.Client.find(given.client_id);
const grant = new provider.Grant({ accountId: "user1", clientId: given.client_id });
grant.addOIDCScope(scope);

async function codes(count) {
  // The adapter keeps the last thousand of what it was given: the grant has to be among them.
  const grantId = await grant.save();
  const made = [];
  for (let number = 0; number < count; number += 1) {
    const [redirectUri] = given.redirect_uris;
    const authTime = Math.floor(Date.now() / 1000);
    const code = new provider.AuthorizationCode({ accountId: "user1", authTime, claims: {}, client, grantId, redirectUri, scope });
    made.push(await code.save());
  }
  return made;
}

const answer = provider.callback();
createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname !== "/prepare") return answer(request, response);
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(await codes(Number(url.searchParams.get("count")))));
}).listen(Number(PEER_PORT), "127.0.0.1");
