import { assert, assertEquals } from "@std/assert";
import { OUTPUT_WAITING_BYTES_MAX, OUTPUT_WRITE_BYTES_MAX } from "../../../lib/io/system/limits.ts";
import { type OutputFile, OutputQueue } from "../../../lib/io/system/output.ts";
import { tellingOfDrops } from "../../../lib/cli/dropped_lines.ts";

/** A file whose writes wait until it is read, a few bytes at a time. */
class SlowFile implements OutputFile {
  text = "";
  writes = 0;
  #gate = Promise.withResolvers<void>();
  error: Error | undefined;

  constructor(readonly bytesPerWrite = Infinity) {}

  isTerminal(): boolean {
    return false;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#gate.promise;
    if (this.error !== undefined) throw this.error;
    this.writes += 1;
    const taken = bytes.subarray(0, this.bytesPerWrite);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }

  read(): void {
    this.#gate.resolve();
  }
}

Deno.test("what is written comes out whole and in order, over several streams", async () => {
  const file = new SlowFile(3);
  const queue = new OutputQueue();
  const [one, two] = [queue.stream(file), queue.stream(file)];
  for (const text of ["first ", "second "]) assert(one.write(text));
  assert(two.write("third"));
  assertEquals(file.text, "");
  file.read();
  await queue.flushed();
  assertEquals(file.text, "first second third");
});

Deno.test("many short lines are few writes, each stream's its own", async () => {
  const [out, errors] = [new SlowFile(), new SlowFile()];
  const queue = new OutputQueue();
  const [stdout, stderr] = [queue.stream(out), queue.stream(errors)];
  const line = `${"x".repeat(99)}\n`;
  const count = 1.5 * OUTPUT_WRITE_BYTES_MAX / line.length;
  for (let i = 0; i < count; i++) {
    stdout.write(line);
    if (i === Math.floor(count / 2)) stderr.write("middle\n");
  }
  out.read();
  errors.read();
  await queue.flushed();
  assertEquals(out.text, line.repeat(Math.ceil(count)));
  assertEquals(errors.text, "middle\n");
  assert(out.writes <= 6, `${out.writes} writes`);
});

Deno.test("a reader that never reads costs so much memory, then text, and that is said later", async () => {
  const file = new SlowFile();
  const queue = new OutputQueue();
  const stdout = queue.stream(file);
  const terminal = tellingOfDrops(
    {
      stdout,
      stderr: stdout,
      invocation: "",
      env: () => "",
      size: () => ({ columns: 80, rows: 24 }),
    },
    (lines) => `${lines} lost`,
  );
  const line = `${"x".repeat(1_023)}\n`;
  for (let i = 0; i < OUTPUT_WAITING_BYTES_MAX / line.length; i++) {
    assert(terminal.stdout.write(line));
  }
  for (let i = 0; i < 5; i++) assert(!terminal.stdout.write(line));
  file.read();
  await queue.flushed();
  assertEquals(file.text.length, OUTPUT_WAITING_BYTES_MAX);
  assert(terminal.stdout.write("after\n"));
  await queue.flushed();
  assertEquals(file.text.slice(OUTPUT_WAITING_BYTES_MAX), "5 lost\nafter\n");
});

Deno.test("a single text may be longer than what may wait", async () => {
  const file = new SlowFile();
  const queue = new OutputQueue();
  const listing = "x".repeat(3 * OUTPUT_WAITING_BYTES_MAX);
  assert(queue.stream(file).write(listing));
  file.read();
  await queue.flushed();
  assertEquals(file.text.length, listing.length);
});

for (
  const [what, error, problem] of [
    ["a reader that went", new Deno.errors.BrokenPipe("gone"), undefined],
    ["a disk that is full", new Error("no space left"), "no space left"],
  ] as const
) {
  Deno.test(`${what} ends the output, not the work`, async () => {
    const file = new SlowFile();
    const queue = new OutputQueue();
    const output = queue.stream(file);
    output.write("lost");
    file.error = error;
    file.read();
    await queue.flushed();
    assert(output.write("as well"));
    await queue.flushed();
    assertEquals([file.text, output.problem], ["", problem]);
  });
}
