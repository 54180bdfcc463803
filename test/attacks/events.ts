// Events that a plugin sends: past the block, out of order, from nowhere, of kinds and with values that no other node may get.

import { AT, EVENT_ROOM, EVENTS_OUT, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { behind } from "./around.ts";
import { playing, stopped } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

const LIST = "runtime/sandbox/event-list.ts";

interface Sent {
  frame?: number;
  type?: number;
  port?: number;
  note?: number;
  channel?: number;
  key?: number;
  id?: number;
  value?: string;
}

/** A plugin that sends these events in each block; a note in the middle of the block where nothing else is said. */
function sender(...events: Sent[]) {
  const stores = events.map(
    ({ frame = 12, type = 1, port = 1, note = 5, channel = 0, key = 60, id = 0, value = "0.5" }, i) => {
      const at = AT.eventsOut + i * 32;
      return `(i32.store (i32.const ${at}) (i32.const ${frame | 0}))
        (i32.store16 (i32.const ${at + 4}) (i32.const ${type})) (i32.store16 (i32.const ${at + 6}) (i32.const ${port}))
        (i32.store (i32.const ${at + 8}) (i32.const ${note}))
        (i32.store16 (i32.const ${at + 12}) (i32.const ${channel})) (i32.store16 (i32.const ${at + 14}) (i32.const ${key}))
        (i32.store (i32.const ${at + 16}) (i32.const ${id | 0})) (f64.store (i32.const ${at + 24}) (f64.const ${value}))`;
    },
  );
  return {
    ports: [STEREO_OUT, EVENTS_OUT],
    process: `${stores.join("")} (i32.const ${events.length << 8})`,
  };
}

/** What the node behind it received. */
const next =
  (...events: Sent[]) =>
  (belljar: Belljar): Promise<string> =>
    behind(belljar, sender(...events), ({ events: received }) =>
      received.length === 0
        ? "the next node received nothing"
        : `the next node received ${received.join("; ")}`,
    );

export const ATTACKS: Attack[] = [
  {
    attack: "A note at frame 4,026,531,840 of a block of 64, for who writes its voice's sound there",
    defence: { file: LIST, line: "if (frame >= frames) frame = frames - 1;", off: "" },
    attempt: next({ frame: 0xf0000000 }),
    stopped: "the next node received NoteOn at 63, note 5, channel 0, key 60, id 0, value 0.5",
    reached: "the next node received NoteOn at 4026531840, note 5, channel 0, key 60, id 0, value 0.5",
  },
  {
    attack: "Events that go back in time, for who renders the frames between two of them",
    defence: { file: LIST, line: "if (frame < least) frame = least;", off: "" },
    attempt: next({ frame: 50, key: 60 }, { frame: 10, key: 61 }),
    stopped:
      "the next node received NoteOn at 50, note 5, channel 0, key 60, id 0, value 0.5; NoteOn at 50, note 5, channel 0, key 61, id 0, value 0.5",
    reached:
      "the next node received NoteOn at 50, note 5, channel 0, key 60, id 0, value 0.5; NoteOn at 10, note 5, channel 0, key 61, id 0, value 0.5",
  },
  {
    attack: "An event from a port that the plugin does not have",
    defence: { file: LIST, line: "outputs[this.port(i)] !== 1 || ", off: "" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, sender({ port: 999 }));
      plugin.process(64);
      const { eventsOut } = plugin;
      const names: (string | undefined)[] = [];
      for (let i = 0; i < eventsOut.count; i++) {
        // as a host writes it that shows what a plugin sends
        if (eventsOut.type(i) !== 0) names.push(plugin.descriptor.ports[eventsOut.port(i)]?.id.toUpperCase());
      }
      return names.includes(undefined)
        ? "the host looks up a port that is not there"
        : "the host sees no event";
    },
    stopped: "the host sees no event",
    reached: "the host looks up a port that is not there",
  },
  {
    attack: "A note whose velocity is NaN, which every sum that it enters becomes",
    defence: { file: LIST, line: "if (value - value !== 0) return false;", off: "" },
    attempt: next({ value: "nan" }),
    stopped: "the next node received nothing",
    reached: "the next node received NoteOn at 12, note 5, channel 0, key 60, id 0, value NaN",
  },
  {
    attack: "A velocity of 1e300, for who multiplies by it",
    defence: { file: LIST, line: "if (value > most) ", off: "if (false) " },
    attempt: next({ value: "1e300" }),
    stopped: "the next node received NoteOn at 12, note 5, channel 0, key 60, id 0, value 1",
    reached: "the next node received NoteOn at 12, note 5, channel 0, key 60, id 0, value 1e+300",
  },
  {
    attack: "A controller at -1e9, for who takes a table's entry by it",
    defence: { file: LIST, line: "else if (value < least) ", off: "else if (false) " },
    attempt: next({ type: 8, key: -1, value: "-1e9" }),
    stopped: "the next node received ControlChange at 12, note 5, channel 0, key -1, id 0, value 0",
    reached: "the next node received ControlChange at 12, note 5, channel 0, key -1, id 0, value -1000000000",
  },
  {
    attack: "A note on key 32,767, for who has a table of 128",
    defence: { file: LIST, line: "if (key > 127 || ", off: "if (false && " },
    attempt: next({ key: 32_767 }),
    stopped: "the next node received nothing",
    reached: "the next node received NoteOn at 12, note 5, channel 0, key 32767, id 0, value 0.5",
  },
  {
    attack: "A note on channel -300, for who has a table of 16",
    defence: { file: LIST, line: "if (channel > 15 || channel < -1) return false;", off: "" },
    attempt: next({ channel: -300 }),
    stopped: "the next node received nothing",
    reached: "the next node received NoteOn at 12, note 5, channel -300, key 60, id 0, value 0.5",
  },
  {
    attack: "A note with the number -77, where -1 alone has a meaning below 0",
    defence: { file: LIST, line: "if (this.noteId(i) < -1) return false;", off: "" },
    attempt: next({ note: -77 }),
    stopped: "the next node received nothing",
    reached: "the next node received NoteOn at 12, note -77, channel 0, key 60, id 0, value 0.5",
  },
  {
    attack: "A plugin moves the host's song position, in an event that hosts alone send",
    defence: {
      file: LIST,
      line: "if (type < EventType.NoteOn || type > EventType.AllNotesOff || type === EventType.Param) return false;",
      off: "",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, sender({ type: 15 }, { type: 6 }, { type: 999 }));
      plugin.process(64);
      const { eventsOut } = plugin;
      const types = Array.from({ length: eventsOut.count }, (_, i) => eventsOut.type(i));
      return `the host finds events of the types ${types.join(", ")}`;
    },
    stopped: "the host finds events of the types 0, 0, 0",
    reached: "the host finds events of the types 15, 6, 999",
  },
  {
    attack: "A synth tells the next one that its notes have ended, which is for the host alone to hear",
    defence: {
      file: "runtime/graph/event-wires.ts",
      line: "return head >>> 16 === port && travels(head & 0xffff);",
      off: "return head >>> 16 === port;",
    },
    attempt: next({ type: 4, note: 7 }),
    stopped: "the next node received nothing",
    reached: "the next node received NoteEnd at 12, note 7, channel 0, key 60, id 0, value 0.5",
  },
  {
    attack: "A plugin says that it sent more events than its list can hold",
    defence: {
      file: "runtime/sandbox/instance.ts",
      line: "if (count > eventsOut.capacity) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        ports: [STEREO_OUT, EVENTS_OUT],
        process: "(i32.const 0x00ffff00)",
      });
      return plugin.process(64) ? "it plays on" : stopped(plugin);
    },
    stopped: `plugin/contract: The plugin sent 65535 events with room for ${EVENT_ROOM} in process, block 0.`,
    reached: "host: RangeError: Offset is outside the bounds of the DataView",
  },
];
