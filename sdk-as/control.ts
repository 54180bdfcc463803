// Control requests: what a plugin may ask of the player and the library. Nothing here allocates.
//
//     const ack = PlayerControl.seekMs(30000).requestId("req-1").send();
//     if (!ack.ok) this.log(ack.error);     // result and finish come by onHostEvent, with the same request_id

import { MESSAGE_MAX_BYTES } from "../abi/layout";
import { hostControl } from "./host";
import { JsonReader, JsonToken } from "./json-reader";
import { JsonWriter } from "./json-writer";

const ACK_BYTES: i32 = 1024;

let lastRequest: i32 = 0;

/** A number that no earlier call returned; give it to `requestNumber`. [any] */
export function nextRequestId(): i32 {
  return ++lastRequest;
}

/** The host's answer at once: accepted or not. There is one, overwritten by the next `send`. [any] */
export class Ack {
  /** Whether the request was accepted. Its result comes later, by onHostEvent. */
  ok: bool = false;
  private length: i32 = 0;

  /** Why it was not accepted, or "". This one allocates. */
  get error(): string {
    return this.find("error") == JsonToken.String ? reader.text() : "";
  }

  /** Reads the answer; called by `send`. */
  take(length: i32): Ack {
    this.length = length;
    this.ok = this.find("ok") == JsonToken.True;
    return this;
  }

  private find(field: string): JsonToken {
    reader.open(ackBuffer(), max(min(this.length, ACK_BYTES), 0));
    if (reader.next() != JsonToken.ObjectStart) return JsonToken.Error;
    while (reader.next() == JsonToken.Key) {
      if (reader.is(field)) return reader.next();
      if (!reader.skip()) return JsonToken.Error;
    }
    return JsonToken.End;
  }
}

/** A request being built. There is one, begun anew by each PlayerControl or LibraryControl function. [any] */
export class ControlRequest {
  /** Begins; for commands that have no function of their own. */
  begin(scope: string, command: string): ControlRequest {
    writer.open(requestBuffer(), MESSAGE_MAX_BYTES);
    writer.object().key("scope").string(scope).key("command").string(command);
    return this;
  }

  /** The host echoes it in the result. */
  requestId(id: string): ControlRequest {
    return this.text("request_id", id);
  }

  /** The same for a number: sent as the string of its digits. */
  requestNumber(id: i32): ControlRequest {
    writer.key("request_id").digits(id);
    return this;
  }

  text(key: string, value: string): ControlRequest {
    writer.key(key).string(value);
    return this;
  }

  integer(key: string, value: i64): ControlRequest {
    writer.key(key).integer(value);
    return this;
  }

  number(key: string, value: f64): ControlRequest {
    writer.key(key).number(value);
    return this;
  }

  flag(key: string, value: bool): ControlRequest {
    writer.key(key).bool(value);
    return this;
  }

  /** A member whose value is JSON text already, such as a TrackRef. */
  json(key: string, value: string): ControlRequest {
    writer.key(key).raw(value);
    return this;
  }

  /** A member that is null. */
  none(key: string): ControlRequest {
    writer.key(key).null();
    return this;
  }

  /** A list of whole numbers. */
  integers(key: string, values: StaticArray<i64>): ControlRequest {
    writer.key(key).array();
    for (let i = 0; i < values.length; i++) writer.integer(values[i]);
    writer.end();
    return this;
  }

  // the optional arguments of list_tracks, search and list_playlist_tracks

  /** Only tracks below this folder. */
  folder(path: string): ControlRequest {
    return this.text("folder", path);
  }

  /** Whether folders below count (true if not said). */
  recursive(value: bool): ControlRequest {
    return this.flag("recursive", value);
  }

  /** Words to look for. */
  query(words: string): ControlRequest {
    return this.text("query", words);
  }

  /** At most so many. */
  limit(count: i64): ControlRequest {
    return this.integer("limit", count);
  }

  /** Without the first so many. */
  offset(count: i64): ControlRequest {
    return this.integer("offset", count);
  }

  /** Where to begin, in milliseconds: of preload_track and preload_track_ref. */
  positionMs(position: i64): ControlRequest {
    return this.integer("position_ms", position);
  }

  /** Which device: of set_output_device. */
  deviceId(id: string): ControlRequest {
    return this.text("device_id", id);
  }

  /** Sends it. Not accepted, too, when it does not fit (65,536 bytes). */
  send(): Ack {
    writer.end();
    if (!writer.ok) return ack.take(0);
    return ack.take(hostControl(writer.address, writer.length, ackBuffer(), ACK_BYTES));
  }
}

const writer: JsonWriter = new JsonWriter();
const reader: JsonReader = new JsonReader();
const request: ControlRequest = new ControlRequest();
const ack: Ack = new Ack();

function requestBuffer(): usize {
  return memory.data(65536);
}

function ackBuffer(): usize {
  return memory.data(1024);
}

function player(command: string): ControlRequest {
  return request.begin("player", command);
}

function library(command: string): ControlRequest {
  return request.begin("library", command);
}

/** Requests of the scope `player`. The host's user grants them, command by command. [any] */
export class PlayerControl {
  static loadTrack(path: string): ControlRequest {
    return player("load_track").text("path", path);
  }
  /** @param track a TrackRef, as JSON text */
  static loadTrackRef(track: string): ControlRequest {
    return player("load_track_ref").json("track", track);
  }
  static play(): ControlRequest {
    return player("play");
  }
  static pause(): ControlRequest {
    return player("pause");
  }
  static stop(): ControlRequest {
    return player("stop");
  }
  static shutdown(): ControlRequest {
    return player("shutdown");
  }
  static refreshDevices(): ControlRequest {
    return player("refresh_devices");
  }
  static seekMs(position: i64): ControlRequest {
    return player("seek_ms").positionMs(position);
  }
  /** @param volume 0 to 1 */
  static setVolume(volume: f64): ControlRequest {
    return player("set_volume").number("volume", volume);
  }
  /** @param mode "Mute" or "MixToFront" */
  static setLfeMode(mode: string): ControlRequest {
    return player("set_lfe_mode").text("mode", mode);
  }
  /** @param backend "Shared" or "WasapiExclusive"; `.deviceId(…)` says which device */
  static setOutputDevice(backend: string): ControlRequest {
    return player("set_output_device").text("backend", backend);
  }
  static setOutputOptions(matchTrackSampleRate: bool, gaplessPlayback: bool, seekTrackFade: bool): ControlRequest {
    return player("set_output_options")
      .flag("match_track_sample_rate", matchTrackSampleRate)
      .flag("gapless_playback", gaplessPlayback)
      .flag("seek_track_fade", seekTrackFade);
  }
  /** @param route an OutputSinkRoute, as JSON text */
  static setOutputSinkRoute(route: string): ControlRequest {
    return player("set_output_sink_route").json("route", route);
  }
  static clearOutputSinkRoute(): ControlRequest {
    return player("clear_output_sink_route");
  }
  /** `.positionMs(…)` says from where; 0 if not said. */
  static preloadTrack(path: string): ControlRequest {
    return player("preload_track").text("path", path);
  }
  /** @param track a TrackRef, as JSON text; `.positionMs(…)` says from where */
  static preloadTrackRef(track: string): ControlRequest {
    return player("preload_track_ref").json("track", track);
  }
}

/** Requests of the scope `library`. The host's user grants them, command by command. [any] */
export class LibraryControl {
  static addRoot(path: string): ControlRequest {
    return library("add_root").text("path", path);
  }
  static removeRoot(path: string): ControlRequest {
    return library("remove_root").text("path", path);
  }
  static deleteFolder(path: string): ControlRequest {
    return library("delete_folder").text("path", path);
  }
  static restoreFolder(path: string): ControlRequest {
    return library("restore_folder").text("path", path);
  }
  static scanAll(): ControlRequest {
    return library("scan_all");
  }
  static scanAllForce(): ControlRequest {
    return library("scan_all_force");
  }
  static listRoots(): ControlRequest {
    return library("list_roots");
  }
  static listFolders(): ControlRequest {
    return library("list_folders");
  }
  static listExcludedFolders(): ControlRequest {
    return library("list_excluded_folders");
  }
  /** Narrow it with `.folder .recursive .query .limit .offset`. */
  static listTracks(): ControlRequest {
    return library("list_tracks");
  }
  /** Narrow it with `.query .limit .offset`. */
  static search(query: string): ControlRequest {
    return library("search").query(query);
  }
  static listPlaylists(): ControlRequest {
    return library("list_playlists");
  }
  static createPlaylist(name: string): ControlRequest {
    return library("create_playlist").text("name", name);
  }
  static renamePlaylist(id: i64, name: string): ControlRequest {
    return library("rename_playlist").integer("id", id).text("name", name);
  }
  static deletePlaylist(id: i64): ControlRequest {
    return library("delete_playlist").integer("id", id);
  }
  /** Narrow it with `.query .limit .offset`. */
  static listPlaylistTracks(playlist: i64): ControlRequest {
    return library("list_playlist_tracks").integer("playlist_id", playlist);
  }
  static addTrackToPlaylist(playlist: i64, track: i64): ControlRequest {
    return library("add_track_to_playlist").integer("playlist_id", playlist).integer("track_id", track);
  }
  static addTracksToPlaylist(playlist: i64, tracks: StaticArray<i64>): ControlRequest {
    return library("add_tracks_to_playlist").integer("playlist_id", playlist).integers("track_ids", tracks);
  }
  static removeTrackFromPlaylist(playlist: i64, track: i64): ControlRequest {
    return library("remove_track_from_playlist").integer("playlist_id", playlist).integer("track_id", track);
  }
  static removeTracksFromPlaylist(playlist: i64, tracks: StaticArray<i64>): ControlRequest {
    return library("remove_tracks_from_playlist").integer("playlist_id", playlist).integers("track_ids", tracks);
  }
  static moveTrackInPlaylist(playlist: i64, track: i64, newIndex: i64): ControlRequest {
    return library("move_track_in_playlist").integer("playlist_id", playlist).integer("track_id", track).integer("new_index", newIndex);
  }
  static listLikedTrackIds(): ControlRequest {
    return library("list_liked_track_ids");
  }
  static setTrackLiked(track: i64, liked: bool): ControlRequest {
    return library("set_track_liked").integer("track_id", track).flag("liked", liked);
  }
  static shutdown(): ControlRequest {
    return library("shutdown");
  }
}
