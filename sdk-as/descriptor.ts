// The descriptor as MessagePack, with the keys of abi/descriptor.ts.

import { Config } from "./config";
import { declared } from "./declaration";
import { Preset } from "./info";
import { MsgpackWriter } from "./msgpack";
import { Param } from "./param";
import { ControlOut, GraphPort, Port } from "./port";

/** Writes all that the plugin declared. [control] */
export function writeDescriptor(): MsgpackWriter {
  const w = new MsgpackWriter();
  const info = declared.info;
  w.map(12);
  w.string("id");
  w.string(info.id);
  w.string("display_name");
  w.string(info.displayName);
  w.string("category");
  w.string(info.categoryName);
  w.string("doc");
  w.string(info.docText);
  w.string("author");
  w.string(info.authorName);
  w.string("version");
  w.integer(info.versionNumber);
  w.string("ports");
  w.array(declared.ports.length);
  for (let i = 0; i < declared.ports.length; i++) writePort(w, declared.ports[i]);
  w.string("config_params");
  w.array(declared.configs.length);
  for (let i = 0; i < declared.configs.length; i++) writeConfig(w, declared.configs[i]);
  w.string("latency");
  w.integer(info.latencyFrames);
  w.string("tail");
  w.number(info.tailSeconds);
  w.string("port_template");
  if (info.templateGroup.length == 0) {
    w.nil();
  } else {
    w.map(4);
    w.string("group");
    w.string(info.templateGroup);
    w.string("min");
    w.integer(info.templateMin);
    w.string("max");
    w.integer(info.templateMax);
    w.string("config");
    w.string(info.templateConfig);
  }
  w.string("presets");
  w.array(info.presets.length);
  for (let i = 0; i < info.presets.length; i++) writePreset(w, info.presets[i]);
  return w;
}

function writePort(w: MsgpackWriter, port: Port): void {
  w.map(port.type == "control" ? 18 : 6);
  w.string("id");
  w.string(port.id);
  w.string("display_name");
  w.string(port.displayName);
  w.string("doc");
  w.string(port.docText);
  w.string("type");
  w.string(port.type);
  w.string("role");
  w.string(port.role);
  w.string("group");
  w.string(port.groupPath);
  if (port instanceof Param) {
    const p = port as Param;
    writeRange(w, p.hint, p.min, p.max, p.initial, p.stepSize, p.unitText, p.digits);
    writeLook(w, p.choiceNames, "", p.skewExponent, p.smoothMs, p.isBypass);
  } else if (port instanceof ControlOut) {
    const p = port as ControlOut;
    writeRange(w, p.hint, p.min, p.max, p.min <= 0 && p.max >= 0 ? 0 : p.min, 0, p.unitText, p.digits);
    writeLook(w, [], "", 1, 0, false);
  } else if (port instanceof GraphPort) {
    writeRange(w, "graph_editor", 0, 1, 0, 0, "", 2);
    writeLook(w, [], (port as GraphPort).graphType, 1, 0, false);
  }
}

function writeRange(w: MsgpackWriter, hint: string, min: f64, max: f64, initial: f64, step: f64, unit: string, digits: i32): void {
  w.string("hint");
  w.string(hint);
  w.string("min");
  w.number(min);
  w.string("max");
  w.number(max);
  w.string("default");
  w.number(initial);
  w.string("step");
  w.number(step);
  w.string("unit");
  w.string(unit);
  w.string("precision");
  w.integer(digits);
}

function writeLook(w: MsgpackWriter, choices: string[], graphType: string, skew: f64, smoothing: f64, bypass: bool): void {
  w.string("choices");
  writeStrings(w, choices);
  w.string("graph_type");
  w.string(graphType);
  w.string("skew");
  w.number(skew);
  w.string("smoothing");
  w.number(smoothing);
  w.string("bypass");
  w.bool(bypass);
}

function writeConfig(w: MsgpackWriter, config: Config): void {
  w.map(7);
  w.string("id");
  w.string(config.id);
  w.string("display_name");
  w.string(config.displayName);
  w.string("doc");
  w.string(config.docText);
  w.string("type");
  w.string(config.type);
  w.string("default");
  w.string(config.initial);
  w.string("file_filter");
  w.string(config.fileFilter);
  w.string("choices");
  writeStrings(w, config.choiceNames);
}

function writePreset(w: MsgpackWriter, preset: Preset): void {
  w.map(5);
  w.string("name");
  w.string(preset.name);
  w.string("params");
  w.map(preset.paramIds.length);
  for (let i = 0; i < preset.paramIds.length; i++) {
    w.string(preset.paramIds[i]);
    w.number(preset.paramValues[i]);
  }
  w.string("config");
  writePairs(w, preset.configIds, preset.configValues);
  w.string("graph");
  writePairs(w, preset.graphIds, preset.graphTexts);
  w.string("state");
  const state = preset.state;
  if (state === null) w.nil();
  else w.bytes(state);
}

function writeStrings(w: MsgpackWriter, strings: string[]): void {
  w.array(strings.length);
  for (let i = 0; i < strings.length; i++) w.string(strings[i]);
}

function writePairs(w: MsgpackWriter, keys: string[], values: string[]): void {
  w.map(keys.length);
  for (let i = 0; i < keys.length; i++) {
    w.string(keys[i]);
    w.string(values[i]);
  }
}
