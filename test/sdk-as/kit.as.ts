// A plugin that declares one of everything, and writes down what happens to it.

import {
  AudioPort,
  Config,
  ControlOut,
  Event,
  EventPort,
  GraphPort,
  HostEvent,
  Info,
  LibraryControl,
  Param,
  PlayerControl,
  Plugin,
  StateReader,
  StateWriter,
  Transport,
  hostEmitText,
} from "belljar/sdk-as";

export default class Kit extends Plugin {
  info: Info = this.plugin("test.kit", "Kit").category("Mixer").doc("Everything.").author("Ann").version(3).latency(7).tail(0.5)
    .repeat("Inputs", 1, 4, "inputs");
  stereo: AudioPort = this.stereoIn("main_in").doc("Main").group("Inputs");
  key: AudioPort = this.monoSidechain("key_in", "The Key");
  out: AudioPort = this.stereoOut("out");
  mono: AudioPort = this.monoOut("mono_out");
  notesIn: EventPort = this.eventsIn("notes_in").doc("Notes");
  notesOut: EventPort = this.eventsOut("notes_out");
  level: Param = this.param("level", "Level").range(-60, 12).default(-6).unit("dB").precision(1).skew(0.5).group("A/B").smooth(1).doc("How loud");
  raw: Param = this.param("raw").range(10, 20).step(0.5);
  exact: Param = this.param("exact").exact();
  bypass: Param = this.param("off").bypass();
  steps: Param = this.param("steps").integer(-3, 9);
  mode: Param = this.param("mode").categorical(["one", "two", "three"]).default(1);
  choice: Param = this.param("choice").radio(["a", "b"]);
  cv: Param = this.sidechainParam("cv");
  curve: GraphPort = this.graph("curve", "Curve", "eq_curve").doc("Shape");
  meter: ControlOut = this.monitor("meter").range(-60, 0).unit("dB");
  control: ControlOut = this.controlOut("control").range(-1, 1);
  name: Config = this.config("name").string("Bob").doc("Who");
  file: Config = this.config("file", "Sound").filepath("WAV Files (*.wav)");
  inputs: Config = this.config("inputs").integer(1);
  ratio: Config = this.config("ratio").float(0.5);
  fast: Config = this.config("fast").bool(true);
  quality: Config = this.config("quality").categorical(["low", "high"], "high");
  clock: Transport = this.useTransport();

  /** What happened, one word each. */
  story: string = "";
  graphText: string = "{}";
  number: i32 = 0;
  list: StaticArray<f32> = [1, 2];
  extra: AudioPort[] = [];

  constructor() {
    super();
    this.info.preset("Loud").set("level", 6).set("mode", 2).config("name", "Eve").graph("curve", "{\"bands\":[]}");
    this.info.preset("Saved").bytes([1, 2, 3]);
  }

  activate(rate: f64, maxFrames: i32): void {
    this.latencyFrames = 11;
    if (rate > 200000) this.fail("too fast for me");
  }

  /** Each sample says what the plugin saw: left the frame's place in its sub-block, right the parameter. */
  process(frames: i32): void {
    this.story += frames.toString() + " ";
    const level = this.level.samples;
    const exact = this.exact.value, raw = this.raw.value;
    const left = this.out.left, right = this.out.right, mono = this.mono.mono;
    for (let i = 0; i < frames; i++) {
      left[i] = <f32>i;
      right[i] = level[i];
      mono[i] = exact + raw;
    }
    if (this.stereo.connected && this.stereo.silent) this.mono.silence(frames);
    this.meter.value = -3;
    this.control.value = <f32>this.clock.beat;
  }

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    this.story += `on:${channel}:${key}:${velocity}:${noteId} `;
    // out of order on purpose
    this.notesOut.noteOn(8, channel, key + 1, velocity);
    this.notesOut.noteOff(4, channel, key);
  }
  noteOff(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    this.story += `off:${channel}:${key}:${velocity}:${noteId} `;
  }
  expression(channel: i32, key: i32, noteId: i32, kind: i32, value: f64): void {
    this.story += `expression:${channel}:${key}:${noteId}:${kind}:${value} `;
  }
  pressure(channel: i32, key: i32, value: f32, noteId: i32): void {
    this.story += `pressure:${channel}:${key}:${value}:${noteId} `;
  }
  allNotesOff(channel: i32): void {
    this.story += `all:${channel} `;
  }
  pitchBend(channel: i32, value: f32): void {
    this.story += `bend:${channel}:${value} `;
  }
  programChange(channel: i32, bank: i32, program: i32): void {
    this.story += `program:${channel}:${bank}:${program} `;
  }
  controlChange(channel: i32, controller: i32, value: f32): void {
    this.story += `control:${channel}:${controller}:${value} `;
  }
  onEvent(event: Event): void {
    if (event.type == 14) this.notesOut.forward(event);
    super.onEvent(event);
  }

  onHostEvent(event: HostEvent): void {
    if (event.topic("story")) {
      this.log("telling");
      hostEmitText(this.story);
      this.story = "";
    } else if (event.topic("length")) {
      hostEmitText(event.string("s").length.toString());
    } else if (event.topic("seek")) {
      const ack = PlayerControl.seekMs(<i64>event.number("to")).requestId("req-1").send();
      hostEmitText(ack.ok ? "accepted" : "refused: " + ack.error);
    } else if (event.topic("tracks")) {
      LibraryControl.listTracks().folder("").recursive(true).query("radio\"head").limit(100).offset(0).requestNumber(12).send();
    } else if (event.topic("add")) {
      LibraryControl.addTracksToPlaylist(5, [1, 2, 9007199254740993]).send();
    } else if (event.topic("device")) {
      PlayerControl.setOutputDevice("Shared").deviceId("x").send();
      PlayerControl.loadTrackRef("{\"id\":1}").send();
      PlayerControl.setVolume(0.5).send();
    } else if (event.answers("req-1")) {
      hostEmitText(event.ok ? "it worked" : "it failed: " + event.string("error"));
    } else {
      hostEmitText("has b: " + event.has("b").toString() + ", flag: " + event.flag("flag").toString() + ", a: " + event.number("a", -1).toString() + ", s: " + event.string("s"));
    }
  }

  configure(id: string, value: string): void {
    this.story += `${id}=${value} `;
    if (id == "name" && value == "Mallory") this.fail("not Mallory");
    if (id == "inputs") {
      while (this.extra.length > 0) this.removePort(this.extra.pop());
      for (let i = 1; i < this.inputs.asInteger; i++) this.extra.push(this.stereoIn("in_" + i.toString()).group("Inputs"));
    }
    if (id == "ratio") this.story += `${this.ratio.asFloat} `;
    if (id == "quality") this.story += `${this.quality.choice} `;
    if (id == "fast") this.story += `${this.fast.asBool} `;
  }
  configureFile(config: Config): void {
    const file = config.file;
    if (file === null) {
      this.story += "no file ";
      return;
    }
    const bytes = file.readAll();
    let sum = 0;
    for (let i = 0; i < bytes.length; i++) sum += bytes[i];
    this.story += `${file.name}:${file.size}:${bytes.length}:${sum} `;
  }

  getGraphData(id: string): string {
    return this.graphText;
  }
  setGraphData(id: string, json: string): void {
    if (json == "bad") this.fail("no curve");
    else this.graphText = json;
  }

  saveState(state: StateWriter): void {
    state.integer(this.number);
    state.string("käse \u{1f600}");
    state.floats(this.list);
    state.float(0.1);
    state.bool(true);
    state.bytes([7, 8]);
  }
  loadState(state: StateReader): void {
    const number = state.integer();
    const text = state.string();
    const list = state.floats();
    const tenth = state.float();
    const yes = state.bool();
    const bytes = state.bytes();
    this.story += `${state.version}:${number}:${text}:${list.length}:${tenth}:${yes}:${bytes[1]}:${state.more}:${state.ok} `;
    if (state.ok) this.number = number + 1;
  }
}
