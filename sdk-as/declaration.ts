// All that a plugin has declared: its ports, config parameters, and who it is.

import { Config } from "./config";
import { Info } from "./info";
import { AudioPort, EventPort, Port } from "./port";
import { Transport } from "./transport";

/** Filled by the field initialisers of a plugin, read by the SDK. */
export class Declaration {
  /** In order of declaration, which is the descriptor's. */
  ports: Port[] = [];
  configs: Config[] = [];
  info: Info = new Info("", "");
  transport: Transport | null = null;
  /** The reason given to `fail`, or empty. */
  failure: string = "";

  add(port: Port): void {
    port.portIndex = this.ports.length;
    this.ports.push(port);
  }

  remove(port: Port): void {
    const at = this.ports.indexOf(port);
    if (at >= 0) this.ports.splice(at, 1);
    for (let i = 0; i < this.ports.length; i++) this.ports[i].portIndex = i;
  }

  audio(id: string, name: string, role: string, channels: i32): AudioPort {
    const port = new AudioPort(id, name, role, channels);
    this.add(port);
    return port;
  }

  events(id: string, name: string, role: string): EventPort {
    const port = new EventPort(id, name, role);
    this.add(port);
    return port;
  }
}

/**
 * The declaration of this module's one plugin. Not a field of Plugin: with a constructor of its own, AssemblyScript
 * runs a class's field initialisers before its base class's.
 */
export const declared: Declaration = new Declaration();
