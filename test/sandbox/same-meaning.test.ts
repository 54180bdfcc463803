// The rewrite changes no meaning: plugins give the same samples and events before and after it.
// same-meaning-*.test.ts ask the same of kernels, loops and generated modules.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LAYOUT_AUDIO, LAYOUT_CONTROL_IN, LAYOUT_EVENTS_IN } from "../../abi/layout.ts";
import { compilePlugin } from "../../runtime/cli/authoring/compile.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { root } from "../root.ts";

/** A plugin's own module, with nothing of the sandbox around it, driven by hand. */
function bare(bytes: Uint8Array<ArrayBuffer>, rate: number, frames: number) {
  const nothing = (): number => 0;
  const belljar = {
    host_log: nothing,
    host_poll_event: nothing,
    host_emit_event: nothing,
    host_control: nothing,
    host_read: nothing,
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { belljar });
  const call = exports as unknown as Record<string, (...args: number[]) => number>;
  call.bj_descriptor?.();
  const layout = call.bj_activate?.(rate, frames) as number;
  const { buffer } = exports.memory as WebAssembly.Memory;
  return { call, words: new DataView(buffer), buffer, layout };
}

type Bytes = Uint8Array<ArrayBuffer>;
const folder = join(root, "dist", "plugins");
const modules = readdirSync(folder)
  .filter((name) => name.endsWith(".wasm"))
  .map((name) => join("dist", "plugins", name));
const plugins: [string, () => Promise<Bytes>][] = [...modules, join("examples", "c-gain", "gain.wasm")].map(
  (path) => [path, async () => new Uint8Array(readFileSync(join(root, path)))],
);
for (const template of ["effect", "synth", "event-effect"]) {
  const source = join("sdk-as", "templates", template, "plugin.ts");
  plugins.push([
    `the template ${template}`,
    async () => new Uint8Array((await compilePlugin(join(root, source))).wasm),
  ]);
}

for (const [name, read] of plugins) {
  test(`${name} gives the same samples and events before and after the rewrite`, async () => {
    const bytes = await read();
    const plugin = (await PluginType.load(bytes)).instantiate();
    const frames = 96;
    plugin.activate(44_100, frames);
    const twin = bare(bytes, 44_100, frames);
    const at = (offset: number): number => twin.words.getUint32(twin.layout + offset, true);
    const inputs = plugin.descriptor.ports.findIndex(
      (port) => port.type === "event" && port.role === "input",
    );
    let phase = 0;
    let sounding = 0;
    for (let block = 0; block < 120; block++) {
      for (let i = 0; i < plugin.controlsIn.length; i++) {
        twin.words.setFloat32(at(LAYOUT_CONTROL_IN) + i * 4, plugin.controlsIn[i] as number, true);
      }
      if (inputs >= 0 && block % 7 === 0) {
        plugin.eventsIn.push(block % frames, 1, inputs, block, 0, 40 + (block % 40), 0, 0.8);
        if (block > 7)
          plugin.eventsIn.push(frames - 1, 2, inputs, block - 7, 0, 40 + ((block - 7) % 40), 0, 0);
        const events = new Uint8Array(
          plugin.eventsIn.words.buffer,
          plugin.eventsIn.words.byteOffset,
          plugin.eventsIn.count * 32,
        );
        new Uint8Array(twin.buffer, at(LAYOUT_EVENTS_IN), events.length).set(events);
      }
      const count = plugin.eventsIn.count;
      const buffers = plugin.audio.map((port, i) => ({
        port,
        start: twin.words.getUint32(at(LAYOUT_AUDIO) + i * 16, true),
      }));
      for (const { port, start } of buffers.filter(({ port }) => port.input)) {
        for (let i = 0; i < port.samples.length; i++) port.samples[i] = Math.sin(phase++ * 0.05) * 0.5;
        new Float32Array(twin.buffer, start, port.samples.length).set(port.samples);
      }
      assert.ok(plugin.process(frames), plugin.fault?.message);
      const result = twin.call.bj_process?.(frames, count) as number;
      assert.is((result >> 8) & 0xffff, plugin.eventsOut.count);
      sounding += plugin.eventsOut.count;
      for (const { port, start } of buffers.filter(({ port }) => !port.input)) {
        for (let c = 0; c < port.channels; c++) {
          const expected = new Float32Array(twin.buffer, start + c * port.stride * 4, frames);
          // the seal makes -0 and subnormals 0
          const sealed = expected.map((sample) => (Math.abs(sample) < 1.17549435e-38 ? 0 : sample));
          assert.equal(
            Buffer.from(port.channel(c).slice(0, frames).buffer),
            Buffer.from(sealed.buffer),
            `block ${block}`,
          );
          sounding += sealed.filter((sample) => sample !== 0).length;
        }
      }
    }
    assert.ok(sounding > 0, "nothing sounded");
  });
}

test.run();
