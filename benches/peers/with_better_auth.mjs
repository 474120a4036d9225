// better-auth as its documentation sets it up: email and password, better-sqlite3, Node's own server.
//
// The hash has the parameters of ours. PEER_DATABASE is the file, PEER_PORT the port.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The packages are not beside this file.
const require = createRequire(`${process.env.PEER_PACKAGES}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const { betterAuth } = await load("better-auth");
const { toNodeHandler } = await load("better-auth/node");
const { getMigrations } = await load("better-auth/db/migration");
const Database = require("better-sqlite3");
const { hash, verify } = require("@node-rs/argon2");

const parameters = { memoryCost: 19456, timeCost: 2, parallelism: 1 };
const port = Number(process.env.PEER_PORT);
const auth = betterAuth({
  baseURL: `http://localhost:${port}`,
  secret: "correct horse battery staple for a peer",
  database: new Database(process.env.PEER_DATABASE),
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => hash(password, parameters),
      verify: ({ hash: stored, password }) => verify(stored, password),
    },
  },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});
const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
createServer(toNodeHandler(auth)).listen(port, "127.0.0.1");
