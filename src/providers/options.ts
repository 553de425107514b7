import { OPTION_NAMES, type OptionName, type ProviderData } from './provider-data.ts';

export type Options = Readonly<Partial<Record<OptionName, string>>>;

interface Settings {
  readonly name: string;
  readonly data: ProviderData;
  readonly baseUrl?: string | undefined;
  readonly options?: Options | undefined;
}

/** Labels of a host name and segments of a path: nothing that could end either. */
const VALUE = /^[a-z0-9](?:[a-z0-9._:-]{0,126}[a-z0-9])?$/i;

/** The options of this kind, checked. Throws a RangeError that names the one that is missing or means nothing. */
export function optionsOf({ name, data, baseUrl, options = {} }: Settings): Options {
  const known = data.options ?? {};
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!(option in known)) throw new RangeError(`provider ${name}: ${data.title} takes no \`${option}\``);
    if (!VALUE.test(value)) throw new RangeError(`provider ${name}: \`${option}\` is not a name`);
  }
  for (const option of Object.keys(known) as OptionName[]) {
    if (options[option] !== undefined || !isNeeded(data, option, baseUrl)) continue;
    const { example, variables } = known[option]!;
    const else_ = variables.length > 0 ? ` or the environment variable ${variables.join(' or ')}` : '';
    throw new RangeError(`provider ${name}: set \`${option}\`${else_}, for example ${example}`);
  }
  return options;
}

/** An option that only makes the address is not needed beside an address of the operator's own. */
function isNeeded(data: ProviderData, option: OptionName, baseUrl: string | undefined): boolean {
  const inPath = [data.paths, data.streamPaths ?? {}].some((paths) =>
    Object.values(paths).some((path) => path.includes(`{${option}}`)),
  );
  return inPath || baseUrl === undefined || (option === 'region' && data.auth.chain?.platform === 'aws');
}

/** The address with its options filled in; null: the kind has none. */
export function templateOf({ baseUrl, baseUrlAt }: ProviderData, options: Options): string | null {
  const value = baseUrlAt && options[baseUrlAt.option];
  const other = value === undefined ? undefined : baseUrlAt!.urls[value];
  return other ?? (baseUrl && fill(baseUrl, options));
}

/** The data file with the options filled into its paths; `{model}` is filled by each call. */
export function filled(data: ProviderData, options: Options): ProviderData {
  if (!data.options) return data;
  const fillAll = <T extends object>(paths: T): T =>
    Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, fill(path as string, options)])) as T;
  return { ...data, paths: fillAll(data.paths), ...(data.streamPaths && { streamPaths: fillAll(data.streamPaths) }) };
}

const OPTION = new RegExp(`\\{(${OPTION_NAMES.join('|')})\\}`, 'g');
const fill = (text: string, options: Options): string =>
  text.replace(OPTION, (whole, name: OptionName) => {
    const value = options[name];
    return value === undefined ? whole : encodeURIComponent(value);
  });
