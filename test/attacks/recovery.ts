// Attacks by plugins that stop on purpose, knowing that they will be replaced, or what their neighbours then hear.

import type { PreparedSession, RecoveryEvent, RecoveryLimits } from "../../runtime/index.ts";
import {
  AT,
  bufferAt,
  EVENTS_IN,
  EVENTS_OUT,
  knob,
  type SmallPlugin,
  smallPlugin,
  STEREO_IN,
  STEREO_OUT,
} from "../sandbox/small-plugin.ts";
import type { Attack, Belljar } from "./twin.ts";

const POLICY = "runtime/engine/recovery.ts";
const STEP = "runtime/graph/step.ts";
const BLOCK = 80;

/** Plays one block, and gives up in the next, each time anew. */
const QUITTER: SmallPlugin = {
  ports: [STEREO_OUT],
  functions: "(global $block (mut i32) (i32.const 0))",
  process: `(if (global.get $block) (then (unreachable)))
    (global.set $block (i32.const 1)) (i32.const 0)`,
};

interface Played {
  events: RecoveryEvent[];
  prepared: PreparedSession;
  /** What the master heard, left. */
  heard: number[];
}

/** Renders a session of these plugins: blocks of 80 frames at 8,000 a second. */
async function render(
  belljar: Belljar,
  plugins: Record<string, SmallPlugin | { plugin: SmallPlugin; keys: object }>,
  wires: [string, string][],
  seconds: number,
  recovery: Partial<RecoveryLimits> = {},
  after: (prepared: PreparedSession) => void = () => {},
): Promise<Played> {
  const entries = Object.entries(plugins).map(([id, entry]) =>
    "keys" in entry ? { id, ...entry } : { id, plugin: entry, keys: { on_fault: "restore" } },
  );
  const types = new Map<string, Promise<unknown>>();
  const session = belljar.parseSession(
    JSON.stringify({
      sample_rate: 8000,
      block_size: BLOCK,
      nodes: entries.map(({ id, keys }) => ({ id, type: `the-${id}`, ...keys })),
      connections: wires.map(([from, to]) => {
        const [from_node, from_port] = from.split(".");
        const [to_node, to_port] = to.split(".");
        return { from_node, from_port, to_node, to_port };
      }),
    }),
    "s.json",
  );
  const prepared = await belljar.prepareSession(session, {
    load: (type) => {
      const plugin = entries.find(({ id }) => `the-${id}` === type)?.plugin as SmallPlugin;
      const key = JSON.stringify(plugin);
      const loaded = types.get(key) ?? belljar.PluginType.load(smallPlugin(plugin));
      types.set(key, loaded);
      return loaded as ReturnType<typeof belljar.PluginType.load>;
    },
    folder: null,
    recovery,
  });
  const events: RecoveryEvent[] = [];
  const heard: number[] = [];
  await belljar.renderSession(prepared, {
    seconds,
    sinks: [
      {
        write([left], frames, offset = 0) {
          heard.push(...(left as Float32Array).subarray(offset, offset + frames));
          after(prepared);
        },
      },
    ],
    onRecovery: (event) => events.push(event),
  });
  return { events, prepared, heard };
}

const count = (events: readonly RecoveryEvent[], what: string): number =>
  events.filter((event) => event.what === what).length;

const quitters = (number: number): Record<string, SmallPlugin> =>
  Object.fromEntries(Array.from({ length: number }, (_, i) => [`n${i}`, QUITTER]));

/** Sends a note in its first block, and gives up in the second. */
const STARTER: SmallPlugin = {
  ...QUITTER,
  ports: [EVENTS_OUT],
  process: `(if (global.get $block) (then (unreachable)))
    (global.set $block (i32.const 1))
    (i32.store16 (i32.const ${AT.eventsOut + 4}) (i32.const 1))
    (i32.store (i32.const ${AT.eventsOut + 8}) (i32.const 1))
    (i32.store16 (i32.const ${AT.eventsOut + 14}) (i32.const 60))
    (f64.store (i32.const ${AT.eventsOut + 24}) (f64.const 1))
    (i32.const 0x100)`,
};
/** Sounds from a note on to the end of all notes. */
const SOUNDER: SmallPlugin = {
  ports: [EVENTS_IN, STEREO_OUT],
  functions: "(global $on (mut f32) (f32.const 0))",
  process: `(if (local.get $events) (then (global.set $on (select (f32.const 0.5) (f32.const 0)
      (i32.eq (i32.load16_u (i32.const ${AT.eventsIn + 4})) (i32.const 1))))))
    (f32.store (i32.const ${bufferAt(0)}) (global.get $on)) (i32.const 0)`,
};

const LOUD: SmallPlugin = {
  ports: [STEREO_OUT],
  process: `(f32.store (i32.const ${bufferAt(0)}) (f32.const 3.5)) (i32.const 0)`,
};
const FADING: SmallPlugin = {
  ...QUITTER,
  process: `(if (i32.ge_s (global.get $block) (i32.const 3)) (then (unreachable)))
    (global.set $block (i32.add (global.get $block) (i32.const 1)))
    (f32.store (i32.const ${bufferAt(0)}) (f32.const 1)) (i32.const 0)`,
};

export const ATTACKS: Attack[] = [
  {
    attack: "A hundred plugins give up at once, for the host to do nothing but make them anew",
    defence: {
      file: POLICY,
      line: "if (recent.length >= limits.perSecond && frame - (recent[0] as number) < this.rate) return -1;",
      off: "",
    },
    attempt: async (belljar) => {
      const { events } = await render(belljar, quitters(100), [], 0.1);
      return `${count(events, "replaced")} are made in a tenth of a second`;
    },
    stopped: "8 are made in a tenth of a second",
    reached: "100 are made in a tenth of a second",
  },
  {
    attack: "A plugin gives up each time that it is made anew, for ever",
    defence: { file: POLICY, line: "if (watched.begun.length >= limits.perNode) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const { events } = await render(belljar, { a: QUITTER }, [], 12);
      return `it is made ${count(events, "replaced")} times anew`;
    },
    stopped: "it is made 5 times anew",
    reached: "it is made 7 times anew",
  },
  {
    attack: "Many plugins wait for the last replacements that there are, and each gets one",
    defence: {
      file: POLICY,
      line: "if (this.begun >= limits.total) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const { events } = await render(belljar, quitters(6), [], 0.03, { total: 2 });
      return `${count(events, "replaced")} of 2`;
    },
    stopped: "2 of 2",
    reached: "6 of 2",
  },
  {
    attack: "A plugin that gave up a hundredth of a second ago goes before one that never did",
    defence: {
      file: POLICY,
      line: "return a.streak === b.streak ? a.due < b.due : a.streak < b.streak;",
      off: "return a.due < b.due;",
    },
    attempt: (belljar) => {
      const policy = new belljar.Recovery(1000, Array(65).fill("restore"), {
        ...belljar.DEFAULT_RECOVERY,
        perNode: 1000,
        longestBackOff: 0.01,
      });
      for (let node = 0; node < 64; node++) policy.fault(node, 0);
      for (let frame = 0; frame < 60_000; frame++) {
        if (frame === 8500) policy.fault(64, frame);
        for (let node = policy.next(frame); node >= 0; node = policy.next(frame)) {
          policy.replaced(node, frame);
          if (node === 64) return `the innocent one waits ${(frame - 8500) / 1000} s`;
          policy.fault(node, frame + 1);
        }
      }
      return "the innocent one waits for ever";
    },
    stopped: "the innocent one waits 0.5 s",
    reached: /^the innocent one waits [1-9]\.\d s$/,
  },
  {
    attack: "A note effect begins a note and gives up, so that the synth behind it never ends it",
    defence: { file: STEP, line: "this.farewellDue = this.sent;", off: "" },
    attempt: async (belljar) => {
      const { heard } = await render(
        belljar,
        { starter: { plugin: STARTER, keys: {} }, sounder: SOUNDER },
        [
          ["starter.events_out", "sounder.events_in"],
          ["sounder.audio_out", "master.audio_in"],
        ],
        1,
      );
      return `the note sounds for ${heard.filter((x) => x !== 0).length} blocks`;
    },
    stopped: "the note sounds for 1 blocks",
    reached: "the note sounds for 100 blocks",
  },
  {
    attack: "An effect gives up, so that the sum of all that reaches it passes by louder than a node may be",
    defence: { file: STEP, line: "output.pass(sound, NODE_LIMIT);", off: "output.pass(sound, 1e9);" },
    attempt: async (belljar) => {
      const { prepared } = await render(
        belljar,
        {
          a: LOUD,
          b: LOUD,
          c: LOUD,
          effect: {
            plugin: { ...QUITTER, ports: [STEREO_IN, STEREO_OUT] },
            keys: { while_faulty: "bypass" },
          },
        },
        [
          ["a.audio_out", "effect.audio_in"],
          ["b.audio_out", "effect.audio_in"],
          ["c.audio_out", "effect.audio_in"],
          ["effect.audio_out", "master.audio_in"],
        ],
        0.1,
      );
      return `${(20 * Math.log10(prepared.graph.peak)).toFixed(1)} dBFS reach the master`;
    },
    stopped: "12.0 dBFS reach the master",
    reached: "20.4 dBFS reach the master",
  },
  {
    attack: "A plugin comes back at full level over and over, to make clicks of silence and sound",
    defence: { file: STEP, line: "this.faded = -this.node.latency;", off: "" },
    attempt: async (belljar) => {
      const { heard } = await render(belljar, { a: FADING }, [["a.audio_out", "master.audio_in"]], 0.08);
      return `its first samples: ${[0, 3, 4, 5].map((block) => heard[block * BLOCK]).join(" ")}`;
    },
    stopped: "its first samples: 1 0 0 1",
    reached: "its first samples: 1 0 1 1",
  },
  {
    attack: "A plugin gives up, so that its knob is turned in the memory that another has got since",
    defence: {
      file: "runtime/graph/graph.ts",
      line: "if (step.faultBlock < 0 && input.deliver()) step.wake();",
      off: "if (input.deliver()) step.wake();",
    },
    attempt: async (belljar) => {
      const knobs = { ports: [knob("level"), STEREO_OUT] };
      let found = 0;
      await render(
        belljar,
        { quitter: { plugin: { ...QUITTER, ...knobs }, keys: {} } },
        [],
        0.05,
        {},
        ({ graph, nodes }) => {
          if (graph.block !== 3) return;
          const [quitter] = nodes;
          quitter?.instance?.dispose();
          const other = quitter?.instance?.type.instantiate();
          other?.activate(8000, BLOCK);
          graph.setControl(0, 0, 0.875);
          found = other?.controlsIn[0] ?? 0;
        },
      );
      return `the other plugin's knob is at ${found}`;
    },
    stopped: "the other plugin's knob is at 0.5",
    reached: "the other plugin's knob is at 0.875",
  },
];
