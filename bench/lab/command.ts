/** Commands that prepare a bed, or ask something: not measured. */

const decoder = new TextDecoder();

export interface Output {
  readonly ok: boolean;
  readonly text: string;
}

export async function run(...command: string[]): Promise<Output> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command[0]!, {
      args: command.slice(1),
      stdin: "null",
    }).output();
    return { ok: success, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    return { ok: false, text: String(error) };
  }
}

export async function must(...command: string[]): Promise<string> {
  const { ok, text } = await run(...command);
  if (!ok) throw new Error(`${command.join(" ")}: ${text.trim()}`);
  return text;
}

/** Where a program is; system programs also where only root's PATH has them. */
export async function pathOf(program: string): Promise<string | undefined> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    const path = `${folder}/${program}`;
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile) return path;
  }
  return undefined;
}
