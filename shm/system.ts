// The system's own library, by a name that nothing else can bear: macOS looks for a bare one in the current folder, too.

export const SYSTEM_LIBRARY = process.platform === "darwin" ? "/usr/lib/libSystem.B.dylib" : "libc.so.6";
