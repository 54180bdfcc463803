// Values to try for config parameters.

import type { PluginDescriptor } from "../../abi/descriptor.ts";

/** Pairs of config parameter and a value that its type allows: all choices, both truths, the default and its neighbours. */
export function configValues(descriptor: PluginDescriptor): [id: string, value: string][] {
  const template = descriptor.port_template;
  return descriptor.config_params.flatMap((param): [string, string][] => {
    const all = (values: readonly string[]) => values.map((value): [string, string] => [param.id, value]);
    switch (param.type) {
      case "bool":
        return all(["false", "true"]);
      case "categorical":
        return all(param.choices);
      case "integer":
        if (template?.config === param.id)
          return all([String(template.min), param.default, String(template.max)]);
        return all([param.default]);
      case "filepath":
        return [];
      default:
        return all([param.default]);
    }
  });
}
