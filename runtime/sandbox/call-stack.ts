// How deep a module's calls can get. V8's own stack overflow comes at a depth that depends on its compiler,
// so real programs must never reach it: what can't recurse is bounded here, what can is charged by the rewrite.

import type { Code } from "./body.ts";
import { type Limits, within } from "./limits.ts";
import { type FunctionType, type Module, V128 } from "./module.ts";

/**
 * Bytes of stack that a call of this function may take, whatever compiler made its code. A baseline compiler keeps every local
 * and operand on the stack. An optimising one may keep more alive: values that it computed once for several places, or early
 * for a loop, or what an expression is computed from, where it puts that off. But no more than all that
 * the function computes; docs/metering.md has the argument.
 */
export function frameBytes(code: Code): number {
  let locals = 0;
  for (const type of code.locals) locals += type === V128 ? 16 : 8;
  return 160 + locals + 16 * (code.maximumHeight + code.callValues) + code.valueBytes;
}

/** Equal for equal types. */
export const signature = (type: FunctionType): string => `${type.params.join()}:${type.results.join()}`;

/**
 * Which bodies (counted without imports) may be inside themselves. Throws BelljarError module/limit where the
 * calls that can't recurse need more than `limits.stackBytes` already.
 */
export function findRecursion(module: Module, codes: Code[], limits: Limits): boolean[] {
  const offset = module.importedFunctions;
  // What may call what. Calls through tables go by way of a node for each signature: drawn from each caller to each
  // function in a table, 20,000 functions would have hundreds of millions of edges.
  const signatureNodes = new Map<string, number>();
  const nodeOfType = module.types.map((type) => {
    const key = signature(type);
    const node = signatureNodes.get(key) ?? codes.length + signatureNodes.size;
    signatureNodes.set(key, node);
    return node;
  });
  const edgeSets = codes.map(({ callees, indirectTypes }) => {
    const targets = new Set<number>();
    for (const callee of callees) if (callee >= offset) targets.add(callee - offset);
    for (const type of indirectTypes) targets.add(nodeOfType[type] as number);
    return targets;
  });
  for (let i = 0; i < signatureNodes.size; i++) edgeSets.push(new Set());
  for (const { functions } of module.elements) {
    for (const index of functions) {
      if (index < offset) continue;
      const node = nodeOfType[module.functions[index] as number] as number;
      (edgeSets[node] as Set<number>).add(index - offset);
    }
  }
  const edges = edgeSets.map((targets) => [...targets]);

  // Tarjan's strongly connected components, with a stack of its own: a hostile chain of calls is long.
  const order = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const open = new Uint8Array(edges.length);
  const recursive: boolean[] = new Array(edges.length).fill(false);
  const deepest = new Float64Array(edges.length);
  const component: number[] = [];
  let counter = 0;
  for (let root = 0; root < edges.length; root++) {
    if (order[root] !== -1) continue;
    const path: { node: number; next: number }[] = [{ node: root, next: 0 }];
    while (path.length > 0) {
      const top = path[path.length - 1] as { node: number; next: number };
      const { node } = top;
      if (top.next === 0) {
        order[node] = low[node] = counter++;
        component.push(node);
        open[node] = 1;
      }
      const targets = edges[node] as number[];
      const target = targets[top.next++];
      if (target !== undefined) {
        if (order[target] === -1) path.push({ node: target, next: 0 });
        else if (open[target]) low[node] = Math.min(low[node] as number, order[target] as number);
        continue;
      }
      path.pop();
      const parent = path[path.length - 1];
      if (parent) low[parent.node] = Math.min(low[parent.node] as number, low[node] as number);
      if (low[node] !== order[node]) continue;
      const members = component.splice(component.lastIndexOf(node));
      const inside = new Set(members);
      const cyclic = members.length > 1 || targets.includes(node);
      let below = 0;
      for (const member of members) {
        open[member] = 0;
        recursive[member] = cyclic;
        for (const callee of edges[member] as number[]) {
          if (!inside.has(callee)) below = Math.max(below, deepest[callee] as number);
        }
      }
      const own = cyclic || node >= codes.length ? 0 : frameBytes(codes[node] as Code);
      for (const member of members) deepest[member] = own + below;
      within(limits, "stackBytes", own + below, "bytes of stack in its calls");
    }
  }
  return recursive;
}
