// What an import of a .wasm file gives: its bytes, which the bundler puts into the bundle.

declare module "*.wasm" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
