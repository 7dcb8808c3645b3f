/** Loads packages of the benchmark's own installation, which may not be there. */

/** A package by its name. Named at run time, so that the project compiles without it. */
export async function load<T>(name: string): Promise<T> {
  const loaded = (await import(name)) as { readonly default: T };
  return loaded.default;
}
