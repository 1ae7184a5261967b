/** What `mod.ts` exports is documented as the standard library's modules are; `deno task test:doc` runs its examples. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { canRun } from "./support/permissions.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Documented {
  readonly jsDoc?: {
    readonly doc?: string;
    readonly tags?: readonly { readonly kind: string; readonly name?: string }[];
  };
}

interface Declaration extends Documented {
  readonly kind: string;
  readonly def: {
    readonly params?: readonly {
      readonly name?: string;
      readonly left?: { readonly name: string };
    }[];
    readonly properties?: readonly (Documented & {
      readonly name: string;
      readonly optional: boolean;
    })[];
  };
}

interface Exported {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

/** Says enough by what it is. */
const WITHOUT_DEFAULT = new Set(["signal", "onEvent"]);
/** What a quantity is counted in, by how its name ends. */
const UNITS: readonly (readonly [name: RegExp, unit: RegExp])[] = [
  [/Ms$/, /milliseconds/],
  [/Bytes(Max)?$|PerS$/, /bytes/i],
];

async function exported(): Promise<readonly Exported[]> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", "mod.ts"],
    cwd: ROOT,
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(text) as {
    readonly nodes: Readonly<Record<string, { readonly symbols: readonly Exported[] }>>;
  };
  return Object.values(nodes).flatMap(({ symbols }) => symbols);
}

Deno.test({
  name:
    "functions have an example and say what they take, return and throw; options, their units and defaults",
  ignore: !await canRun(Deno.execPath()),
  async fn() {
    const all = await exported();
    const ofKind = (kind: string) =>
      all.flatMap(({ name, declarations }) =>
        declarations.filter((each) => each.kind === kind).map((each) => ({ name, ...each }))
      );
    const functions = ofKind("function");
    assert(functions.length > 10, "next to nothing was found");
    assertEquals(functions.flatMap(undocumented), []);
    const options = ofKind("interface").filter(({ name }) => name.endsWith("Options"));
    assert(options.length > 5, "next to no options were found");
    assertEquals(options.flatMap(undocumentedOptions), []);
  },
});

function undocumented({ name, jsDoc, def }: Declaration & { readonly name: string }): string[] {
  const tags = jsDoc?.tags ?? [];
  const kinds = ["example", "return", "throws"].filter((kind) =>
    !tags.some((tag) => tag.kind === kind)
  );
  const params = (def.params ?? []).map((param) => param.left?.name ?? param.name).filter((param) =>
    !tags.some((tag) => tag.kind === "param" && tag.name === param)
  );
  return [...kinds, ...params].map((missing) => `${name}: no ${missing}`);
}

function undocumentedOptions({ name, def }: Declaration & { readonly name: string }): string[] {
  return (def.properties ?? []).flatMap((property) => {
    const doc = property.jsDoc?.doc ?? "";
    const what = `${name}.${property.name}`;
    const isSilent = property.optional && !WITHOUT_DEFAULT.has(property.name) &&
      !doc.includes("default");
    const unit = UNITS.find(([ending]) => ending.test(property.name))?.[1];
    return [
      ...(isSilent ? [`${what} does not say its default`] : []),
      ...(unit !== undefined && !unit.test(doc) ? [`${what} does not say ${unit}`] : []),
    ];
  });
}
