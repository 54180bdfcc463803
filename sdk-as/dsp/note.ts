// MIDI notes and frequencies in twelve-tone equal temperament: note 69 is a', 440 Hz (ISO 16); a semitone is 2^(1/12).

/** Hz of a MIDI note; parts of a semitone and any tuning of a' are allowed. Relative error below 1e-14. For control rate. */
export function noteToHz(note: f64, a4: f64 = 440): f64 {
  return a4 * Math.pow(2, (note - 69) / 12);
}

/** MIDI note, with its fraction, of a frequency in Hz greater than 0. */
export function hzToNote(hz: f64, a4: f64 = 440): f64 {
  return 69 + 12 * Math.log2(hz / a4);
}
