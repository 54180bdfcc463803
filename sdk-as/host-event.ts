// A message from the host, and the fields that a plugin asks of it.

import { JsonReader, JsonToken } from "./json-reader";

/**
 * One JSON object from the host: an addressed or broadcast event, a control result, a tick. Valid while onHostEvent
 * runs. Asking for a field reads the text again, and allocates nothing. [audio], between blocks
 *
 *     if (event.topic("player.tick") && event.equals("state", "Playing")) this.position = event.number("position_ms");
 */
export class HostEvent {
  private address: usize = 0;
  private bytes: i32 = 0;
  private json: JsonReader = new JsonReader();

  /** Called by the SDK. */
  open(address: usize, length: i32): void {
    this.address = address;
    this.bytes = length;
  }

  /** Where the UTF-8 text lies. */
  get from(): usize {
    return this.address;
  }

  /** Bytes of the text. */
  get length(): i32 {
    return this.bytes;
  }

  /** A reader at the text's start, for anything deeper than the methods below reach. */
  reader(): JsonReader {
    this.json.open(this.address, this.bytes);
    return this.json;
  }

  /** Whether the field `topic` is `name`. */
  topic(name: string): bool {
    return this.equals("topic", name);
  }

  /** Whether the event belongs to the request that was sent with this id. */
  answers(requestId: string): bool {
    return this.equals("request_id", requestId);
  }

  /** Whether the request succeeded: the field `ok` of a result. */
  get ok(): bool {
    return this.flag("ok");
  }

  /** Whether there is such a field in the object. */
  has(field: string): bool {
    const token = this.find(field);
    return token != JsonToken.End && token != JsonToken.Error;
  }

  /** Whether the field is the string `text`. */
  equals(field: string, text: string): bool {
    return this.find(field) == JsonToken.String && this.json.is(text);
  }

  /** Whether the field is true. */
  flag(field: string): bool {
    return this.find(field) == JsonToken.True;
  }

  /** The field's number, or `otherwise`. */
  number(field: string, otherwise: f64 = 0): f64 {
    return this.find(field) == JsonToken.Number ? this.json.number : otherwise;
  }

  /** The field's string, or "". This one allocates, which is allowed between blocks. */
  string(field: string): string {
    return this.find(field) == JsonToken.String ? this.json.text() : "";
  }

  /** The whole text. This one allocates, which is allowed between blocks. */
  text(): string {
    return String.UTF8.decodeUnsafe(this.address, this.bytes);
  }

  /** Goes to the value of a field of the outermost object; End: there is none. */
  private find(field: string): JsonToken {
    const json = this.reader();
    if (json.next() != JsonToken.ObjectStart) return JsonToken.End;
    while (json.next() == JsonToken.Key) {
      if (json.is(field)) return json.next();
      if (!json.skip()) return JsonToken.Error;
    }
    return JsonToken.End;
  }
}
