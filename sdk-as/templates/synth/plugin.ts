// My Plugin: a synth of soft, bright tones. Each voice is a sine that bends its own phase.

import { AudioPort, EventPort, Info, Param, Plugin, ProcessState } from "belljar/sdk-as";
import { Adsr } from "belljar/sdk-as/dsp/adsr";
import { noteToHz } from "belljar/sdk-as/dsp/note";
import { Phasor } from "belljar/sdk-as/dsp/phasor";
import { sine } from "belljar/sdk-as/dsp/sine";

const VOICES: i32 = 16;

class Voice {
  channel: i32 = 0;
  key: i32 = -1;
  noteId: i32 = -1;
  born: i32 = 0;
  loudness: f32 = 0;
  phase: Phasor = new Phasor();
  envelope: Adsr = new Adsr();

  /** Whether an event means this note; -1 stands for any. */
  is(channel: i32, key: i32, noteId: i32): bool {
    const named = noteId < 0 || this.noteId < 0 || noteId == this.noteId;
    return named && (channel < 0 || channel == this.channel) && (key < 0 || key == this.key);
  }
}

export default class MyPlugin extends Plugin {
  info: Info = this.plugin("example.my-plugin", "My Plugin").category("Synth").tail(3)
    .doc("Soft, bright tones.");
  notes: EventPort = this.eventsIn("events_in");
  output: AudioPort = this.stereoOut("audio_out");
  bright: Param = this.param("bright", "Brightness").range(0, 1).default(0.4).smooth(20).doc("0: a pure sine");
  attack: Param = this.param("attack").range(1, 2000).default(8).unit("ms").skew(3).group("Envelope");
  release: Param = this.param("release").range(5, 3000).default(250).unit("ms").skew(3).group("Envelope");
  gain: Param = this.param("gain").range(-60, 0).default(-18).unit("dB").asGain().smooth(20);

  private voices: Voice[] = [];
  private births: i32 = 0;

  activate(rate: f64, maxFrames: i32): void {
    while (this.voices.length < VOICES) this.voices.push(new Voice());
    this.reset();
  }

  reset(): void {
    for (let i = 0; i < VOICES; i++) this.voices[i].envelope.reset();
  }

  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    // a silent voice, else the oldest
    let voice = this.voices[0];
    for (let i = 1; i < VOICES; i++) {
      const other = this.voices[i];
      if (voice.envelope.active && (!other.envelope.active || other.born < voice.born)) voice = other;
    }
    if (!voice.envelope.active) voice.phase.reset();
    voice.channel = channel;
    voice.key = key;
    voice.noteId = noteId;
    voice.born = ++this.births;
    voice.loudness = 0.2 + 0.8 * velocity;
    voice.phase.setFrequency(noteToHz(key), this.sampleRate);
    voice.envelope.set(this.attack.value * 0.001, 0.5, 0.6, this.release.value * 0.001, this.sampleRate);
    voice.envelope.noteOn();
  }

  noteOff(channel: i32, key: i32, velocity: f32, noteId: i32): void {
    for (let i = 0; i < VOICES; i++) if (this.voices[i].is(channel, key, noteId)) this.voices[i].envelope.noteOff();
  }

  allNotesOff(channel: i32): void {
    this.noteOff(channel, -1, 0, -1);
  }

  process(frames: i32): void {
    const left = this.output.left;
    const bright = this.bright.samples, gain = this.gain.samples;
    let sounding = false;
    left.fill(0, frames);
    for (let v = 0; v < VOICES; v++) {
      const voice = this.voices[v], phase = voice.phase, envelope = voice.envelope, loudness = voice.loudness;
      if (!envelope.active) continue;
      sounding = true;
      for (let i = 0; i < frames; i++) {
        const at = phase.next();
        left[i] += sine(at + sine(at) * bright[i] * 0.3) * envelope.next() * loudness * gain[i];
      }
    }
    this.output.right.copy(left, frames);
    if (!sounding) this.output.silence(frames);
    this.processState = sounding ? ProcessState.Continue : ProcessState.Sleep;
  }
}
