// The number types that abi/layout.ts shares with AssemblyScript, as TypeScript sees them.
declare type i32 = number;
declare type u32 = number;
