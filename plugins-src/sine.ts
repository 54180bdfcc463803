// A sine for each note. Nothing clicks: a voice that is played again goes on from where its envelope is.

import { AudioPort, EventPort, Info, Param, Plugin, ProcessState, Samples } from "belljar/sdk-as";
import { Adsr, AdsrStage } from "belljar/sdk-as/dsp/adsr";
import { multiply } from "belljar/sdk-as/dsp/block";
import { noteToHz } from "belljar/sdk-as/dsp/note";
import { Phasor } from "belljar/sdk-as/dsp/phasor";
import { sine, sine4 } from "belljar/sdk-as/dsp/sine";
import { LinearSmoother } from "belljar/sdk-as/dsp/smoother";

const VOICES: i32 = 32;
const CHANNELS: i32 = 16;
const BEND_SEMITONES: f64 = 2;
const SUSTAIN_PEDAL: i32 = 64;
/** Seconds. */
const RELEASE: f64 = 0.3;
const CHOKE: f64 = 0.005;

class Voice {
  channel: i32 = 0;
  key: i32 = 0;
  noteId: i32 = -1;
  /** Whether the key is down, and whether the pedal keeps a note whose key is up. */
  held: bool = false;
  pedalled: bool = false;
  /** Whether its envelope is set to the short release. */
  choked: bool = false;
  /** Whether its frequency is to be set before it sounds on. */
  bent: bool = false;
  /** When it began: the larger, the later. */
  born: u32 = 0;
  envelope: Adsr = new Adsr();
  loudness: LinearSmoother = new LinearSmoother();
  phasor: Phasor = new Phasor();

  is(channel: i32, key: i32, noteId: i32): bool {
    const named = noteId < 0 || this.noteId < 0 || noteId == this.noteId;
    return named && (channel < 0 || channel == this.channel) && (key < 0 || key == this.key);
  }

  /** Sets the envelope's times, where they are others now: that takes long. */
  choke(choked: bool, rate: f64): void {
    if (this.choked == choked) return;
    this.choked = choked;
    this.setTimes(rate);
  }

  setTimes(rate: f64): void {
    this.envelope.set(0.005, 0.3, 0.7, this.choked ? CHOKE : RELEASE, rate);
  }

  end(): void {
    this.held = false;
    this.pedalled = false;
    this.envelope.noteOff();
  }

  next(): f32 {
    return this.envelope.next() * this.loudness.next();
  }

  /** Adds its sound, four frames at a time. */
  addTo(out: Samples, frames: i32): void {
    const phasor = this.phasor;
    const steady = this.envelope.stage == AdsrStage.Sustain && this.loudness.settled;
    let levels = f32x4.splat(this.envelope.value * this.loudness.value);
    let i = 0;
    for (; i + 4 <= frames; i += 4) {
      if (!steady) levels = f32x4(this.next(), this.next(), this.next(), this.next());
      const at = out.address(i);
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(sine4(phasor.next4()), levels)));
    }
    for (; i < frames; i++) out[i] += sine(phasor.next()) * this.next();
  }

  /** Whether it can rather be taken for a new note than `other`: it is free, else let go, else older. */
  before(other: Voice): bool {
    if (this.envelope.active != other.envelope.active) return !this.envelope.active;
    if (this.held != other.held) return !this.held;
    return this.born < other.born;
  }
}

export default class Sine extends Plugin {
  info: Info = this.plugin("builtin.sine", "Sine Synth").category("Synth").author("Belljar").tail(RELEASE)
    .doc("Simple sine wave synthesizer for testing.");
  output: AudioPort = this.stereoOut("audio_out").doc("Stereo audio output");
  gain: Param = this.param("gain").range(0, 1).default(0.15).smooth(10).doc("Output volume");
  notes: EventPort = this.eventsIn("events_in").doc("Notes to play");

  private voices: Voice[] = [];
  private bends: StaticArray<f64> = new StaticArray<f64>(CHANNELS);
  private pedals: StaticArray<bool> = new StaticArray<bool>(CHANNELS);
  private births: u32 = 0;

  activate(rate: f64, maxFrames: i32): void {
    while (this.voices.length < VOICES) this.voices.push(new Voice());
    for (let i = 0; i < VOICES; i++) {
      const voice = this.voices[i];
      voice.loudness.setTime(5, rate);
      voice.setTimes(rate);
    }
    this.reset();
  }

  reset(): void {
    for (let i = 0; i < VOICES; i++) {
      this.voices[i].end();
      this.voices[i].envelope.reset();
    }
    this.bends.fill(0);
    this.pedals.fill(false);
  }

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    let voice = this.voices[0];
    for (let i = 1; i < VOICES; i++) if (this.voices[i].before(voice)) voice = this.voices[i];
    const loudness: f32 = 0.1 + 0.9 * velocity;
    if (voice.envelope.active) {
      voice.loudness.setTarget(loudness);
    } else {
      voice.loudness.reset(loudness);
      voice.phasor.reset();
    }
    voice.channel = channel;
    voice.key = key;
    voice.noteId = noteId;
    voice.held = true;
    voice.pedalled = false;
    voice.born = ++this.births;
    voice.choke(false, this.sampleRate);
    voice.envelope.noteOn();
    voice.bent = true;
  }

  noteOff(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    for (let i = 0; i < VOICES; i++) {
      const voice = this.voices[i];
      if (!voice.held || !voice.is(channel, key, noteId)) continue;
      voice.held = false;
      if (this.pedals[voice.channel]) voice.pedalled = true;
      else voice.end();
    }
  }

  choke(channel: i32, key: i32, noteId: i32): void {
    for (let i = 0; i < VOICES; i++) {
      const voice = this.voices[i];
      if (!voice.envelope.active || !voice.is(channel, key, noteId)) continue;
      voice.choke(true, this.sampleRate);
      voice.end();
    }
  }

  allNotesOff(channel: i32): void {
    for (let i = 0; i < VOICES; i++) {
      const voice = this.voices[i];
      if ((voice.held || voice.pedalled) && voice.is(channel, -1, -1)) voice.end();
    }
  }

  pitchBend(channel: i32, value: f32): void {
    for (let i = 0; i < CHANNELS; i++) if (channel < 0 || channel == i) this.bends[i] = value * BEND_SEMITONES;
    for (let i = 0; i < VOICES; i++) if (this.voices[i].is(channel, -1, -1)) this.voices[i].bent = true;
  }

  controlChange(channel: i32, controller: i32, value: f32): void {
    if (controller != SUSTAIN_PEDAL || channel < 0) return;
    this.pedals[channel] = value >= 0.5;
    if (this.pedals[channel]) return;
    for (let i = 0; i < VOICES; i++) {
      const voice = this.voices[i];
      if (voice.pedalled && voice.channel == channel) voice.end();
    }
  }

  process(frames: i32): void {
    const left = this.output.left;
    let sounding = false;
    left.fill(0, frames);
    for (let v = 0; v < VOICES; v++) {
      const voice = this.voices[v];
      if (!voice.envelope.active) continue;
      sounding = true;
      if (voice.bent) this.tune(voice);
      voice.addTo(left, frames);
    }
    multiply(left, left, this.gain.samples, frames);
    this.output.right.copy(left, frames);
    if (!sounding) this.output.silence(frames);
    this.processState = sounding ? ProcessState.Continue : ProcessState.Sleep;
  }

  private tune(voice: Voice): void {
    voice.bent = false;
    voice.phasor.setFrequency(noteToHz(<f64>voice.key + this.bends[voice.channel]), this.sampleRate);
  }
}
