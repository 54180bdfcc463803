// A sine for each note, with an envelope that never clicks: a voice that is played again goes on from where it is.

import { AudioPort, EventPort, Info, Param, Plugin, ProcessState } from "belljar/sdk-as";
import { sine } from "belljar/sdk-as/dsp/sine";

const VOICES: i32 = 32;
const CHANNELS: i32 = 16;
const BEND_SEMITONES: f32 = 2;
const SUSTAIN_PEDAL: i32 = 64;
/** Envelope levels below -96 dB are silence. */
const SILENCE: f32 = 1.6e-5;

class Voice {
  channel: i32 = 0;
  key: i32 = 0;
  noteId: i32 = -1;
  /** Whether the key is down, and whether the pedal keeps a note whose key is up. */
  held: bool = false;
  pedalled: bool = false;
  /** When it began: the larger, the later. */
  born: u32 = 0;
  phase: f64 = 0;
  level: f32 = 0;
  /** What the level moves towards, and by which part of the distance in each frame. */
  target: f32 = 0;
  speed: f32 = 0;
  /** Where the attack turns into the decay; 0: it has. */
  peak: f32 = 0;

  is(channel: i32, key: i32, noteId: i32): bool {
    return (channel < 0 || channel == this.channel) && (key < 0 || key == this.key) && (noteId < 0 || this.noteId < 0 || noteId == this.noteId);
  }
}

export default class Sine extends Plugin {
  info: Info = this.plugin("builtin.sine", "Sine Synth").category("Synth").author("Belljar").doc("Simple sine wave synthesizer for testing.").tail(0.7);
  output: AudioPort = this.stereoOut("audio_out").doc("Stereo audio output");
  gain: Param = this.param("gain").range(0, 1).default(0.15).smooth(10).doc("Output volume");
  notes: EventPort = this.eventsIn("events_in").doc("Notes to play");

  private voices: StaticArray<Voice> = new StaticArray<Voice>(VOICES);
  private bends: StaticArray<f32> = new StaticArray<f32>(CHANNELS);
  private pedals: StaticArray<bool> = new StaticArray<bool>(CHANNELS);
  private births: u32 = 0;

  activate(rate: f64, maxFrames: i32): void {
    for (let i = 0; i < VOICES; i++) this.voices[i] = new Voice();
    this.reset();
  }

  reset(): void {
    for (let i = 0; i < VOICES; i++) this.voices[i].level = 0;
    this.bends.fill(0);
    this.pedals.fill(false);
  }

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    let voice = this.voices[0];
    for (let i = 0; i < VOICES; i++) {
      const other = this.voices[i];
      if (other.level > 0 && other.channel == channel && other.key == key && other.noteId == noteId) {
        voice = other;
        break;
      }
      if (this.fitter(other, voice)) voice = other;
    }
    if (voice.level == 0) voice.phase = 0;
    voice.channel = channel;
    voice.key = key;
    voice.noteId = noteId;
    voice.held = true;
    voice.pedalled = false;
    voice.born = ++this.births;
    voice.level = max(voice.level, SILENCE);
    // towards more than the peak, so that the attack ends
    voice.peak = 0.1 + 0.9 * velocity;
    this.move(voice, voice.peak * 1.3, 4);
  }

  noteOff(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    for (let i = 0; i < VOICES; i++) {
      const voice = this.voices[i];
      if (!voice.held || !voice.is(channel, key, noteId)) continue;
      if (this.pedals[voice.channel]) voice.pedalled = true;
      else this.release(voice, 60);
    }
  }

  choke(channel: i32, key: i32, noteId: i32): void {
    for (let i = 0; i < VOICES; i++) if (this.voices[i].is(channel, key, noteId)) this.release(this.voices[i], 1);
  }

  allNotesOff(channel: i32): void {
    for (let i = 0; i < VOICES; i++) if (channel < 0 || this.voices[i].channel == channel) this.release(this.voices[i], 60);
  }

  pitchBend(channel: i32, value: f32): void {
    for (let i = 0; i < CHANNELS; i++) if (channel < 0 || channel == i) this.bends[i] = value * BEND_SEMITONES;
  }

  controlChange(channel: i32, controller: i32, value: f32): void {
    if (controller != SUSTAIN_PEDAL || channel < 0) return;
    this.pedals[channel] = value >= 0.5;
    if (this.pedals[channel]) return;
    for (let i = 0; i < VOICES; i++) {
      const voice = this.voices[i];
      if (voice.pedalled && voice.channel == channel) this.release(voice, 60);
    }
  }

  process(frames: i32): void {
    const left = this.output.left, gain = this.gain.samples;
    let sounding = false;
    left.fill(0, frames);
    for (let i = 0; i < VOICES; i++) {
      if (this.voices[i].level == 0) continue;
      this.play(this.voices[i], frames);
      sounding = true;
    }
    for (let i = 0; i < frames; i++) left[i] *= gain[i];
    this.output.right.copy(left, frames);
    if (!sounding) this.output.silence(frames);
    this.processState = sounding ? ProcessState.Continue : ProcessState.Sleep;
  }

  private play(voice: Voice, frames: i32): void {
    const left = this.output.left;
    const step = (440 * Math.pow(2, (<f64>(<f32>(voice.key - 69) + this.bends[voice.channel])) / 12)) / this.sampleRate;
    let phase = voice.phase, level = voice.level;
    for (let i = 0; i < frames; i++) {
      left[i] += sine(<f32>phase) * level;
      phase += step;
      level += (voice.target - level) * voice.speed;
      if (voice.peak > 0 && level >= voice.peak) {
        this.move(voice, voice.peak * 0.7, 120);
        voice.peak = 0;
      }
    }
    voice.phase = phase - Math.floor(phase);
    voice.level = !voice.held && level < SILENCE ? 0 : level;
  }

  /** Lets the level approach `target`, by 63 % in `ms` milliseconds. */
  private move(voice: Voice, target: f32, ms: f64): void {
    voice.target = target;
    voice.speed = <f32>(1 - Math.exp(-1000 / (ms * this.sampleRate)));
  }

  private release(voice: Voice, ms: f64): void {
    voice.held = false;
    voice.pedalled = false;
    voice.peak = 0;
    this.move(voice, 0, ms);
  }

  /** Whether `a` can rather be taken for a new note than `b`: it is silent, else released, else older. */
  private fitter(a: Voice, b: Voice): bool {
    if (a.level == 0 || b.level == 0) return b.level > 0;
    if (a.held != b.held) return !a.held;
    return a.held ? a.born < b.born : a.level < b.level;
  }
}
