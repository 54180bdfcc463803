// Config parameters: values given before activation, which never flow through the graph.

import { host_read } from "./belljar";
import { titleOf } from "./names";

/** A file that the user granted. Read it inside configureFile: afterwards it may be gone. [control] */
export class HostFile {
  constructor(
    readonly blob: i32,
    /** Its name, without a folder. */
    readonly name: string,
    /** Bytes. */
    readonly size: i32,
  ) {}

  /**
   * Copies bytes of the file into memory. [control]
   * @returns how many, less than `length` at the file's end only; negative: a Status
   */
  read(offset: i32, to: usize, length: i32): i32 {
    let done = 0;
    while (done < length) {
      const n = host_read(this.blob, offset + done, to + <usize>done, length - done);
      if (n < 0) return n;
      if (n == 0) break;
      done += n;
    }
    return done;
  }

  /** The whole file; shorter if it could not be read to its end. [control] */
  readAll(): StaticArray<u8> {
    const bytes = new StaticArray<u8>(this.size);
    const n = max(this.read(0, changetype<usize>(bytes), this.size), 0);
    if (n == this.size) return bytes;
    const start = new StaticArray<u8>(n);
    memory.copy(changetype<usize>(start), changetype<usize>(bytes), n);
    return start;
  }
}

/** One config parameter: `voices: Config = this.config("voices").integer(8)`. Read it in configure and activate. */
export class Config {
  displayName: string;
  docText: string = "";
  type: string = "string";
  initial: string = "";
  fileFilter: string = "";
  choiceNames: string[] = [];
  /** The value as it travels: "12", "0.5", "true", a choice's name, a file's name. [control] */
  value: string = "";
  /** The file that the user chose for a filepath, while configureFile runs. [control] */
  file: HostFile | null = null;

  constructor(
    readonly id: string,
    name: string,
  ) {
    this.displayName = name.length > 0 ? name : titleOf(id);
  }

  private typed(type: string, initial: string): Config {
    this.type = type;
    this.initial = initial;
    this.value = initial;
    return this;
  }

  /** Any text. [control] */
  string(initial: string = ""): Config {
    return this.typed("string", initial);
  }

  /** A file of the user's. @param filter "SF2 Files (*.sf2);;All Files (*)" [control] */
  filepath(filter: string = "All Files (*)"): Config {
    this.fileFilter = filter;
    return this.typed("filepath", "");
  }

  /** A whole number. [control] */
  integer(initial: i32 = 0): Config {
    return this.typed("integer", `${initial}`);
  }

  /** A number. [control] */
  float(initial: f64 = 0): Config {
    const text = `${initial}`;
    return this.typed("float", text.endsWith(".0") ? text.substring(0, text.length - 2) : text);
  }

  /** True or false. [control] */
  bool(initial: bool = false): Config {
    return this.typed("bool", initial ? "true" : "false");
  }

  /** One of several names. If `initial` is not said, the first. [control] */
  categorical(choices: string[], initial: string = ""): Config {
    this.choiceNames = choices;
    return this.typed("categorical", initial.length > 0 ? initial : choices[0]);
  }

  /** What it is for: the tooltip. [control] */
  doc(text: string): Config {
    this.docText = text;
    return this;
  }

  /** An integer's value. [control] */
  get asInteger(): i32 {
    return <i32>parseInt(this.value);
  }

  /** A float's (or integer's) value. [control] */
  get asFloat(): f64 {
    return parseFloat(this.value);
  }

  /** A bool's value. [control] */
  get asBool(): bool {
    return this.value == "true";
  }

  /** A categorical's place among its choices. [control] */
  get choice(): i32 {
    return this.choiceNames.indexOf(this.value);
  }

  /** Why `text` can't be the value, or empty. [control] */
  problem(text: string): string {
    if (this.type == "integer") return isNumber(text, false) ? "" : "'" + this.id + "' needs a whole number";
    if (this.type == "float") return isNumber(text, true) ? "" : "'" + this.id + "' needs a number";
    if (this.type == "bool") return text == "true" || text == "false" ? "" : "'" + this.id + "' needs true or false";
    if (this.type == "categorical" && !this.choiceNames.includes(text))
      return "'" + this.id + "' needs one of: " + this.choiceNames.join(", ");
    return "";
  }
}

/** Whether the text is a decimal number; with `real`, a fraction and an exponent may follow. */
function isNumber(text: string, real: bool): bool {
  let i = 0;
  if (text.length > 0 && (text.charCodeAt(0) == 0x2d || text.charCodeAt(0) == 0x2b)) i++;
  const whole = digitsAt(text, i);
  i += whole;
  if (!real) return whole > 0 && whole < 11 && i == text.length;
  let fraction = 0;
  if (i < text.length && text.charCodeAt(i) == 0x2e) {
    fraction = digitsAt(text, i + 1);
    i += 1 + fraction;
  }
  if (whole + fraction == 0) return false;
  if (i < text.length && (text.charCodeAt(i) | 0x20) == 0x65) {
    i++;
    if (i < text.length && (text.charCodeAt(i) == 0x2d || text.charCodeAt(i) == 0x2b)) i++;
    const exponent = digitsAt(text, i);
    if (exponent == 0) return false;
    i += exponent;
  }
  return i == text.length;
}

function digitsAt(text: string, from: i32): i32 {
  let i = from;
  while (i < text.length && text.charCodeAt(i) >= 0x30 && text.charCodeAt(i) <= 0x39) i++;
  return i - from;
}
