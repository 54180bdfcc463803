// JSON as a stranger writes it: strict, bounded in depth, objects as Maps, errors with line and column.

import { BelljarError, printable } from "../../abi/error.ts";

/** Objects are Maps, so that no key means anything to JavaScript. */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

const DEEPEST = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/**
 * Parses JSON (RFC 8259); a key that comes twice is an error.
 * @param name what errors call the text; safe to print
 * @param code the errors' code
 */
export function parseJson(text: string, name: string, code: string): Json {
  return new Parser(text, name, code).document();
}

class Parser {
  private readonly text: string;
  private readonly name: string;
  private readonly code: string;
  private at = 0;

  constructor(text: string, name: string, code: string) {
    this.text = text;
    this.name = name;
    this.code = code;
    if (text.startsWith("\ufeff")) this.at = 1;
  }

  document(): Json {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) this.fail("something stands after the end of the value");
    return value;
  }

  private value(depth: number): Json {
    this.space();
    const start = this.text[this.at];
    if (start === "{" || start === "[") {
      if (depth >= DEEPEST) this.fail(`values lie deeper than ${DEEPEST} inside each other`);
      return start === "{" ? this.object(depth) : this.array(depth);
    }
    if (start === '"') return this.string();
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  private object(depth: number): Map<string, Json> {
    const map = new Map<string, Json>();
    this.at++;
    this.space();
    if (this.take("}")) return map;
    for (;;) {
      this.space();
      const start = this.at;
      if (this.text[start] !== '"') this.fail('a key in double quotes, or "}", must stand here');
      const key = this.string();
      if (map.has(key)) this.fail(`the key "${printable(key, 60)}" is there twice`, start);
      this.space();
      if (!this.take(":")) this.fail('":" must stand here');
      map.set(key, this.value(depth + 1));
      this.space();
      if (this.take("}")) return map;
      if (!this.take(",")) this.fail('"," or "}" must stand here');
    }
  }

  private array(depth: number): Json[] {
    const list: Json[] = [];
    this.at++;
    this.space();
    if (this.take("]")) return list;
    for (;;) {
      list.push(this.value(depth + 1));
      this.space();
      if (this.take("]")) return list;
      if (!this.take(",")) this.fail('"," or "]" must stand here');
    }
  }

  private string(): string {
    let result = "";
    this.at++;
    for (;;) {
      PLAIN.lastIndex = this.at;
      const plain = PLAIN.exec(this.text)?.[0] ?? "";
      result += plain;
      this.at += plain.length;
      if (this.take('"')) return result;
      if (this.at >= this.text.length) this.fail("the text ends inside a string");
      if (!this.take("\\")) this.fail("a line break or control character stands inside a string");
      result += this.escape();
    }
  }

  private escape(): string {
    const mark = this.text[this.at] ?? "";
    const plain = ESCAPES.get(mark);
    if (plain !== undefined) {
      this.at++;
      return plain;
    }
    const hex = /^u([0-9a-fA-F]{4})/.exec(this.text.slice(this.at, this.at + 5));
    if (hex === null) this.fail("there is no such escape in a JSON string");
    this.at += 5;
    return String.fromCharCode(Number.parseInt(hex[1] as string, 16));
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const digits = NUMBER.exec(this.text)?.[0];
    if (digits === undefined) {
      this.fail(
        this.at >= this.text.length ? "the text ends where a value must stand" : "a value must stand here",
      );
    }
    const value = Number(digits);
    if (!Number.isFinite(value)) this.fail("the number is too large");
    this.at += digits.length;
    return value;
  }

  private space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.at++;
    }
  }

  private take(mark: string): boolean {
    if (this.text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  private fail(what: string, at = this.at): never {
    const before = this.text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - before.lastIndexOf("\n");
    throw new BelljarError(this.code, `${this.name}, line ${line}, column ${column}: ${what}.`);
  }
}
