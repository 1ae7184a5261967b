/** From a secret to the layer that seals under it: what `layers` takes. */
import { stretched } from "../../io/seal/stretch.ts";
import { denoRuntime } from "../../io/runtime.ts";
import {
  findUsualSecret,
  makeSecretFile,
  readSecretFile,
  requireNoSecretFile,
  usualSecretPath,
} from "../../io/store/secret_file.ts";
import { ShoalError } from "../../errors.ts";
import { toHex } from "../../ids.ts";
import type { SealConfig } from "../../messages/transport_config.ts";
import { fingerprintOf, type GroupKey, groupKeyOf } from "../../protocol/seal/key_schedule.ts";
import type { FoundSecret, LayerConfig, SecretPlace } from "../options.ts";
import { SECRET_BYTES } from "./limits.ts";
import { fingerprintText, readLine, sameSecretTwice, secretLines, wordsOf } from "./secret_text.ts";

/**
 * The layer that seals everything under a secret, for the `layers` of whatever uses the network: who lacks the secret
 * neither understands nor is understood.
 *
 * @param text one secret a line; a second one is understood as well, while the members of a group change from one to the other
 * @returns plain data that holds the keys: it is for `layers`, and for nothing that is kept or shown
 * @throws {ShoalError} `usage` for what is no secret
 *
 * @example Fetch from a server of the same secret
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { get, sealLayer, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const layers = [await sealLayer("a secret that we have agreed on, and that nobody guesses")];
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0, layers });
 *
 * const [result] = await get({
 *   names: ["notes.txt"],
 *   outDir: await Deno.makeTempDir(),
 *   port: server.ready.port,
 *   broadcast: ["127.255.255.255"], // this machine alone; leave it out to ask the whole network
 *   layers,
 * });
 * assertEquals(result?.event, "done");
 * await server.close();
 * ```
 */
export async function sealLayer(text: string): Promise<LayerConfig> {
  return (await sealOfBytes(new TextEncoder().encode(text))).layer;
}

/**
 * The secret at a place that the user has named, or at the usual one; `undefined` where none is named and none is there.
 *
 * @throws {ShoalError} `usage` for what is no secret, or others can read, `permission` where Deno does not allow a look
 */
export async function findSecret(place: SecretPlace): Promise<FoundSecret | undefined> {
  if (place.text !== undefined) return await sealOfBytes(place.text);
  const path = place.file ?? findUsualSecret();
  if (path === undefined) return undefined;
  return { ...await sealOfBytes(await readSecretFile(path)), path };
}

/**
 * Makes a secret of 128 random bits, and a file of it that its owner alone can read.
 *
 * @param path the usual one by default
 * @throws {ShoalError} `usage` where something is there already, `not_writable` where it cannot be made
 */
export async function newSecret(path?: string): Promise<FoundSecret> {
  const words = await wordsOf(denoRuntime().random.bytes(SECRET_BYTES));
  return await keepSecret(new TextEncoder().encode(words), path);
}

/**
 * Keeps a secret that was made elsewhere in a file that its owner alone can read.
 *
 * @param text as it would stand in the file
 * @param path the usual one by default
 * @throws {ShoalError} `usage` for what is no secret, or where something is there already, `not_writable` where it cannot be made
 */
export async function keepSecret(text: Uint8Array, path?: string): Promise<FoundSecret> {
  const place = placeForSecret(path);
  const seal = await sealOfBytes(text);
  await makeSecretFile(place, `${secretLines(text).join("\n")}\n`);
  return { ...seal, path: place };
}

/**
 * Where a secret can be kept, before anybody is asked for it.
 *
 * @param path the usual one by default
 * @throws {ShoalError} `usage` where something is there already, or no place is known
 */
export function placeForSecret(path = usualSecretPath()): string {
  if (path === undefined) {
    throw new ShoalError("usage", "it is not known where secrets are kept on this machine", {
      hint: "Name a file: --secret-file FILE",
    });
  }
  requireNoSecretFile(path);
  return path;
}

async function sealOfBytes(bytes: Uint8Array): Promise<FoundSecret> {
  const groups: GroupKey[] = [];
  const fingerprints: string[] = [];
  let isWeak = false;
  for (const line of secretLines(bytes)) {
    const read = await readLine(line);
    if (read.kind === "typed") isWeak ||= read.isWeak;
    const group = groupKeyOf(read.kind === "made" ? read.bytes : await stretched(read.text));
    if (groups.some((each) => toHex(each) === toHex(group))) throw sameSecretTwice();
    groups.push(group);
    fingerprints.push(await fingerprintText(fingerprintOf(group)));
  }
  const layer: SealConfig = { kind: "seal", groups, fingerprints };
  return { layer, fingerprints, isWeak };
}
