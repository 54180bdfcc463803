// Reads each message as JSON, and emits it again, written anew.

import { HostEvent, Info, JsonReader, JsonToken, JsonWriter, Plugin, hostEmitEvent, hostEmitText } from "belljar/sdk-as";

export default class Json extends Plugin {
  info: Info = this.plugin("test.json", "JSON");
  reader: JsonReader = new JsonReader();
  writer: JsonWriter = new JsonWriter();

  onHostEvent(event: HostEvent): void {
    const reader = this.reader;
    const writer = this.writer;
    reader.open(event.from, event.length);
    writer.open(memory.data(131072), 131072);
    while (true) {
      const token = reader.next();
      if (token == JsonToken.End) break;
      if (token == JsonToken.Error) {
        hostEmitText("error at " + reader.position.toString());
        return;
      }
      if (token == JsonToken.ObjectStart) writer.object();
      else if (token == JsonToken.ArrayStart) writer.array();
      else if (token == JsonToken.ObjectEnd || token == JsonToken.ArrayEnd) writer.end();
      else if (token == JsonToken.Key) writer.key(reader.text());
      else if (token == JsonToken.String) {
        const text = reader.text();
        if (!reader.is(text)) hostEmitText("a string is not itself");
        writer.string(text);
      } else if (token == JsonToken.Number) writer.number(reader.number);
      else if (token == JsonToken.Null) writer.null();
      else writer.bool(token == JsonToken.True);
    }
    if (writer.ok) hostEmitEvent(writer.address, writer.length);
    else hostEmitText("did not fit");
  }
}
